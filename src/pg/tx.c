/* Transactions: the user's calls, what is sent for them, and what they are told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg/tx.h"

static struct pg_op *op_of(struct list *link)
{
    return CONTAINER_OF(link, struct pg_op, link);
}

/* ---- events ---- */

struct pg_tx *tx_of_event(struct list *event_link)
{
    return CONTAINER_OF(event_link, struct pg_tx, event_link);
}

void tx_event(struct pg_tx *tx)
{
    if (!list_is_linked(&tx->event_link))
        list_append(&tx->pool->tx_events, &tx->event_link);
    pool_later(tx->pool);
}

void tx_deliver(struct pg_tx *tx)
{
    struct err err;
    if (tx->is_ready_due) {
        tx->is_ready_due = false;
        if (tx->is_end_due)
            tx_event(tx); /* next; the first callback may free tx */
        err = tx->err;
        tx->ready(tx, tx->has_failed ? &err : NULL, tx->ready_data);
        return;
    }
    pg_tx_end_fn end = tx->end;
    tx->is_end_due = false;
    tx->end = NULL;
    err = tx->end_err;
    if (end != NULL)
        end(tx, err.code != ERR_NONE ? &err : NULL, tx->end_data);
}

/* ---- failing and ending ---- */

void tx_fail_op(struct pg_tx *tx, struct pg_op *op)
{
    struct err err = tx->err;
    if (err.sqlstate[0] != '\0' || !tx->has_failed) {
        err_set(&err, ERR_DB, "the transaction has failed");
        memcpy(err.sqlstate, SQLSTATE_FAILED_TRANSACTION, sizeof(err.sqlstate));
    }
    op_fail(tx->pool, op, &err);
}

static void tx_fail_queued(struct pg_tx *tx)
{
    struct list *node;
    while ((node = list_pop(&tx->queued)) != NULL)
        tx_fail_op(tx, op_of(node));
}

void tx_fail(struct pg_tx *tx, const struct err *err)
{
    if (tx->has_failed)
        return;
    tx->has_failed = true;
    tx->err = *err;
    tx_fail_queued(tx);
}

void tx_detach(struct pg_tx *tx)
{
    struct pg_conn *conn = tx->conn;
    tx->conn = NULL;
    tx->stage = TX_OVER;
    list_remove(&tx->link);
    if (--conn->tx_count > 0)
        pool_later(conn->pool); /* the others may have waited for this one only */
    else if (conn->state == CONN_OPEN)
        exclusive_return(conn);
}

void tx_end(struct pg_tx *tx, const struct err *err_or_null)
{
    tx->end_err.code = ERR_NONE;
    if (err_or_null != NULL)
        tx->end_err = *err_or_null;
    tx->is_end_due = true;
    tx_event(tx);
    if (tx->conn != NULL)
        tx_detach(tx);
}

/* ---- the user's calls ---- */

struct pg_tx *pg_tx_open(struct pg_pool *pool, const struct pg_tx_options *options, pg_tx_ready_fn ready,
                         void *data)
{
    assert(!pool->is_closed);
    struct pg_tx *tx = x_calloc(1, sizeof(*tx));
    tx->pool = pool;
    tx->options = *options;
    tx->options.share = NULL;
    if (options->share != NULL && pool->settings.share_max > 1)
        tx->share = x_strdup(options->share);
    tx->ready = ready;
    tx->ready_data = data;
    tx->asked_ns = mono_ns();
    tx->wait_ns = tx->asked_ns + pool->settings.wait_ms * NS_PER_MS;
    list_init(&tx->link);
    list_init(&tx->event_link);
    list_init(&tx->queued);
    tx_enqueue(tx);
    return tx;
}

void pg_tx_submit(struct pg_tx *tx, struct pg_op *op)
{
    assert(!op->is_queued && !tx->wants_commit);
    op->refs++;
    op->is_queued = true;
    op->owner = tx;
    if (tx->has_failed) {
        tx_fail_op(tx, op);
    } else if (op->params.count > PG_PARAMS_MAX) {
        struct err err;
        err_set(&err, ERR_LIMIT, "a statement has more than %d parameters", PG_PARAMS_MAX);
        op_fail(tx->pool, op, &err);
        tx_fail(tx, &err);
        if (tx->conn != NULL)
            share_fail(tx->conn);
    } else {
        list_append(&tx->queued, &op->link);
    }
}

void pg_tx_flush(struct pg_tx *tx)
{
    tx->wants_send = true;
}

void pg_tx_commit(struct pg_tx *tx, pg_tx_end_fn done, void *data)
{
    assert(tx->end == NULL);
    tx->end = done;
    tx->end_data = data;
    tx->wants_commit = true;
    tx->wants_send = true;
    if (tx->stage == TX_OVER)
        tx_end(tx, &tx->err);
}

static void op_let_go(struct pg_op *op)
{
    list_remove(&op->link);
    op->is_queued = false;
    pg_op_unref(op);
}

bool pg_tx_had_company(const struct pg_tx *tx)
{
    return tx->had_company;
}

static void list_let_go(struct list *ops, const struct pg_tx *tx)
{
    list_for_each (node, safe, ops) {
        if (op_of(node)->owner == tx)
            op_let_go(op_of(node));
    }
}

void pg_tx_free(struct pg_tx *tx)
{
    if (tx == NULL)
        return;
    struct pg_pool *pool = tx->pool;
    list_remove(&tx->event_link);
    if (!list_is_empty(&tx->queued))
        tx->wants_commit = false; /* not all that it asked for is sent, nor will be */
    list_let_go(&tx->queued, tx);
    list_let_go(&pool->finished, tx);
    list_let_go(&pool->delivering, tx);
    if (tx->stage == TX_WAITING)
        tx_leave_queue(tx);
    if (tx->conn != NULL) {
        list_for_each (node, safe, &tx->conn->items) {
            struct pg_op *op;
            while ((op = item_take_of(CONTAINER_OF(node, struct conn_item, link), tx)) != NULL)
                op_let_go(op);
        }
        share_leave(tx);
    }
    if (tx->conn != NULL)
        tx_detach(tx);
    free(tx->share);
    free(tx);
}

/* ---- sending ---- */

/* Longest wait for a lock, milliseconds; 0: the server's. */
static uint32_t lock_ms_of(const struct pg_tx *tx)
{
    uint32_t alone = tx->options.lock_ms, shared = tx->pool->settings.share_lock_ms;
    if (tx->conn->tx_count < 2 || shared == 0)
        return alone;
    return alone == 0 || shared < alone ? shared : alone;
}

static void tx_send_begin(struct pg_tx *tx)
{
    static const char *const begins[] = {
        [PG_READ_COMMITTED] = "BEGIN ISOLATION LEVEL READ COMMITTED",
        [PG_REPEATABLE_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ",
        [PG_SERIALIZABLE] = "BEGIN ISOLATION LEVEL SERIALIZABLE",
    };
    char sql[96];
    conn_tidy(tx->conn);
    if (tx->conn == NULL)
        return;
    tx->conn->in_transaction = true;
    snprintf(sql, sizeof(sql), "%s%s", begins[tx->options.isolation],
             tx->options.read_only ? " READ ONLY" : "");
    conn_send_control(tx->conn, ITEM_BEGIN, sql);
    if (tx->conn == NULL || lock_ms_of(tx) == 0)
        return;
    snprintf(sql, sizeof(sql), "SET LOCAL lock_timeout = %u", lock_ms_of(tx));
    conn_send_control(tx->conn, ITEM_BEGIN, sql);
}

static void conn_send_rollback(struct pg_conn *conn)
{
    conn->ends = true;
    conn_send_control(conn, ITEM_ROLLBACK, "ROLLBACK");
    if (conn->state == CONN_OPEN)
        conn_send_sync(conn);
}

/* It has failed, so the commit that was asked for can only be a rollback. */
static void tx_send_rollback(struct pg_tx *tx)
{
    if (!tx->conn->in_transaction || tx->conn->tx_count > 1) /* in company it has sent nothing */
        tx_end(tx, &tx->err);
    else if (!tx->conn->ends)
        conn_send_rollback(tx->conn);
}

/* Does it have statements to send? A failed commit or an empty one is settled here. */
static bool tx_is_sending(struct pg_tx *tx)
{
    tx->wants_send = false;
    if (tx->wants_commit && tx->has_failed)
        tx_send_rollback(tx);
    else if (tx->wants_commit && !tx->has_sent && list_is_empty(&tx->queued))
        tx_end(tx, NULL);
    else
        return !list_is_empty(&tx->queued);
    return false;
}

/* A lost connection has no transactions any more. */
static void conn_send_queued(struct pg_conn *conn)
{
    struct pg_op *op;
    if (!conn->in_transaction)
        tx_send_begin(tx_of(conn->txs.next));
    while ((op = share_next(conn)) != NULL)
        conn_send_op(conn, op);
    list_for_each (node, safe, &conn->txs)
        tx_of(node)->is_sending = false;
}

/* Everything that those on conn want sent, with one Sync. */
static void conn_dispatch(struct pg_conn *conn)
{
    bool needs_sync = false;
    list_for_each (node, safe, &conn->txs) {
        struct pg_tx *tx = tx_of(node);
        if (!tx->wants_send)
            continue;
        tx->is_sending = tx_is_sending(tx);
        needs_sync |= tx->is_sending;
        if (conn->state != CONN_OPEN)
            return;
    }
    if (needs_sync)
        conn_send_queued(conn);
    if (conn->state == CONN_OPEN && share_is_complete(conn)) {
        conn->commit_sent = conn->ends = needs_sync = true;
        conn_send_control(conn, ITEM_COMMIT, "COMMIT");
    }
    if (conn->state == CONN_OPEN && needs_sync)
        conn_send_sync(conn);
}

void exclusive_dispatch(struct pg_pool *pool)
{
    list_for_each (node, safe, &pool->exclusive.conns) {
        struct pg_conn *conn = CONTAINER_OF(node, struct pg_conn, link);
        if (conn->state != CONN_OPEN)
            continue;
        if (conn->tx_count > 0)
            conn_dispatch(conn);
        if (conn->state == CONN_OPEN && conn->tx_count == 0 && conn->in_transaction && !conn->ends)
            conn_send_rollback(conn);
    }
}
