/* Path router: compiled once from a list of routes, then read only.
 *
 * A pattern is literal segments and typed parameters: /v1/shelves/{shelf_id:uuid}/books/{id:int}.
 * Types: uuid (8-4-4-4-12 hex, lower-cased), int (0 or 1-9…, at most 2^63-1), slug (1-100 of [a-z0-9_.'-],
 * begins with a letter or digit). A literal segment wins over a parameter. Matching is on decoded segments;
 * an empty segment, a trailing slash, ".", ".." and an escaped slash never match. Ownership: the router
 * copies everything. Immutable after compiling; any thread. Never raises a Lua error.
 */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "base/err.h"

#define HTTP_PARAMS_MAX 8
#define HTTP_PARAM_BYTES_MAX 128

enum http_param_type { HTTP_PARAM_UUID, HTTP_PARAM_INT, HTTP_PARAM_SLUG };

struct http_route {
    const char *method;      /* upper case */
    const char *pattern;     /* the template, as in logs and metrics */
    uint64_t body_bytes_max; /* 0: the server's */
    int index;               /* the caller's number for it */
};

struct http_param {
    const char *name; /* borrowed from the router */
    enum http_param_type type;
    char value[HTTP_PARAM_BYTES_MAX];
    int64_t integer; /* HTTP_PARAM_INT */
};

struct http_match {
    const struct http_route *route; /* NULL: none */
    int param_count;
    struct http_param params[HTTP_PARAMS_MAX];
};

struct http_router;
/* -1/NULL and err: bad pattern, unknown type, the same method and pattern twice, two parameter types in one
 * place. */
struct http_router *http_router_new(const struct http_route *routes, size_t count, struct err *err) MUSTCHECK;
void http_router_free(struct http_router *r);

enum http_match_code { HTTP_MATCH_OK, HTTP_MATCH_NO_PATH, HTTP_MATCH_NO_METHOD };
/* HEAD matches GET. On HTTP_MATCH_NO_METHOD allow (may be NULL) gets "GET, HEAD, POST". raw_path is
 * percent-encoded. */
enum http_match_code http_router_match(const struct http_router *r, const char *method, const char *raw_path,
                                       struct http_match *match, char *allow, size_t allow_size);

#endif
