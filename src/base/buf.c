/* A growable byte string that doubles its room and never fails. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST_BYTES 64 /* the first allocation */
#define DIGITS_MAX 20      /* of 2^64 - 1 */

const char buf_digit_pairs[] = "00010203040506070809"
                               "10111213141516171819"
                               "20212223242526272829"
                               "30313233343536373839"
                               "40414243444546474849"
                               "50515253545556575859"
                               "60616263646566676869"
                               "70717273747576777879"
                               "80818283848586878889"
                               "90919293949596979899";

void buf_init(struct buf *b)
{
    *b = (struct buf)BUF_INIT;
}

void buf_release(struct buf *b)
{
    free(b->data);
    buf_init(b);
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

static int count_digits(uint64_t value)
{
    for (int count = 1;; count += 4, value /= 10000) {
        if (value < 10)
            return count;
        if (value < 100)
            return count + 1;
        if (value < 1000)
            return count + 2;
        if (value < 10000)
            return count + 3;
    }
}

void buf_append_digits(struct buf *b, uint64_t value, int least)
{
    assert(least <= DIGITS_MAX);
    int count = value > 0 ? count_digits(value) : 0;
    if (count < least)
        count = least;
    char *first = buf_room(b, (size_t)count), *at = first + count;
    buf_add(b, (size_t)count);
    for (; value >= 100; value /= 100)
        buf_two_digits(at -= 2, (unsigned)(value % 100));
    if (value >= 10)
        buf_two_digits(at -= 2, (unsigned)value);
    else if (at > first)
        *--at = (char)('0' + value);
    while (at > first)
        *--at = '0';
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
