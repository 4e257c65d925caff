/* The strict request gate: says whether a header block is clean HTTP/1.1, before anything else looks at it.
 *
 * libmicrohttpd 0.9.75 is lax (src/README.md, "HTTP gate"); this refuses what it lets through: unknown
 * methods, control bytes, %00, Transfer-Encoding together with Content-Length or other than a single
 * "chunked", several or malformed Content-Length, missing or several Host, several of the fields that say who
 * asks for what (Authorization, Idempotency-Key, …), names that are no tokens, header blocks whose size
 * betrays a bare LF, a folded line or a raw NUL, versions other than HTTP/1.0 and HTTP/1.1. Pure; any thread;
 * never raises a Lua error.
 */
#ifndef HTTP_GATE_H
#define HTTP_GATE_H

#include "http/request.h"

#define GATE_HEADERS_MAX 48 /* more header fields: 431 */

struct gate_input {
    const char *method, *uri, *version; /* uri raw, with the query */
    const struct http_header *headers;  /* with value_size: values may hold a NUL */
    const size_t *name_sizes, *value_sizes;
    size_t header_count;
    size_t header_bytes; /* size of the whole header block as MHD counted it */
    /* sum for MHD's count: end of value - start of name, per header, filled by the server */
    size_t spans_total;
    size_t header_bytes_max; /* larger: 431 */
    bool require_host;       /* HTTP/1.1 without Host: 400 */
};

struct gate_verdict {
    int status;         /* 0: clean; else 400, 417, 431, 501 (unknown method), 505 */
    const char *detail; /* static text naming the reason */
    bool has_body;
    int64_t content_length; /* -1: chunked or none */
    bool expects_continue;  /* the client waits for 100 Continue before it sends the body */
};

/* The method as a static string if it is one that is known here, else NULL. */
const char *gate_method(const char *method);
void gate_check(const struct gate_input *in, struct gate_verdict *verdict);

#endif
