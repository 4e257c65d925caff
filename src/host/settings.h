/* The table of every setting: key, type, bounds, default, marks. config.c merges the sources, this file knows
 * the values.
 *
 * Pure functions on a struct config that is still being filled; any thread. Never raises a Lua error.
 */
#ifndef HOST_SETTINGS_H
#define HOST_SETTINGS_H

#include "host/config.h"

#define SETTING_TEXT_BYTES_MAX 2000
#define SETTING_LIST_ITEMS_MAX 100

enum setting_kind { SETTING_TEXT, SETTING_FLAG, SETTING_NUMBER, SETTING_LIST };

enum {
    SETTING_RESTART = 1, /* read at start only */
    SETTING_SECRET = 2,  /* shown as *** and never given to Lua */
    SETTING_NO_FILE = 4, /* not allowed in config.lua: only environment and flags */
};

struct setting {
    const char *key; /* "http.body_bytes_max" */
    enum setting_kind kind;
    size_t offset;      /* of the field in struct config */
    int64_t min, max;   /* of a number; of the length of a text */
    const char *preset; /* the default, as text */
    unsigned marks;
    const char *alias; /* a second name in the environment, or NULL */
    /* What a text (or each item of a list) must look like; NULL: anything. */
    int (*check)(const char *text, struct err *err);
};

extern const struct setting settings[];
extern const size_t settings_count;

const struct setting *setting_find(const char *key); /* NULL if there is none */
/* "LEXICRAFT_HTTP_BODY_BYTES_MAX" */
void setting_env_name(const struct setting *s, struct buf *out);

/* Each replaces the value; err->text is the reason without the key: "must be 1 to 100". */
int setting_set_text(const struct setting *s, struct config *c, const char *text, struct err *err) MUSTCHECK;
int setting_set_number(const struct setting *s, struct config *c, int64_t number, struct err *err) MUSTCHECK;
int setting_set_flag(const struct setting *s, struct config *c, bool flag, struct err *err) MUSTCHECK;
/* items is NULL-terminated and copied. */
int setting_set_list(const struct setting *s, struct config *c, char *const *items,
                     struct err *err) MUSTCHECK;
/* From the environment or a flag: numbers in decimal, true or false, lists separated by commas. */
int setting_parse(const struct setting *s, struct config *c, const char *text, struct err *err) MUSTCHECK;
/* Append the value as setting_parse would read it. */
void setting_format(const struct setting *s, const struct config *c, struct buf *out);

char **setting_text_field(const struct setting *s, struct config *c);
char ***setting_list_field(const struct setting *s, struct config *c);
int64_t setting_number(const struct setting *s, const struct config *c);
bool setting_flag(const struct setting *s, const struct config *c);
/* Free what the fields own, overwriting secrets first. */
void settings_release(struct config *c);

#endif
