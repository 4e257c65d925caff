/* The strict pass over a JSON text, made before cJSON sees it. Private to base/json*.c. Pure; any thread. */
#ifndef BASE_JSON_CHECK_H
#define BASE_JSON_CHECK_H

#include "base/json.h"

#define JSON_DEPTH_CAP 256       /* nesting, whatever the caller allows: the pass and cJSON recurse */
#define JSON_NUMBER_BYTES_MAX 63 /* cJSON 1.7.15 cuts longer numbers */

/* Refuse whatever json.h says is refused. Appends one byte per number of the text, in document order, to
 * is_integer: 1 if it was written as an integer, else 0. */
int json_check(const char *text, size_t len, const struct json_limits *limits, struct buf *is_integer,
               struct err *err) MUSTCHECK;

#endif
