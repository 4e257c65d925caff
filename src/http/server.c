/* The HTTP server as its owner sees it: settings, the loop turn, drain and close. */
#include "http/private.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define RUNS_PER_TURN_MAX 6 /* of MHD, before others in the loop get their share */
/* A shorter one would be what the processor has to be woken for, and setting that up costs more than
 * lingering saves. */
#define REVISIT_MS 10

static void do_not_sleep(uv_idle_t *handle)
{
    (void)handle; /* an active idle handle is what keeps the loop from sleeping */
}

void server_wake(struct http_server *s)
{
    uv_idle_start(&s->again, do_not_sleep);
}

static char **copy_texts(char *const *texts)
{
    size_t count = 0;
    while (texts != NULL && texts[count] != NULL)
        count++;
    char **copy = x_calloc(count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = x_strdup(texts[i]);
    return copy;
}

static void free_texts(char *const *texts)
{
    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++)
        free(texts[i]);
    free((char **)(uintptr_t)texts);
}

static void free_settings(struct http_server *s)
{
    free_texts(s->settings.cors_origins);
    free_texts(s->settings.trusted_proxies);
    free((char *)s->settings.listen);
}

static void copy_settings(struct http_server *s, const struct http_settings *settings)
{
    char *listen = (char *)s->settings.listen;
    char **origins = copy_texts(settings->cors_origins), **proxies = copy_texts(settings->trusted_proxies);
    free_texts(s->settings.cors_origins);
    free_texts(s->settings.trusted_proxies);
    s->settings = *settings;
    s->settings.listen = listen;
    s->settings.cors_origins = origins;
    s->settings.trusted_proxies = proxies;
}

static struct engine *active_engine(const struct http_server *s)
{
    return CONTAINER_OF(s->engines.next, struct engine, link);
}

struct http_server *http_server_new(uv_loop_t *loop, const struct http_settings *settings, bool shared_port,
                                    const struct http_callbacks *callbacks, struct err *err)
{
    if (sodium_init() < 0) {
        err_set(err, ERR_INTERNAL, "libsodium did not start");
        return NULL;
    }
    struct http_server *s = x_calloc(1, sizeof *s);
    s->loop = loop;
    s->callbacks = *callbacks;
    s->settings.listen = x_strdup(settings->listen);
    copy_settings(s, settings);
    list_init(&s->engines);
    list_init(&s->finished);
    list_init(&s->spare);
    for (size_t i = 0; i < PHASE_COUNT; i++)
        list_init(&s->phases[i]);
    s->listen_fd = listen_open(settings->listen, shared_port, &s->port, err);
    if (s->listen_fd < 0 || engine_start(s, err) == NULL) {
        if (s->listen_fd >= 0)
            close(s->listen_fd);
        free_settings(s);
        free(s);
        return NULL;
    }
    uv_timer_init(loop, &s->sweep);
    uv_timer_init(loop, &s->revisit);
    uv_idle_init(loop, &s->again);
    s->open_handles += 3;
    server_wake(s); /* MHD watches its listening socket from the first run on */
    return s;
}

int http_server_port(const struct http_server *s)
{
    return s->port;
}

void http_server_configure(struct http_server *s, const struct http_settings *settings)
{
    copy_settings(s, settings);
    if (s->draining || s->closing || settings->header_bytes_max <= active_engine(s)->header_bytes_max)
        return;
    /* MHD's memory per connection is fixed when its daemon starts: larger header blocks need a new one. */
    struct engine *old = active_engine(s);
    struct err err;
    if (engine_start(s, &err) == NULL) {
        log_err(LOG_ERROR, "larger header blocks need a restart", &err);
        return;
    }
    engine_retire(old);
    server_wake(s);
}

static void finish_answered(struct http_server *s)
{
    struct list *node;
    if (!list_is_empty(&s->finished))
        s->now_ns = mono_ns();
    while ((node = list_pop(&s->finished)) != NULL)
        exchange_finish(CONTAINER_OF(node, struct exchange, link));
}

/* Run every engine that has work; true if there is more. */
static bool run_engines(struct http_server *s)
{
    bool more = false;
    list_for_each (node, next, &s->engines) {
        struct engine *e = CONTAINER_OF(node, struct engine, link);
        if (e->ready && engine_run(e))
            more = true;
    }
    /* After "too many open files" MHD takes up its listening socket in the run after the one that closed a
     * client. */
    if (s->client_closed) {
        s->client_closed = false;
        active_engine(s)->ready = true;
        more = true;
    }
    return more || !list_is_empty(&s->finished);
}

static void stop_dry_engines(struct http_server *s)
{
    list_for_each (node, next, &s->engines) {
        struct engine *e = CONTAINER_OF(node, struct engine, link);
        if (e->retired && e->clients == 0 && e != active_engine(s))
            engine_stop(e);
    }
}

static unsigned count_clients(const struct http_server *s)
{
    unsigned count = 0;
    for (const struct list *node = s->engines.next; node != &s->engines; node = node->next)
        count += CONTAINER_OF(node, struct engine, link)->clients;
    return count;
}

static bool any_lingering(const struct http_server *s)
{
    for (const struct list *node = s->engines.next; node != &s->engines; node = node->next) {
        if (CONTAINER_OF(node, struct engine, link)->lingering > 0)
            return true;
    }
    return false;
}

static void revisit(uv_timer_t *timer)
{
    struct http_server *s = CONTAINER_OF(timer, struct http_server, revisit);
    list_for_each (node, next, &s->engines) {
        struct engine *e = CONTAINER_OF(node, struct engine, link);
        if (e->lingering > 0)
            e->ready = true;
    }
}

bool http_server_turn(struct http_server *s)
{
    if (s->closing)
        return false;
    bool more = true;
    for (int i = 0; i < RUNS_PER_TURN_MAX && more; i++) {
        finish_answered(s);
        more = run_engines(s);
    }
    stop_dry_engines(s);
    bool lingering = any_lingering(s);
    if (lingering && !uv_is_active((uv_handle_t *)&s->revisit))
        uv_timer_start(&s->revisit, revisit, REVISIT_MS, 0);
    deadline_check_stuck(s, !more, lingering);
    if (more)
        server_wake(s);
    else
        uv_idle_stop(&s->again);
    if (s->draining && s->drained != NULL && count_clients(s) == 0) {
        void (*drained)(void *) = s->drained;
        s->drained = NULL;
        drained(s->drained_data);
    }
    return more;
}

void http_server_drain(struct http_server *s, void (*drained)(void *data), void *data)
{
    if (s->draining || s->closing)
        return;
    /* Clients whose connection the kernel has taken already are served. */
    struct engine *e = active_engine(s);
    unsigned before;
    do {
        before = e->clients;
        engine_run(e);
    } while (e->clients > before);
    s->draining = true;
    s->drained = drained;
    s->drained_data = data;
    engine_retire(e);
    close(s->listen_fd);
    s->listen_fd = -1;
    e->ready = true;
    server_wake(s);
}

void server_handle_closed(struct http_server *s)
{
    if (--s->open_handles == 0 && s->closing && s->closed != NULL)
        s->closed(s->closed_data);
}

static void on_handle_closed(uv_handle_t *handle)
{
    server_handle_closed(handle->data);
}

/* Tell the layer above, and free connections from their suspension: MHD cannot stop otherwise. */
static void let_go(struct http_server *s, enum phase phase)
{
    list_for_each (node, next, &s->phases[phase]) {
        struct client *c = CONTAINER_OF(node, struct client, link);
        struct exchange *x = c->exchange;
        if (!x->abandoned && !x->answered) {
            x->abandoned = true;
            if (x->req.on_abandon != NULL)
                x->req.on_abandon(&x->req);
        }
        if (x->suspended)
            MHD_resume_connection(c->connection);
        x->suspended = false;
    }
}

void http_server_close(struct http_server *s, void (*closed)(void *data), void *data)
{
    if (s->closing)
        return;
    s->closing = true;
    s->closed = closed;
    s->closed_data = data;
    let_go(s, PHASE_WORK);
    let_go(s, PHASE_GONE);
    while (!list_is_empty(&s->engines))
        engine_stop(active_engine(s));
    if (s->listen_fd >= 0)
        close(s->listen_fd);
    s->listen_fd = -1;
    s->sweep.data = s->revisit.data = s->again.data = s;
    uv_close((uv_handle_t *)&s->sweep, on_handle_closed);
    uv_close((uv_handle_t *)&s->revisit, on_handle_closed);
    uv_close((uv_handle_t *)&s->again, on_handle_closed);
}

void http_server_free(struct http_server *s)
{
    if (s == NULL)
        return;
    struct list *node;
    while ((node = list_pop(&s->spare)) != NULL)
        free(CONTAINER_OF(node, struct exchange, link));
    free_settings(s);
    free(s);
}

void http_server_stats(struct http_server *s, struct http_stats *out)
{
    out->connections = atomic_load_explicit(&s->connections, memory_order_relaxed);
    out->requests_active = atomic_load_explicit(&s->requests_active, memory_order_relaxed);
    out->refused_gate = atomic_load_explicit(&s->refused_gate, memory_order_relaxed);
    out->refused_limit = atomic_load_explicit(&s->refused_limit, memory_order_relaxed);
    out->cut_slow = atomic_load_explicit(&s->cut_slow, memory_order_relaxed);
    out->suspended = atomic_load_explicit(&s->suspended, memory_order_relaxed);
}
