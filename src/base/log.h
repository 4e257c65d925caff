/* One JSON line per event on stderr: {"ts":…,"level":…,"msg":…,fields…}. One write(2) per line, or for
 * several lines of a thread that gathers them, so lines of different threads never mix. Callers must pass no
 * names, answers, e-mail addresses or tokens. Any thread. Never raises a Lua error. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

struct log_field {
    const char *name;
    size_t name_len; /* of a name with all that stands around it in the line; 0: it is bare, and may hold
                        anything */
    enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_DOUBLE, LOG_FIELD_BOOL, LOG_FIELD_RAW } kind;
    union {
        const char *str; /* NULL is written as null; RAW is a finished JSON value */
        int64_t integer;
        double number;
    } as;
};

/* field is a literal, and plain. For any other name: an empty one, and then set the member. */
#define LOG_FIELD(field, ...)                                                                                \
    ((struct log_field){.name = ",\"" field "\":",                                                           \
                        .name_len = sizeof(field) > 1 ? sizeof(",\"" field "\":") - 1 : 0,                   \
                        __VA_ARGS__})
#define LOG_S(field, value) LOG_FIELD(field, .kind = LOG_FIELD_STR, .as.str = (value))
#define LOG_I(field, value) LOG_FIELD(field, .kind = LOG_FIELD_INT, .as.integer = (int64_t)(value))
#define LOG_D(field, value) LOG_FIELD(field, .kind = LOG_FIELD_DOUBLE, .as.number = (value))
#define LOG_B(field, value) LOG_FIELD(field, .kind = LOG_FIELD_BOOL, .as.integer = (value))
#define LOG_RAW(field, value) LOG_FIELD(field, .kind = LOG_FIELD_RAW, .as.str = (value))

/* Least level written; atomic, changed live by a reload. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* "debug", "info", "warn", "error", "off" → level; -1 if it is none of them. */
int log_level_parse(const char *name);
const char *log_level_name(enum log_level level);

void log_write(enum log_level level, const char *msg, const struct log_field *fields, size_t count);
#define log_event(level, msg, ...)                                                                           \
    log_write((level), (msg), (const struct log_field[]){__VA_ARGS__},                                       \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
/* From now on the lines of this thread are gathered, until it flushes them, they fill what a pipe takes in
 * one piece, or one is of level warn or above. A crash loses what has not been flushed. */
void log_gather(void);
void log_flush(void);
/* Flush, and end that. */
void log_gather_end(void);
/* A line with an err's code and text. */
void log_err(enum log_level level, const char *msg, const struct err *e);

#endif
