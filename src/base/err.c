/* Filling of struct err: one line of text, cut to fit, never a broken character at its end. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* A cut may have split the last character: take its rest away. Bytes that were never UTF-8 are left alone. */
static void trim_split_character(char *text, size_t len)
{
    size_t back = 0;
    while (back < 3 && back < len && ((unsigned char)text[len - 1 - back] & 0xC0) == 0x80)
        back++;
    if (back == len)
        return;
    size_t start = len - 1 - back;
    bool is_lead = (unsigned char)text[start] >= 0xC2;
    if (is_lead && utf8_sequence(text + start, len - start) == 0)
        text[start] = '\0';
}

static void keep_one_line(char *text)
{
    for (char *c = text; *c != '\0'; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
}

/* Text goes through a copy because an argument may be e->text itself. */
static void store_text(struct err *e, const char *text)
{
    size_t len = strnlen(text, sizeof(e->text) - 1);
    bool is_cut = text[len] != '\0';
    memcpy(e->text, text, len);
    e->text[len] = '\0';
    if (is_cut)
        trim_split_character(e->text, len);
    keep_one_line(e->text);
}

#undef err_set
int err_set(struct err *e, enum err_code code, const char *format, ...)
{
    if (e == NULL)
        return -1;
    char text[sizeof(e->text) + 1];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    *e = (struct err){.code = code};
    store_text(e, text);
    return -1;
}

#undef err_prefix
int err_prefix(struct err *e, const char *format, ...)
{
    if (e == NULL)
        return -1;
    char prefix[sizeof(e->text)];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof(prefix), format, args);
    va_end(args);
    char text[2 * sizeof(e->text) + 2];
    snprintf(text, sizeof(text), "%s: %s", prefix, e->text);
    store_text(e, text);
    return -1;
}

const char *err_code_name(enum err_code code)
{
    switch (code) {
    case ERR_NONE:
        return "none";
    case ERR_INVALID:
        return "invalid";
    case ERR_LIMIT:
        return "limit";
    case ERR_TIMEOUT:
        return "timeout";
    case ERR_BUSY:
        return "busy";
    case ERR_UNAVAILABLE:
        return "unavailable";
    case ERR_DB:
        return "db";
    case ERR_UNKNOWN:
        return "unknown";
    case ERR_CANCELLED:
        return "cancelled";
    case ERR_SCRIPT:
        return "script";
    case ERR_IO:
        return "io";
    case ERR_INTERNAL:
        return "internal";
    }
    return "internal";
}
