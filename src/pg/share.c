/* Transactions that share one of PostgreSQL: who may join, what happens when one fails or leaves.
 *
 * A transaction of PostgreSQL has its price whatever it does: BEGIN, COMMIT, a wait for the disk, and a
 * backend whose memory has gone cold. Those that wait at the same moment pay it together. */
#include <string.h>

#include "pg/tx.h"

struct pg_tx *tx_of(struct list *link)
{
    return CONTAINER_OF(link, struct pg_tx, link);
}

static struct pg_tx *first_of(const struct pg_conn *conn)
{
    return tx_of(conn->txs.next);
}

/* ---- joining ---- */

static bool is_sharing(const struct pg_conn *conn)
{
    return conn->tx_count > 0 && first_of(conn)->share != NULL;
}

static bool is_open(const struct pg_conn *conn)
{
    return is_sharing(conn) && conn->state == CONN_OPEN && !conn->in_transaction && !conn->is_retiring &&
           conn->tx_count < conn->pool->settings.share_max;
}

/* Who works for the same waits for the other's COMMIT, as if they were strangers. */
static bool has_place(const struct pg_conn *conn, const struct pg_tx *tx)
{
    if (first_of(conn)->options.lock_ms != tx->options.lock_ms)
        return false;
    list_for_each (node, safe, &conn->txs) {
        /* Whoever knows of its lease may have spoken: a lock that is taken later is taken out of order. */
        if (!tx_of(node)->is_ready_due || strcmp(tx_of(node)->share, tx->share) == 0)
            return false;
    }
    return true;
}

static unsigned sharing_count(const struct pg_pool *pool)
{
    unsigned count = 0;
    list_for_each (node, safe, &pool->exclusive.conns)
        count += is_sharing(CONTAINER_OF(node, struct pg_conn, link));
    return count;
}

struct pg_conn *share_find(struct pg_pool *pool, const struct pg_tx *tx, struct pg_conn *idle)
{
    struct pg_conn *found = NULL;
    if (idle != NULL && sharing_count(pool) < pool->settings.sharing)
        return idle;
    list_for_each (node, safe, &pool->exclusive.conns) {
        struct pg_conn *conn = CONTAINER_OF(node, struct pg_conn, link);
        if (is_open(conn) && (found == NULL || conn->tx_count < found->tx_count) && has_place(conn, tx))
            found = conn;
    }
    return found;
}

bool share_has_room(struct pg_pool *pool, const struct pg_conn *idle)
{
    if (idle != NULL && sharing_count(pool) < pool->settings.sharing)
        return true;
    list_for_each (node, safe, &pool->exclusive.conns) {
        if (is_open(CONTAINER_OF(node, struct pg_conn, link)))
            return true;
    }
    return false;
}

/* In the order of what they lock, so that two of PostgreSQL's transactions never wait for one another. */
void share_join(struct pg_conn *conn, struct pg_tx *tx)
{
    struct list *place = &conn->txs;
    if (tx->share != NULL) {
        list_for_each (node, safe, &conn->txs) {
            tx_of(node)->had_company = tx->had_company = true;
            if (place == &conn->txs && strcmp(tx_of(node)->share, tx->share) > 0)
                place = node;
        }
    }
    if (tx->had_company)
        conn->pool->stats.shared += conn->tx_count == 1 ? 2 : 1;
    list_append(place, &tx->link); /* before place, or last */
    conn->tx_count++;
}

/* ---- sending ---- */

static struct pg_op *op_of(struct list *link)
{
    return CONTAINER_OF(link, struct pg_op, link);
}

static struct pg_op *head_of(struct list *tx)
{
    struct list *queued = &tx_of(tx)->queued;
    return tx_of(tx)->is_sending && !list_is_empty(queued) ? op_of(queued->next) : NULL;
}

/* Is there another that sends the same as op, but not yet? */
static bool is_early(const struct pg_conn *conn, const struct pg_op *op)
{
    list_for_each (node, safe, &conn->txs) {
        const struct pg_op *head = head_of(node);
        if (head == NULL || head->together == op->together)
            continue;
        list_for_each (queued, next, &tx_of(node)->queued) {
            if (op_of(queued)->together == op->together)
                return true;
        }
    }
    return false;
}

/* What to send next: rather what is not sent later by others once more. */
static struct pg_op *choose(const struct pg_conn *conn)
{
    struct pg_op *first = NULL;
    list_for_each (node, safe, &conn->txs) {
        struct pg_op *head = head_of(node);
        if (head != NULL && (head->together == NULL || !is_early(conn, head)))
            return head;
        first = first != NULL ? first : head;
    }
    return first;
}

static void take_head(struct pg_op *op)
{
    struct pg_tx *tx = op->owner;
    list_remove(&op->link);
    tx->has_sent = true;
    tx->has_changed |= op->is_write && !op->statement.only_locks;
}

struct pg_op *share_next(const struct pg_conn *conn)
{
    struct pg_op *chosen = choose(conn);
    if (chosen == NULL)
        return NULL;
    const struct pg_tx *first = chosen->owner;
    take_head(chosen);
    list_for_each (node, safe, &conn->txs) {
        struct pg_op *head = tx_of(node) != first ? head_of(node) : NULL;
        if (head == NULL || !gather_may_add(chosen, head))
            continue;
        take_head(head);
        chosen = gather_add(chosen, head);
    }
    return chosen;
}

/* ---- failing and leaving ---- */

/* PostgreSQL says so when a transaction must be tried again for others' sake. */
static void set_rolled_back(struct err *err)
{
    err_set(err, ERR_DB, "another transaction that shared this one has failed");
    memcpy(err->sqlstate, SQLSTATE_SERIALIZATION_FAILURE, sizeof(err->sqlstate));
}

static void fail_sent(struct pg_conn *conn)
{
    list_for_each (node, safe, &conn->items) {
        struct pg_op *op;
        while ((op = item_take(CONTAINER_OF(node, struct conn_item, link))) != NULL)
            tx_fail_op(op->owner, op);
    }
}

void share_fail(struct pg_conn *conn)
{
    struct err err;
    if (conn->tx_count < 2)
        return;
    conn->pool->stats.share_failures++;
    set_rolled_back(&err);
    list_for_each (node, safe, &conn->txs)
        tx_fail(tx_of(node), &err); /* whose fault it is has its own reason already */
    fail_sent(conn);
    /* Those that are here now: the last to leave may hand the connection on to others. */
    for (unsigned left = conn->tx_count; left > 0; left--) {
        struct pg_tx *tx = first_of(conn);
        if (tx->wants_commit)
            tx_end(tx, &tx->err);
        else
            tx_detach(tx);
    }
}

void share_leave(struct pg_tx *tx)
{
    struct err err;
    if (tx->conn->tx_count < 2 || !tx->has_changed || tx->wants_commit)
        return;
    err_set(&err, ERR_CANCELLED, "the transaction was left");
    tx_fail(tx, &err);
    share_fail(tx->conn);
}

bool share_is_complete(const struct pg_conn *conn)
{
    if (conn->tx_count == 0 || !conn->in_transaction || conn->ends)
        return false;
    list_for_each (node, safe, &conn->txs) {
        const struct pg_tx *tx = tx_of(node);
        if (!tx->wants_commit || tx->has_failed)
            return false;
    }
    return true;
}
