/* The strict request gate: says whether a header block is clean HTTP/1.1, before anything else looks at it.
 *
 * libmicrohttpd 0.9.75 is lax (src/README.md, "HTTP gate"); this refuses what it lets through: unknown methods, control
 * bytes, %00, Transfer-Encoding together with Content-Length or other than a single "chunked", several or malformed
 * Content-Length, missing or several Host, names that are no tokens, header blocks whose size betrays a bare LF, a folded
 * line or a raw NUL, versions other than HTTP/1.0 and HTTP/1.1. Pure; any thread; never raises a Lua error.
 */
#ifndef HTTP_GATE_H
#define HTTP_GATE_H

#include "http/request.h"

struct gate_input {
    const char *method, *uri, *version; /* uri raw, with the query */
    const struct http_header *headers;  /* with value_size: values may hold a NUL */
    const size_t *name_sizes, *value_sizes;
    size_t header_count;
    size_t header_bytes; /* size of the whole header block as MHD counted it */
    /* sum for MHD's count: end of value - start of name, per header, filled by the server */
    size_t spans_total;
};

struct gate_verdict {
    int status;          /* 0: clean; else 400, 405 (method unknown: 501), 431, 505 … */
    const char *detail;  /* static text naming the reason */
    bool has_body;
    int64_t content_length; /* -1: chunked or none */
};

void gate_check(const struct gate_input *in, struct gate_verdict *verdict);

#endif
