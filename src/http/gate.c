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

/* 1: a character that a request target may hold and that needs no second look. */
static const unsigned char TARGET[256] = {['!' ... '"'] = 1, ['$'] = 1, ['&' ... '~'] = 1};

/* 1: a character of a host name, an address or a port. */
static const unsigned char AUTHORITY[256] = {
    ['-'] = 1, ['.'] = 1, ['_'] = 1,         ['~'] = 1,         [':'] = 1,
    ['['] = 1, [']'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};

/* The fields that decide something here. */
enum field {
    HOST,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    EXPECT,
    AUTHORIZATION,
    CONTENT_TYPE,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    ORIGIN,
    FIELDS,
};
#define NAME(text) text, sizeof(text) - 1
static const struct {
    const char *name;
    size_t len;
    const char *twice; /* why there may not be two; NULL: a check of its own says that */
} DECISIVE[FIELDS] = {
    [HOST] = {NAME("Host"), NULL},
    [CONTENT_LENGTH] = {NAME("Content-Length"), NULL},
    [TRANSFER_ENCODING] = {NAME("Transfer-Encoding"), NULL},
    [EXPECT] = {NAME("Expect"), NULL},
    /* Where only one can be meant and who reads the first must not be told another story by who reads the
     * last. */
    [AUTHORIZATION] = {NAME("Authorization"), "more than one Authorization"},
    [CONTENT_TYPE] = {NAME("Content-Type"), "more than one Content-Type"},
    [IDEMPOTENCY_KEY] = {NAME("Idempotency-Key"), "more than one Idempotency-Key"},
    [IF_MATCH] = {NAME("If-Match"), "more than one If-Match"},
    [ORIGIN] = {NAME("Origin"), "more than one Origin"},
};

/* What is being checked, and where those fields are in it. */
struct block {
    const struct gate_input *in;
    size_t counts[FIELDS], firsts[FIELDS];
};

static bool is_all(const unsigned char kind[256], const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!kind[(unsigned char)text[i]])
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

static int check_size(struct block *block, struct gate_verdict *v)
{
    const struct gate_input *in = block->in;
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

static const char *absolute_authority(const char *uri)
{
    if (strncasecmp(uri, "http://", 7) == 0)
        return uri + 7;
    if (strncasecmp(uri, "https://", 8) == 0)
        return uri + 8;
    return NULL;
}

static int check_request_line(struct block *block, struct gate_verdict *v)
{
    const struct gate_input *in = block->in;
    if (!is_all(TOKEN, in->method, strlen(in->method)))
        return refuse(v, 400, "the method is no token");
    if (strcmp(in->version, "HTTP/1.1") != 0 && strcmp(in->version, "HTTP/1.0") != 0)
        return refuse(v, 505, "this version of HTTP is not spoken here");
    if (gate_method(in->method) == NULL)
        return refuse(v, 501, "the method is not known here");
    for (const char *at = in->uri; *at != '\0'; at++) {
        if (TARGET[(unsigned char)*at])
            continue;
        if (*at != '%')
            return refuse(v, 400, "the request target has a byte that may not be there");
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

static void note_field(struct block *block, size_t index)
{
    const char *name = block->in->headers[index].name;
    size_t len = block->in->name_sizes[index];
    for (size_t i = 0; i < FIELDS; i++) {
        if (DECISIVE[i].len != len || strncasecmp(DECISIVE[i].name, name, len) != 0)
            continue;
        if (block->counts[i]++ == 0)
            block->firsts[i] = index;
        return;
    }
}

static int check_fields(struct block *block, struct gate_verdict *v)
{
    const struct gate_input *in = block->in;
    for (size_t i = 0; i < in->header_count; i++) {
        if (!is_all(TOKEN, in->headers[i].name, in->name_sizes[i]))
            return refuse(v, 400, "a header name is no token");
        if (!http_is_field_value(in->headers[i].value, in->value_sizes[i]))
            return refuse(v, 400, "a header value has a control byte");
        note_field(block, i);
    }
    return 0;
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

static int check_host(struct block *block, struct gate_verdict *v)
{
    const struct gate_input *in = block->in;
    size_t count = block->counts[HOST], index = block->firsts[HOST];
    if (count > 1)
        return refuse(v, 400, "more than one Host");
    if (count == 0) {
        if (in->require_host && strcmp(in->version, "HTTP/1.1") == 0)
            return refuse(v, 400, "Host is missing");
        return 0;
    }
    const char *host = in->headers[index].value;
    size_t len = trimmed(in, index);
    if (!is_all(AUTHORITY, host, len))
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

static int check_framing(struct block *block, struct gate_verdict *v)
{
    const struct gate_input *in = block->in;
    size_t lengths = block->counts[CONTENT_LENGTH], codings = block->counts[TRANSFER_ENCODING];
    if (lengths > 1)
        return refuse(v, 400, "more than one Content-Length");
    if (lengths > 0 && codings > 0)
        return refuse(v, 400, "Transfer-Encoding together with Content-Length");
    if (lengths > 0)
        return check_content_length(in, block->firsts[CONTENT_LENGTH], v);
    if (codings == 0)
        return 0;
    if (strcmp(in->version, "HTTP/1.1") != 0)
        return refuse(v, 400, "Transfer-Encoding in HTTP/1.0");
    if (codings > 1 || strcasecmp(in->headers[block->firsts[TRANSFER_ENCODING]].value, "chunked") != 0)
        return refuse(v, 400, "Transfer-Encoding is not a single \"chunked\"");
    v->has_body = true;
    return 0;
}

static int check_expect(struct block *block, struct gate_verdict *v)
{
    const struct gate_input *in = block->in;
    size_t count = block->counts[EXPECT];
    if (count == 0)
        return 0;
    if (count > 1 || strcasecmp(in->headers[block->firsts[EXPECT]].value, "100-continue") != 0)
        return refuse(v, 417, "only Expect: 100-continue is known");
    v->expects_continue = v->has_body && strcmp(in->version, "HTTP/1.1") == 0;
    return 0;
}

static int check_single(struct block *block, struct gate_verdict *v)
{
    for (size_t i = 0; i < FIELDS; i++) {
        if (block->counts[i] > 1 && DECISIVE[i].twice != NULL)
            return refuse(v, 400, DECISIVE[i].twice);
    }
    return 0;
}

void gate_check(const struct gate_input *in, struct gate_verdict *verdict)
{
    static int (*const CHECKS[])(struct block *, struct gate_verdict *) = {
        check_size, check_request_line, check_fields, check_host, check_framing, check_expect, check_single,
    };
    struct block block = {.in = in};
    *verdict = (struct gate_verdict){.content_length = -1};
    for (size_t i = 0; i < COUNT_OF(CHECKS); i++) {
        if (CHECKS[i](&block, verdict) != 0)
            return;
    }
}
