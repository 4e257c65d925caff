/* One HTTP exchange as the layers above see it. Created by http/server when the header block has passed the
 * gate, answered exactly once by http_respond, freed by the server when the exchange is over.
 *
 * Ownership: the server owns the request. The layer above holds it between the handler call and http_respond;
 * if the client leaves first, on_abandon is called (once) and the handle must still be answered (the response
 * is dropped); the done callback may come before that. Loop thread only. Never raises a Lua error.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "base/buf.h" /* first: feature macros */

#include <strings.h>

#include "base/err.h"
#include "base/list.h"
#include "http/router.h"

struct http_header {
    const char *name, *value; /* borrowed for the life of the request */
};

struct http_request {
    const char *method; /* "GET", …; HEAD is reported as "GET" with is_head */
    bool is_head;
    const char *path;  /* raw path, still percent-encoded, without query */
    const char *query; /* raw query without '?', "" if none */
    const struct http_header *headers;
    size_t header_count;
    const char *body; /* NUL-terminated, "" if none; not yet checked to be anything */
    size_t body_len;
    char id[37];         /* X-Request-Id of the client if it is 1-36 of [A-Za-z0-9._-], else a new UUID v4 */
    char trace_id[33];   /* of the client's traceparent (W3C Trace Context), "" without a valid one */
    char remote[46];     /* client address without port; behind a trusted proxy what that says */
    uint64_t started_ns; /* mono_ns() of the first byte of the header block as far as known */
    /* What the router callback gave for this exchange, asked at most once; NULL: it was refused before that.
     * Set before handler and done are called. */
    const struct http_router *router;
    void *user;                                   /* for the layer above */
    void (*on_abandon)(struct http_request *req); /* set by the layer above, NULL: not interested */
    const char *rule_version; /* for the log line; borrowed, NULL allowed; must outlive the request */
    void *impl;               /* private to http/ */
    struct http_match match;  /* route and path parameters; match.route NULL if none was found */
};

/* Are these the same name, without case? Most are told apart by their first letters. */
static inline bool http_is_name(const char *a, const char *b)
{
    return ((a[0] ^ b[0]) & ~('a' ^ 'A')) == 0 && strcasecmp(a, b) == 0;
}

/* Value of a header, name compared without case; NULL if absent. Several fields of one name: the first. */
const char *http_request_header(const struct http_request *req, const char *name);

/* May this be the value of a field: no control byte but tabs? */
bool http_is_field_value(const char *text, size_t len);

/* The trace-id of a traceparent field into trace_id, "" if it is malformed. */
void http_trace_id(const char *traceparent, char trace_id[33]);

/* Percent-decode text[0..len) into out (replaced). plus_is_space for query strings. -1 on a bad escape, %00
 * or a result that is not UTF-8. */
int http_decode(const char *text, size_t len, bool plus_is_space, struct buf *out, struct err *err) MUSTCHECK;

/* Walk a query string: call with *cursor = req->query first; fills name and value (decoded) and returns 1, 0
 * at the end, -1 with err on a bad escape: in the value if there is a name, which then is left empty
 * otherwise; the walk may go on behind it. */
int http_query_next(const char **cursor, struct buf *name, struct buf *value, struct err *err) MUSTCHECK;

struct http_response {
    int status; /* 200-599 */
    /* Copied. A control byte in one, a field about framing (Content-Length, Connection, …), or more than 3
     * KiB together: a 500 is sent instead. A field with an empty value is left out. */
    struct http_header *headers;
    size_t header_count;
    const char *content_type; /* NULL if there is no body */
    char *body;               /* malloc'd; ownership moves to the server; NULL allowed */
    size_t body_len;
};

/* Queue the answer; it is sent in this loop turn. Adds X-Request-Id, Date, Cache-Control: no-store unless
 * given, X-Content-Type-Options. Exactly once per request. */
void http_respond(struct http_request *req, struct http_response *response);

/* RFC 9457 problem as a body:
 * {"type":"/problems/<code>","title":…,"status":…,"code":…,"detail":…,"request_id":…} The one place that
 * makes a problem in C; bind/http offers the same function to Lua. */
void http_problem_body(struct buf *out, int status, const char *code, const char *detail,
                       const char *request_id);
/* Answer with that problem; extra headers (may be NULL) are added. detail NULL: the title alone. */
void http_respond_problem(struct http_request *req, int status, const char *code, const char *detail,
                          const struct http_header *headers, size_t header_count);
/* What the client hears of any fault of ours. */
#define HTTP_DETAIL_INTERNAL "Something is wrong here. The log says what, under this request_id."
/* "Not Found" for 404, … */
const char *http_status_title(int status);

#endif
