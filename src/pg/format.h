/* Binary PostgreSQL values as text. Private to pg/. Pure. */
#ifndef PG_FORMAT_H
#define PG_FORMAT_H

#include "base/buf.h"

/* Big-endian readers. */
static inline uint16_t pg_read_u16(const unsigned char *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline uint32_t pg_read_u32(const unsigned char *bytes)
{
    return (uint32_t)pg_read_u16(bytes) << 16 | pg_read_u16(bytes + 2);
}

static inline uint64_t pg_read_u64(const unsigned char *bytes)
{
    return (uint64_t)pg_read_u32(bytes) << 32 | pg_read_u32(bytes + 4);
}

/* Append the text of a value. False if the bytes are no such value. */
bool pg_format_numeric(struct buf *out, const unsigned char *bytes, size_t len);
bool pg_format_timestamptz(struct buf *out, const unsigned char *bytes, size_t len);
bool pg_format_date(struct buf *out, const unsigned char *bytes, size_t len);
bool pg_format_uuid(struct buf *out, const unsigned char *bytes, size_t len);
bool pg_format_bytea(struct buf *out, const unsigned char *bytes, size_t len);

#endif
