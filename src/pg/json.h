/* Rows of a result as JSON, straight from the bytes that PostgreSQL sent. Pure; any thread; raises a Lua
 * error only where `other` does. */
#ifndef PG_JSON_H
#define PG_JSON_H

#include "pg/value.h"

typedef bool pg_write_json(struct buf *out, const unsigned char *bytes, size_t len);

struct pg_json_column {
    struct pg_column column;
    pg_write_json *write; /* NULL: `other` does */
    const char *before;   /* the text between the value before and its own */
    size_t before_len;
    const unsigned char *bytes; /* in the row above; valid as long as the result */
    size_t len;
    size_t end; /* of its text in the row above */
};

/* Rows that are written one after the other. What is the same as in the row above is copied from there, with
 * the text around it: in a list much is. */
struct pg_json_rows {
    struct pg_json_column *columns; /* in the order in which they are written */
    size_t count;
    const char *after; /* the text behind the last value */
    size_t after_len;
    size_t start; /* of the row above */
    /* Append a value that this file does not know, or that has no JSON form; may raise. */
    void (*other)(void *data, int row, const struct pg_column *column);
    void *data;
};

/* The plan of a column, with so much text before it. */
struct pg_json_column pg_json_column(const struct pg_result *r, int column, size_t before_len);
/* The text of a row without the values: all that columns have before them, and what is behind the last. It
 * outlives the rows. */
void pg_json_plan(struct pg_json_rows *rows, const char *text);
/* No row is above the next one: out does not hold it as it was. */
void pg_json_forget(struct pg_json_rows *rows);
void pg_json_row(struct pg_json_rows *rows, const struct pg_result *r, int row, struct buf *out);

#endif
