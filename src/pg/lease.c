/* Leases of the exclusive lane: which transaction has which connection, who waits, and for how long. */
#include "pg/tx.h"

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

void tx_idles(struct pg_tx *tx, uint64_t now)
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
        tx_end(tx, err);
    tx_event(tx);
}

void tx_leave_queue(struct pg_tx *tx)
{
    list_remove(&tx->link);
    tx->pool->tx_waiting_count--;
}

void exclusive_grant(struct pg_pool *pool)
{
    struct pg_conn *conn;
    while (!list_is_empty(&pool->tx_waiting) && (conn = idle_conn(pool)) != NULL) {
        struct pg_tx *tx = CONTAINER_OF(pool->tx_waiting.next, struct pg_tx, link);
        tx_leave_queue(tx);
        tx_lease(tx, conn);
    }
}

void exclusive_fail_waiting(struct pg_pool *pool, const struct err *err)
{
    while (!list_is_empty(&pool->tx_waiting)) {
        struct pg_tx *tx = CONTAINER_OF(pool->tx_waiting.next, struct pg_tx, link);
        tx_leave_queue(tx);
        tx_refuse(tx, err);
    }
}

void tx_enqueue(struct pg_tx *tx)
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

void exclusive_return(struct pg_conn *conn)
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
