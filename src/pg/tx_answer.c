/* What transactions are answered: results, refusals, the end, or the loss of the connection. */
#include <string.h>

#include "pg/tx.h"

/* One of those that the item answers has failed with err. */
static void fail_one(struct pg_op *op, struct err err)
{
    struct pg_tx *tx = op->owner;
    if (strcmp(err.sqlstate, SQLSTATE_CANCELLED) == 0 && op_is_overdue(op))
        err_set(&err, ERR_TIMEOUT, "the statement was cancelled at its deadline");
    if (tx->has_failed) {
        tx_fail_op(tx, op);
        return;
    }
    op_fail(tx->pool, op, &err);
    tx_fail(tx, &err);
}

/* Whose fault it is that what several asked for together has failed, nobody knows. */
static void item_refused(struct pg_conn *conn, struct conn_item *item, const struct err *reason)
{
    struct err err = *reason;
    struct pg_op *op;
    if (pq_sqlstate_is_stale(err.sqlstate))
        cache_mark_stale(&conn->cache, item->op->statement.name);
    while ((op = item_take(item)) != NULL)
        fail_one(op, err);
    share_fail(conn);
}

static void item_not_run(struct pg_conn *conn, struct conn_item *item)
{
    struct pg_op *op;
    if (item->op->is_refused) {
        item_refused(conn, item, &item->op->err);
        return;
    }
    while ((op = item_take(item)) != NULL)
        tx_fail_op(op->owner, op);
}

/* PostgreSQL has done it, and nobody can say for whom: a fault of the statement. Alone it is asked as it is;
 * but what is being committed cannot be taken back. */
static void fail_unclear(struct pg_conn *conn, struct conn_item *item)
{
    struct err err;
    if (conn->commit_sent) {
        struct pg_op *op;
        err_set(&err, ERR_UNKNOWN, "which row is whose is not clear");
        while ((op = item_take(item)) != NULL)
            op_fail(conn->pool, op, &err);
        conn_lose(conn, &err);
        return;
    }
    err_set(&err, ERR_DB, "which row is whose is not clear");
    memcpy(err.sqlstate, SQLSTATE_SERIALIZATION_FAILURE, sizeof(err.sqlstate));
    item_refused(conn, item, &err);
}

static void gathered_answered(struct pg_conn *conn, struct conn_item *item)
{
    bool is_clear = gather_answer(conn->pool, item->op, item->result);
    item->result = NULL;
    if (is_clear)
        item_take(item); /* none: lets the carrier go */
    else
        fail_unclear(conn, item);
}

static void op_answered(struct pg_conn *conn, struct conn_item *item)
{
    struct pg_op *op = item->op;
    struct err err;
    if (op == NULL)
        return;
    switch (PQresultStatus(item->result)) {
    case PGRES_FATAL_ERROR:
        pq_err_from_result(&err, item->result);
        item_refused(conn, item, &err);
        return;
    case PGRES_PIPELINE_ABORTED:
        item_not_run(conn, item);
        return;
    default:
        break;
    }
    if (op->gather != NULL) {
        gathered_answered(conn, item);
        return;
    }
    op_succeed(conn->pool, item_take(item), item->result);
    item->result = NULL;
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
        struct pg_op *op;
        while ((op = item_take(CONTAINER_OF(node, struct conn_item, link))) != NULL) {
            struct err mine = err;
            if (!is_unknown && op_is_overdue(op))
                err_set(&mine, ERR_TIMEOUT, "the statement was cancelled at its deadline");
            op_fail(conn->pool, op, &mine);
        }
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
