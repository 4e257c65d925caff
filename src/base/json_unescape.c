/* What the escapes of a JSON string stand for. */
#include <string.h>

#include "base/json_check.h"

static char *put_code_point(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (char)(0xC0 | (code >> 6));
    } else if (code < 0x10000) {
        *to++ = (char)(0xE0 | (code >> 12));
        *to++ = (char)(0x80 | ((code >> 6) & 0x3F));
    } else {
        *to++ = (char)(0xF0 | (code >> 18));
        *to++ = (char)(0x80 | ((code >> 12) & 0x3F));
        *to++ = (char)(0x80 | ((code >> 6) & 0x3F));
    }
    *to++ = (char)(0x80 | (code & 0x3F));
    return to;
}

static unsigned hex4(const char *digits)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned digit = (unsigned char)digits[i];
        value = value << 4 | (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    return value;
}

/* text is behind "\u"; returns what follows. */
static const char *unescape_unicode(const char *text, char **to)
{
    unsigned code = hex4(text);
    text += 4;
    if (code >= 0xD800 && code <= 0xDBFF) {
        code = 0x10000 + ((code - 0xD800) << 10) + (hex4(text + 2) - 0xDC00);
        text += 6;
    }
    *to = put_code_point(*to, code);
    return text;
}

/* text is behind a backslash; returns what follows. */
static const char *unescape_one(const char *text, char **to)
{
    static const char written[] = "bfnrt", meant[] = "\b\f\n\r\t";
    if (*text == 'u')
        return unescape_unicode(text + 1, to);
    const char *found = strchr(written, *text);
    *(*to)++ = found != NULL ? meant[found - written] : *text;
    return text + 1;
}

size_t json_unescape(const char *text, size_t len, char *out)
{
    const char *end = text + len;
    char *to = out;
    while (text < end) {
        const char *escape = memchr(text, '\\', (size_t)(end - text));
        size_t run = (size_t)((escape != NULL ? escape : end) - text);
        memcpy(to, text, run);
        to += run;
        text += run;
        if (escape != NULL)
            text = unescape_one(text + 1, &to);
    }
    return (size_t)(to - out);
}
