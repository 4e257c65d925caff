/* The exclusive lane: transactions, each leasing one connection at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg/lanes.h"

enum tx_stage {
    TX_WAITING, /* for a lease */
    TX_LEASED,  /* has a connection */
    TX_OVER,    /* ended, refused or lost; may be asked for its end still */
};

struct pg_tx {
    struct list link; /* pool->tx_waiting or tx_leased */
    struct list event_link;
    struct pg_pool *pool;
    struct pg_conn *conn; /* TX_LEASED */
    struct pg_tx_options options;
    enum tx_stage stage;
    struct list queued; /* ops not sent */
    uint64_t asked_ns, wait_ns, idle_ns;

    bool has_begun;  /* BEGIN was sent */
    bool wants_send; /* at the next flush */
    bool wants_commit, wants_rollback, commit_sent;
    bool has_failed; /* nothing more can succeed; err is the first reason */
    struct err err;

    pg_tx_ready_fn ready;
    void *ready_data;
    bool is_ready_due;
    pg_tx_end_fn end;
    void *end_data;
    bool is_end_due;
    struct err end_err; /* ERR_NONE: as it was asked for */
};

static struct pg_op *op_of(struct list *link)
{
    return CONTAINER_OF(link, struct pg_op, link);
}

/* ---- events ---- */

struct pg_tx *tx_of_event(struct list *event_link)
{
    return CONTAINER_OF(event_link, struct pg_tx, event_link);
}

static void tx_event(struct pg_tx *tx)
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

static void op_fail_after(struct pg_tx *tx, struct pg_op *op)
{
    struct err err = tx->err;
    if (err.code == ERR_DB || !tx->has_failed) {
        err_set(&err, ERR_DB, "the transaction has failed");
        memcpy(err.sqlstate, SQLSTATE_FAILED_TRANSACTION, sizeof(err.sqlstate));
    }
    op_fail(tx->pool, op, &err);
}

static void tx_fail_queued(struct pg_tx *tx)
{
    struct list *node;
    while ((node = list_pop(&tx->queued)) != NULL)
        op_fail_after(tx, op_of(node));
}

/* From now on nothing of this transaction can succeed. */
static void tx_fail(struct pg_tx *tx, const struct err *err)
{
    if (tx->has_failed)
        return;
    tx->has_failed = true;
    tx->err = *err;
    tx_fail_queued(tx);
}

/* Give the connection back, in whatever state it is. */
static void exclusive_return(struct pg_conn *conn)
{
    PGTransactionStatusType status = PQtransactionStatus(conn->pg);
    if (!conn_is_quiet(conn)) {
        pool_later(
            conn->pool); /* exclusive_dispatch adds ROLLBACK if need be; the last Sync comes back here */
        return;
    }
    if (!conn->is_retiring && !conn->was_cancelled && status == PQTRANS_IDLE) {
        conn->in_transaction = conn->ends = false;
        exclusive_grant(conn->pool);
        return;
    }
    if ((status == PQTRANS_INTRANS || status == PQTRANS_INERROR) && !conn->ends) {
        conn->in_transaction = true;
        pool_later(conn->pool);
        return;
    }
    conn_close(conn);
}

static void tx_detach(struct pg_tx *tx)
{
    struct pg_conn *conn = tx->conn;
    tx->conn = NULL;
    tx->stage = TX_OVER;
    list_remove(&tx->link);
    conn->tx = NULL;
    if (conn->state == CONN_OPEN)
        exclusive_return(conn);
}

/* Report the end that was asked for. */
static void tx_end(struct pg_tx *tx, const struct err *err_or_null)
{
    tx->end_err.code = ERR_NONE;
    if (err_or_null != NULL)
        tx->end_err = *err_or_null;
    tx->is_end_due = true;
    tx_event(tx);
    if (tx->conn != NULL)
        tx_detach(tx);
}

/* ---- leases ---- */

static bool conn_is_idle(const struct pg_conn *conn)
{
    return conn_is_quiet(conn) && conn->tx == NULL && !conn->in_transaction && !conn->is_retiring &&
           !conn->was_cancelled;
}

unsigned exclusive_idle_count(const struct pg_pool *pool)
{
    unsigned count = 0;
    list_for_each (node, safe, &pool->exclusive.conns)
        count += conn_is_idle(CONTAINER_OF(node, struct pg_conn, link));
    return count;
}

static struct pg_conn *idle_conn(struct pg_pool *pool)
{
    list_for_each (node, safe, &pool->exclusive.conns) {
        struct pg_conn *conn = CONTAINER_OF(node, struct pg_conn, link);
        if (conn_is_idle(conn))
            return conn;
    }
    return NULL;
}

static void tx_idles(struct pg_tx *tx, uint64_t now)
{
    tx->idle_ns = now;
    pool_wake_at(tx->pool, now + tx->pool->settings.idle_transaction_ms * NS_PER_MS);
}

static void tx_lease(struct pg_tx *tx, struct pg_conn *conn)
{
    struct pg_pool *pool = tx->pool;
    uint64_t now = mono_ns();
    tx->stage = TX_LEASED;
    tx->conn = conn;
    conn->tx = tx;
    list_append(&pool->tx_leased, &tx->link);
    pool->stats.wait_count++;
    pool->stats.wait_ns_total += now - tx->asked_ns;
    tx_idles(tx, now);
    tx->is_ready_due = true;
    tx_event(tx);
}

static void tx_refuse(struct pg_tx *tx, const struct err *err)
{
    tx->stage = TX_OVER;
    tx_fail(tx, err);
    tx->is_ready_due = true;
    if (tx->end != NULL)
        tx_end(tx, tx->wants_commit ? err : NULL);
    tx_event(tx);
}

static void waiting_remove(struct pg_tx *tx)
{
    list_remove(&tx->link);
    tx->pool->tx_waiting_count--;
}

void exclusive_grant(struct pg_pool *pool)
{
    struct pg_conn *conn;
    while (!list_is_empty(&pool->tx_waiting) && (conn = idle_conn(pool)) != NULL) {
        struct pg_tx *tx = CONTAINER_OF(pool->tx_waiting.next, struct pg_tx, link);
        waiting_remove(tx);
        tx_lease(tx, conn);
    }
}

void exclusive_fail_waiting(struct pg_pool *pool, const struct err *err)
{
    while (!list_is_empty(&pool->tx_waiting)) {
        struct pg_tx *tx = CONTAINER_OF(pool->tx_waiting.next, struct pg_tx, link);
        waiting_remove(tx);
        tx_refuse(tx, err);
    }
}

static void tx_enqueue(struct pg_tx *tx)
{
    struct pg_pool *pool = tx->pool;
    struct pg_conn *conn = list_is_empty(&pool->tx_waiting) ? idle_conn(pool) : NULL;
    struct err err;
    if (pool->is_closing) {
        err_set(&err, ERR_UNAVAILABLE, "the database pool is closing");
        tx_refuse(tx, &err);
    } else if (conn != NULL) {
        tx_lease(tx, conn);
    } else if (pool->waiting_count + pool->tx_waiting_count >= pool->settings.waiting_max) {
        err_set(&err, ERR_BUSY, "too many requests wait for the database");
        tx_refuse(tx, &err);
    } else {
        list_append(&pool->tx_waiting, &tx->link);
        pool->tx_waiting_count++;
        pool_wake_at(pool, tx->wait_ns);
    }
}

struct pg_tx *pg_tx_open(struct pg_pool *pool, const struct pg_tx_options *options, pg_tx_ready_fn ready,
                         void *data)
{
    assert(!pool->is_closed);
    struct pg_tx *tx = x_calloc(1, sizeof(*tx));
    tx->pool = pool;
    tx->options = *options;
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

/* ---- the user's calls ---- */

void pg_tx_submit(struct pg_tx *tx, struct pg_op *op)
{
    assert(!op->is_queued && !tx->wants_commit && !tx->wants_rollback);
    op->refs++;
    op->is_queued = true;
    op->owner = tx;
    if (tx->has_failed) {
        op_fail_after(tx, op);
    } else if (op->params.count > PG_PARAMS_MAX) {
        struct err err;
        err_set(&err, ERR_LIMIT, "a statement has more than %d parameters", PG_PARAMS_MAX);
        op_fail(tx->pool, op, &err);
        tx_fail(tx, &err);
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

void pg_tx_rollback(struct pg_tx *tx, pg_tx_end_fn done, void *data)
{
    assert(tx->end == NULL);
    tx->end = done;
    tx->end_data = data;
    tx->wants_rollback = true;
    tx->wants_send = true;
    if (tx->stage == TX_OVER)
        tx_end(tx, NULL);
}

static void op_let_go(struct pg_op *op)
{
    list_remove(&op->link);
    op->is_queued = false;
    pg_op_unref(op);
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
    list_let_go(&tx->queued, tx);
    list_let_go(&pool->finished, tx);
    list_let_go(&pool->delivering, tx);
    if (tx->stage == TX_WAITING)
        waiting_remove(tx);
    if (tx->conn != NULL) {
        list_for_each (node, safe, &tx->conn->items) {
            struct conn_item *item = CONTAINER_OF(node, struct conn_item, link);
            if (item->op != NULL)
                op_let_go(item->op);
            item->op = NULL;
        }
        tx_detach(tx);
    }
    free(tx);
}

/* ---- sending ---- */

static void tx_send_begin(struct pg_tx *tx)
{
    static const char *const begins[] = {
        [PG_READ_COMMITTED] = "BEGIN ISOLATION LEVEL READ COMMITTED",
        [PG_REPEATABLE_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ",
        [PG_SERIALIZABLE] = "BEGIN ISOLATION LEVEL SERIALIZABLE",
    };
    char sql[96];
    conn_tidy(tx->conn);
    tx->has_begun = true;
    if (tx->conn == NULL)
        return;
    tx->conn->in_transaction = true;
    snprintf(sql, sizeof(sql), "%s%s", begins[tx->options.isolation],
             tx->options.read_only ? " READ ONLY" : "");
    conn_send_control(tx->conn, ITEM_BEGIN, sql);
    if (tx->conn == NULL || tx->options.lock_ms == 0)
        return;
    snprintf(sql, sizeof(sql), "SET LOCAL lock_timeout = %u", tx->options.lock_ms);
    conn_send_control(tx->conn, ITEM_BEGIN, sql);
}

static void conn_send_rollback(struct pg_conn *conn)
{
    conn->ends = true;
    conn_send_control(conn, ITEM_ROLLBACK, "ROLLBACK");
    if (conn->state == CONN_OPEN)
        conn_send_sync(conn);
}

/* The transaction is to end without its statements. */
static void tx_send_rollback(struct pg_tx *tx)
{
    if (!tx->has_failed) {
        struct err err;
        err_set(&err, ERR_CANCELLED, "the transaction was rolled back before this statement was sent");
        tx_fail(tx, &err);
    }
    if (!tx->has_begun)
        tx_end(tx, tx->wants_commit ? &tx->err : NULL);
    else if (!tx->conn->ends)
        conn_send_rollback(tx->conn);
}

/* A lost connection takes itself out of tx->conn, so that is looked at after every step. */
static void tx_send(struct pg_tx *tx)
{
    struct list *node;
    tx->wants_send = false;
    if (tx->wants_rollback || (tx->wants_commit && tx->has_failed)) {
        tx_send_rollback(tx);
        return;
    }
    if (tx->wants_commit && !tx->has_begun && list_is_empty(&tx->queued)) {
        tx_end(tx, NULL);
        return;
    }
    if (list_is_empty(&tx->queued) && !tx->wants_commit)
        return;
    if (!tx->has_begun)
        tx_send_begin(tx);
    while (tx->conn != NULL && (node = list_pop(&tx->queued)) != NULL)
        conn_send_op(tx->conn, op_of(node));
    if (tx->conn != NULL && tx->wants_commit) {
        tx->commit_sent = true;
        tx->conn->ends = true;
        conn_send_control(tx->conn, ITEM_COMMIT, "COMMIT");
    }
    if (tx->conn != NULL)
        conn_send_sync(tx->conn);
}

void exclusive_dispatch(struct pg_pool *pool)
{
    list_for_each (node, safe, &pool->tx_leased) {
        struct pg_tx *tx = CONTAINER_OF(node, struct pg_tx, link);
        if (tx->wants_send)
            tx_send(tx);
    }
    list_for_each (node, safe, &pool->exclusive.conns) {
        struct pg_conn *conn = CONTAINER_OF(node, struct pg_conn, link);
        if (conn->state == CONN_OPEN && conn->tx == NULL && conn->in_transaction && !conn->ends)
            conn_send_rollback(conn);
    }
}

/* ---- answers ---- */

static void op_refused(struct pg_conn *conn, struct pg_op *op)
{
    struct pg_tx *tx = conn->tx;
    if (strcmp(op->err.sqlstate, SQLSTATE_CANCELLED) == 0 && op_is_overdue(op))
        err_set(&op->err, ERR_TIMEOUT, "the statement was cancelled at its deadline");
    if (pq_sqlstate_is_stale(op->err.sqlstate))
        cache_mark_stale(&conn->cache, op->statement.name);
    if (tx->has_failed) {
        op_fail_after(tx, op);
        return;
    }
    struct err err = op->err;
    op_fail(tx->pool, op, &err);
    tx_fail(tx, &err);
}

static void op_answered(struct pg_conn *conn, struct conn_item *item)
{
    struct pg_op *op = item->op;
    item->op = NULL;
    if (op == NULL)
        return;
    switch (PQresultStatus(item->result)) {
    case PGRES_FATAL_ERROR:
        pq_err_from_result(&op->err, item->result);
        op_refused(conn, op);
        return;
    case PGRES_PIPELINE_ABORTED:
        if (op->is_refused)
            op_refused(conn, op);
        else
            op_fail_after(conn->tx, op);
        return;
    default:
        op_succeed(conn->pool, op, item->result);
        item->result = NULL;
    }
}

static void begin_answered(struct pg_conn *conn, const struct conn_item *item)
{
    struct err err;
    if (PQresultStatus(item->result) == PGRES_COMMAND_OK || conn->tx == NULL)
        return;
    pq_err_from_result(&err, item->result);
    tx_fail(conn->tx, &err);
}

static void commit_answered(struct pg_conn *conn, const struct conn_item *item)
{
    struct pg_tx *tx = conn->tx;
    struct err err;
    switch (PQresultStatus(item->result)) {
    case PGRES_COMMAND_OK:
        if (tx == NULL)
            return;
        /* COMMIT in a failed transaction succeeds as ROLLBACK. */
        if (strcmp(PQcmdStatus(item->result), "COMMIT") == 0) {
            tx_end(tx, NULL);
            return;
        }
        err_set(&err, ERR_DB, "the transaction was rolled back");
        memcpy(err.sqlstate, SQLSTATE_FAILED_TRANSACTION, sizeof(err.sqlstate));
        tx_fail(tx, &err);
        tx_end(tx, &tx->err);
        return;
    case PGRES_FATAL_ERROR:
        conn->ends = false;
        pq_err_from_result(&err, item->result);
        if (tx != NULL)
            tx_fail(tx, &err);
        return;
    default: /* skipped after an error: ROLLBACK is still to come */
        conn->ends = false;
    }
}

static void rollback_answered(struct pg_conn *conn, const struct conn_item *item)
{
    struct pg_tx *tx = conn->tx;
    if (PQresultStatus(item->result) != PGRES_COMMAND_OK) {
        struct err err;
        err_set(&err, ERR_UNAVAILABLE, "a transaction could not be rolled back");
        conn_lose(conn, &err);
    } else if (tx != NULL) {
        tx_end(tx, tx->wants_commit ? &tx->err : NULL);
    }
}

static void exclusive_answered(struct pg_conn *conn, struct conn_item *item)
{
    switch (item->kind) {
    case ITEM_OP:
        op_answered(conn, item);
        break;
    case ITEM_BEGIN:
        begin_answered(conn, item);
        break;
    case ITEM_COMMIT:
        commit_answered(conn, item);
        break;
    case ITEM_ROLLBACK:
        rollback_answered(conn, item);
        break;
    default:
        break;
    }
}

static void exclusive_synced(struct pg_conn *conn, const struct err *err)
{
    struct pg_tx *tx = conn->tx;
    if (tx == NULL) {
        exclusive_return(conn);
        return;
    }
    if (err != NULL)
        tx_fail(tx, err);
    if (!conn_is_quiet(conn))
        return;
    tx_idles(tx, mono_ns());
    if (!tx->wants_commit || !tx->has_failed)
        return;
    if (PQtransactionStatus(conn->pg) == PQTRANS_IDLE) {
        tx_end(tx, &tx->err);
        return;
    }
    tx->wants_send = true; /* ROLLBACK */
    pool_later(conn->pool);
}

static void exclusive_opened(struct pg_conn *conn)
{
    if (conn->is_retiring)
        conn_close(conn);
    else
        exclusive_grant(conn->pool);
}

/* ---- loss and time ---- */

static void exclusive_lost(struct pg_conn *conn, const struct err *reason)
{
    struct pg_tx *tx = conn->tx;
    struct err err = *reason;
    if (tx == NULL)
        return; /* its statements were let go when it was left */
    bool had_failed = tx->has_failed;
    bool is_unknown = tx->commit_sent && !had_failed;
    if (is_unknown)
        err_set(&err, ERR_UNKNOWN, "the answer to COMMIT was lost: %.500s", reason->text);
    list_for_each (node, safe, &conn->items) {
        struct conn_item *item = CONTAINER_OF(node, struct conn_item, link);
        if (item->op == NULL)
            continue;
        struct err mine = err;
        if (!is_unknown && op_is_overdue(item->op))
            err_set(&mine, ERR_TIMEOUT, "the statement was cancelled at its deadline");
        op_fail(tx->pool, item->op, &mine);
        item->op = NULL;
    }
    tx_fail(tx, &err);
    if (tx->wants_rollback || tx->wants_commit)
        tx_end(tx, tx->wants_rollback ? NULL : (had_failed ? &tx->err : &err));
    else
        tx_detach(tx);
}

static uint64_t tx_expire_waiting(struct pg_tx *tx, uint64_t now)
{
    struct err err;
    if (now < tx->wait_ns)
        return tx->wait_ns;
    if (tx->pool->exclusive.open == 0)
        err_set(&err, ERR_UNAVAILABLE, "PostgreSQL is not reachable");
    else
        err_set(&err, ERR_BUSY, "every database connection for transactions is busy");
    waiting_remove(tx);
    tx_refuse(tx, &err);
    return TIME_NEVER;
}

static uint64_t tx_expire_idle(struct pg_tx *tx, uint64_t now)
{
    struct err err;
    uint64_t due = tx->idle_ns + tx->pool->settings.idle_transaction_ms * NS_PER_MS;
    if (!conn_is_quiet(tx->conn) || tx->wants_send)
        return TIME_NEVER; /* its end is looked at when the last statement is answered */
    if (now < due)
        return due;
    err_set(&err, ERR_TIMEOUT, "the transaction was idle for %u ms and was rolled back",
            tx->pool->settings.idle_transaction_ms);
    tx_fail(tx, &err);
    tx_detach(tx);
    return TIME_NEVER;
}

uint64_t exclusive_expire(struct pg_pool *pool, uint64_t now)
{
    uint64_t next = TIME_NEVER;
    list_for_each (node, safe, &pool->tx_waiting) {
        uint64_t due = tx_expire_waiting(CONTAINER_OF(node, struct pg_tx, link), now);
        next = due < next ? due : next;
    }
    list_for_each (node, safe, &pool->tx_leased) {
        uint64_t due = tx_expire_idle(CONTAINER_OF(node, struct pg_tx, link), now);
        next = due < next ? due : next;
    }
    return next;
}

const struct lane_events exclusive_events = {
    .opened = exclusive_opened,
    .answered = exclusive_answered,
    .synced = exclusive_synced,
    .lost = exclusive_lost,
};
