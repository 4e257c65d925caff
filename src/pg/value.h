/* Values of PostgreSQL as C sees them: results in binary format (independent of session settings), decoded
 * cell by cell; parameters in text format, encoded by whoever binds them. Pure; any thread; never raises a
 * Lua error.
 */
#ifndef PG_VALUE_H
#define PG_VALUE_H

#include "base/buf.h"
#include "base/err.h"

struct pg_result; /* a PGresult */

enum pg_kind {
    PG_NULL,
    PG_BOOL,   /* boolean */
    PG_INT,    /* int2, int4, int8, oid */
    PG_DOUBLE, /* float4, float8 */
    PG_TEXT,   /* text, varchar, bpchar, name, enums, unknown, citext: text as it is;
                  uuid, numeric (exact digits), date (YYYY-MM-DD), timestamptz (RFC 3339, UTC, microseconds,
                  "2026-11-22T14:39:00.123456Z"), bytea as "\x…" : formatted */
    PG_JSON,   /* json, jsonb: the JSON text */
    PG_ARRAY,  /* one-dimensional array: elements follow through pg_array_next */
};

struct pg_cell {
    enum pg_kind kind;
    bool boolean;
    int64_t integer;
    double number;
    const char *text; /* borrowed from the result or from scratch; NUL-terminated */
    size_t len;
    /* PG_ARRAY: */
    int32_t element_count;
    uint32_t element_oid;
    const unsigned char *cursor, *end;
};

typedef bool pg_decode(const unsigned char *bytes, size_t len, struct buf *scratch, struct pg_cell *cell);

/* A column of a result and what reads its type, looked up once for all rows. */
struct pg_column {
    int number;
    pg_decode *decode; /* NULL: nothing does */
};

int pg_result_rows(const struct pg_result *r);
int pg_result_columns(const struct pg_result *r);
const char *pg_result_column_name(const struct pg_result *r, int column);
/* Rows affected by INSERT, UPDATE, DELETE; the row count for SELECT. */
int64_t pg_result_affected(const struct pg_result *r);
/* Decode one cell. scratch holds formatted text and is overwritten by the next call that needs it.
 * -1 for a type without a decoder: "column \"x\": type 600 cannot be read; cast it to text". */
int pg_result_cell(const struct pg_result *r, int row, int column, struct buf *scratch, struct pg_cell *cell,
                   struct err *err) MUSTCHECK;
/* The same in two steps, for who reads many rows. */
struct pg_column pg_result_column(const struct pg_result *r, int column);
int pg_column_cell(const struct pg_result *r, int row, const struct pg_column *column, struct buf *scratch,
                   struct pg_cell *cell, struct err *err) MUSTCHECK;
/* Decode the next element of an array cell into element; call element_count times. */
int pg_array_next(struct pg_cell *array, struct buf *scratch, struct pg_cell *element,
                  struct err *err) MUSTCHECK;
void pg_result_free(struct pg_result *r); /* NULL allowed */

/* Text array literal for a parameter: call begin, item… , end. NULL item → NULL. */
void pg_array_literal_begin(struct buf *out);
void pg_array_literal_item(struct buf *out, const char *text_or_null, size_t len);
void pg_array_literal_end(struct buf *out);

#endif
