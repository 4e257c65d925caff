/* Leases of the exclusive lane: which transaction has which connection, who waits, and for how long. */
#include "pg/tx.h"

static bool conn_is_idle(const struct pg_conn *conn)
{
    return conn_is_quiet(conn) && conn->tx_count == 0 && !conn->in_transaction && !conn->is_retiring &&
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

static struct pg_conn *conn_for(struct pg_pool *pool, const struct pg_tx *tx, struct pg_conn *idle)
{
    return tx->share != NULL ? share_find(pool, tx, idle) : idle;
}

void conn_idles(struct pg_conn *conn, uint64_t now)
{
    conn->idle_ns = now;
    pool_wake_at(conn->pool, now + conn->pool->settings.idle_transaction_ms * NS_PER_MS);
}

static void tx_lease(struct pg_tx *tx, struct pg_conn *conn)
{
    struct pg_pool *pool = tx->pool;
    uint64_t now = mono_ns();
    tx->stage = TX_LEASED;
    tx->conn = conn;
    share_join(conn, tx);
    pool->stats.wait_count++;
    pool->stats.wait_ns_total += now - tx->asked_ns;
    conn_idles(conn, now);
    tx->is_ready_due = true;
    tx_event(tx);
}

static void tx_refuse(struct pg_tx *tx, const struct err *err)
{
    tx->stage = TX_OVER;
    tx_fail(tx, err);
    tx->is_ready_due = true;
    if (tx->end != NULL)
        tx_end(tx, err);
    tx_event(tx);
}

void tx_leave_queue(struct pg_tx *tx)
{
    list_remove(&tx->link);
    tx->pool->tx_waiting_count--;
}

/* First come, first served; but one that shares is passed by others when those that share have their part of
 * the connections. */
void exclusive_grant(struct pg_pool *pool)
{
    if (list_is_empty(&pool->tx_waiting))
        return;
    struct pg_conn *idle = idle_conn(pool);
    bool has_room = share_has_room(pool, idle);
    list_for_each (node, safe, &pool->tx_waiting) {
        struct pg_tx *tx = tx_of(node);
        if (idle == NULL && !has_room)
            return;
        struct pg_conn *conn = tx->share == NULL || has_room ? conn_for(pool, tx, idle) : NULL;
        if (conn == NULL)
            continue;
        tx_leave_queue(tx);
        tx_lease(tx, conn);
        idle = idle_conn(pool);
        has_room = share_has_room(pool, idle);
    }
}

void exclusive_fail_waiting(struct pg_pool *pool, const struct err *err)
{
    while (!list_is_empty(&pool->tx_waiting)) {
        struct pg_tx *tx = tx_of(pool->tx_waiting.next);
        tx_leave_queue(tx);
        tx_refuse(tx, err);
    }
}

void tx_enqueue(struct pg_tx *tx)
{
    struct pg_pool *pool = tx->pool;
    struct pg_conn *conn = list_is_empty(&pool->tx_waiting) ? conn_for(pool, tx, idle_conn(pool)) : NULL;
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

void exclusive_return(struct pg_conn *conn)
{
    PGTransactionStatusType status = PQtransactionStatus(conn->pg);
    if (!conn_is_quiet(conn)) {
        pool_later(
            conn->pool); /* exclusive_dispatch adds ROLLBACK if need be; the last Sync comes back here */
        return;
    }
    if (!conn->is_retiring && !conn->was_cancelled && status == PQTRANS_IDLE) {
        conn->in_transaction = conn->ends = conn->commit_sent = false;
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

static uint64_t tx_expire_waiting(struct pg_tx *tx, uint64_t now)
{
    struct err err;
    if (now < tx->wait_ns)
        return tx->wait_ns;
    if (tx->pool->exclusive.open == 0)
        err_set(&err, ERR_UNAVAILABLE, "PostgreSQL is not reachable");
    else
        err_set(&err, ERR_BUSY, "every database connection for transactions is busy");
    tx_leave_queue(tx);
    tx_refuse(tx, &err);
    return TIME_NEVER;
}

/* Who keeps the others waiting; NULL: all have something to send, or have asked for the end. */
static struct pg_tx *idle_tx(const struct pg_conn *conn)
{
    struct pg_tx *found = NULL;
    list_for_each (node, safe, &conn->txs) {
        struct pg_tx *tx = tx_of(node);
        if (tx->wants_send)
            return NULL;
        if (found == NULL && !tx->wants_commit)
            found = tx;
    }
    return found;
}

static uint64_t conn_expire_idle(struct pg_conn *conn, uint64_t now)
{
    struct err err;
    uint64_t due = conn->idle_ns + conn->pool->settings.idle_transaction_ms * NS_PER_MS;
    struct pg_tx *tx = conn_is_quiet(conn) ? idle_tx(conn) : NULL;
    if (tx == NULL)
        return TIME_NEVER; /* its end is looked at when the last statement is answered */
    if (now < due)
        return due;
    err_set(&err, ERR_TIMEOUT, "the transaction was idle for %u ms and was rolled back",
            conn->pool->settings.idle_transaction_ms);
    tx_fail(tx, &err);
    share_fail(conn);
    if (tx->conn != NULL)
        tx_detach(tx);
    return TIME_NEVER;
}

uint64_t exclusive_expire(struct pg_pool *pool, uint64_t now)
{
    uint64_t next = TIME_NEVER;
    list_for_each (node, safe, &pool->tx_waiting) {
        uint64_t due = tx_expire_waiting(tx_of(node), now);
        next = due < next ? due : next;
    }
    list_for_each (node, safe, &pool->exclusive.conns) {
        uint64_t due = conn_expire_idle(CONTAINER_OF(node, struct pg_conn, link), now);
        next = due < next ? due : next;
    }
    return next;
}
