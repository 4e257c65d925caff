/* The life of a worker thread: the loop's turn, adopting a program, letting an old one end, stopping. */
#include "host/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/log.h"

#define STACK_BYTES (8u << 20)
#define TURN_ROUNDS_MAX 8         /* of scripts and HTTP before the loop looks at its sockets again */
#define TURN_NS UINT64_C(5000000) /* then statements are sent and answers of the database are read */
#define TURN_RESUMES_MAX 512      /* coroutine resumes of one program in one round */
#define LOG_VERSION_DIGITS 12

enum phase { RUNNING, DRAINING, CLOSING };

struct worker {
    unsigned index, count;
    uv_loop_t loop;
    uv_thread_t thread;
    bool started;
    uv_async_t wake;
    uv_prepare_t turn;
    uv_idle_t again;         /* active while a turn left work over */
    uv_timer_t old_deadline; /* of the old program */
    uv_timer_t stop_deadline;
    struct http_server *server;
    struct pg_pool *pool;
    struct hasher *hasher;
    struct rate_table *rates;
    char *database_url;
    struct metrics *metrics;
    struct program *live;
    struct list old; /* programs, the youngest last; all but the youngest are retired */
    enum phase phase;
    bool http_drained, http_closed, pool_closed;
    void (*changed)(void *data);
    void *data;

    uv_mutex_t lock; /* guards inbox */
    struct {
        struct program *next;
        bool stop;
        uint32_t drain_ms;
    } inbox;

    /* read by other threads, atomic */
    uint64_t generation;
    int draining, ended;
    size_t app_bytes, rules_bytes;
};

/* ---- requests ---- */

static const struct http_router *router_of(void *data)
{
    struct worker *w = data;
    w->live->requests++;
    return w->live->router;
}

static struct program *owner_of(struct worker *w, const struct http_router *router)
{
    if (w->live->router == router)
        return w->live;
    list_for_each (node, safe, &w->old) {
        struct program *p = CONTAINER_OF(node, struct program, link);
        if (p->router == router)
            return p;
    }
    return NULL;
}

static bool fits(const struct worker *w, const struct http_request *req, const struct http_route *route)
{
    const struct config *config = w->live->generation->config;
    uint64_t most = route->body_bytes_max > 0 ? route->body_bytes_max : (uint64_t)config->http.body_bytes_max;
    return req->body_len <= most;
}

/* A request begins with its handler: one whose body was on its way during a reload moves on to the live
 * program, so that no slow client keeps an old one. False: it is not the same there. */
static bool move_to_live(struct worker *w, struct http_request *req)
{
    struct http_match match;
    if (http_router_match(w->live->router, req->method, req->path, &match, NULL, 0) != HTTP_MATCH_OK ||
        !fits(w, req, match.route))
        return false;
    owner_of(w, req->router)->requests--;
    w->live->requests++;
    req->router = w->live->router;
    req->match = match;
    return true;
}

static void handle(struct http_request *req, void *data)
{
    static const struct http_header later = {"Retry-After", "1"};
    struct worker *w = data;
    bool is_open = w->live->app != NULL; /* not when the worker closes */
    if (is_open && (req->router == w->live->router || move_to_live(w, req)))
        bind_http_handle(w->live->app, req);
    else
        http_respond_problem(req, 503, "unavailable", "The server has begun anew meanwhile. Send it again.",
                             &later, 1);
}

static void log_request(const struct worker *w, const struct http_request *req, const char *route, int status,
                        uint64_t duration_ns)
{
    char version[LOG_VERSION_DIGITS + 1] = "";
    if (log_get_level() > LOG_INFO)
        return;
    if (req->rule_version != NULL)
        memcpy(version, req->rule_version, strnlen(req->rule_version, LOG_VERSION_DIGITS));
    log_event(LOG_INFO, "request", LOG_S("request_id", req->id),
              LOG_S("trace_id", req->trace_id[0] != '\0' ? req->trace_id : NULL),
              LOG_S("method", req->is_head          ? "HEAD"
                              : req->method != NULL ? req->method
                                                    : ""),
              LOG_S("route", route), LOG_I("status", status),
              LOG_D("dur_ms", (double)(duration_ns / 1000) / 1000.0), LOG_S("rule_version", version),
              LOG_I("worker", w->index));
}

static void request_done(const struct http_request *req, const char *route, int status, uint64_t duration_ns,
                         void *data)
{
    struct worker *w = data;
    log_request(w, req, route, status, duration_ns);
    metrics_count(w->metrics, route, req->is_head ? "HEAD" : req->method, status, duration_ns);
    if (req->router == NULL)
        return;
    struct program *p = owner_of(w, req->router);
    assert(p != NULL && p->requests > 0);
    p->requests--;
}

/* ---- programs ---- */

static void publish(struct worker *w)
{
    int draining = 0;
    list_for_each (node, safe, &w->old)
        draining += CONTAINER_OF(node, struct program, link)->app != NULL;
    bool tell = draining != __atomic_load_n(&w->draining, __ATOMIC_RELAXED);
    __atomic_store_n(&w->draining, draining, __ATOMIC_RELEASE);
    if (w->live != NULL && w->live->app != NULL) {
        __atomic_store_n(&w->app_bytes, vm_held(w->live->app), __ATOMIC_RELAXED);
        __atomic_store_n(&w->rules_bytes, sandbox_memory(w->live->rules), __ATOMIC_RELAXED);
    }
    if (tell)
        w->changed(w->data);
}

/* Let go of old programs that nothing runs on any more; bodies under way need the router only. */
static void reap(struct worker *w)
{
    list_for_each (node, safe, &w->old) {
        struct program *p = CONTAINER_OF(node, struct program, link);
        if (p->app != NULL && p->app->task_count == 0)
            program_retire(p);
        if (p->requests > 0 || p->app != NULL)
            continue;
        list_remove(&p->link);
        program_free(p);
    }
    if (list_is_empty(&w->old))
        uv_timer_stop(&w->old_deadline);
}

static void old_is_late(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    list_for_each (node, safe, &w->old) {
        struct program *p = CONTAINER_OF(node, struct program, link);
        if (p->app == NULL)
            continue;
        log_event(LOG_WARN, "old generation closed with work left", LOG_I("worker", w->index),
                  LOG_I("generation", p->generation->number), LOG_I("tasks", p->app->task_count));
        program_retire(p);
    }
}

static void attach(struct worker *w, struct program *p)
{
    p->context.loop = &w->loop;
    p->context.pool = w->pool;
    p->context.hasher = w->hasher;
    p->context.rates = w->rates;
    p->context.loading = false;
}

static void adopt(struct worker *w, struct program *p)
{
    const struct config *config = p->generation->config;
    struct http_settings http = generation_http_settings(config, w->index, w->count);
    struct pg_settings pg = generation_pg_settings(config, w->index, w->count);
    attach(w, p);
    list_append(&w->old, &w->live->link);
    w->live = p;
    pg.url = w->database_url;
    http_server_configure(w->server, &http);
    pg_pool_configure(w->pool, &pg);
    uv_timer_start(&w->old_deadline, old_is_late, (uint64_t)config->http.drain_ms, 0);
    reap(w);
    publish(w);
    __atomic_store_n(&w->generation, p->generation->number, __ATOMIC_RELEASE);
    w->changed(w->data);
}

/* ---- one turn of the loop ---- */

static bool run_scripts(struct worker *w)
{
    bool more = vm_run(w->live->app, TURN_RESUMES_MAX);
    list_for_each (node, safe, &w->old) {
        struct program *p = CONTAINER_OF(node, struct program, link);
        if (p->app != NULL)
            more |= vm_run(p->app, TURN_RESUMES_MAX);
    }
    return more;
}

static bool script_is_ready(const struct worker *w)
{
    if (!list_is_empty(&w->live->app->ready))
        return true;
    list_for_each (node, safe, &w->old) {
        const struct program *p = CONTAINER_OF(node, struct program, link);
        if (p->app != NULL && !list_is_empty(&p->app->ready))
            return true;
    }
    return false;
}

static void close_if_finished(struct worker *w);

/* An active idle handle keeps the loop from sleeping; there is nothing for it to do. */
static void stay_awake(uv_idle_t *again)
{
    (void)again;
}

/* Before the loop sleeps: resume what is ready, send what is answered, take what has come, until all is
 * quiet; then one flush carries the statements of the whole turn. */
static void turn(uv_prepare_t *prepare)
{
    struct worker *w = prepare->data;
    bool more = true, late = false;
    if (w->phase == CLOSING)
        return;
    uint64_t until = mono_ns() + TURN_NS;
    w->live->app->begin_until_ns = until;
    for (int round = 0; more && !late && round < TURN_ROUNDS_MAX; round++) {
        more = run_scripts(w);
        pg_pool_flush_transactions(w->pool);
        more |= http_server_turn(w->server);
        more |= script_is_ready(w);
        late = mono_ns() >= until;
    }
    pg_pool_flush(w->pool);
    log_flush();
    reap(w);
    publish(w);
    if (more)
        uv_idle_start(&w->again, stay_awake);
    else
        uv_idle_stop(&w->again);
    close_if_finished(w);
}

/* ---- stopping ---- */

static void close_handles(struct worker *w)
{
    uv_handle_t *handles[] = {(uv_handle_t *)&w->wake, (uv_handle_t *)&w->turn, (uv_handle_t *)&w->again,
                              (uv_handle_t *)&w->old_deadline, (uv_handle_t *)&w->stop_deadline};
    if (!w->http_closed || !w->pool_closed)
        return;
    for (size_t i = 0; i < COUNT_OF(handles); i++)
        uv_close(handles[i], NULL);
}

static void http_is_closed(void *data)
{
    struct worker *w = data;
    w->http_closed = true;
    close_handles(w);
}

static void pool_is_closed(void *data)
{
    struct worker *w = data;
    w->pool_closed = true;
    close_handles(w);
}

/* The end of everything that still runs: tasks are cancelled while lanes and connections are there to take
 * their answers. */
static void begin_close(struct worker *w)
{
    w->phase = CLOSING;
    program_retire(w->live);
    list_for_each (node, safe, &w->old)
        program_retire(CONTAINER_OF(node, struct program, link));
    http_server_turn(w->server);
    http_server_close(w->server, http_is_closed, w);
    pg_pool_close(w->pool, pool_is_closed, w);
}

static void stop_is_late(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    if (w->phase == CLOSING)
        return;
    log_event(LOG_WARN, "stopped with requests left", LOG_I("worker", w->index),
              LOG_I("tasks", w->live->app->task_count));
    begin_close(w);
}

static void close_if_finished(struct worker *w)
{
    bool busy = w->live->app->task_count > 0;
    list_for_each (node, safe, &w->old) {
        const struct program *p = CONTAINER_OF(node, struct program, link);
        busy = busy || p->app != NULL;
    }
    if (w->phase == DRAINING && w->http_drained && !busy)
        begin_close(w);
}

static void http_is_drained(void *data)
{
    struct worker *w = data;
    w->http_drained = true;
    uv_idle_start(&w->again, stay_awake);
}

static void begin_stop(struct worker *w, uint32_t drain_ms)
{
    if (w->phase == CLOSING)
        return;
    uv_timer_start(&w->stop_deadline, stop_is_late, drain_ms, 0);
    if (w->phase == DRAINING)
        return;
    w->phase = DRAINING;
    http_server_drain(w->server, http_is_drained, w);
}

/* ---- what other threads call ---- */

static void read_inbox(uv_async_t *wake)
{
    struct worker *w = wake->data;
    uv_mutex_lock(&w->lock);
    struct program *next = w->inbox.next;
    bool stop = w->inbox.stop;
    uint32_t drain_ms = w->inbox.drain_ms;
    w->inbox.next = NULL;
    w->inbox.stop = false;
    uv_mutex_unlock(&w->lock);
    if (next != NULL && w->phase == CLOSING)
        program_free(next);
    else if (next != NULL)
        adopt(w, next);
    if (stop)
        begin_stop(w, drain_ms);
}

void worker_adopt(struct worker *w, struct generation *g)
{
    struct program *p = generation_take(g, w->index);
    uv_mutex_lock(&w->lock);
    assert(w->inbox.next == NULL);
    w->inbox.next = p;
    uv_mutex_unlock(&w->lock);
    uv_async_send(&w->wake);
}

void worker_stop(struct worker *w, uint32_t drain_ms)
{
    if (worker_has_ended(w))
        return;
    uv_mutex_lock(&w->lock);
    w->inbox.stop = true;
    w->inbox.drain_ms = drain_ms;
    uv_mutex_unlock(&w->lock);
    uv_async_send(&w->wake);
}

uint64_t worker_generation(const struct worker *w)
{
    return __atomic_load_n(&w->generation, __ATOMIC_ACQUIRE);
}

bool worker_is_draining(const struct worker *w)
{
    return __atomic_load_n(&w->draining, __ATOMIC_ACQUIRE) > 0;
}

bool worker_has_ended(const struct worker *w)
{
    return __atomic_load_n(&w->ended, __ATOMIC_ACQUIRE) != 0;
}

bool worker_is_connected(const struct worker *w)
{
    struct pg_stats stats;
    pg_pool_stats(w->pool, &stats);
    return stats.pipelined_open > 0 && stats.exclusive_open > 0;
}

struct metrics *worker_metrics(struct worker *w)
{
    return w->metrics;
}

void worker_read_stats(struct worker *w, struct worker_stats *out)
{
    pg_pool_stats(w->pool, &out->pg);
    http_server_stats(w->server, &out->http);
    out->app_bytes = __atomic_load_n(&w->app_bytes, __ATOMIC_RELAXED);
    out->rules_bytes = __atomic_load_n(&w->rules_bytes, __ATOMIC_RELAXED);
}

int worker_port(const struct worker *w)
{
    return http_server_port(w->server);
}

/* ---- making and freeing ---- */

static int open_server(struct worker *w, const struct worker_options *o, struct err *err)
{
    struct http_settings settings = generation_http_settings(o->first->config, o->index, o->count);
    struct http_callbacks callbacks = {
        .handler = handle, .done = request_done, .router = router_of, .data = w};
    settings.listen = o->listen;
    w->server = http_server_new(&w->loop, &settings, true, &callbacks, err);
    return w->server == NULL ? -1 : 0;
}

static void init_handles(struct worker *w)
{
    uv_async_init(&w->loop, &w->wake, read_inbox);
    uv_prepare_init(&w->loop, &w->turn);
    uv_idle_init(&w->loop, &w->again);
    uv_timer_init(&w->loop, &w->old_deadline);
    uv_timer_init(&w->loop, &w->stop_deadline);
    w->wake.data = w->turn.data = w->again.data = w->old_deadline.data = w->stop_deadline.data = w;
    uv_prepare_start(&w->turn, turn);
}

struct worker *worker_new(const struct worker_options *o, struct err *err)
{
    struct worker *w = x_calloc(1, sizeof(*w));
    w->index = o->index;
    w->count = o->count;
    w->hasher = o->hasher;
    w->rates = o->rates;
    w->changed = o->changed;
    w->data = o->data;
    list_init(&w->old);
    if (uv_loop_init(&w->loop) != 0) {
        err_set(err, ERR_IO, "no event loop for worker %u", o->index);
        free(w);
        return NULL;
    }
    if (open_server(w, o, err) != 0) {
        uv_run(&w->loop, UV_RUN_DEFAULT);
        uv_loop_close(&w->loop);
        free(w);
        return NULL;
    }
    struct pg_settings pg = generation_pg_settings(o->first->config, o->index, o->count);
    w->database_url = x_strdup(o->database_url);
    pg.url = w->database_url;
    w->pool = pg_pool_new(&w->loop, &pg);
    w->metrics = metrics_new();
    uv_mutex_init(&w->lock);
    init_handles(w);
    w->live = generation_take(o->first, o->index);
    w->generation = o->first->number;
    attach(w, w->live);
    return w;
}

static void run(void *data)
{
    struct worker *w = data;
    char name[16]; /* as top -H shows it */
    snprintf(name, sizeof(name), "worker %u", w->index);
    pthread_setname_np(pthread_self(), name);
    log_gather();
    uv_run(&w->loop, UV_RUN_DEFAULT);
    log_gather_end();
    __atomic_store_n(&w->ended, 1, __ATOMIC_RELEASE);
    w->changed(w->data);
}

int worker_start(struct worker *w, struct err *err)
{
    uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_BYTES};
    int rc = uv_thread_create_ex(&w->thread, &options, run, w);
    if (rc != 0)
        return err_set(err, ERR_IO, "no thread for worker %u: %s", w->index, uv_strerror(rc));
    w->started = true;
    return 0;
}

void worker_free(struct worker *w)
{
    if (w->started) {
        uv_thread_join(&w->thread);
    } else {
        begin_close(w);
        uv_run(&w->loop, UV_RUN_DEFAULT);
    }
    program_free(w->live);
    for (struct list *node; (node = list_pop(&w->old)) != NULL;)
        program_free(CONTAINER_OF(node, struct program, link));
    program_free(w->inbox.next);
    http_server_free(w->server);
    pg_pool_free(w->pool);
    uv_loop_close(&w->loop);
    uv_mutex_destroy(&w->lock);
    metrics_free(w->metrics);
    free(w->database_url);
    free(w);
}
