/* The strict request gate: one small check per rule, the first that fails decides. */
#include "http/gate.h"

#include <string.h>
#include <strings.h>

#define CONTENT_LENGTH_DIGITS_MAX 18 /* fits int64_t whatever the digits */

/* 1: a character of a token (RFC 9110, 5.6.2). */
static const unsigned char TOKEN[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1,         ['&'] = 1,         ['\''] = 1,
    ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,         ['^'] = 1,         ['_'] = 1,
    ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};

static bool is_token(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!TOKEN[(unsigned char)text[i]])
            return false;
    }
    return len > 0;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

const char *gate_method(const char *method)
{
    static const char *const KNOWN[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < COUNT_OF(KNOWN); i++) {
        if (strcmp(method, KNOWN[i]) == 0)
            return KNOWN[i];
    }
    return NULL;
}

static int refuse(struct gate_verdict *v, int status, const char *detail)
{
    v->status = status;
    v->detail = detail;
    return -1;
}

static int check_size(const struct gate_input *in, struct gate_verdict *v)
{
    if (in->header_bytes > in->header_bytes_max)
        return refuse(v, 431, "the header block is too large");
    if (in->header_count > GATE_HEADERS_MAX)
        return refuse(v, 431, "too many header fields");
    /* MHD's count of bytes from the method to the empty line against what well-formed lines add up to: a bare
     * LF, a folded line, a raw NUL, doubled spaces leave a difference. */
    size_t expected = strlen(in->method) + strlen(in->uri) + strlen(in->version) + 4 + in->spans_total +
                      2 * in->header_count + 2;
    if (expected != in->header_bytes)
        return refuse(v, 400, "the header block has a bare LF, a folded line, a NUL or stray spaces");
    return 0;
}

/* Host, and the authority of an absolute target: characters of a host name, an address or a port. */
static bool is_authority(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c != '\0' && strchr("-._~:[]", c) != NULL);
        if (!fine)
            return false;
    }
    return len > 0;
}

static const char *absolute_authority(const char *uri)
{
    if (strncasecmp(uri, "http://", 7) == 0)
        return uri + 7;
    if (strncasecmp(uri, "https://", 8) == 0)
        return uri + 8;
    return NULL;
}

static int check_request_line(const struct gate_input *in, struct gate_verdict *v)
{
    if (!is_token(in->method, strlen(in->method)))
        return refuse(v, 400, "the method is no token");
    if (strcmp(in->version, "HTTP/1.1") != 0 && strcmp(in->version, "HTTP/1.0") != 0)
        return refuse(v, 505, "this version of HTTP is not spoken here");
    if (gate_method(in->method) == NULL)
        return refuse(v, 501, "the method is not known here");
    for (const char *at = in->uri; *at != '\0'; at++) {
        if (*at <= 0x20 || *at > 0x7e || *at == '#') /* char is signed: bytes from 0x80 are below 0 */
            return refuse(v, 400, "the request target has a byte that may not be there");
        if (*at != '%')
            continue;
        if (!is_hex(at[1]) || !is_hex(at[2]))
            return refuse(v, 400, "the request target has a broken percent escape");
        if (at[1] == '0' && at[2] == '0')
            return refuse(v, 400, "the request target has an escaped NUL");
    }
    if (in->uri[0] == '/' || absolute_authority(in->uri) != NULL)
        return 0;
    if (strcmp(in->uri, "*") == 0 && strcmp(in->method, "OPTIONS") == 0)
        return 0;
    return refuse(v, 400, "the request target is neither a path nor an absolute http URI");
}

static int check_fields(const struct gate_input *in, struct gate_verdict *v)
{
    for (size_t i = 0; i < in->header_count; i++) {
        if (!is_token(in->headers[i].name, in->name_sizes[i]))
            return refuse(v, 400, "a header name is no token");
        if (!http_is_field_value(in->headers[i].value, in->value_sizes[i]))
            return refuse(v, 400, "a header value has a control byte");
    }
    return 0;
}

/* How many fields have this name; *index is the first. */
static size_t count_fields(const struct gate_input *in, const char *name, size_t *index)
{
    size_t count = 0;
    for (size_t i = 0; i < in->header_count; i++) {
        if (strcasecmp(in->headers[i].name, name) == 0 && count++ == 0)
            *index = i;
    }
    return count;
}

/* Length of value without the optional white space behind it. */
static size_t trimmed(const struct gate_input *in, size_t index)
{
    const char *value = in->headers[index].value;
    size_t len = in->value_sizes[index];
    while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
        len--;
    return len;
}

static int check_host(const struct gate_input *in, struct gate_verdict *v)
{
    size_t index = 0, count = count_fields(in, "Host", &index);
    if (count > 1)
        return refuse(v, 400, "more than one Host");
    if (count == 0) {
        if (in->require_host && strcmp(in->version, "HTTP/1.1") == 0)
            return refuse(v, 400, "Host is missing");
        return 0;
    }
    const char *host = in->headers[index].value;
    size_t len = trimmed(in, index);
    if (!is_authority(host, len))
        return refuse(v, 400, "Host is malformed");
    const char *authority = absolute_authority(in->uri);
    if (authority == NULL)
        return 0;
    if (strcspn(authority, "/?") != len || strncasecmp(authority, host, len) != 0)
        return refuse(v, 400, "Host and the request target disagree");
    return 0;
}

static int check_content_length(const struct gate_input *in, size_t index, struct gate_verdict *v)
{
    const char *text = in->headers[index].value;
    size_t len = in->value_sizes[index];
    int64_t value = 0;
    if (len == 0 || len > CONTENT_LENGTH_DIGITS_MAX)
        return refuse(v, 400, "Content-Length is malformed or absurd");
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return refuse(v, 400, "Content-Length is malformed or absurd");
        value = value * 10 + (text[i] - '0');
    }
    v->content_length = value;
    v->has_body = value > 0;
    return 0;
}

static int check_framing(const struct gate_input *in, struct gate_verdict *v)
{
    size_t length_at = 0, coding_at = 0;
    size_t lengths = count_fields(in, "Content-Length", &length_at);
    size_t codings = count_fields(in, "Transfer-Encoding", &coding_at);
    if (lengths > 1)
        return refuse(v, 400, "more than one Content-Length");
    if (lengths > 0 && codings > 0)
        return refuse(v, 400, "Transfer-Encoding together with Content-Length");
    if (lengths > 0)
        return check_content_length(in, length_at, v);
    if (codings == 0)
        return 0;
    if (strcmp(in->version, "HTTP/1.1") != 0)
        return refuse(v, 400, "Transfer-Encoding in HTTP/1.0");
    if (codings > 1 || strcasecmp(in->headers[coding_at].value, "chunked") != 0)
        return refuse(v, 400, "Transfer-Encoding is not a single \"chunked\"");
    v->has_body = true;
    return 0;
}

static int check_expect(const struct gate_input *in, struct gate_verdict *v)
{
    size_t index = 0, count = count_fields(in, "Expect", &index);
    if (count == 0)
        return 0;
    if (count > 1 || strcasecmp(in->headers[index].value, "100-continue") != 0)
        return refuse(v, 417, "only Expect: 100-continue is known");
    v->expects_continue = v->has_body && strcmp(in->version, "HTTP/1.1") == 0;
    return 0;
}

/* Where only one can be meant and who reads the first must not be told another story by who reads the last.
 */
static int check_single(const struct gate_input *in, struct gate_verdict *v)
{
    static const struct {
        const char *name, *detail;
    } SINGLE[] = {
        {"Authorization", "more than one Authorization"},
        {"Content-Type", "more than one Content-Type"},
        {"Idempotency-Key", "more than one Idempotency-Key"},
        {"If-Match", "more than one If-Match"},
        {"Origin", "more than one Origin"},
    };
    for (size_t i = 0; i < COUNT_OF(SINGLE); i++) {
        size_t index;
        if (count_fields(in, SINGLE[i].name, &index) > 1)
            return refuse(v, 400, SINGLE[i].detail);
    }
    return 0;
}

void gate_check(const struct gate_input *in, struct gate_verdict *verdict)
{
    static int (*const CHECKS[])(const struct gate_input *, struct gate_verdict *) = {
        check_size, check_request_line, check_fields, check_host, check_framing, check_expect, check_single,
    };
    *verdict = (struct gate_verdict){.content_length = -1};
    for (size_t i = 0; i < COUNT_OF(CHECKS); i++) {
        if (CHECKS[i](in, verdict) != 0)
            return;
    }
}
