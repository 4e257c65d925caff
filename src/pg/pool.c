/* The pool: settings, growing and shrinking, back-off, delivery of what is finished, closing, numbers. */
#include "pg/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pg/lanes.h"

/* A connection that is lost so soon counts as one that could not be made. */
#define SETTLED_NS (1000 * NS_PER_MS)
#define RETRY_FIRST_NS (50 * NS_PER_MS)
#define RETRY_MAX_NS (1000 * NS_PER_MS)

/* ---- delivery ---- */

static void op_finish(struct pg_pool *pool, struct pg_op *op)
{
    assert(op->is_queued && !list_is_linked(&op->link));
    op->is_queued = false;
    list_append(&pool->finished, &op->link);
    pool_later(pool);
}

void op_succeed(struct pg_pool *pool, struct pg_op *op, PGresult *result)
{
    op->ok = true;
    op->err.code = ERR_NONE;
    if ((PGresult *)(void *)op->result != result) {
        pg_result_free(op->result);
        op->result = (struct pg_result *)(void *)result;
    }
    op_finish(pool, op);
}

void op_fail(struct pg_pool *pool, struct pg_op *op, const struct err *err)
{
    op->ok = false;
    if (&op->err != err)
        op->err = *err;
    pg_result_free(op->result);
    op->result = NULL;
    if (err->code == ERR_TIMEOUT)
        pool->stats.timeouts++;
    op_finish(pool, op);
}

void pool_deliver(struct pg_pool *pool)
{
    /* Only what is there now: callbacks may finish more, and the loop has other work too. */
    struct list events;
    list_init(&events);
    list_splice(&pool->delivering, &pool->finished);
    list_splice(&events, &pool->tx_events);
    struct list *node;
    while ((node = list_pop(&pool->delivering)) != NULL) {
        struct pg_op *op = CONTAINER_OF(node, struct pg_op, link);
        op_forget_input(op);
        if (!op->is_abandoned && op->done != NULL)
            op->done(op, op->data);
        pg_op_unref(op);
    }
    while ((node = list_pop(&events)) != NULL)
        tx_deliver(tx_of_event(node));
}

/* ---- connections ---- */

void pool_connected(struct pg_pool *pool)
{
    pool->stats.connects++;
    if (pool->is_failing)
        log_event(LOG_INFO, "database connected");
    pool->is_failing = false;
    pool_later(pool);
}

void pool_connect_failed(struct pg_pool *pool, const struct pg_conn *conn, const struct err *err)
{
    uint64_t now = mono_ns();
    bool was_open = conn->opened_ns != 0;
    if (pool->is_closing)
        return;
    pool_later(pool);
    if (!was_open)
        pool->stats.connect_failures++;
    if (was_open && now - conn->opened_ns >= SETTLED_NS)
        return;
    if (pool->is_failing && !conn->is_probe)
        return; /* one of several that failed together */
    if (!pool->is_failing) {
        log_err(LOG_WARN, "database connection failed", err);
        pool->retry_delay_ns = was_open ? RETRY_FIRST_NS : 0;
    } else {
        pool->retry_delay_ns *= 2;
        if (pool->retry_delay_ns == 0)
            pool->retry_delay_ns = RETRY_FIRST_NS;
        if (pool->retry_delay_ns > RETRY_MAX_NS)
            pool->retry_delay_ns = RETRY_MAX_NS;
    }
    pool->is_failing = true;
    pool->retry_ns = now + pool->retry_delay_ns;
}

static bool lane_has_probe(const struct pg_lane *lane)
{
    list_for_each (node, safe, &lane->conns) {
        struct pg_conn *conn = CONTAINER_OF(node, struct pg_conn, link);
        if (conn->is_probe && conn->state != CONN_OPEN)
            return true;
    }
    return false;
}

/* Start what is missing: everything at once while all is well, a single attempt while the server is away. */
static void pool_connect_missing(struct pg_pool *pool)
{
    struct pg_lane *lanes[] = {&pool->pipelined, &pool->exclusive};
    for (size_t i = 0; i < COUNT_OF(lanes); i++) {
        while (lanes[i]->total < lanes[i]->wanted) {
            if (pool->is_failing && (lane_has_probe(lanes[0]) || lane_has_probe(lanes[1])))
                return;
            if (pool->is_failing && mono_ns() < pool->retry_ns) {
                pool_wake_at(pool, pool->retry_ns);
                return;
            }
            conn_new(pool, lanes[i], pool->is_failing);
        }
    }
}

/* A lane has more connections than wanted: those with nothing to do go first; the others as they come back.
 */
static void lane_retire_surplus(struct pg_lane *lane)
{
    unsigned staying = 0;
    list_for_each (node, safe, &lane->conns) {
        struct pg_conn *conn = CONTAINER_OF(node, struct pg_conn, link);
        conn->is_retiring = ++staying > lane->wanted;
        if (conn->is_retiring && (conn->state != CONN_OPEN || (conn_is_quiet(conn) && conn->tx_count == 0)))
            conn_close(conn);
    }
}

/* ---- numbers ---- */

static unsigned lane_in_flight(const struct pg_lane *lane)
{
    unsigned sum = 0;
    list_for_each (node, safe, &lane->conns)
        sum += CONTAINER_OF(node, struct pg_conn, link)->in_flight;
    return sum;
}

static void pool_publish(struct pg_pool *pool)
{
    struct pg_stats *stats = &pool->stats;
    stats->pipelined_open = pool->pipelined.open;
    stats->pipelined_in_flight = lane_in_flight(&pool->pipelined);
    stats->pipelined_waiting = pool->waiting_count;
    stats->exclusive_open = pool->exclusive.open;
    stats->exclusive_idle = exclusive_idle_count(pool);
    stats->exclusive_busy = stats->exclusive_open - stats->exclusive_idle;
    stats->exclusive_waiting = pool->tx_waiting_count;
    uv_mutex_lock(&pool->mutex);
    pool->published = *stats;
    uv_mutex_unlock(&pool->mutex);
}

void pg_pool_stats(struct pg_pool *pool, struct pg_stats *out)
{
    uv_mutex_lock(&pool->mutex);
    *out = pool->published;
    uv_mutex_unlock(&pool->mutex);
}

/* ---- turns of the loop ---- */

static void lane_flush(struct pg_lane *lane)
{
    list_for_each (node, safe, &lane->conns) {
        struct pg_conn *conn = CONTAINER_OF(node, struct pg_conn, link);
        if (conn->state == CONN_OPEN && conn->is_dirty && !conn->wants_write)
            conn_flush(conn);
    }
}

void pg_pool_flush_transactions(struct pg_pool *pool)
{
    if (pool->is_closing)
        return;
    exclusive_grant(pool);
    exclusive_dispatch(pool);
    lane_flush(&pool->exclusive);
}

void pg_pool_flush(struct pg_pool *pool)
{
    if (!pool->is_closing) {
        pool_connect_missing(pool);
        exclusive_grant(pool);
        pipeline_dispatch(pool);
        exclusive_dispatch(pool);
        lane_flush(&pool->pipelined);
        lane_flush(&pool->exclusive);
    }
    pool_publish(pool);
}

static void lane_read_left_over(struct pg_lane *lane)
{
    list_for_each (node, safe, &lane->conns) {
        struct pg_conn *conn = CONTAINER_OF(node, struct pg_conn, link);
        if (conn->state == CONN_OPEN && conn->has_more)
            conn_read_answers(conn);
    }
}

static void pool_free_dead(struct pg_pool *pool)
{
    struct list *node;
    while ((node = list_pop(&pool->dead)) != NULL)
        conn_free(CONTAINER_OF(node, struct pg_conn, link));
}

static void on_own_handle_closed(uv_handle_t *handle)
{
    struct pg_pool *pool = handle->data;
    if (--pool->closing_handles > 0)
        return;
    pool->is_closed = true;
    pool_publish(pool);
    pool->closed(pool->closed_data);
}

static void lane_close(struct pg_lane *lane, const struct err *err)
{
    lane->wanted = 0;
    list_for_each (node, safe, &lane->conns)
        conn_lose(CONTAINER_OF(node, struct pg_conn, link), err);
}

static void pool_tear_down(struct pg_pool *pool)
{
    struct err err;
    err_set(&err, ERR_UNAVAILABLE, "the database pool is closing");
    pipeline_fail_waiting(pool, &err);
    exclusive_fail_waiting(pool, &err);
    lane_close(&pool->pipelined, &err);
    lane_close(&pool->exclusive, &err);
    pipeline_fail_waiting(pool, &err); /* reads that were taken back just now */
    pool_free_dead(pool);
    pool_deliver(pool);
    if (pool->handles > 0 || !list_is_empty(&pool->finished) || !list_is_empty(&pool->tx_events))
        return;
    if (pool->closing_handles > 0)
        return;
    pool->closing_handles = 2;
    uv_close((uv_handle_t *)&pool->timer, on_own_handle_closed);
    uv_close((uv_handle_t *)&pool->later, on_own_handle_closed);
}

static void on_later(uv_idle_t *handle)
{
    struct pg_pool *pool = handle->data;
    uv_idle_stop(handle);
    if (pool->is_closing) {
        pool_tear_down(pool);
        return;
    }
    lane_read_left_over(&pool->pipelined);
    lane_read_left_over(&pool->exclusive);
    pool_free_dead(pool);
    pool_deliver(pool);
}

void pool_later(struct pg_pool *pool)
{
    if (pool->closing_handles == 0 && !uv_is_active((uv_handle_t *)&pool->later))
        uv_idle_start(&pool->later, on_later);
}

static void on_timer(uv_timer_t *timer)
{
    struct pg_pool *pool = timer->data;
    pool->timer_ns = TIME_NEVER;
    pool_sweep(pool);
    pool_deliver(pool);
}

void pool_wake_at(struct pg_pool *pool, uint64_t ns)
{
    if (ns >= pool->timer_ns || pool->closing_handles > 0)
        return;
    uint64_t now = mono_ns();
    pool->timer_ns = ns;
    uv_update_time(pool->loop);
    uv_timer_start(&pool->timer, on_timer, ns > now ? (ns - now) / NS_PER_MS + 1 : 0, 0);
}

/* ---- life ---- */

static void lane_init(struct pg_lane *lane, const struct lane_events *events)
{
    list_init(&lane->conns);
    lane->events = events;
}

static void pool_adopt(struct pg_pool *pool, const struct pg_settings *settings)
{
    pool->settings = *settings;
    pool->settings.url = pool->url;
    if (settings->in_flight_max == 0)
        pool->settings.in_flight_max = 1;
    pool->pipelined.wanted = settings->pipelined > 0 ? settings->pipelined : 1;
    pool->exclusive.wanted = settings->exclusive > 0 ? settings->exclusive : 1;
    if (settings->sharing == 0)
        pool->settings.sharing = 1;
}

struct pg_pool *pg_pool_new(uv_loop_t *loop, const struct pg_settings *settings)
{
    struct pg_pool *pool = x_calloc(1, sizeof(*pool));
    pool->loop = loop;
    pool->url = x_strdup(settings->url);
    pool->timer_ns = TIME_NEVER;
    lane_init(&pool->pipelined, &pipelined_events);
    lane_init(&pool->exclusive, &exclusive_events);
    list_init(&pool->waiting);
    list_init(&pool->tx_waiting);
    list_init(&pool->finished);
    list_init(&pool->delivering);
    list_init(&pool->tx_events);
    list_init(&pool->dead);
    uv_mutex_init(&pool->mutex);
    uv_timer_init(loop, &pool->timer);
    uv_idle_init(loop, &pool->later);
    pool->timer.data = pool;
    pool->later.data = pool;
    pool_adopt(pool, settings);
    pool_connect_missing(pool);
    return pool;
}

void pg_pool_configure(struct pg_pool *pool, const struct pg_settings *settings)
{
    if (pool->is_closing)
        return;
    pool_adopt(pool, settings);
    lane_retire_surplus(&pool->pipelined);
    lane_retire_surplus(&pool->exclusive);
    pool_later(pool);
}

void pg_pool_close(struct pg_pool *pool, void (*closed)(void *data), void *data)
{
    assert(!pool->is_closing);
    pool->is_closing = true;
    pool->closed = closed;
    pool->closed_data = data;
    pool_later(pool); /* not here: the caller may be inside one of this pool's callbacks */
}

void pg_pool_free(struct pg_pool *pool)
{
    assert(pool->is_closed);
    uv_mutex_destroy(&pool->mutex);
    free(pool->url);
    free(pool);
}
