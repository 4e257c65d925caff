/* Reloading, step by step: build, wait, hand over, report. */
#include "host/reload.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define STACK_BYTES (8u << 20)
#define FAULTS_MAX 100 /* kept for the report of one reload */

enum step { IDLE, BUILDING, WAITING, SWAPPING, REPORTING };

struct texts {
    char **items;
    size_t count;
};
struct waiter {
    reload_done_fn done;
    void *data;
};
struct waiters {
    struct waiter *items;
    size_t count;
};

struct reload {
    uv_async_t built;
    uv_thread_t thread;
    bool thread_runs, closing, closed;
    struct generation_options options;
    struct reload_hooks hooks;
    struct config *started;
    enum step step;
    bool pending;
    struct waiters now, next; /* of the running and of the pending reload */
    struct generation *live, *fresh;
    uint64_t numbers;
    uint64_t began_ns;
    bool last_success;
    int64_t success_us;
    double seconds;
    /* written by the building thread, read after it was joined */
    int rc;
    bool unchanged;
    struct err err;
    struct texts faults;
};

static void texts_add(struct texts *t, const char *text)
{
    t->items = x_realloc(t->items, (t->count + 1) * sizeof(char *));
    t->items[t->count++] = x_strdup(text);
}

static void texts_clear(struct texts *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->items[i]);
    free(t->items);
    *t = (struct texts){0};
}

static void waiters_add(struct waiters *w, reload_done_fn done, void *data)
{
    if (done == NULL)
        return;
    w->items = x_realloc(w->items, (w->count + 1) * sizeof(*w->items));
    w->items[w->count++] = (struct waiter){done, data};
}

/* ---- building ---- */

static void keep_fault(void *data, const char *text)
{
    struct reload *r = data;
    if (r->faults.count < FAULTS_MAX)
        texts_add(&r->faults, text);
}

static void build(void *data)
{
    struct reload *r = data;
    r->rc = generation_build(&r->options, &r->fresh, &r->unchanged, keep_fault, r, &r->err);
    uv_async_send(&r->built);
}

static void finish(struct reload *r, enum reload_outcome outcome);

static void begin(struct reload *r)
{
    uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_BYTES};
    r->step = BUILDING;
    r->pending = false;
    r->now = r->next;
    r->next = (struct waiters){0};
    r->began_ns = mono_ns();
    r->options.skip_hash = r->live != NULL ? r->live->hash : NULL;
    texts_clear(&r->faults);
    int rc = uv_thread_create_ex(&r->thread, &options, build, r);
    r->thread_runs = rc == 0;
    if (r->thread_runs)
        return;
    err_set(&r->err, ERR_UNAVAILABLE, "no thread to build on: %s", uv_strerror(rc));
    keep_fault(r, r->err.text);
    finish(r, RELOAD_FAILED);
}

/* ---- reporting ---- */

/* Files whose bytes differ, which are new or which are gone; both bundles are sorted by path. */
static void changed_files(const struct bundle *before, const struct bundle *after, struct texts *out)
{
    size_t a = 0, b = 0;
    while (a < before->count || b < after->count) {
        int order = a == before->count  ? 1
                    : b == after->count ? -1
                                        : strcmp(before->files[a].path, after->files[b].path);
        if (order < 0)
            texts_add(out, before->files[a++].path);
        else if (order > 0)
            texts_add(out, after->files[b++].path);
        else if (strcmp(before->files[a++].hash, after->files[b++].hash) != 0)
            texts_add(out, after->files[b - 1].path);
    }
}

/* Nobody is left without an answer when the program stops. */
static void answer_stopping(struct reload *r)
{
    static const char *const why[] = {"the server is stopping"};
    struct reload_result result = {.outcome = RELOAD_FAILED,
                                   .code = ERR_CANCELLED,
                                   .faults = why,
                                   .fault_count = 1,
                                   .changed_settings = "",
                                   .restart_only = ""};
    struct waiters all[] = {r->now, r->next};
    r->now = r->next = (struct waiters){0};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        for (size_t j = 0; j < all[i].count; j++)
            all[i].items[j].done(all[i].items[j].data, &result);
        free(all[i].items);
    }
}

static void log_result(const struct reload *r, const struct reload_result *result)
{
    static const char *const outcomes[] = {"changed", "unchanged", "failed"};
    for (size_t i = 0; i < result->fault_count; i++)
        log_event(LOG_ERROR, "reload fault", LOG_S("fault", result->faults[i]));
    if (result->restart_only[0] != '\0')
        log_event(LOG_WARN, "settings that wait for a restart", LOG_S("settings", result->restart_only));
    log_event(result->outcome == RELOAD_FAILED ? LOG_ERROR : LOG_INFO, "reload",
              LOG_S("outcome", outcomes[result->outcome]), LOG_D("dur_ms", result->seconds * 1000),
              LOG_I("generation", r->live != NULL ? r->live->number : 0),
              LOG_S("rule_version", r->live != NULL ? r->live->bundle->rule_version : NULL));
}

static void report(struct reload *r, const struct reload_result *result)
{
    struct waiters waiters = r->now;
    r->now = (struct waiters){0};
    log_result(r, result);
    for (size_t i = 0; i < waiters.count; i++)
        waiters.items[i].done(waiters.items[i].data, result);
    free(waiters.items);
}

/* The reload is over: the fresh generation, if it went live, takes the place of the one before. */
static void finish(struct reload *r, enum reload_outcome outcome)
{
    struct generation *before = r->live;
    struct buf settings = BUF_INIT, restart = BUF_INIT;
    struct texts files = {0};
    buf_append(&settings, "", 0);
    buf_append(&restart, "", 0);
    if (outcome == RELOAD_CHANGED) {
        r->live = r->fresh;
        r->fresh = NULL;
        r->success_us = wall_us();
        if (before != NULL) {
            changed_files(before->bundle, r->live->bundle, &files);
            config_diff(before->config, r->live->config, &settings);
        }
    }
    if (outcome != RELOAD_FAILED && r->started != NULL)
        config_restart_only_diff(r->started, r->live->config, &restart);
    r->last_success = outcome != RELOAD_FAILED;
    r->seconds = (double)(mono_ns() - r->began_ns) / 1e9;
    r->step = REPORTING;
    struct reload_result result = {
        .outcome = outcome,
        .code = outcome == RELOAD_FAILED ? r->err.code : ERR_NONE,
        .faults = (const char *const *)r->faults.items,
        .fault_count = outcome == RELOAD_FAILED ? r->faults.count : 0,
        .changed_files = (const char *const *)files.items,
        .changed_file_count = files.count,
        .changed_settings = settings.data,
        .restart_only = restart.data,
        .seconds = r->seconds,
    };
    report(r, &result);
    r->step = IDLE;
    if (outcome == RELOAD_CHANGED)
        generation_unref(before);
    texts_clear(&files);
    buf_release(&settings);
    buf_release(&restart);
    malloc_trim(0); /* building takes and frees several times what stays */
    if (r->pending && !r->closing)
        begin(r);
}

/* ---- handing over ---- */

static void hand_over(struct reload *r)
{
    r->fresh->number = ++r->numbers;
    if (r->hooks.activate(r->hooks.data, r->fresh, &r->err) == 0) {
        r->step = SWAPPING;
        return;
    }
    keep_fault(r, r->err.text);
    generation_unref(r->fresh);
    r->fresh = NULL;
    finish(r, RELOAD_FAILED);
}

void reload_progress(struct reload *r)
{
    if (r->step == WAITING && !r->hooks.is_draining(r->hooks.data))
        hand_over(r);
    if (r->step == SWAPPING && r->hooks.is_settled(r->hooks.data, r->fresh->number))
        finish(r, RELOAD_CHANGED);
}

static void close_handle(struct reload *r)
{
    uv_close((uv_handle_t *)&r->built, NULL);
    r->closed = true;
    r->hooks.closed(r->hooks.data);
}

static void build_is_over(uv_async_t *built)
{
    struct reload *r = built->data;
    if (!r->thread_runs)
        return;
    uv_thread_join(&r->thread);
    r->thread_runs = false;
    if (r->closing) {
        close_handle(r);
        return;
    }
    if (r->rc != 0) {
        finish(r, RELOAD_FAILED);
    } else if (r->unchanged) {
        finish(r, RELOAD_UNCHANGED);
    } else {
        r->step = WAITING;
        reload_progress(r);
    }
}

/* ---- the outside ---- */

struct reload *reload_new(uv_loop_t *loop, const struct generation_options *options,
                          const struct reload_hooks *hooks)
{
    struct reload *r = x_calloc(1, sizeof(*r));
    r->options = *options;
    r->options.database = GENERATION_COMMIT;
    r->hooks = *hooks;
    uv_async_init(loop, &r->built, build_is_over);
    r->built.data = r;
    return r;
}

void reload_set_started(struct reload *r, struct config *started, unsigned workers)
{
    assert(r->step == IDLE && r->started == NULL);
    r->started = config_ref(started);
    r->options.workers = workers;
    r->options.database_url = started->database.url;
}

void reload_request(struct reload *r, reload_done_fn done, void *data)
{
    if (r->closing)
        return;
    waiters_add(&r->next, done, data);
    r->pending = true;
    if (r->step == IDLE)
        begin(r);
}

struct generation *reload_live(const struct reload *r)
{
    return r->live;
}

bool reload_last_success(const struct reload *r)
{
    return r->last_success;
}

int64_t reload_success_us(const struct reload *r)
{
    return r->success_us;
}

double reload_seconds(const struct reload *r)
{
    return r->seconds;
}

void reload_close(struct reload *r)
{
    if (r->closing)
        return;
    r->closing = true;
    answer_stopping(r);
    if (!r->thread_runs)
        close_handle(r);
}

bool reload_is_closed(const struct reload *r)
{
    return r->closed;
}

void reload_free(struct reload *r)
{
    generation_unref(r->fresh);
    generation_unref(r->live);
    config_unref(r->started);
    texts_clear(&r->faults);
    free(r);
}
