/* The main thread of a serving process: starts it, reacts to signals, changed files and reloads, stops it. */
#include "host/serve.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "host/admin.h"
#include "host/exit_code.h"
#include "host/version.h"

#define AGAIN_MS_MIN 250 /* between attempts at a first generation, doubling */
#define AGAIN_MS_MAX 2000
#define LAST_CALL_MS 5000 /* over the drain limit: something does not end */
#define RATE_BUCKETS_MAX 65536

static void stop(struct serve *s, int exit_code);

/* ---- what a live generation changes for the whole process ---- */

static void apply_settings(struct serve *s, const struct generation *g)
{
    struct hasher_settings hasher = generation_hasher_settings(g->config);
    hasher.threads_max = (unsigned)s->started->auth.hash_threads; /* libuv's pool is sized once, by them */
    hasher_configure(s->hasher, &hasher);
    log_set_level((enum log_level)log_level_parse(g->config->log.level));
    watch_set(s->watch, g->config->reload.watch, (uint32_t)g->config->reload.debounce_ms);
    readiness_set_pending(s->readiness, g->migrations_pending);
}

/* ---- workers ---- */

/* Called by workers and a closed reload: the main loop looks at them. */
static void worker_changed(void *data)
{
    struct serve *s = data;
    uv_async_send(&s->workers_changed);
}

/* With port 0 the system picks one for the first worker; the others must share it. */
static void share_port(const struct serve *s, char *listen, size_t size)
{
    const char *address = s->started->api.listen;
    int host = (int)(strrchr(address, ':') - address);
    if (s->workers_made > 0)
        snprintf(listen, size, "%.*s:%d", host, address, worker_port(s->workers[0]));
    else
        snprintf(listen, size, "%s", address);
}

static int make_worker(struct serve *s, struct generation *g, struct err *err)
{
    char listen[128];
    share_port(s, listen, sizeof(listen));
    struct worker_options options = {.index = s->workers_made,
                                     .count = s->worker_count,
                                     .first = g,
                                     .listen = listen,
                                     .database_url = s->started->database.url,
                                     .hasher = s->hasher,
                                     .rates = s->rates,
                                     .changed = worker_changed,
                                     .data = s};
    s->workers[s->workers_made] = worker_new(&options, err);
    if (s->workers[s->workers_made] == NULL)
        return err_prefix(err, "api.listen");
    s->workers_made++;
    return 0;
}

static void free_workers(struct serve *s)
{
    while (s->workers_made > 0)
        worker_free(s->workers[--s->workers_made]);
}

static int make_workers(struct serve *s, struct generation *g, struct err *err)
{
    while (s->workers_made < s->worker_count) {
        if (make_worker(s, g, err) != 0)
            return -1;
    }
    for (unsigned i = 0; i < s->worker_count; i++) {
        if (worker_start(s->workers[i], err) != 0)
            return -1;
    }
    return 0;
}

/* ---- hooks of a reload ---- */

static int activate(void *data, struct generation *g, struct err *err)
{
    struct serve *s = data;
    apply_settings(s, g);
    if (s->workers_made > 0) {
        for (unsigned i = 0; i < s->worker_count; i++)
            worker_adopt(s->workers[i], g);
        return 0;
    }
    if (make_workers(s, g, err) == 0)
        return 0;
    /* Those that already run are stopped, so that freeing does not wait for ever. */
    for (unsigned i = 0; i < s->workers_made; i++)
        worker_stop(s->workers[i], 0);
    free_workers(s);
    return -1;
}

static bool is_settled(void *data, uint64_t number)
{
    const struct serve *s = data;
    for (unsigned i = 0; i < s->workers_made; i++) {
        if (worker_generation(s->workers[i]) < number)
            return false;
    }
    return true;
}

static bool is_draining(void *data)
{
    const struct serve *s = data;
    for (unsigned i = 0; i < s->workers_made; i++) {
        if (worker_is_draining(s->workers[i]))
            return true;
    }
    return false;
}

/* ---- the first generation ---- */

static void log_listening(const struct serve *s)
{
    char api[128], admin[128];
    const char *address = s->started->api.listen, *admin_address = s->started->admin.listen;
    snprintf(api, sizeof(api), "%.*s:%d", (int)(strrchr(address, ':') - address), address,
             worker_port(s->workers[0]));
    snprintf(admin, sizeof(admin), "%.*s:%d", (int)(strrchr(admin_address, ':') - admin_address),
             admin_address, admin_port(s->admin));
    log_event(LOG_INFO, "listening", LOG_S("version", LEXICRAFT_VERSION), LOG_S("api", api),
              LOG_S("admin", admin), LOG_I("workers", s->worker_count));
}

static void try_first(uv_timer_t *timer);

/* A broken file refuses the start; a database that is away is waited for. */
static void first_done(void *data, const struct reload_result *result)
{
    struct serve *s = data;
    if (s->stopping)
        return;
    if (s->workers_made > 0) {
        free(s->why_not_live);
        s->why_not_live = NULL;
        log_listening(s);
        return;
    }
    bool wait = result->code == ERR_UNAVAILABLE || result->code == ERR_TIMEOUT;
    if (!wait && s->attempts == 1) {
        stop(s, result->code == ERR_IO ? EXIT_CODE_FAILED : EXIT_CODE_CONFIG);
        return;
    }
    free(s->why_not_live);
    s->why_not_live = x_strdup(result->fault_count > 0 ? result->faults[0] : "the first generation failed");
    uint64_t pause = s->attempts > 3 ? AGAIN_MS_MAX : (uint64_t)AGAIN_MS_MIN << s->attempts;
    uv_timer_start(&s->again, try_first, pause, 0);
}

static void try_first(uv_timer_t *timer)
{
    struct serve *s = timer->data;
    s->attempts++;
    reload_request(s->reload, first_done, s);
}

/* ---- events ---- */

static void on_workers_changed(uv_async_t *async);
static void on_hangup(uv_signal_t *handle, int number)
{
    struct serve *s = handle->data;
    (void)number;
    log_event(LOG_INFO, "reload asked for", LOG_S("by", "SIGHUP"));
    reload_request(s->reload, NULL, NULL);
}

static void on_files_changed(void *data)
{
    struct serve *s = data;
    log_event(LOG_INFO, "reload asked for", LOG_S("by", "a changed file"));
    reload_request(s->reload, NULL, NULL);
}

static void on_stop_signal(uv_signal_t *handle, int number)
{
    struct serve *s = handle->data;
    s->stop_signals++;
    if (s->stop_signals == 1) {
        log_event(LOG_INFO, "stopping", LOG_I("signal", number));
        stop(s, EXIT_CODE_OK);
        return;
    }
    log_event(LOG_WARN, "stopping at once", LOG_I("signal", number));
    if (s->stop_signals > 2)
        _exit(EXIT_CODE_FAILED);
    for (unsigned i = 0; i < s->workers_made; i++)
        worker_stop(s->workers[i], 0);
}

/* ---- stopping ---- */

static void close_rest(struct serve *s)
{
    uv_handle_t *handles[] = {(uv_handle_t *)&s->hangup,    (uv_handle_t *)&s->terminate,
                              (uv_handle_t *)&s->interrupt, (uv_handle_t *)&s->workers_changed,
                              (uv_handle_t *)&s->again,     (uv_handle_t *)&s->last_call};
    if (s->closed)
        return;
    s->closed = true;
    free_workers(s);
    admin_close(s->admin);
    for (size_t i = 0; i < COUNT_OF(handles); i++)
        uv_close(handles[i], NULL);
}

static bool all_workers_ended(const struct serve *s)
{
    for (unsigned i = 0; i < s->workers_made; i++) {
        if (!worker_has_ended(s->workers[i]))
            return false;
    }
    return true;
}

static void close_if_ended(struct serve *s)
{
    if (s->stopping && reload_is_closed(s->reload) && all_workers_ended(s))
        close_rest(s);
}

static void on_workers_changed(uv_async_t *async)
{
    struct serve *s = async->data;
    if (s->closed)
        return;
    if (!s->stopping)
        reload_progress(s->reload);
    close_if_ended(s);
}

static void on_last_call(uv_timer_t *timer)
{
    const struct serve *s = timer->data;
    if (all_workers_ended(s)) /* only a build still waits for a database that does not answer */
        _exit(s->exit_code);
    log_event(LOG_ERROR, "a worker does not end; leaving without it");
    _exit(EXIT_CODE_FAILED);
}

static void stop(struct serve *s, int exit_code)
{
    const struct generation *live = reload_live(s->reload);
    const struct config *config = live != NULL ? live->config : s->started;
    uint32_t drain_ms = (uint32_t)config->http.drain_ms;
    s->stopping = true;
    s->exit_code = exit_code;
    uv_timer_stop(&s->again);
    uv_timer_start(&s->last_call, on_last_call, drain_ms + LAST_CALL_MS, 0);
    for (unsigned i = 0; i < s->workers_made; i++)
        worker_stop(s->workers[i], drain_ms);
    watch_close(s->watch);
    readiness_close(s->readiness);
    reload_close(s->reload);
    /* Also wakes the loop when there are no workers. */
    uv_async_send(&s->workers_changed);
}

/* ---- starting ---- */

static struct config *read_settings(const struct generation_options *options, struct err *err)
{
    struct bundle *bundle = bundle_read(options->root, err);
    if (bundle == NULL)
        return NULL;
    struct config *config =
        config_load(bundle, options->root, options->flags, options->flag_count, true, err);
    bundle_unref(bundle);
    return config;
}

/* Password hashes share libuv's threads with name look-ups and cancels, and must not take all of them. */
static void size_thread_pool(const struct config *config)
{
    char threads[24];
    snprintf(threads, sizeof(threads), "%lld",
             (long long)(config->auth.hash_threads < 12 ? 16 : config->auth.hash_threads + 4));
    setenv("UV_THREADPOOL_SIZE", threads, 0);
}

static void init_handles(struct serve *s)
{
    uv_signal_init(&s->loop, &s->hangup);
    uv_signal_init(&s->loop, &s->terminate);
    uv_signal_init(&s->loop, &s->interrupt);
    uv_async_init(&s->loop, &s->workers_changed, on_workers_changed);
    uv_timer_init(&s->loop, &s->again);
    uv_timer_init(&s->loop, &s->last_call);
    s->hangup.data = s->terminate.data = s->interrupt.data = s->workers_changed.data = s->again.data =
        s->last_call.data = s;
    uv_signal_start(&s->hangup, on_hangup, SIGHUP);
    uv_signal_start(&s->terminate, on_stop_signal, SIGTERM);
    uv_signal_start(&s->interrupt, on_stop_signal, SIGINT);
}

static void start_parts(struct serve *s)
{
    struct reload_hooks hooks = {.activate = activate,
                                 .is_settled = is_settled,
                                 .is_draining = is_draining,
                                 .closed = worker_changed,
                                 .data = s};
    struct hasher_settings hasher = generation_hasher_settings(s->started);
    s->worker_count = (unsigned)s->started->api.workers;
    s->workers = x_calloc(s->worker_count, sizeof(*s->workers));
    s->hasher = hasher_new(&hasher);
    s->rates = rate_table_new(RATE_BUCKETS_MAX);
    s->watch = watch_new(&s->loop, s->options.root, on_files_changed, s);
    s->readiness = readiness_new(&s->loop, s->options.root, s->started->database.url);
    s->reload = reload_new(&s->loop, &s->options, &hooks);
    reload_set_started(s->reload, s->started, s->worker_count);
    init_handles(s);
}

static void free_parts(struct serve *s)
{
    reload_free(s->reload);
    readiness_free(s->readiness);
    watch_free(s->watch);
    hasher_free(s->hasher);
    rate_table_free(s->rates);
    free(s->workers);
    free(s->why_not_live);
}

static void warn_of_roles(const struct config *config)
{
    if (strcmp(config->database.url, config->database.migration_url) == 0)
        log_event(
            LOG_WARN,
            "one database role serves and owns the tables; give database.migration_url a role of its own");
}

static void warn_of_unknown_variables(void)
{
    struct buf names = BUF_INIT;
    config_unknown_variables(&names);
    if (names.len > 0)
        log_event(LOG_WARN, "variables that are no settings", LOG_S("names", names.data));
    buf_release(&names);
}

static int run_loop(struct serve *s)
{
    struct err err;
    if (uv_loop_init(&s->loop) != 0) {
        log_event(LOG_ERROR, "no event loop");
        return EXIT_CODE_FAILED;
    }
    s->admin = admin_new(s, &err);
    if (s->admin == NULL) {
        log_err(LOG_ERROR, "cannot listen", &err);
        uv_run(&s->loop, UV_RUN_DEFAULT);
        uv_loop_close(&s->loop);
        return EXIT_CODE_FAILED;
    }
    start_parts(s);
    try_first(&s->again);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    admin_free(s->admin);
    free_parts(s);
    uv_loop_close(&s->loop);
    return s->exit_code;
}

int serve_run(const struct generation_options *options)
{
    struct err err;
    struct serve s = {.options = *options, .started_us = wall_us()};
    s.options.need_secrets = true;
    s.started = read_settings(options, &err);
    if (s.started == NULL) {
        fprintf(stderr, "lexicraft: %s\n", err.text);
        return EXIT_CODE_CONFIG;
    }
    const char *test_clock = getenv("LEXICRAFT_TEST_CLOCK");
    clock_allow_test(test_clock != NULL && strcmp(test_clock, "1") == 0);
    log_set_level((enum log_level)log_level_parse(s.started->log.level));
    size_thread_pool(s.started);
    warn_of_roles(s.started);
    warn_of_unknown_variables();
    int exit_code = run_loop(&s);
    if (exit_code == EXIT_CODE_OK)
        log_event(LOG_INFO, "stopped");
    config_unref(s.started);
    return exit_code;
}
