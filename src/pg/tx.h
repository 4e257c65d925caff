/* One transaction on its way, known to the files of the exclusive lane: lease.c hands out connections,
 * share.c has several on one, tx.c takes the user's calls and sends, tx_answer.c reads what comes back.
 * Private to pg/; loop thread only.
 *
 * Transactions that are willing to may share one of PostgreSQL: one BEGIN, the statements of all of them, one
 * COMMIT when all have asked for it. They are committed together or not at all. */
#ifndef PG_TX_H
#define PG_TX_H

#include "pg/lanes.h"

enum tx_stage {
    TX_WAITING, /* for a lease */
    TX_LEASED,  /* has a connection */
    TX_OVER,    /* ended, refused or lost; may be asked for its end still */
};

struct pg_tx {
    struct list link; /* pool->tx_waiting or conn->txs */
    struct list event_link;
    struct pg_pool *pool;
    struct pg_conn *conn; /* TX_LEASED */
    struct pg_tx_options options;
    char *share; /* copy of options.share */
    enum tx_stage stage;
    struct list queued; /* ops not sent */
    uint64_t asked_ns, wait_ns;

    bool has_sent;    /* a statement */
    bool has_changed; /* one that did not only read and lock */
    bool had_company; /* it has shared */
    bool wants_send;  /* at the next flush */
    bool is_sending;  /* what is queued goes now */
    bool wants_commit;
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

/* ---- tx.c ---- */
/* From now on nothing of this transaction can succeed. */
void tx_fail(struct pg_tx *tx, const struct err *err);
/* Fail an op because its transaction has failed. */
void tx_fail_op(struct pg_tx *tx, struct pg_op *op);
/* Report the end that was asked for, and leave the connection. */
void tx_end(struct pg_tx *tx, const struct err *err_or_null);
/* Leave the connection, in whatever state it is; who is the last gives it back. */
void tx_detach(struct pg_tx *tx);
/* Have tx_deliver called. */
void tx_event(struct pg_tx *tx);

/* ---- lease.c ---- */
/* Lease an idle connection, wait for one, or be refused. */
void tx_enqueue(struct pg_tx *tx);
/* Leave the queue for a lease. */
void tx_leave_queue(struct pg_tx *tx);
/* No statement of a transaction is under way from now on. */
void conn_idles(struct pg_conn *conn, uint64_t now);
/* A connection without a transaction: hand it on, have it rolled back, or close it. */
void exclusive_return(struct pg_conn *conn);

/* ---- share.c ---- */
struct pg_tx *tx_of(struct list *link);
/* A connection for a transaction that is willing to share: idle (may be NULL) or one whose transaction has
 * not begun; NULL: none now. */
struct pg_conn *share_find(struct pg_pool *pool, const struct pg_tx *tx, struct pg_conn *idle);
/* May any that is willing to share have a connection now? */
bool share_has_room(struct pg_pool *pool, const struct pg_conn *idle);
/* Put it among those that have the connection. */
void share_join(struct pg_conn *conn, struct pg_tx *tx);
/* The next of the ops that those on conn send now, out of its queue; the same of several is gathered. NULL:
 * all are sent. Each one's are sent in the order in which it queued them. */
struct pg_op *share_next(const struct pg_conn *conn);
/* Before tx is forgotten: what it has changed can only be undone with the work of all. */
void share_leave(struct pg_tx *tx);
/* The transaction of PostgreSQL has failed; whose fault it is has been told why. Of several that share it all
 * leave the connection; a single one keeps it until it asks for its end. */
void share_fail(struct pg_conn *conn);
/* All have asked for COMMIT, and nothing stands against it. */
bool share_is_complete(const struct pg_conn *conn);

#endif
