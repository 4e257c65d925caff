/* Answers the admin port. */
#include "host/admin.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "host/admin_metrics.h"

#define CONNECTIONS_MAX 64
#define HEADER_BYTES_MAX 8192
#define BODY_BYTES_MAX 4096
#define DEADLINE_MS 10000
#define IDLE_MS 60000

enum route { HEALTH, READY, METRICS, RELOAD, CLOCK, ROUTES };

struct admin {
    struct serve *serve;
    struct http_server *server;
    struct http_router *router;
    uv_prepare_t turn;
    uv_idle_t again;
    bool closing;
};

static void respond_json(struct http_request *req, int status, struct buf *body)
{
    struct http_response response = {
        .status = status, .content_type = "application/json", .body_len = body->len};
    response.body = buf_detach(body);
    http_respond(req, &response);
}

static void write_string(struct buf *out, const char *text)
{
    json_write_string(out, text, strlen(text));
}

/* ---- /healthz and /readyz ---- */

static void health(struct http_request *req)
{
    struct buf body = BUF_INIT;
    buf_append_str(&body, "{\"status\":\"ok\"}");
    respond_json(req, 200, &body);
}

static void add_reason(struct buf *reasons, const char *text)
{
    if (reasons->len > 0)
        buf_append_char(reasons, ',');
    write_string(reasons, text);
}

/* Why this process should get no requests; empty when it should. */
static void find_reasons(const struct serve *s, struct buf *reasons)
{
    char text[128];
    unsigned connected = 0;
    int pending = readiness_pending(s->readiness);
    if (s->stopping)
        add_reason(reasons, "stopping");
    if (s->workers_made == 0)
        add_reason(reasons,
                   s->why_not_live != NULL ? s->why_not_live : "the first generation is being built");
    for (unsigned i = 0; i < s->workers_made; i++)
        connected += worker_is_connected(s->workers[i]);
    if (connected < s->workers_made) {
        snprintf(text, sizeof(text), "database: %u of %u workers are connected", connected, s->workers_made);
        add_reason(reasons, text);
    }
    if (pending < 0)
        add_reason(reasons, "the migrations have not been checked yet");
    if (pending > 0) {
        snprintf(text, sizeof(text), "%d migrations are not applied (lexicraft migrate up)", pending);
        add_reason(reasons, text);
    }
}

static void ready(struct http_request *req, const struct serve *s)
{
    struct buf reasons = BUF_INIT, body = BUF_INIT;
    const struct generation *live = reload_live(s->reload);
    find_reasons(s, &reasons);
    bool is_ready = reasons.len == 0;
    buf_appendf(&body, "{\"ready\":%s,\"reasons\":[%s],\"generation\":%llu,\"rule_version\":",
                is_ready ? "true" : "false", is_ready ? "" : reasons.data,
                live != NULL ? (unsigned long long)live->number : 0ULL);
    if (live != NULL)
        write_string(&body, live->bundle->rule_version);
    else
        buf_append_str(&body, "null");
    buf_append_char(&body, '}');
    buf_release(&reasons);
    respond_json(req, is_ready ? 200 : 503, &body);
}

/* ---- /metrics ---- */

static void metrics(struct http_request *req, const struct serve *s)
{
    struct buf body = BUF_INIT;
    admin_write_metrics(s, &body);
    struct http_response response = {
        .status = 200, .content_type = "text/plain; version=0.0.4; charset=utf-8", .body_len = body.len};
    response.body = buf_detach(&body);
    http_respond(req, &response);
}

/* ---- /reload ---- */

struct reload_waiter {
    struct http_request *req;
    struct serve *serve;
};

static void write_strings(struct buf *out, const char *const *texts, size_t count)
{
    buf_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_char(out, ',');
        write_string(out, texts[i]);
    }
    buf_append_char(out, ']');
}

/* "a.b, c.d" as a list of strings. */
static void write_names(struct buf *out, const char *names)
{
    bool first = true;
    buf_append_char(out, '[');
    while (*names != '\0') {
        size_t len = strcspn(names, ",");
        if (!first)
            buf_append_char(out, ',');
        first = false;
        json_write_string(out, names, len);
        names += len;
        names += strspn(names, ", ");
    }
    buf_append_char(out, ']');
}

static void write_workers(struct buf *out, const struct serve *s)
{
    buf_append_char(out, '[');
    for (unsigned i = 0; i < s->workers_made; i++)
        buf_appendf(out, "%s{\"worker\":%u,\"generation\":%llu}", i > 0 ? "," : "", i,
                    (unsigned long long)worker_generation(s->workers[i]));
    buf_append_char(out, ']');
}

static void write_success(struct buf *out, const struct serve *s, const struct reload_result *result)
{
    const struct generation *live = reload_live(s->reload);
    buf_appendf(out, "{\"changed\":%s,\"generation\":%llu,\"rule_version\":",
                result->outcome == RELOAD_CHANGED ? "true" : "false", (unsigned long long)live->number);
    write_string(out, live->bundle->rule_version);
    buf_append_str(out, ",\"workers\":");
    write_workers(out, s);
    buf_append_str(out, ",\"files\":");
    write_strings(out, result->changed_files, result->changed_file_count);
    buf_append_str(out, ",\"settings\":");
    write_names(out, result->changed_settings);
    buf_append_str(out, ",\"restart_only\":");
    write_names(out, result->restart_only);
    buf_appendf(out, ",\"seconds\":%.6f}", result->seconds);
}

static void reloaded(void *data, const struct reload_result *result)
{
    struct reload_waiter *w = data;
    struct buf body = BUF_INIT;
    if (result->outcome == RELOAD_FAILED) {
        buf_append_str(&body, "{\"faults\":");
        write_strings(&body, result->faults, result->fault_count);
        buf_append_char(&body, '}');
    } else {
        write_success(&body, w->serve, result);
    }
    respond_json(w->req, result->outcome == RELOAD_FAILED ? 422 : 200, &body);
    free(w);
}

static void reload(struct http_request *req, struct serve *s)
{
    static const struct http_header later = {"Retry-After", "1"};
    if (s->stopping) {
        http_respond_problem(req, 503, "draining", NULL, &later, 1);
        return;
    }
    struct reload_waiter *w = x_calloc(1, sizeof(*w));
    w->req = req;
    w->serve = s;
    reload_request(s->reload, reloaded, w);
}

/* ---- /clock ---- */

#define CLOCK_SECONDS_MAX (200LL * 366 * 24 * 3600)

static int read_advance(const struct http_request *req, int64_t *seconds, struct err *err)
{
    struct json_limits limits = {.bytes_max = BODY_BYTES_MAX, .depth_max = 1};
    struct json *root = json_parse(req->body, req->body_len, &limits, err);
    if (root == NULL)
        return -1;
    const struct json *member = json_type(root) == JSON_OBJECT ? json_member(root, "advance_seconds") : NULL;
    int rc = 0;
    if (member == NULL || json_type(member) != JSON_INTEGER ||
        llabs(json_integer(member)) > CLOCK_SECONDS_MAX)
        rc = err_set(err, ERR_INVALID, "advance_seconds must be a whole number of seconds");
    else
        *seconds = json_integer(member);
    json_free(root);
    return rc;
}

static void move_clock(struct http_request *req)
{
    struct err err;
    int64_t seconds = 0;
    char now[28];
    struct buf body = BUF_INIT;
    if (read_advance(req, &seconds, &err) != 0 || clock_advance(seconds * 1000000, &err) != 0) {
        http_respond_problem(req, 400, "bad_request", err.text, NULL, 0);
        return;
    }
    clock_format(clock_now_us(), now);
    buf_append_str(&body, "{\"now\":");
    write_string(&body, now);
    buf_append_char(&body, '}');
    respond_json(req, 200, &body);
}

/* ---- the server ---- */

static void handle(struct http_request *req, void *data)
{
    struct admin *a = data;
    if (http_request_header(req, "Origin") != NULL) {
        http_respond_problem(req, 403, "forbidden", "The admin port is not for browsers.", NULL, 0);
        return;
    }
    switch ((enum route)req->match.route->index) {
    case HEALTH:
        health(req);
        return;
    case READY:
        ready(req, a->serve);
        return;
    case METRICS:
        metrics(req, a->serve);
        return;
    case RELOAD:
        reload(req, a->serve);
        return;
    case CLOCK:
        move_clock(req);
        return;
    case ROUTES:
        break;
    }
    assert(false);
}

static void done(const struct http_request *req, const char *route, int status, uint64_t duration_ns,
                 void *data)
{
    (void)data;
    log_event(LOG_DEBUG, "admin request", LOG_S("request_id", req->id), LOG_S("route", route),
              LOG_I("status", status), LOG_D("dur_ms", (double)(duration_ns / 1000) / 1000.0));
}

static const struct http_router *router_of(void *data)
{
    struct admin *a = data;
    return a->router;
}

static void stay_awake(uv_idle_t *again)
{
    (void)again;
}

static void turn(uv_prepare_t *prepare)
{
    struct admin *a = prepare->data;
    if (a->closing)
        return;
    if (http_server_turn(a->server))
        uv_idle_start(&a->again, stay_awake);
    else
        uv_idle_stop(&a->again);
}

static int listen_on(struct admin *a, const char *address, struct err *err)
{
    static const struct http_route routes[] = {
        {.method = "GET", .pattern = "/healthz", .index = HEALTH},
        {.method = "GET", .pattern = "/readyz", .index = READY},
        {.method = "GET", .pattern = "/metrics", .index = METRICS},
        {.method = "POST", .pattern = "/reload", .index = RELOAD},
        {.method = "POST", .pattern = "/clock", .index = CLOCK},
    };
    struct http_settings settings = {.listen = address,
                                     .connections_max = CONNECTIONS_MAX,
                                     .header_bytes_max = HEADER_BYTES_MAX,
                                     .body_bytes_max = BODY_BYTES_MAX,
                                     .header_ms = DEADLINE_MS,
                                     .body_ms = DEADLINE_MS,
                                     .idle_ms = IDLE_MS,
                                     .write_ms = DEADLINE_MS,
                                     .require_host = true};
    struct http_callbacks callbacks = {.handler = handle, .done = done, .router = router_of, .data = a};
    /* Without a test clock its route does not exist. */
    a->router = http_router_new(routes, clock_is_test() ? ROUTES : CLOCK, err);
    if (a->router == NULL)
        return -1;
    a->server = http_server_new(&a->serve->loop, &settings, false, &callbacks, err);
    return a->server == NULL ? err_prefix(err, "admin.listen") : 0;
}

struct admin *admin_new(struct serve *serve, struct err *err)
{
    struct admin *a = x_calloc(1, sizeof(*a));
    a->serve = serve;
    if (listen_on(a, serve->started->admin.listen, err) != 0) {
        http_router_free(a->router);
        free(a);
        return NULL;
    }
    uv_prepare_init(&serve->loop, &a->turn);
    uv_idle_init(&serve->loop, &a->again);
    a->turn.data = a;
    uv_prepare_start(&a->turn, turn);
    return a;
}

int admin_port(const struct admin *a)
{
    return http_server_port(a->server);
}

static void server_closed(void *data)
{
    struct admin *a = data;
    uv_close((uv_handle_t *)&a->turn, NULL);
    uv_close((uv_handle_t *)&a->again, NULL);
}

void admin_close(struct admin *a)
{
    if (a->closing)
        return;
    http_server_turn(a->server);
    a->closing = true;
    http_server_close(a->server, server_closed, a);
}

void admin_free(struct admin *a)
{
    http_server_free(a->server);
    http_router_free(a->router);
    free(a);
}
