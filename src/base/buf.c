/* A growable byte string that doubles its room and never fails. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST_BYTES 64 /* the first allocation */
#define DIGITS_MAX 20      /* of 2^64 - 1 */

void buf_init(struct buf *b)
{
    *b = (struct buf)BUF_INIT;
}

void buf_release(struct buf *b)
{
    free(b->data);
    buf_init(b);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->data != NULL)
        b->data[0] = '\0';
}

void buf_reserve(struct buf *b, size_t extra)
{
    size_t needed;
    /* A sum that does not fit size_t is memory nobody has: let the allocator refuse it. */
    if (__builtin_add_overflow(b->len, extra, &needed) || __builtin_add_overflow(needed, 1, &needed))
        needed = SIZE_MAX;
    if (needed <= b->cap)
        return;
    size_t cap = b->cap > 0 ? b->cap : BUF_FIRST_BYTES;
    while (cap < needed)
        cap = cap > SIZE_MAX / 2 ? SIZE_MAX : cap * 2;
    b->data = x_realloc(b->data, cap);
    b->cap = cap;
    b->data[b->len] = '\0';
}

void buf_append(struct buf *b, const void *bytes, size_t len)
{
    if (b->cap - b->len <= len)
        buf_reserve(b, len);
    if (len > 0)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_append_str(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

void buf_append_digits(struct buf *b, uint64_t value, int least)
{
    char text[DIGITS_MAX];
    char *first = text + sizeof(text);
    assert(least <= DIGITS_MAX);
    for (; value >= 100; value /= 100) {
        first -= 2;
        buf_two_digits(first, (unsigned)(value % 100));
    }
    for (; value > 0 || text + sizeof(text) - first < least; value /= 10)
        *--first = (char)('0' + value % 10);
    buf_append(b, first, (size_t)(text + sizeof(text) - first));
}

void buf_appendf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    buf_reserve(b, 0);
    int wanted = vsnprintf(b->data + b->len, b->cap - b->len, format, args);
    va_end(args);
    /* Negative only for a format that is a bug or a text over 2 GiB. */
    assert(wanted >= 0);
    size_t len = (size_t)wanted;
    if (len >= b->cap - b->len) {
        buf_reserve(b, len);
        wanted = vsnprintf(b->data + b->len, b->cap - b->len, format, again);
        assert(wanted == (int)len);
    }
    va_end(again);
    b->len += len;
}

char *buf_detach(struct buf *b)
{
    buf_reserve(b, 0);
    char *data = b->data;
    buf_init(b);
    return data;
}
