/* Writes cells of a binary result as JSON. */
#include "pg/json.h"

#include <libpq-fe.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "pg/format.h"
#include "pg/oid.h"

/* In place of a length: there is nothing to be the same as; NULL. */
#define LEN_NONE SIZE_MAX
#define LEN_NULL (SIZE_MAX - 1)

static const PGresult *pq(const struct pg_result *r)
{
    return (const PGresult *)(const void *)r;
}

static bool write_bool(struct buf *out, const unsigned char *bytes, size_t len)
{
    if (len != 1)
        return false;
    if (bytes[0] != 0)
        buf_append(out, "true", 4);
    else
        buf_append(out, "false", 5);
    return true;
}

static bool write_integer(struct buf *out, const unsigned char *bytes, size_t len)
{
    if (len == 4)
        json_write_integer(out, (int32_t)pg_read_u32(bytes));
    else if (len == 8)
        json_write_integer(out, (int64_t)pg_read_u64(bytes));
    else if (len == 2)
        json_write_integer(out, (int16_t)pg_read_u16(bytes));
    else
        return false;
    return true;
}

static bool write_double(struct buf *out, const unsigned char *bytes, size_t len)
{
    if (len != 8)
        return false;
    uint64_t bits = pg_read_u64(bytes);
    double number;
    memcpy(&number, &bits, sizeof(number));
    if (!isfinite(number))
        return false;
    json_write_double(out, number);
    return true;
}

static bool write_text(struct buf *out, const unsigned char *bytes, size_t len)
{
    json_write_string(out, (const char *)bytes, len);
    return true;
}

/* Of digits, letters and signs that JSON writes as they are. */
static inline bool write_formatted(struct buf *out, const unsigned char *bytes, size_t len,
                                   bool (*format)(struct buf *out, const unsigned char *bytes, size_t len))
{
    size_t start = out->len;
    buf_append_char(out, '"');
    if (format(out, bytes, len)) {
        buf_append_char(out, '"');
        return true;
    }
    out->len = start;
    return false;
}

static bool write_timestamptz(struct buf *out, const unsigned char *bytes, size_t len)
{
    return write_formatted(out, bytes, len, pg_format_timestamptz);
}

static bool write_date(struct buf *out, const unsigned char *bytes, size_t len)
{
    return write_formatted(out, bytes, len, pg_format_date);
}

static bool write_uuid(struct buf *out, const unsigned char *bytes, size_t len)
{
    return write_formatted(out, bytes, len, pg_format_uuid);
}

/* Of types that lists are made of. */
static pg_write_json *writer(Oid oid)
{
    switch (oid) {
    case OID_BOOL:
        return write_bool;
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
        return write_integer;
    case OID_FLOAT8:
        return write_double;
    case OID_TIMESTAMPTZ:
        return write_timestamptz;
    case OID_DATE:
        return write_date;
    case OID_UUID:
        return write_uuid;
    case OID_TEXT:
    case OID_VARCHAR:
        return write_text;
    default:
        return NULL;
    }
}

struct pg_json_column pg_json_column(const struct pg_result *r, int column, size_t before_len)
{
    bool is_binary = PQfformat(pq(r), column) == 1;
    return (struct pg_json_column){
        .column = pg_result_column(r, column),
        .write = is_binary ? writer(PQftype(pq(r), column)) : NULL,
        .before_len = before_len,
        .len = LEN_NONE,
    };
}

void pg_json_plan(struct pg_json_rows *rows, const char *text)
{
    for (size_t i = 0; i < rows->count; i++) {
        rows->columns[i].before = text;
        text += rows->columns[i].before_len;
    }
    rows->after = text;
}

void pg_json_forget(struct pg_json_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        rows->columns[i].len = LEN_NONE;
}

/* Of the lengths that numbers, times and UUIDs have: others are rarely equal. */
static inline bool is_same(const unsigned char *left, const unsigned char *right, size_t len)
{
    switch (len) {
    case LEN_NULL:
        return true;
    case 1:
        return *left == *right;
    case 4:
        return memcmp(left, right, 4) == 0;
    case 8:
        return memcmp(left, right, 8) == 0;
    case 16:
        return memcmp(left, right, 16) == 0;
    default:
        return false;
    }
}

static void copy_above(struct buf *out, size_t from, size_t until)
{
    char *room = buf_room(out, until - from);
    memcpy(room, out->data + from, until - from);
    buf_add(out, until - from);
}

/* The value that column now names, with the text before it. */
static void write_value(struct pg_json_rows *rows, int row, struct pg_json_column *column, struct buf *out)
{
    buf_append(out, column->before, column->before_len);
    if (column->len == LEN_NULL) {
        buf_append(out, "null", 4);
    } else if (column->write == NULL || !column->write(out, column->bytes, column->len)) {
        column->len = LEN_NONE;
        rows->other(rows->data, row, &column->column);
    }
}

void pg_json_row(struct pg_json_rows *rows, const struct pg_result *r, int row, struct buf *out)
{
    const PGresult *result = pq(r);
    size_t start = out->len;
    size_t above = rows->start; /* where the row above goes on, behind the columns so far */
    size_t from = above;        /* what is to be copied from it begins here and ends there */
    for (struct pg_json_column *c = rows->columns, *end = c + rows->count; c < end; c++) {
        size_t len = (size_t)PQgetlength(result, row, c->column.number);
        if (len == 0 && PQgetisnull(result, row, c->column.number))
            len = LEN_NULL;
        const unsigned char *bytes = (const unsigned char *)PQgetvalue(result, row, c->column.number);
        size_t above_next = c->end;
        if (len == c->len && is_same(bytes, c->bytes, len)) {
            c->end = out->len + (above_next - from);
        } else {
            if (from < above)
                copy_above(out, from, above);
            c->bytes = bytes;
            c->len = len;
            write_value(rows, row, c, out);
            c->end = out->len;
            from = above_next;
        }
        above = above_next;
    }
    if (from < above)
        copy_above(out, from, above);
    buf_append(out, rows->after, rows->after_len);
    rows->start = start;
}
