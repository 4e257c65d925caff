/* The pipelined lane: single statements of many requests in flight on few connections. */
#include <stdlib.h>
#include <string.h>

#include "pg/lanes.h"

static struct pg_op *op_of(struct list *link)
{
    return CONTAINER_OF(link, struct pg_op, link);
}

/* ---- waiting ---- */

void pg_pool_submit(struct pg_pool *pool, struct pg_op *op)
{
    assert(!op->is_queued && !pool->is_closed);
    op->refs++;
    op->is_queued = true;
    op->owner = NULL;
    op->wait_ns = mono_ns() + pool->settings.wait_ms * NS_PER_MS;
    if (pool->is_closing || op->params.count > PG_PARAMS_MAX) {
        struct err err;
        if (pool->is_closing)
            err_set(&err, ERR_UNAVAILABLE, "the database pool is closing");
        else
            err_set(&err, ERR_LIMIT, "a statement has more than %d parameters", PG_PARAMS_MAX);
        op_fail(pool, op, &err);
        return;
    }
    list_append(&pool->waiting, &op->link);
    pool->waiting_count++;
    pool_wake_at(pool, op->wait_ns);
    if (op->deadline_ns != 0)
        pool_wake_at(pool, op->deadline_ns);
}

static void waiting_remove(struct pg_pool *pool, struct pg_op *op)
{
    list_remove(&op->link);
    pool->waiting_count--;
}

/* Put ops back before all that wait. */
static void waiting_prepend(struct pg_pool *pool, struct list *ops)
{
    uint64_t wait_ns = mono_ns() + pool->settings.wait_ms * NS_PER_MS;
    list_for_each (node, safe, ops) {
        op_of(node)->wait_ns = wait_ns;
        pool->waiting_count++;
    }
    if (!list_is_empty(ops))
        pool_wake_at(pool, wait_ns);
    list_splice(ops, &pool->waiting);
    list_splice(&pool->waiting, ops);
    pool_later(pool);
}

static void op_send_again(struct pg_pool *pool, struct pg_op *op)
{
    struct list one;
    list_init(&one);
    list_append(&one, &op->link);
    op->attempts++;
    pool->stats.retries++;
    waiting_prepend(pool, &one);
}

static void op_give_up_waiting(struct pg_pool *pool, struct pg_op *op, enum err_code code, const char *text)
{
    struct err err;
    err_set(&err, code, "%s", text);
    waiting_remove(pool, op);
    op_fail(pool, op, &err);
}

static uint64_t op_expire_waiting(struct pg_pool *pool, struct pg_op *op, uint64_t now)
{
    uint64_t deadline = op->expires_ns != 0 ? op->expires_ns : op->deadline_ns;
    if (deadline != 0 && now >= deadline) {
        op_give_up_waiting(pool, op, ERR_TIMEOUT, "the deadline passed before a connection was free");
        return TIME_NEVER;
    }
    if (now < op->wait_ns)
        return deadline != 0 && deadline < op->wait_ns ? deadline : op->wait_ns;
    if (pool->pipelined.open == 0)
        op_give_up_waiting(pool, op, ERR_UNAVAILABLE, "PostgreSQL is not reachable");
    else
        op_give_up_waiting(pool, op, ERR_BUSY, "every database connection is busy");
    return TIME_NEVER;
}

uint64_t pipeline_expire_waiting(struct pg_pool *pool, uint64_t now)
{
    uint64_t next = TIME_NEVER;
    list_for_each (node, safe, &pool->waiting) {
        uint64_t due = op_expire_waiting(pool, op_of(node), now);
        next = due < next ? due : next;
    }
    return next;
}

void pipeline_fail_waiting(struct pg_pool *pool, const struct err *err)
{
    struct list *node;
    while ((node = list_pop(&pool->waiting)) != NULL)
        op_fail(pool, op_of(node), err);
    pool->waiting_count = 0;
}

/* ---- sending ---- */

static struct pg_conn *least_busy(struct pg_pool *pool)
{
    struct pg_conn *best = NULL;
    list_for_each (node, safe, &pool->pipelined.conns) {
        struct pg_conn *conn = CONTAINER_OF(node, struct pg_conn, link);
        /* One whose statement is overdue is about to stall or to be dropped. */
        if (conn->state != CONN_OPEN || conn->is_retiring || conn->wants_write || conn->drop_ns != 0 ||
            conn->in_flight + conn->chosen >= pool->settings.in_flight_max)
            continue;
        if (best == NULL || conn->in_flight + conn->chosen < best->in_flight + best->chosen)
            best = conn;
    }
    return best;
}

static void choose_connections(struct pg_pool *pool)
{
    list_for_each (node, safe, &pool->waiting) {
        struct pg_op *op = op_of(node);
        if (op->is_abandoned) {
            waiting_remove(pool, op);
            op->is_queued = false;
            pg_op_unref(op);
            continue;
        }
        if (gather_join(pool, op)) {
            pool->waiting_count--;
            continue;
        }
        struct pg_conn *conn = least_busy(pool);
        if (conn == NULL)
            break;
        waiting_remove(pool, op);
        list_append(op->is_write || op->is_alone ? &conn->singles : &conn->reads, &op->link);
        conn->chosen++;
        gather_offer(pool, op);
    }
    gather_close(pool);
}

/* Reads first, under one Sync: a write may be slow. Every write ends its own implicit transaction. */
static void send_chosen(struct pg_conn *conn)
{
    struct list *node;
    if (conn->chosen == 0)
        return;
    conn_tidy(conn);
    bool has_reads = !list_is_empty(&conn->reads);
    while (conn->state == CONN_OPEN && (node = list_pop(&conn->reads)) != NULL)
        conn_send_op(conn, op_of(node));
    if (conn->state == CONN_OPEN && has_reads)
        conn_send_sync(conn);
    while (conn->state == CONN_OPEN && (node = list_pop(&conn->singles)) != NULL) {
        conn_send_op(conn, op_of(node));
        if (conn->state == CONN_OPEN)
            conn_send_sync(conn);
    }
    conn->chosen = 0;
    conn_tidy(conn);
}

static void refuse_surplus(struct pg_pool *pool)
{
    while (pool->waiting_count > 0 &&
           pool->waiting_count + pool->tx_waiting_count > pool->settings.waiting_max) {
        struct pg_op *newest = op_of(pool->waiting.prev);
        op_give_up_waiting(pool, newest, ERR_BUSY, "too many requests wait for the database");
    }
}

void pipeline_dispatch(struct pg_pool *pool)
{
    if (list_is_empty(&pool->waiting))
        return;
    choose_connections(pool);
    list_for_each (node, safe, &pool->pipelined.conns)
        send_chosen(CONTAINER_OF(node, struct pg_conn, link));
    refuse_surplus(pool);
}

/* ---- answers ---- */

void op_timed_out(struct pg_pool *pool, struct pg_op *op)
{
    struct err err;
    err_set(&err, ERR_TIMEOUT, "the statement was cancelled at its deadline");
    op_fail(pool, op, &err);
}

/* PostgreSQL refused op with op->err; so it did not happen, whether it reads or writes. */
static void op_refused(struct pg_conn *conn, struct pg_op *op)
{
    struct pg_pool *pool = conn->pool;
    bool may_repeat = op->attempts < ATTEMPTS_MAX && !op_is_overdue(op) && !pool->is_closing;

    op->is_alone = true;
    if (strcmp(op->err.sqlstate, SQLSTATE_CANCELLED) == 0) {
        if (op_is_overdue(op)) {
            op_timed_out(pool, op);
            return;
        }
        /* The cancel was meant for a statement before it. */
        if (conn->was_cancelled && may_repeat) {
            op_send_again(pool, op);
            return;
        }
    }
    if (pq_sqlstate_is_stale(op->err.sqlstate) && !op->is_unnamed && may_repeat) {
        cache_mark_stale(&conn->cache, op->statement.name);
        op->is_unnamed = true;
        op_send_again(pool, op);
        return;
    }
    op_fail(pool, op, &op->err);
}

/* A statement before it in its segment failed. */
static void op_not_run(struct pg_conn *conn, struct pg_op *op)
{
    if (op->is_refused) {
        op_refused(conn, op);
        return;
    }
    op->is_alone = true;
    if (op->attempts < ATTEMPTS_MAX && !conn->pool->is_closing) {
        op_send_again(conn->pool, op);
        return;
    }
    struct err err;
    err_set(&err, ERR_UNAVAILABLE, "the statement was not run");
    op_fail(conn->pool, op, &err);
}

/* One that asked for many has failed: each asks by itself, so that only who is to blame fails, with words
 * that are about it alone. A cancel was meant for all of them, or for none. */
static void gathered_not_run(struct pg_conn *conn, struct pg_op *carrier)
{
    struct pg_op *op;
    bool is_cancelled = strcmp(carrier->err.sqlstate, SQLSTATE_CANCELLED) == 0;
    if (pq_sqlstate_is_stale(carrier->err.sqlstate))
        cache_mark_stale(&conn->cache, carrier->statement.name);
    while ((op = gather_take(carrier)) != NULL) {
        if (is_cancelled) {
            op->err = carrier->err;
            op_refused(conn, op);
        } else {
            op_not_run(conn, op);
        }
    }
}

static void gathered_answered(struct pg_conn *conn, struct pg_op *carrier, struct conn_item *item)
{
    ExecStatusType status = PQresultStatus(item->result);
    if (status == PGRES_FATAL_ERROR) {
        pq_err_from_result(&carrier->err, item->result);
    } else if (status == PGRES_TUPLES_OK) {
        (void)gather_answer(conn->pool, carrier, item->result); /* the others ask alone */
        item->result = NULL;
    }
    gathered_not_run(conn, carrier);
    pg_op_unref(carrier);
}

static void pipelined_answered(struct pg_conn *conn, struct conn_item *item)
{
    struct pg_op *op = item->op;
    item->op = NULL;
    if (op == NULL)
        return;
    if (op->gather != NULL) {
        gathered_answered(conn, op, item);
        return;
    }
    switch (PQresultStatus(item->result)) {
    case PGRES_FATAL_ERROR:
        pq_err_from_result(&op->err, item->result);
        op_refused(conn, op);
        return;
    case PGRES_PIPELINE_ABORTED:
        op_not_run(conn, op);
        return;
    default:
        break;
    }
    PGresult *result = item->result;
    item->result = NULL;
    if (!op->is_write) {
        op_succeed(conn->pool, op, result);
        return;
    }
    /* A write is done only when its Sync is: deferred constraints are checked there. */
    op->result = (struct pg_result *)(void *)result;
    conn->unconfirmed = op;
}

static void pipelined_synced(struct pg_conn *conn, const struct err *err)
{
    struct pg_op *op = conn->unconfirmed;
    conn->unconfirmed = NULL;
    if (op != NULL && err != NULL) {
        pg_result_free(op->result);
        op->result = NULL;
        op->err = *err;
        op_refused(conn, op);
    } else if (op != NULL) {
        op_succeed(conn->pool, op, (PGresult *)(void *)op->result);
    }
    if (conn->is_retiring && conn_is_quiet(conn))
        conn_close(conn);
}

static void pipelined_opened(struct pg_conn *conn)
{
    if (conn->is_retiring)
        conn_close(conn);
}

/* ---- loss ---- */

static void write_lost(struct pg_pool *pool, struct pg_op *op, const struct err *reason)
{
    struct err err;
    err_set(&err, ERR_UNKNOWN, "the answer to a write was lost: %.500s", reason->text);
    op_fail(pool, op, &err);
}

/* op was sent and not answered. */
static void op_lost(struct pg_pool *pool, struct pg_op *op, const struct err *err, struct list *again)
{
    if (op->is_write) {
        write_lost(pool, op, err);
    } else if (op_is_overdue(op)) {
        op_timed_out(pool, op);
    } else if (op->was_lost || pool->is_closing) {
        op_fail(pool, op, err);
    } else {
        op->was_lost = true;
        pool->stats.retries++;
        list_append(again, &op->link);
    }
}

static void pipelined_lost(struct pg_conn *conn, const struct err *err)
{
    struct pg_pool *pool = conn->pool;
    struct list again;
    list_init(&again);
    if (conn->unconfirmed != NULL)
        write_lost(pool, conn->unconfirmed, err);
    conn->unconfirmed = NULL;
    list_for_each (node, safe, &conn->items) {
        struct pg_op *op;
        while ((op = item_take(CONTAINER_OF(node, struct conn_item, link))) != NULL)
            op_lost(pool, op, err, &again);
    }
    /* Chosen for this connection and not sent: writes too can go elsewhere. */
    gather_dissolve(&conn->reads);
    list_splice(&again, &conn->reads);
    list_splice(&again, &conn->singles);
    waiting_prepend(pool, &again);
}

/* ---- deadlines ---- */

/* A read is answered at its deadline wherever it stands. A write is not: only the server knows whether it
 * will happen, so it is waited for as long as a cancel may take, and is unknown after that. */
uint64_t pipeline_expire_sent(struct pg_conn *conn, uint64_t now)
{
    uint64_t next = TIME_NEVER;
    if (conn->lane != &conn->pool->pipelined)
        return next;
    list_for_each (node, safe, &conn->items) {
        struct conn_item *item = CONTAINER_OF(node, struct conn_item, link);
        if (item->op == NULL)
            continue;
        if (item->op->gather != NULL) {
            uint64_t due = gather_expire(conn->pool, item->op, now);
            next = due < next ? due : next;
            continue;
        }
        uint64_t due = item->op->expires_ns;
        if (item->op->is_write)
            due = conn->drop_ns > due + CANCEL_GRACE_NS ? conn->drop_ns : due + CANCEL_GRACE_NS;
        if (now < due) {
            next = due < next ? due : next;
            continue;
        }
        if (item->op->is_write) {
            struct err err;
            err_set(&err, ERR_TIMEOUT, "no answer at the deadline");
            write_lost(conn->pool, item->op, &err);
        } else {
            op_timed_out(conn->pool, item->op);
        }
        item->op = NULL;
    }
    return next;
}

const struct lane_events pipelined_events = {
    .opened = pipelined_opened,
    .answered = pipelined_answered,
    .synced = pipelined_synced,
    .lost = pipelined_lost,
};
