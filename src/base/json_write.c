/* The JSON writer: strings, exact 64-bit integers, doubles that read back equal. */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define THOUSANDTHS_BELOW 1e12 /* exact: 15 digits in all */
#define DOUBLE_TEXT_BYTES 32   /* "-2.2250738585072014e-308" and the NUL fit */

static void write_escape(struct buf *out, char byte)
{
    switch (byte) {
    case '"':
        buf_append_str(out, "\\\"");
        return;
    case '\\':
        buf_append_str(out, "\\\\");
        return;
    case '\b':
        buf_append_str(out, "\\b");
        return;
    case '\f':
        buf_append_str(out, "\\f");
        return;
    case '\n':
        buf_append_str(out, "\\n");
        return;
    case '\r':
        buf_append_str(out, "\\r");
        return;
    case '\t':
        buf_append_str(out, "\\t");
        return;
    default:
        buf_appendf(out, "\\u%04x", (unsigned)(unsigned char)byte);
    }
}

/* A mark in the highest bit of every byte of word that is below 0x20, '"', '\\' or not ASCII; bytes behind a
 * marked one may be marked wrongly. */
static uint64_t special_bytes(uint64_t word)
{
    const uint64_t each = UINT64_C(0x0101010101010101), high = each * 0x80;
    uint64_t quote = word ^ (each * '"'), backslash = word ^ (each * '\\');
    return ((word - each * 0x20) | (quote - each) | (backslash - each) | word) & high;
}

/* Copy len bytes; false, and anything at `to`, if one of them is special. Of the last words or halves of a
 * word each overlaps the one before it. */
static bool copy_plain(char *to, const char *text, size_t len)
{
    uint64_t word;
    if (len >= sizeof(word)) {
        for (size_t at = 0; at + sizeof(word) < len; at += sizeof(word)) {
            memcpy(&word, text + at, sizeof(word));
            if (special_bytes(word) != 0)
                return false;
            memcpy(to + at, &word, sizeof(word));
        }
        memcpy(&word, text + len - sizeof(word), sizeof(word));
        memcpy(to + len - sizeof(word), &word, sizeof(word));
        return special_bytes(word) == 0;
    }
    uint32_t first, last;
    if (len >= sizeof(first)) {
        memcpy(&first, text, sizeof(first));
        memcpy(&last, text + len - sizeof(last), sizeof(last));
        memcpy(to, &first, sizeof(first));
        memcpy(to + len - sizeof(last), &last, sizeof(last));
        return special_bytes((uint64_t)first << 32 | last) == 0;
    }
    word = UINT64_C(0x2020202020202020);
    for (size_t at = 0; at < len; at++) {
        to[at] = text[at];
        word = word << 8 | (unsigned char)text[at];
    }
    return special_bytes(word) == 0;
}

/* Bytes from the start of text that can be copied as they are. */
static size_t plain_run(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        uint64_t word;
        if (len - at >= sizeof(word) && (memcpy(&word, text + at, sizeof(word)), special_bytes(word) == 0)) {
            at += sizeof(word);
            continue;
        }
        unsigned char byte = (unsigned char)text[at];
        if (byte < 0x20 || byte == '"' || byte == '\\')
            break;
        if (byte < 0x80) {
            at++;
            continue;
        }
        size_t size = utf8_sequence(text + at, len - at);
        if (size == 0)
            break;
        at += size;
    }
    return at;
}

void json_write_plain(struct buf *out, const char *text, size_t len)
{
    char *at = buf_room(out, len + 2);
    *at = '"';
    memcpy(at + 1, text, len);
    at[len + 1] = '"';
    buf_add(out, len + 2);
}

/* With escapes, or letters that are not ASCII. */
static void write_special(struct buf *out, const char *text, size_t len)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    buf_append_char(out, '"');
    for (size_t at = 0; at < len; at++) {
        size_t run = plain_run(text + at, len - at);
        buf_append(out, text + at, run);
        at += run;
        if (at == len)
            break;
        if ((unsigned char)text[at] >= 0x80)
            buf_append_str(out, replacement);
        else
            write_escape(out, text[at]);
    }
    buf_append_char(out, '"');
}

void json_write_string(struct buf *out, const char *text, size_t len)
{
    char *at = buf_room(out, len + 2);
    if (!copy_plain(at + 1, text, len)) {
        write_special(out, text, len);
        return;
    }
    at[0] = at[len + 1] = '"';
    buf_add(out, len + 2);
}

void json_write_integer(struct buf *out, int64_t value)
{
    if (value < 0)
        buf_append_char(out, '-');
    buf_append_digits(out, value < 0 ? -(uint64_t)value : (uint64_t)value, 1);
}

/* A number with at most three decimals, which is what most are, as "%.15g" writes it; false: it is another.
 */
static bool write_thousandths(struct buf *out, double value)
{
    double size = fabs(value);
    if (size >= THOUSANDTHS_BELOW || size < 0.001)
        return false;
    uint64_t thousandths = (uint64_t)(size * 1000 + 0.5);
    if ((double)thousandths / 1000 != size)
        return false;
    if (value < 0)
        buf_append_char(out, '-');
    buf_append_digits(out, thousandths / 1000, 1);
    unsigned decimals = (unsigned)(thousandths % 1000);
    if (decimals == 0)
        return true;
    buf_append_char(out, '.');
    int count = 3;
    for (; decimals % 10 == 0; decimals /= 10)
        count--;
    buf_append_digits(out, decimals, count);
    return true;
}

void json_write_double(struct buf *out, double value)
{
    if (!isfinite(value)) {
        buf_append_str(out, "null");
        return;
    }
    if (write_thousandths(out, value))
        return;
    /* Any decimal of 15 digits survives the way through a double, 17 digits tell any two doubles apart. */
    char text[DOUBLE_TEXT_BYTES];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buf_append_str(out, text);
    /* Digits alone would read back as an integer, and one that large is refused. */
    if (fabs(value) > (double)JSON_INTEGER_MAX && strpbrk(text, ".e") == NULL)
        buf_append_str(out, ".0");
}
