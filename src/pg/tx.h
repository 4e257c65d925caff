/* One transaction on its way, shared by the files of the exclusive lane: lease.c hands out connections, tx.c
 * takes the user's calls and sends, tx_answer.c reads what comes back. Private to pg/; loop thread only. */
#ifndef PG_TX_H
#define PG_TX_H

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
    bool wants_commit, commit_sent;
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
/* Report the end that was asked for, and give the connection back. */
void tx_end(struct pg_tx *tx, const struct err *err_or_null);
/* Give the connection back, in whatever state it is. */
void tx_detach(struct pg_tx *tx);
/* Have tx_deliver called. */
void tx_event(struct pg_tx *tx);

/* ---- lease.c ---- */
/* Lease an idle connection, wait for one, or be refused. */
void tx_enqueue(struct pg_tx *tx);
/* Leave the queue for a lease. */
void tx_leave_queue(struct pg_tx *tx);
/* The transaction has no statement under way from now on. */
void tx_idles(struct pg_tx *tx, uint64_t now);
/* A connection without a transaction: hand it on, have it rolled back, or close it. */
void exclusive_return(struct pg_conn *conn);

#endif
