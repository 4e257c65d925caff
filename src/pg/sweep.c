/* Everything that is due at a time: deadlines, the ends of waits, idle transactions, the next attempt to
 * connect. */
#include "pg/lanes.h"

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t conn_sweep(struct pg_conn *conn, uint64_t now)
{
    if (conn->state == CONN_OPEN) {
        uint64_t next = conn_check_overdue(conn, now);
        return conn->state == CONN_OPEN ? earlier(next, pipeline_expire_sent(conn, now)) : TIME_NEVER;
    }
    if (now < conn->due_ns)
        return conn->due_ns;
    struct err err;
    err_set(&err, ERR_UNAVAILABLE, "no connection to PostgreSQL within %u ms",
            conn->pool->settings.connect_ms);
    conn_lose(conn, &err);
    return TIME_NEVER;
}

static uint64_t lane_sweep(struct pg_lane *lane, uint64_t now)
{
    uint64_t next = TIME_NEVER;
    list_for_each (node, safe, &lane->conns)
        next = earlier(next, conn_sweep(CONTAINER_OF(node, struct pg_conn, link), now));
    return next;
}

void pool_sweep(struct pg_pool *pool)
{
    if (pool->is_closing)
        return;
    uint64_t now = mono_ns();
    uint64_t next = lane_sweep(&pool->pipelined, now);
    next = earlier(next, lane_sweep(&pool->exclusive, now));
    next = earlier(next, pipeline_expire_waiting(pool, now));
    next = earlier(next, exclusive_expire(pool, now));
    if (next != TIME_NEVER)
        pool_wake_at(pool, next);
    /* A missing connection is tried by the flush that ends this turn. */
}
