/* struct buf: a growable byte string, always NUL-terminated after the first append. One owner, not
 * thread-safe. Growth cannot fail (see x_malloc). Never raises a Lua error. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h" /* first: feature macros */

#include <string.h>

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
static inline void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->data != NULL)
        b->data[0] = '\0';
}
/* Make room for at least extra more bytes (and the NUL). */
void buf_reserve(struct buf *b, size_t extra);
/* The same, and where these bytes begin: write them, then call buf_add. */
static inline char *buf_room(struct buf *b, size_t extra)
{
    if (b->cap - b->len <= extra)
        buf_reserve(b, extra);
    return b->data + b->len;
}
/* So many bytes were written into the room. */
static inline void buf_add(struct buf *b, size_t len)
{
    b->len += len;
    b->data[b->len] = '\0';
}
static inline void buf_append(struct buf *b, const void *bytes, size_t len)
{
    char *room = buf_room(b, len);
    if (len > 0)
        memcpy(room, bytes, len);
    buf_add(b, len);
}
static inline void buf_append_str(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}
static inline void buf_append_char(struct buf *b, char c)
{
    *buf_room(b, 1) = c;
    buf_add(b, 1);
}
extern const char buf_digit_pairs[]; /* 00 to 99 */
/* Write value as two digits, 0..99. */
static inline void buf_two_digits(char *out, unsigned value)
{
    memcpy(out, buf_digit_pairs + (size_t)value * 2, 2);
}
/* Append the decimal digits of value, with zeros before them up to so many digits. */
void buf_append_digits(struct buf *b, uint64_t value, int least);
void buf_appendf(struct buf *b, const char *format, ...) PRINTF(2, 3);
/* Hand the malloc'd bytes (never NULL) to the caller and reset b. */
char *buf_detach(struct buf *b);

#endif
