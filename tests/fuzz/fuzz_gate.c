/* The request gate: what it calls clean is checked again, by other means. The input is a request head as
 * text. */
#include "fuzz.h"

#include <ctype.h>
#include <strings.h>

#include "http/gate.h"

#define HEADERS_MAX (GATE_HEADERS_MAX + 8)
#define HEADER_BYTES_MAX 2048

struct cursor {
    const char *at, *end;
};

struct head {
    char *method, *uri, *version;
    char *names[HEADERS_MAX], *values[HEADERS_MAX];
    struct http_header headers[HEADERS_MAX];
    size_t name_sizes[HEADERS_MAX], value_sizes[HEADERS_MAX];
    size_t count, spans_total;
};

/* The bytes up to separator or the end, as a string of its own; the cursor moves behind the separator. */
static char *take(struct cursor *c, char separator, size_t *size)
{
    size_t left = (size_t)(c->end - c->at);
    const char *found = left > 0 ? memchr(c->at, separator, left) : NULL;
    size_t len = found != NULL ? (size_t)(found - c->at) : left;
    char *text = x_malloc(len + 1);
    memcpy(text, c->at, len);
    text[len] = '\0';
    c->at += found != NULL ? len + 1 : len;
    if (size != NULL)
        *size = len;
    return text;
}

/* A line "name: value", as the server would hand it over; values keep their NULs. */
static void read_header(struct head *head, struct cursor *c)
{
    size_t i = head->count++;
    size_t size;
    char *line = take(c, '\n', &size);
    struct cursor in_line = {line, line + size};
    head->names[i] = take(&in_line, ':', &head->name_sizes[i]);
    if (in_line.at < in_line.end && *in_line.at == ' ')
        in_line.at++;
    head->value_sizes[i] = (size_t)(in_line.end - in_line.at);
    head->values[i] = x_malloc(head->value_sizes[i] + 1);
    memcpy(head->values[i], in_line.at, head->value_sizes[i]);
    head->values[i][head->value_sizes[i]] = '\0';
    head->headers[i] = (struct http_header){head->names[i], head->values[i]};
    head->spans_total += size;
    free(line);
}

static void release(struct head *head)
{
    free(head->method);
    free(head->uri);
    free(head->version);
    for (size_t i = 0; i < head->count; i++) {
        free(head->names[i]);
        free(head->values[i]);
    }
}

static size_t count_named(const struct head *head, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < head->count; i++)
        count += strcasecmp(head->names[i], name) == 0;
    return count;
}

static const char *value_of(const struct head *head, const char *name)
{
    for (size_t i = 0; i < head->count; i++)
        if (strcasecmp(head->names[i], name) == 0)
            return head->values[i];
    return NULL;
}

static void require_clean_fields(const struct head *head)
{
    for (size_t i = 0; i < head->count; i++) {
        REQUIRE(strlen(head->names[i]) == head->name_sizes[i] && head->name_sizes[i] > 0);
        REQUIRE(strlen(head->values[i]) == head->value_sizes[i]);
        for (const char *c = head->names[i]; *c != '\0'; c++)
            REQUIRE(isgraph((unsigned char)*c) && strchr("(),/:;<=>?@[\\]{}\"", *c) == NULL);
        REQUIRE(strpbrk(head->values[i], "\r\n\x7f") == NULL);
    }
}

static void require_clean_framing(const struct head *head, const struct gate_verdict *verdict)
{
    size_t lengths = count_named(head, "content-length");
    size_t codings = count_named(head, "transfer-encoding");
    REQUIRE(lengths + codings <= 1);
    if (lengths == 1) {
        const char *text = value_of(head, "content-length");
        REQUIRE(strspn(text, "0123456789") == strlen(text));
        REQUIRE(verdict->content_length == strtoll(text, NULL, 10));
        REQUIRE(verdict->has_body == (verdict->content_length > 0));
    } else {
        REQUIRE(verdict->content_length == -1);
        REQUIRE(verdict->has_body == (codings == 1));
    }
    if (codings == 1)
        REQUIRE(strcasecmp(value_of(head, "transfer-encoding"), "chunked") == 0);
}

static void require_clean(const struct head *head, const struct gate_input *in,
                          const struct gate_verdict *verdict)
{
    bool is_1_1 = strcmp(head->version, "HTTP/1.1") == 0;
    REQUIRE(is_1_1 || strcmp(head->version, "HTTP/1.0") == 0);
    REQUIRE(in->header_bytes <= in->header_bytes_max && in->header_count <= GATE_HEADERS_MAX);
    REQUIRE(strspn(head->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(head->method));
    REQUIRE(strstr(head->uri, "%00") == NULL);
    for (const char *c = head->uri; *c != '\0'; c++)
        REQUIRE(isgraph((unsigned char)*c));
    size_t hosts = count_named(head, "host");
    REQUIRE(hosts <= 1);
    if (in->require_host && is_1_1)
        REQUIRE(hosts == 1);
    require_clean_fields(head);
    require_clean_framing(head, verdict);
}

/* The first byte decides what the text does not: whether a Host is required, and whether the counted size
 * lies. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct cursor c = {(const char *)data + 1, (const char *)data + size};
    struct head head = {0};
    head.method = take(&c, ' ', NULL);
    head.uri = take(&c, ' ', NULL);
    head.version = take(&c, '\n', NULL);
    while (c.at < c.end && head.count < HEADERS_MAX)
        read_header(&head, &c);
    size_t honest = strlen(head.method) + strlen(head.uri) + strlen(head.version) + 4 + head.spans_total +
                    2 * head.count + 2;
    struct gate_input in = {
        .method = head.method,
        .uri = head.uri,
        .version = head.version,
        .headers = head.headers,
        .name_sizes = head.name_sizes,
        .value_sizes = head.value_sizes,
        .header_count = head.count,
        .header_bytes = honest - ((data[0] & 2) != 0 ? 1 : 0),
        .spans_total = head.spans_total,
        .header_bytes_max = HEADER_BYTES_MAX,
        .require_host = (data[0] & 1) != 0,
    };
    struct gate_verdict verdict;
    gate_check(&in, &verdict);
    if (verdict.status == 0) {
        REQUIRE(in.header_bytes == honest);
        require_clean(&head, &in, &verdict);
    } else {
        REQUIRE(verdict.status >= 400 && verdict.status <= 599);
        REQUIRE(verdict.detail != NULL);
    }
    release(&head);
    return 0;
}
