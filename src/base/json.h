/* Strict JSON over cJSON, and an exact writer. The only user of cJSON.h.
 *
 * Reading refuses what cJSON 1.7.15 lets through: invalid UTF-8, \u0000, lone surrogates, duplicate keys,
 * leading zeros, trailing bytes, depth and size over the limit, integers beyond ±2^53, numbers that are not
 * finite or longer than 63 characters, a byte order mark. Time grows with size times log size, whatever the
 * text. A number written as an integer (no fraction, no exponent) is an integer; any other is a double.
 * Writing is ours because cJSON has no 64-bit integers.
 * Thread rules: pure functions, any thread. Never raises a Lua error.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"

struct json_limits {
    size_t bytes_max; /* of the whole text */
    int depth_max;    /* nested arrays and objects; a scalar is depth 0; never above 256 */
};

#define JSON_INTEGER_MAX (INT64_C(1) << 53)

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_INTEGER,
    JSON_DOUBLE,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json; /* a node of a parsed document (a cJSON item); borrowed from the root */

/* Parse text[0..len). Returns the root, freed by json_free, or NULL with err->text "byte 17: duplicate key
 * \"a\"". */
struct json *json_parse(const char *text, size_t len, const struct json_limits *limits,
                        struct err *err) MUSTCHECK;
void json_free(struct json *root);

enum json_type json_type(const struct json *node);
int64_t json_integer(const struct json *node);
double json_double(const struct json *node);
const char *json_string(const struct json *node); /* NUL-terminated UTF-8 without inner NUL */
const char *json_key(const struct json *node);    /* name of this member of an object, NULL in an array */
const struct json *json_first(const struct json *container);
const struct json *json_next(const struct json *node);
const struct json *json_member(const struct json *object, const char *key); /* exact case; NULL if absent */

/* True if text[0..len) is valid UTF-8 without overlong forms and surrogates (NUL allowed). */
bool utf8_is_valid(const char *text, size_t len);

/* Append one JSON value. Strings must be valid UTF-8 (invalid bytes become U+FFFD); control characters, quote
 * and backslash are escaped. Doubles are written with 15, 16 or 17 significant digits, the first that reads
 * back equal, and without a fraction if they have none and are within ±2^53; not-finite ones are the caller's
 * error, written as null. */
void json_write_string(struct buf *out, const char *text, size_t len);
/* The same for a text that is known to need no escape. */
void json_write_plain(struct buf *out, const char *text, size_t len);
void json_write_integer(struct buf *out, int64_t value);
void json_write_double(struct buf *out, double value);

#endif
