/* struct buf: a growable byte string, always NUL-terminated after the first append. One owner, not
 * thread-safe. Growth cannot fail (see x_malloc). Never raises a Lua error. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h"

struct buf {
    char *data; /* NULL while empty and never grown */
    size_t len, cap;
};

#define BUF_INIT                                                                                             \
    {                                                                                                        \
        NULL, 0, 0                                                                                           \
    }

void buf_init(struct buf *b);
/* Free the memory; b is as after buf_init. */
void buf_release(struct buf *b);
/* Forget the content, keep the memory. */
void buf_clear(struct buf *b);
/* Make room for at least extra more bytes (and the NUL). */
void buf_reserve(struct buf *b, size_t extra);
void buf_append(struct buf *b, const void *bytes, size_t len);
void buf_append_str(struct buf *b, const char *text);
static inline void buf_append_char(struct buf *b, char c)
{
    if (b->cap - b->len < 2)
        buf_reserve(b, 1);
    b->data[b->len++] = c;
    b->data[b->len] = '\0';
}
/* Write value as two digits, 0..99. */
static inline void buf_two_digits(char *out, unsigned value)
{
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
}
/* Append the decimal digits of value, with zeros before them up to so many digits. */
void buf_append_digits(struct buf *b, uint64_t value, int least);
void buf_appendf(struct buf *b, const char *format, ...) PRINTF(2, 3);
/* Hand the malloc'd bytes (never NULL) to the caller and reset b. */
char *buf_detach(struct buf *b);

#endif
