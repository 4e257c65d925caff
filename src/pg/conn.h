/* One connection to PostgreSQL on the loop: connecting, sending into the pipeline, reading answers, being
 * lost.
 *
 * A connection is used once: when it is lost or closed it is dead and another one takes its place. What was
 * sent and not answered is the list items, in the order of the wire. Private to pg/; loop thread only.
 *
 *   CONN_RESOLVING → CONN_CONNECTING → CONN_OPEN → CONN_DEAD      (any state may go to CONN_DEAD)
 */
#ifndef PG_CONN_H
#define PG_CONN_H

#include <uv.h>

#include "pg/cache.h"
#include "pg/op.h"
#include "pg/pq.h"

/* A cancelled statement is given so long to say so; then its connection is dropped. */
#define CANCEL_GRACE_NS UINT64_C(1000000000)
/* Answers read from one connection before the loop goes on. */
#define RESULTS_PER_TURN_MAX 512

enum conn_state { CONN_RESOLVING, CONN_CONNECTING, CONN_OPEN, CONN_DEAD };

enum item_kind {
    ITEM_OP,
    ITEM_PREPARE,    /* for the op of the next item, an ITEM_OP */
    ITEM_DEALLOCATE, /* has a Sync of its own; its outcome does not matter */
    ITEM_BEGIN,      /* BEGIN or SET LOCAL */
    ITEM_COMMIT,
    ITEM_ROLLBACK,
    ITEM_SYNC,
};
struct conn_item {
    struct list link;
    enum item_kind kind;
    struct pg_op *op; /* ITEM_OP; NULL once the op was answered before its turn */
    uint64_t expires_ns;
    PGresult *result;
    char name[33]; /* ITEM_PREPARE: the cache entry's, with its serial */
    unsigned serial;
};

struct pg_pool;
struct pg_lane;
struct pg_tx;
struct conn_watch;
struct conn_resolve;

struct pg_conn {
    struct list link; /* in its lane, or in pool->dead */
    struct pg_pool *pool;
    struct pg_lane *lane;
    enum conn_state state;
    PGconn *pg;
    struct conn_watch *watch;
    struct conn_resolve *resolve;
    uint64_t due_ns; /* connecting: give up */

    struct list items;
    unsigned in_flight; /* ITEM_OPs among them */
    struct cache cache;
    struct err sync_err; /* an error the server reported at a Sync */
    uint64_t opened_ns;
    uint64_t drop_ns;   /* the cancel must have been answered by then; 0: none asked for */
    bool was_cancelled; /* a PQcancel was sent, and may still hit whatever runs */
    bool is_dirty;      /* something was sent since the last flush */
    bool wants_write;   /* the socket did not take everything */
    bool has_more;      /* answers are parsed that the turn's limit left over */
    bool is_probe;      /* tries on behalf of all while the server is away */
    bool is_retiring;   /* close as soon as nothing is pending */

    /* pipelined lane */
    struct list reads, singles; /* chosen for the next send */
    unsigned chosen;
    struct pg_op *unconfirmed; /* a write whose Sync is not answered yet */
    /* exclusive lane */
    struct list txs; /* pg_tx.link: those that have it; several only where all are willing to share */
    unsigned tx_count;
    uint64_t idle_ns;    /* since then none of them has a statement under way */
    bool in_transaction; /* BEGIN was sent, its end not answered */
    bool ends;           /* COMMIT or ROLLBACK is sent */
    bool commit_sent;    /* since BEGIN */
};

/* ---- connect.c ---- */
/* Begin to connect. The connection belongs to the lane; failures arrive as conn_lose. */
struct pg_conn *conn_new(struct pg_pool *pool, struct pg_lane *lane, bool is_probe);
/* The socket is ready while connecting. */
void conn_connect_step(struct pg_conn *conn);
/* Forget a name look-up under way. */
void conn_resolve_abandon(struct pg_conn *conn);

/* ---- conn.c ---- */
/* The one place where a connection ends; err is told to everything it carried. Harmless on a dead one. */
void conn_lose(struct pg_conn *conn, const struct err *err);
/* End it on purpose: nothing is pending that anybody waits for. */
void conn_close(struct pg_conn *conn);
/* Free a dead one. */
void conn_free(struct pg_conn *conn);
void conn_watch_socket(struct pg_conn *conn, int events);
void conn_unwatch(struct pg_conn *conn);
/* Handle answers that are here already. */
void conn_read_answers(struct pg_conn *conn);
bool conn_is_quiet(const struct pg_conn *conn);
/* When the running statement is overdue: cancel it, and later drop the connection. Returns when to look
 * again. */
uint64_t conn_check_overdue(struct pg_conn *conn, uint64_t now);

/* ---- send.c: each puts into libpq's buffer; on failure the connection is lost (check state) ---- */
void conn_send_op(struct pg_conn *conn, struct pg_op *op);
/* An unnamed statement without parameters. */
void conn_send_control(struct pg_conn *conn, enum item_kind kind, const char *sql);
void conn_send_sync(struct pg_conn *conn);
/* DEALLOCATE what is stale or too much; only outside of transactions and between Syncs. */
void conn_tidy(struct pg_conn *conn);
/* Hand the buffer to the socket. */
void conn_flush(struct pg_conn *conn);

/* ---- cancel.c ---- */
/* Ask the server to stop what the connection runs; on the thread pool. */
void conn_cancel(struct pg_conn *conn);

#endif
