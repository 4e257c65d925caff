/* One request and its answer: MHD's callbacks from the request line to the end, and http_respond. */
#include "http/private.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"

#define SPARE_EXCHANGES_MAX 256
/* Most answers of the database come in the next turn or two, and a connection that was suspended costs MHD
 * three system calls more. So an exchange lingers first: MHD visits it in each of its runs, until that has
 * cost about as much as suspending does. */
#define LINGER_VISITS_MAX 24
#define LINGER_NS UINT64_C(10000000) /* for a loop that sleeps, and visits nobody */
/* MHD sends an answer in one run, sees in the next that it is out, and in the one after reads what has come
 * meanwhile. */
#define RUNS_TO_ANSWER 2
#define BODY_FIRST_BYTES                                                                                     \
    16384 /* memory taken on the word of a Content-Length; more only as the body arrives */

/* ---- life ---- */

static struct exchange *exchange_new(struct client *c)
{
    struct http_server *s = c->engine->server;
    struct list *node = list_pop(&s->spare);
    struct exchange *x;
    if (node != NULL) {
        x = CONTAINER_OF(node, struct exchange, link);
        s->spare_count--;
    } else {
        x = x_malloc(sizeof *x);
    }
    memset(x, 0, offsetof(struct exchange, req.match.params));
    list_init(&x->link);
    x->client = c;
    x->server = s;
    x->req.impl = x;
    x->req.method = "-";
    x->req.query = x->req.body = "";
    x->req.headers = x->headers;
    x->req.started_ns = mono_ns();
    memcpy(x->req.remote, c->remote, sizeof x->req.remote);
    return x;
}

static void keep_target(struct exchange *x, const char *uri)
{
    size_t size = strlen(uri) + 1;
    x->target = size <= sizeof x->target_room ? x->target_room : x_malloc(size);
    memcpy(x->target, uri, size);
}

static void free_target(struct exchange *x)
{
    if (x->target != x->target_room)
        free(x->target);
}

void exchange_free(struct exchange *x)
{
    if (x->response != NULL)
        MHD_destroy_response(x->response);
    buf_release(&x->body);
    free_target(x);
    free(x->kept_headers);
    free(x);
}

/* Keep the memory for the next request. */
static void recycle(struct exchange *x)
{
    struct http_server *s = x->server;
    if (s->spare_count == SPARE_EXCHANGES_MAX) {
        exchange_free(x);
        return;
    }
    buf_release(&x->body);
    free_target(x);
    list_prepend(&s->spare, &x->link);
    s->spare_count++;
}

static char *write_hex(char *out, const unsigned char *bytes, size_t count)
{
    static const char HEX[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *out++ = HEX[bytes[i] >> 4];
        *out++ = HEX[bytes[i] & 15];
    }
    return out;
}

void exchange_make_id(struct http_server *s, char id[37])
{
    unsigned char b[16];
    if (s->random_left < sizeof b) {
        /* The kernel is asked for a key only: it gives little at a time, slowly. */
        unsigned char key[randombytes_SEEDBYTES];
        randombytes_buf(key, sizeof key);
        randombytes_buf_deterministic(s->random, sizeof s->random, key);
        sodium_memzero(key, sizeof key);
        s->random_left = sizeof s->random;
    }
    s->random_left -= sizeof b;
    memcpy(b, s->random + s->random_left, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    static const size_t GROUPS[] = {4, 2, 2, 2, 6};
    char *at = id;
    for (size_t i = 0, from = 0; i < COUNT_OF(GROUPS); from += GROUPS[i++]) {
        at = write_hex(at, b + from, GROUPS[i]);
        *at++ = '-';
    }
    at[-1] = '\0';
}

static bool is_request_id(const char *text)
{
    size_t len = strlen(text);
    return len >= 1 && len <= 36 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

static void set_id(struct exchange *x, const char *given)
{
    if (given != NULL && is_request_id(given))
        memcpy(x->req.id, given, strlen(given) + 1);
    else
        exchange_make_id(x->server, x->req.id);
}

/* Two of them are as good as none. */
static void set_trace_id(struct http_request *req)
{
    const char *given = NULL;
    for (size_t i = 0; i < req->header_count; i++) {
        if (!http_is_name(req->headers[i].name, "traceparent"))
            continue;
        if (given != NULL)
            return;
        given = req->headers[i].value;
    }
    if (given != NULL)
        http_trace_id(given, req->trace_id);
}

/* ---- answering ---- */

/* Hand the finished response to MHD. MHD_NO: the connection has to go. MHD_YES: the exchange may be over. */
static enum MHD_Result queue(struct exchange *x, struct MHD_Connection *connection)
{
    struct MHD_Response *response = x->response;
    x->response = NULL;
    client_enter(x->client, PHASE_WRITE, x->server->now_ns);
    engine_want_runs(x->client->engine, RUNS_TO_ANSWER);
    enum MHD_Result queued = MHD_queue_response(connection, (unsigned)x->status, response);
    MHD_destroy_response(response);
    if (queued == MHD_NO) {
        log_event(LOG_ERROR, "a response could not be queued", LOG_S("request_id", x->req.id),
                  LOG_I("status", x->status));
        x->status = 0;
    }
    return queued;
}

static void end_linger(struct exchange *x)
{
    if (x->lingering)
        x->client->engine->lingering--;
    x->lingering = false;
}

void http_respond(struct http_request *req, struct http_response *response)
{
    struct exchange *x = req->impl;
    assert(!x->answered);
    x->answered = true;
    if (x->client == NULL) { /* the server has closed meanwhile */
        free(response->body);
        exchange_free(x);
        return;
    }
    if (x->abandoned) {
        free(response->body);
    } else {
        x->response = response_make(x, response, &x->status);
    }
    response->body = NULL;
    if (x->in_handler)
        return;
    list_append(&x->server->finished, &x->link);
    server_wake(x->server);
}

void exchange_finish(struct exchange *x)
{
    struct client *c = x->client;
    bool suspended = x->suspended;
    x->suspended = false;
    end_linger(x);
    if (x->response == NULL || queue(x, c->connection) == MHD_NO)
        client_cut(c); /* nobody waits for the answer, or there is none */
    if (suspended)
        MHD_resume_connection(c->connection);
    c->engine->ready = true;
}

void exchange_abandon(struct exchange *x)
{
    if (x->abandoned || x->answered)
        return;
    client_enter(x->client, PHASE_GONE, mono_ns());
    x->abandoned = true;
    if (x->req.on_abandon != NULL)
        x->req.on_abandon(&x->req);
}

/* Answer from here, at once. */
static enum MHD_Result refuse(struct exchange *x, int status, const char *code, const char *detail)
{
    x->in_handler = true;
    http_respond_problem(&x->req, status, code, detail, NULL, 0);
    return queue(x, x->client->connection);
}

/* ---- the header block ---- */

void *exchange_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
    (void)cls;
    struct client *c = client_of(connection);
    struct exchange *x = exchange_new(c);
    c->exchange = x;
    keep_target(x, uri != NULL ? uri : "");
    x->req.path = x->target;
    /* MHD is about to parse the query into records in the connection's memory; when they do not fit, the
     * connection hangs without an answer. Nobody reads them, so end the query before it begins (the text is
     * MHD's own buffer). */
    char *query = uri != NULL ? strchr((char *)uri, '?') : NULL;
    if (query != NULL)
        query[1] = '\0';
    if (c->phase != PHASE_HEADER)
        client_enter(c, PHASE_HEADER, x->req.started_ns);
    return x;
}

struct field_sizes {
    struct exchange *exchange;
    size_t names[GATE_HEADERS_MAX], values[GATE_HEADERS_MAX];
    size_t count, spans_total;
};

static enum MHD_Result collect_field(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_size,
                                     const char *value, size_t value_size)
{
    (void)kind;
    struct field_sizes *sizes = cls;
    if (sizes->count < GATE_HEADERS_MAX) {
        sizes->exchange->headers[sizes->count] = (struct http_header){name, value};
        sizes->names[sizes->count] = name_size;
        sizes->values[sizes->count] = value_size;
    }
    sizes->count++;
    sizes->spans_total += (uintptr_t)value + value_size - (uintptr_t)name;
    return MHD_YES;
}

static void check_header(struct exchange *x, struct MHD_Connection *connection, const char *method,
                         const char *version, struct gate_verdict *verdict)
{
    const struct http_settings *settings = &x->server->settings;
    struct field_sizes sizes UNCLEARED;
    sizes.exchange = x;
    sizes.count = sizes.spans_total = 0;
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, collect_field, &sizes);
    struct gate_input in = {
        .method = method,
        .uri = x->target,
        .version = version,
        .headers = x->headers,
        .name_sizes = sizes.names,
        .value_sizes = sizes.values,
        .header_count = sizes.count,
        .header_bytes =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size,
        .spans_total = sizes.spans_total,
        .header_bytes_max = settings->header_bytes_max,
        .require_host = settings->require_host,
    };
    gate_check(&in, verdict);
    x->req.header_count = sizes.count < GATE_HEADERS_MAX ? sizes.count : GATE_HEADERS_MAX;
}

/* Cut the clean target into path and query. */
static void split_target(struct exchange *x)
{
    char *path = x->target, *query = strchr(path, '?');
    if (query != NULL) {
        *query = '\0';
        x->req.query = query + 1;
    }
    if (path[0] != '/' &&
        path[0] != '*') { /* http://authority/path; the gate has compared authority and Host */
        path = strchr(strstr(path, "://") + 3, '/');
        if (path == NULL)
            path = (char *)"/";
    }
    x->req.path = path;
}

static void find_route(struct exchange *x, const char *method)
{
    struct http_server *s = x->server;
    const struct http_router *router = s->callbacks.router(s->callbacks.data);
    x->req.router = router;
    switch (http_router_match(router, method, x->req.path, &x->req.match, x->allow, sizeof x->allow)) {
    case HTTP_MATCH_OK:
        x->fate = FATE_HANDLE;
        break;
    case HTTP_MATCH_NO_PATH:
        x->fate = FATE_NOT_FOUND;
        break;
    case HTTP_MATCH_NO_METHOD:
        x->fate = FATE_NO_METHOD;
        break;
    }
    if (x->fate != FATE_HANDLE && cors_is_preflight(s, &x->req))
        x->fate = FATE_PREFLIGHT;
    const struct http_route *route = x->req.match.route;
    x->body_bytes_max =
        route != NULL && route->body_bytes_max > 0 ? route->body_bytes_max : s->settings.body_bytes_max;
}

static const char *code_of(int status)
{
    switch (status) {
    case 417:
        return "expectation_failed";
    case 431:
        return "headers_too_large";
    case 501:
        return "method_unknown";
    case 505:
        return "version_not_supported";
    default:
        return "bad_request";
    }
}

static void say_too_large(const struct exchange *x, char *detail, size_t size)
{
    snprintf(detail, size, "The body must have at most %llu bytes.", (unsigned long long)x->body_bytes_max);
}

static enum MHD_Result answer_fate(struct exchange *x)
{
    struct http_header allow = {"Allow", x->allow};
    char detail[80];
    x->in_handler = true;
    switch (x->fate) {
    case FATE_NOT_FOUND:
        http_respond_problem(&x->req, 404, "not_found", "There is nothing here.", NULL, 0);
        break;
    case FATE_NO_METHOD:
        http_respond_problem(&x->req, 405, "method_not_allowed",
                             "Allow names the methods that are known here.", &allow, 1);
        break;
    case FATE_PREFLIGHT:
        cors_answer_preflight(x->server, &x->req, x->allow);
        break;
    default:
        say_too_large(x, detail, sizeof detail);
        http_respond_problem(&x->req, 413, "body_too_large", detail, NULL, 0);
        break;
    }
    return queue(x, x->client->connection);
}

/* The header block is complete: MHD's first call. */
static enum MHD_Result begin(struct exchange *x, struct MHD_Connection *connection, const char *method,
                             const char *version)
{
    struct gate_verdict verdict;
    x->begun = true;
    check_header(x, connection, method, version, &verdict);
    set_id(x, http_request_header(&x->req, "X-Request-Id"));
    if (verdict.status == 0) {
        set_trace_id(&x->req);
        forwarded_resolve(x->server, &x->req);
    }
    x->req.is_head = strcmp(method, "HEAD") == 0;
    const char *known = gate_method(x->req.is_head ? "GET" : method);
    if (known != NULL) /* MHD's text ends with the connection */
        x->req.method = known;
    if (verdict.status != 0) {
        /* An answer in the first call makes MHD close the connection: what follows cannot be trusted. */
        atomic_fetch_add_explicit(&x->server->refused_gate, 1, memory_order_relaxed);
        return refuse(x, verdict.status, code_of(verdict.status), verdict.detail);
    }
    split_target(x);
    find_route(x, method);
    if (!verdict.has_body)
        return MHD_YES;
    client_enter(x->client, PHASE_BODY, mono_ns());
    engine_want_runs(x->client->engine, 1); /* "100 Continue" */
    x->chunked = verdict.content_length < 0;
    if (x->chunked) {
        x->piece_ns = x->client->phase_ns;
        return x->fate != FATE_HANDLE && verdict.expects_continue ? answer_fate(x) : MHD_YES;
    }
    uint64_t length = (uint64_t)verdict.content_length;
    if (length > x->body_bytes_max && x->fate == FATE_HANDLE)
        x->fate = FATE_TOO_LARGE;
    if (x->fate == FATE_HANDLE)
        buf_reserve(&x->body, length < BODY_FIRST_BYTES ? (size_t)length : BODY_FIRST_BYTES);
    else if (verdict.expects_continue || length > x->body_bytes_max + SWALLOW_BYTES_MAX)
        return answer_fate(x); /* the client has not sent it yet, or it is more than is worth reading */
    return MHD_YES;
}

void exchange_refuse_header(struct exchange *x)
{
    struct MHD_Connection *connection = x->client->connection;
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    bool sane = length == NULL ||
                (length[0] != '\0' && strlen(length) < 19 && strspn(length, "0123456789") == strlen(length));
    x->begun = true;
    set_id(x, MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-Request-Id"));
    atomic_fetch_add_explicit(&x->server->refused_gate, 1, memory_order_relaxed);
    x->status = sane ? 431 : 400;
    client_answer_raw(x->client, x->status, code_of(x->status),
                      sane ? "the header block is too large" : "Content-Length is malformed or absurd",
                      x->req.id, false);
}

/* ---- the body and the end of the request ---- */

static enum MHD_Result take_piece(struct exchange *x, const char *data, size_t size)
{
    x->body_bytes += size;
    engine_want_runs(x->client->engine, 1);
    if (x->chunked)
        x->piece_ns = mono_ns();
    if (x->body_bytes > x->body_bytes_max + SWALLOW_BYTES_MAX) {
        char detail[80];
        x->status = 413;
        say_too_large(x, detail, sizeof detail);
        client_answer_raw(x->client, 413, "body_too_large", detail, x->req.id, x->req.is_head);
        return MHD_NO;
    }
    if (x->fate != FATE_HANDLE)
        return MHD_YES;
    if (x->body_bytes > x->body_bytes_max) {
        x->fate = FATE_TOO_LARGE;
        buf_release(&x->body);
        return MHD_YES;
    }
    buf_append(&x->body, data, size);
    return MHD_YES;
}

static enum MHD_Result hand_over(struct exchange *x, struct MHD_Connection *connection)
{
    struct http_server *s = x->server;
    if (x->body.len > 0) {
        x->req.body = x->body.data;
        x->req.body_len = x->body.len;
    }
    atomic_fetch_add_explicit(&s->requests_active, 1, memory_order_relaxed);
    x->handed_over = true;
    x->in_handler = true;
    s->callbacks.handler(&x->req, s->callbacks.data);
    x->in_handler = false;
    if (x->answered)
        return queue(x, connection);
    client_enter(x->client, PHASE_WORK, s->now_ns);
    x->lingering = true;
    x->client->engine->lingering++;
    return MHD_YES;
}

/* MHD asks in every run for the answer of an exchange that lingers. */
static enum MHD_Result visit(struct exchange *x, struct MHD_Connection *connection)
{
    struct client *c = x->client;
    if (x->answered) /* it will have it in a moment */
        return MHD_YES;
    x->visits++;
    if (x->visits < LINGER_VISITS_MAX && x->server->now_ns < c->phase_ns + LINGER_NS)
        return MHD_YES;
    end_linger(x);
    MHD_suspend_connection(connection);
    x->suspended = true;
    atomic_fetch_add_explicit(&x->server->suspended, 1, memory_order_relaxed);
    return MHD_YES;
}

enum MHD_Result exchange_handle(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data, size_t *data_size,
                                void **context)
{
    (void)cls;
    (void)url;
    struct exchange *x = *context;
    /* After a cut MHD still reads what the kernel has; after an answer it has no business here. */
    if (x == NULL || x->client->phase == PHASE_CUT)
        return MHD_NO;
    if (x->lingering)
        return visit(x, connection);
    if (x->answered)
        return MHD_NO;
    if (!x->begun)
        return begin(x, connection, method, version);
    if (*data_size > 0) {
        size_t size = *data_size;
        *data_size = 0;
        return take_piece(x, data, size);
    }
    return x->fate == FATE_HANDLE ? hand_over(x, connection) : answer_fate(x);
}

/* The texts of the fields end with the connection, but the layer above may still read them. */
static void keep_headers(struct exchange *x)
{
    size_t size = 0;
    for (size_t i = 0; i < x->req.header_count; i++)
        size += strlen(x->headers[i].name) + strlen(x->headers[i].value) + 2;
    char *at = x->kept_headers = x_malloc(size);
    for (size_t i = 0; i < x->req.header_count; i++) {
        const char **texts[] = {&x->headers[i].name, &x->headers[i].value};
        for (size_t j = 0; j < COUNT_OF(texts); j++) {
            size_t len = strlen(*texts[j]) + 1;
            *texts[j] = memcpy(at, *texts[j], len);
            at += len;
        }
    }
}

/* The connection is over, the layer above is not: its http_respond frees the exchange. */
static void orphan(struct exchange *x)
{
    x->server = NULL;
    if (x->abandoned)
        return;
    x->abandoned = true;
    if (x->req.on_abandon != NULL)
        x->req.on_abandon(&x->req);
}

void exchange_completed(void *cls, struct MHD_Connection *connection, void **context,
                        enum MHD_RequestTerminationCode code)
{
    (void)code;
    struct engine *e = cls;
    struct exchange *x = *context;
    *context = NULL;
    if (x == NULL)
        return;
    struct http_server *s = e->server;
    struct client *c = x->client;
    end_linger(x);
    engine_want_runs(e, 1);
    c->exchange = NULL;
    x->client = NULL;
    uint64_t now_ns = mono_ns();
    client_enter(c, PHASE_IDLE, now_ns);
    if (list_is_linked(&x->link))
        list_remove(&x->link); /* answered, but the server closes before it is sent */
    if (x->response != NULL)
        x->status = 0;
    const union MHD_ConnectionInfo *answer =
        x->status == 0 ? MHD_get_connection_info(connection, MHD_CONNECTION_INFO_HTTP_STATUS) : NULL;
    if (answer != NULL) { /* MHD itself has refused a malformed body */
        x->status = (int)answer->http_status;
        atomic_fetch_add_explicit(&s->refused_gate, 1, memory_order_relaxed);
    }
    if (x->req.id[0] == '\0')
        exchange_make_id(s, x->req.id);
    bool is_held = x->handed_over && !x->answered;
    if (is_held)
        keep_headers(x);
    if (!x->handed_over)
        x->req.header_count = 0; /* they live in memory of MHD that is gone, or soon will be */
    if (x->handed_over)
        atomic_fetch_sub_explicit(&s->requests_active, 1, memory_order_relaxed);
    s->callbacks.done(&x->req, x->req.match.route != NULL ? x->req.match.route->pattern : "-", x->status,
                      now_ns - x->req.started_ns, s->callbacks.data);
    if (is_held)
        orphan(x);
    else if (x->response != NULL)
        exchange_free(x);
    else
        recycle(x);
}
