/* Decodes the cells of a binary result, and writes array literals for parameters. */
#include "pg/value.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "pg/format.h"
#include "pg/oid.h"

#define JSONB_VERSION 1
#define ARRAY_HEADER_BYTES 12
#define ARRAY_DIMENSION_BYTES 8

static const PGresult *pq(const struct pg_result *r)
{
    return (const PGresult *)(const void *)r;
}

int pg_result_rows(const struct pg_result *r)
{
    return PQntuples(pq(r));
}

int pg_result_columns(const struct pg_result *r)
{
    return PQnfields(pq(r));
}

const char *pg_result_column_name(const struct pg_result *r, int column)
{
    return PQfname(pq(r), column);
}

int64_t pg_result_affected(const struct pg_result *r)
{
    /* libpq asks for a PGresult it may write to, but only reads. */
    return strtoll(PQcmdTuples((PGresult *)(void *)(uintptr_t)r), NULL, 10);
}

void pg_result_free(struct pg_result *r)
{
    PQclear((PGresult *)(void *)r);
}

static bool decode_bool(const unsigned char *bytes, size_t len, struct buf *scratch, struct pg_cell *cell)
{
    (void)scratch;
    cell->kind = PG_BOOL;
    cell->boolean = len == 1 && bytes[0] != 0;
    return len == 1;
}

static bool decode_integer(const unsigned char *bytes, size_t len, struct buf *scratch, struct pg_cell *cell)
{
    (void)scratch;
    cell->kind = PG_INT;
    if (len == 2)
        cell->integer = (int16_t)pg_read_u16(bytes);
    else if (len == 4)
        cell->integer = (int32_t)pg_read_u32(bytes);
    else if (len == 8)
        cell->integer = (int64_t)pg_read_u64(bytes);
    else
        return false;
    return true;
}

static bool decode_oid(const unsigned char *bytes, size_t len, struct buf *scratch, struct pg_cell *cell)
{
    (void)scratch;
    cell->kind = PG_INT;
    cell->integer = len == 4 ? pg_read_u32(bytes) : 0;
    return len == 4;
}

static bool decode_float(const unsigned char *bytes, size_t len, struct buf *scratch, struct pg_cell *cell)
{
    (void)scratch;
    cell->kind = PG_DOUBLE;
    if (len == 4) {
        uint32_t bits = pg_read_u32(bytes);
        float number;
        memcpy(&number, &bits, sizeof(number));
        cell->number = (double)number;
        return true;
    }
    uint64_t bits = len == 8 ? pg_read_u64(bytes) : 0;
    memcpy(&cell->number, &bits, sizeof(cell->number));
    return len == 8;
}

static bool decode_text(const unsigned char *bytes, size_t len, struct buf *scratch, struct pg_cell *cell)
{
    (void)scratch;
    cell->kind = PG_TEXT;
    cell->text = (const char *)bytes;
    cell->len = len;
    return true;
}

/* A type of the database's own: text if it looks like text. Other binary forms nearly always hold a NUL byte.
 */
static bool decode_own(const unsigned char *bytes, size_t len, struct buf *scratch, struct pg_cell *cell)
{
    if (memchr(bytes, '\0', len) != NULL || !utf8_is_valid((const char *)bytes, len))
        return false;
    return decode_text(bytes, len, scratch, cell);
}

static bool decode_json(const unsigned char *bytes, size_t len, struct buf *scratch, struct pg_cell *cell)
{
    decode_text(bytes, len, scratch, cell);
    cell->kind = PG_JSON;
    return true;
}

static bool decode_jsonb(const unsigned char *bytes, size_t len, struct buf *scratch, struct pg_cell *cell)
{
    if (len < 1 || bytes[0] != JSONB_VERSION)
        return false;
    return decode_json(bytes + 1, len - 1, scratch, cell);
}

static inline bool decode_formatted(const unsigned char *bytes, size_t len, struct buf *scratch,
                                    struct pg_cell *cell,
                                    bool (*format)(struct buf *out, const unsigned char *bytes, size_t len))
{
    buf_clear(scratch);
    if (!format(scratch, bytes, len))
        return false;
    cell->kind = PG_TEXT;
    cell->text = scratch->data;
    cell->len = scratch->len;
    return true;
}

static bool decode_numeric(const unsigned char *bytes, size_t len, struct buf *scratch, struct pg_cell *cell)
{
    return decode_formatted(bytes, len, scratch, cell, pg_format_numeric);
}

static bool decode_timestamptz(const unsigned char *bytes, size_t len, struct buf *scratch,
                               struct pg_cell *cell)
{
    return decode_formatted(bytes, len, scratch, cell, pg_format_timestamptz);
}

static bool decode_date(const unsigned char *bytes, size_t len, struct buf *scratch, struct pg_cell *cell)
{
    return decode_formatted(bytes, len, scratch, cell, pg_format_date);
}

static bool decode_uuid(const unsigned char *bytes, size_t len, struct buf *scratch, struct pg_cell *cell)
{
    return decode_formatted(bytes, len, scratch, cell, pg_format_uuid);
}

static bool decode_bytea(const unsigned char *bytes, size_t len, struct buf *scratch, struct pg_cell *cell)
{
    return decode_formatted(bytes, len, scratch, cell, pg_format_bytea);
}

/* More than one dimension is refused: a Lua list has one. */
static bool decode_array(const unsigned char *bytes, size_t len, struct buf *scratch, struct pg_cell *cell)
{
    (void)scratch;
    if (len < ARRAY_HEADER_BYTES)
        return false;
    uint32_t dimensions = pg_read_u32(bytes);
    cell->kind = PG_ARRAY;
    cell->element_oid = pg_read_u32(bytes + 8);
    cell->element_count = 0;
    cell->cursor = bytes + ARRAY_HEADER_BYTES;
    cell->end = bytes + len;
    if (dimensions == 0)
        return true;
    if (dimensions > 1 || len < ARRAY_HEADER_BYTES + ARRAY_DIMENSION_BYTES)
        return false;
    cell->element_count = (int32_t)pg_read_u32(cell->cursor);
    cell->cursor += ARRAY_DIMENSION_BYTES;
    return cell->element_count >= 0;
}

/* What reads a value that is no array; NULL: nothing does. */
static pg_decode *scalar_decoder(Oid oid)
{
    switch (oid) {
    case OID_BOOL:
        return decode_bool;
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
        return decode_integer;
    case OID_OID:
        return decode_oid;
    case OID_FLOAT4:
    case OID_FLOAT8:
        return decode_float;
    case OID_JSON:
        return decode_json;
    case OID_JSONB:
        return decode_jsonb;
    case OID_NUMERIC:
        return decode_numeric;
    case OID_TIMESTAMPTZ:
        return decode_timestamptz;
    case OID_DATE:
        return decode_date;
    case OID_UUID:
        return decode_uuid;
    case OID_BYTEA:
        return decode_bytea;
    case OID_TEXT:
    case OID_VARCHAR:
    case OID_BPCHAR:
    case OID_NAME:
    case OID_CHAR:
    case OID_UNKNOWN:
    case OID_VOID:
        return decode_text;
    default:
        return oid >= OID_FIRST_OWN ? decode_own : NULL;
    }
}

static pg_decode *decoder(Oid oid)
{
    switch (oid) {
    case OID_BOOL_ARRAY:
    case OID_BYTEA_ARRAY:
    case OID_NAME_ARRAY:
    case OID_INT2_ARRAY:
    case OID_INT4_ARRAY:
    case OID_INT8_ARRAY:
    case OID_TEXT_ARRAY:
    case OID_BPCHAR_ARRAY:
    case OID_VARCHAR_ARRAY:
    case OID_FLOAT4_ARRAY:
    case OID_FLOAT8_ARRAY:
    case OID_OID_ARRAY:
    case OID_DATE_ARRAY:
    case OID_TIMESTAMPTZ_ARRAY:
    case OID_NUMERIC_ARRAY:
    case OID_UUID_ARRAY:
    case OID_JSON_ARRAY:
    case OID_JSONB_ARRAY:
        return decode_array;
    default:
        return scalar_decoder(oid);
    }
}

struct pg_column pg_result_column(const struct pg_result *r, int column)
{
    bool is_binary = PQfformat(pq(r), column) == 1;
    return (struct pg_column){column, is_binary ? decoder(PQftype(pq(r), column)) : NULL};
}

/* Can a value of this type have no bytes? Then its length does not tell it from NULL. */
static bool may_be_empty(pg_decode *decode)
{
    return decode == NULL || decode == decode_text || decode == decode_own || decode == decode_bytea;
}

int pg_column_cell(const struct pg_result *r, int row, const struct pg_column *column, struct buf *scratch,
                   struct pg_cell *cell, struct err *err)
{
    cell->kind = PG_NULL;
    size_t len = (size_t)PQgetlength(pq(r), row, column->number);
    if (len == 0 && (!may_be_empty(column->decode) || PQgetisnull(pq(r), row, column->number)))
        return 0;
    const char *bytes = PQgetvalue(pq(r), row, column->number);
    if (column->decode != NULL && column->decode((const unsigned char *)bytes, len, scratch, cell))
        return 0;
    return err_set(err, ERR_INVALID, "column \"%s\": type %u cannot be read; cast it to text",
                   PQfname(pq(r), column->number), PQftype(pq(r), column->number));
}

int pg_result_cell(const struct pg_result *r, int row, int column, struct buf *scratch, struct pg_cell *cell,
                   struct err *err)
{
    const struct pg_column plan = pg_result_column(r, column);
    return pg_column_cell(r, row, &plan, scratch, cell, err);
}

/* No NUL follows an element: text that was left where it is moves to scratch. */
static void terminate_text(struct pg_cell *element, struct buf *scratch)
{
    bool is_text = element->kind == PG_TEXT || element->kind == PG_JSON;
    if (!is_text || element->text == scratch->data)
        return;
    buf_clear(scratch);
    buf_append(scratch, element->text, element->len);
    element->text = scratch->data;
}

int pg_array_next(struct pg_cell *array, struct buf *scratch, struct pg_cell *element, struct err *err)
{
    *element = (struct pg_cell){.kind = PG_NULL};
    if (array->end - array->cursor < 4)
        return err_set(err, ERR_INVALID, "an array ends early");
    int32_t len = (int32_t)pg_read_u32(array->cursor);
    array->cursor += 4;
    if (len == -1)
        return 0;
    if (len < 0 || array->end - array->cursor < len)
        return err_set(err, ERR_INVALID, "an array ends early");
    const unsigned char *bytes = array->cursor;
    array->cursor += len;
    pg_decode *decode = scalar_decoder(array->element_oid);
    if (decode != NULL && decode(bytes, (size_t)len, scratch, element)) {
        terminate_text(element, scratch);
        return 0;
    }
    return err_set(err, ERR_INVALID, "array elements of type %u cannot be read; cast it to text[]",
                   array->element_oid);
}

void pg_array_literal_begin(struct buf *out)
{
    buf_append_char(out, '{');
}

void pg_array_literal_item(struct buf *out, const char *text_or_null, size_t len)
{
    /* An item ends in a quote or in NULL, so only the opening brace can stand before the first. */
    if (out->data[out->len - 1] != '{')
        buf_append_char(out, ',');
    if (text_or_null == NULL) {
        buf_append_str(out, "NULL");
        return;
    }
    buf_append_char(out, '"');
    if (memchr(text_or_null, '"', len) == NULL && memchr(text_or_null, '\\', len) == NULL) {
        buf_append(out, text_or_null, len);
    } else {
        for (size_t i = 0; i < len; i++) {
            if (text_or_null[i] == '"' || text_or_null[i] == '\\')
                buf_append_char(out, '\\');
            buf_append_char(out, text_or_null[i]);
        }
    }
    buf_append_char(out, '"');
}

void pg_array_literal_end(struct buf *out)
{
    buf_append_char(out, '}');
}
