/* The strict pass over a JSON text, made before anybody reads it: cJSON (json.c), or bind/json_read.c. Pure;
 * any thread. */
#ifndef BASE_JSON_CHECK_H
#define BASE_JSON_CHECK_H

#include "base/json.h"

#define JSON_DEPTH_CAP 256       /* nesting, whatever the caller allows: the pass and its readers recurse */
#define JSON_NUMBER_BYTES_MAX 63 /* cJSON 1.7.15 cuts longer numbers */
#define JSON_COUNTS_MAX 32       /* containers whose parts are counted */

/* How many members or elements the first containers of a text have, in the order in which they begin. */
struct json_counts {
    size_t containers;
    uint32_t parts[JSON_COUNTS_MAX];
};

/* Refuse whatever json.h says is refused. Appends one byte per number of the text, in document order, to
 * is_integer: 1 if it was written as an integer, else 0. is_integer and counts may be NULL. */
int json_check(const char *text, size_t len, const struct json_limits *limits, struct buf *is_integer,
               struct json_counts *counts, struct err *err) MUSTCHECK;

/* Write the bytes that a string of a checked text stands for, given what is between its quotes. There are
 * never more of them. Returns how many. */
size_t json_unescape(const char *text, size_t len, char *out);

#endif
