/* What transactions are answered: results, refusals, the end, or the loss of the connection. */
#include <string.h>

#include "pg/tx.h"

static void op_refused(struct pg_conn *conn, struct pg_op *op)
{
    struct pg_tx *tx = op->owner;
    if (strcmp(op->err.sqlstate, SQLSTATE_CANCELLED) == 0 && op_is_overdue(op))
        err_set(&op->err, ERR_TIMEOUT, "the statement was cancelled at its deadline");
    if (pq_sqlstate_is_stale(op->err.sqlstate))
        cache_mark_stale(&conn->cache, op->statement.name);
    if (tx->has_failed) {
        tx_fail_op(tx, op);
        return;
    }
    struct err err = op->err;
    op_fail(tx->pool, op, &err);
    tx_fail(tx, &err);
    share_fail(conn);
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
            tx_fail_op(op->owner, op);
        return;
    default:
        op_succeed(conn->pool, op, item->result);
        item->result = NULL;
    }
}

/* None of those on conn can succeed any more. */
static void fail_all(struct pg_conn *conn, const struct err *err)
{
    list_for_each (node, safe, &conn->txs)
        tx_fail(tx_of(node), err);
    share_fail(conn);
}

/* Report to all that have asked for it. */
static void end_all(struct pg_conn *conn, bool is_committed)
{
    for (unsigned left = conn->tx_count; left > 0; left--) { /* the last one may hand the connection on */
        struct pg_tx *tx = tx_of(conn->txs.next);
        tx_end(tx, is_committed ? NULL : &tx->err);
    }
}

static void begin_answered(struct pg_conn *conn, const struct conn_item *item)
{
    struct err err;
    if (PQresultStatus(item->result) == PGRES_COMMAND_OK)
        return;
    pq_err_from_result(&err, item->result);
    fail_all(conn, &err);
}

static void commit_answered(struct pg_conn *conn, const struct conn_item *item)
{
    struct err err;
    switch (PQresultStatus(item->result)) {
    case PGRES_COMMAND_OK:
        /* COMMIT in a failed transaction succeeds as ROLLBACK. */
        if (strcmp(PQcmdStatus(item->result), "COMMIT") == 0) {
            end_all(conn, true);
            return;
        }
        err_set(&err, ERR_DB, "the transaction was rolled back");
        memcpy(err.sqlstate, SQLSTATE_FAILED_TRANSACTION, sizeof(err.sqlstate));
        fail_all(conn, &err);
        end_all(conn, false);
        return;
    case PGRES_FATAL_ERROR:
        conn->ends = false;
        pq_err_from_result(&err, item->result);
        fail_all(conn, &err);
        return;
    default: /* skipped after an error: ROLLBACK is still to come */
        conn->ends = false;
    }
}

static void rollback_answered(struct pg_conn *conn, const struct conn_item *item)
{
    struct err err;
    if (PQresultStatus(item->result) == PGRES_COMMAND_OK) {
        end_all(conn, false);
        return;
    }
    err_set(&err, ERR_UNAVAILABLE, "a transaction could not be rolled back");
    conn_lose(conn, &err);
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
    if (err != NULL)
        fail_all(conn, err);
    if (conn->tx_count == 0) {
        exclusive_return(conn);
        return;
    }
    if (!conn_is_quiet(conn))
        return;
    conn_idles(conn, mono_ns());
    struct pg_tx *tx = tx_of(conn->txs.next); /* which has failed is alone */
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

/* ---- loss ---- */

static void exclusive_lost(struct pg_conn *conn, const struct err *reason)
{
    struct err err = *reason;
    if (conn->tx_count == 0)
        return; /* its statements were let go when it was left */
    bool is_unknown = conn->commit_sent && !tx_of(conn->txs.next)->has_failed;
    if (is_unknown)
        err_set(&err, ERR_UNKNOWN, "the answer to COMMIT was lost: %.500s", reason->text);
    list_for_each (node, safe, &conn->items) {
        struct conn_item *item = CONTAINER_OF(node, struct conn_item, link);
        if (item->op == NULL)
            continue;
        struct err mine = err;
        if (!is_unknown && op_is_overdue(item->op))
            err_set(&mine, ERR_TIMEOUT, "the statement was cancelled at its deadline");
        op_fail(conn->pool, item->op, &mine);
        item->op = NULL;
    }
    while (conn->tx_count > 0) {
        struct pg_tx *tx = tx_of(conn->txs.next);
        tx_fail(tx, &err);
        if (tx->wants_commit)
            tx_end(tx, &tx->err);
        else
            tx_detach(tx);
    }
}

const struct lane_events exclusive_events = {
    .opened = exclusive_opened,
    .answered = exclusive_answered,
    .synced = exclusive_synced,
    .lost = exclusive_lost,
};
