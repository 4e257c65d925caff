/* JSON lines on stderr: built in memory and handed over in one write, each or several at once. */
#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"

#define US_PER_S INT64_C(1000000)
#define US_PER_MS INT64_C(1000)
#define SECOND_BYTES (sizeof("\"2026-01-31T23:59:59") - 1)
#define LOG_LINE_BYTES 512 /* first room for a line; most fit */
/* Longest string value: a pipe mixes the writes of several threads only if they are longer than PIPE_BUF
 * (4096). */
#define LOG_STRING_BYTES_MAX 2048

static _Atomic int least_level = LOG_INFO;

static _Thread_local struct {
    bool is_on;
    struct buf lines;
} gathered;

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&least_level, (int)level, memory_order_relaxed);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load_explicit(&least_level, memory_order_relaxed);
}

int log_level_parse(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(level_names); i++)
        if (strcmp(level_names[i], name) == 0)
            return (int)i;
    return -1;
}

const char *log_level_name(enum log_level level)
{
    return (size_t)level < COUNT_OF(level_names) ? level_names[level] : "?";
}

static void write_string(struct buf *line, const char *text)
{
    if (text == NULL) {
        buf_append_str(line, "null");
        return;
    }
    json_write_string(line, text, strnlen(text, LOG_STRING_BYTES_MAX));
}

static void write_part(struct buf *line, char before, int value, int digits)
{
    buf_append_char(line, before);
    buf_append_digits(line, (uint64_t)value, digits);
}

static void write_second(struct buf *line, time_t second)
{
    struct tm utc;
    gmtime_r(&second, &utc);
    write_part(line, '"', utc.tm_year + 1900, 4);
    write_part(line, '-', utc.tm_mon + 1, 2);
    write_part(line, '-', utc.tm_mday, 2);
    write_part(line, 'T', utc.tm_hour, 2);
    write_part(line, ':', utc.tm_min, 2);
    write_part(line, ':', utc.tm_sec, 2);
}

/* 2026-01-31T23:59:59.123Z; a second is written once for all lines of it. */
static void write_time(struct buf *line, int64_t us)
{
    static _Thread_local struct {
        time_t second;
        char text[SECOND_BYTES];
    } latest = {.second = -1};
    time_t second = (time_t)(us / US_PER_S);
    if (latest.second == second) {
        buf_append(line, latest.text, SECOND_BYTES);
    } else {
        size_t start = line->len;
        write_second(line, second);
        if (line->len == start + SECOND_BYTES) {
            memcpy(latest.text, line->data + start, SECOND_BYTES);
            latest.second = second;
        }
    }
    write_part(line, '.', (int)(us % US_PER_S / US_PER_MS), 3);
    buf_append_str(line, "Z\"");
}

static void write_name(struct buf *line, const struct log_field *field)
{
    if (field->name_len > 0) {
        buf_append(line, field->name, field->name_len);
        return;
    }
    buf_append_char(line, ',');
    json_write_string(line, field->name, strlen(field->name));
    buf_append_char(line, ':');
}

static void write_field(struct buf *line, const struct log_field *field)
{
    write_name(line, field);
    switch (field->kind) {
    case LOG_FIELD_STR:
        write_string(line, field->as.str);
        break;
    case LOG_FIELD_INT:
        json_write_integer(line, field->as.integer);
        break;
    case LOG_FIELD_DOUBLE:
        json_write_double(line, field->as.number);
        break;
    case LOG_FIELD_BOOL:
        buf_append_str(line, field->as.integer != 0 ? "true" : "false");
        break;
    case LOG_FIELD_RAW:
        buf_append_str(line, field->as.str != NULL ? field->as.str : "null");
        break;
    }
}

/* A log nobody reads must not stop the server: only an interrupted write is repeated. */
static void hand_over(const char *lines, size_t len)
{
    ssize_t written;
    do {
        written = write(STDERR_FILENO, lines, len);
    } while (written < 0 && errno == EINTR);
}

static void build(struct buf *line, enum log_level level, const char *msg, const struct log_field *fields,
                  size_t count)
{
    buf_reserve(line, LOG_LINE_BYTES);
    buf_append_str(line, "{\"ts\":");
    write_time(line, wall_us());
    buf_append_str(line, ",\"level\":\"");
    buf_append_str(line, log_level_name(level));
    buf_append_str(line, "\",\"msg\":");
    write_string(line, msg);
    for (size_t i = 0; i < count; i++)
        write_field(line, &fields[i]);
    buf_append_str(line, "}\n");
}

/* The line from start on has come to those gathered before. */
static void gathered_one(enum log_level level, size_t start)
{
    struct buf *lines = &gathered.lines;
    if (lines->len > PIPE_BUF && start > 0) {
        hand_over(lines->data, start);
        memmove(lines->data, lines->data + start, lines->len - start);
        lines->len -= start;
    }
    if (lines->len > PIPE_BUF || level >= LOG_WARN)
        log_flush();
}

void log_write(enum log_level level, const char *msg, const struct log_field *fields, size_t count)
{
    if (level < log_get_level() || level >= LOG_OFF)
        return;
    int saved_errno = errno;
    if (gathered.is_on) {
        size_t start = gathered.lines.len;
        build(&gathered.lines, level, msg, fields, count);
        gathered_one(level, start);
    } else {
        struct buf line = BUF_INIT;
        build(&line, level, msg, fields, count);
        hand_over(line.data, line.len);
        buf_release(&line);
    }
    errno = saved_errno;
}

void log_gather(void)
{
    gathered.is_on = true;
}

void log_flush(void)
{
    if (gathered.lines.len == 0)
        return;
    hand_over(gathered.lines.data, gathered.lines.len);
    buf_clear(&gathered.lines);
}

void log_gather_end(void)
{
    log_flush();
    buf_release(&gathered.lines);
    gathered.is_on = false;
}

void log_err(enum log_level level, const char *msg, const struct err *e)
{
    struct log_field fields[] = {
        LOG_S("code", err_code_name(e->code)),
        LOG_S("error", e->text),
        LOG_S("sqlstate", e->sqlstate),
        LOG_S("constraint", e->constraint),
    };
    /* The last two mean something for ERR_DB alone. */
    log_write(level, msg, fields, e->code == ERR_DB ? 4 : 2);
}
