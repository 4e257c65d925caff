/* What the pool and its two lanes share. Private to pg/; loop thread only.
 *
 * Every completion is put on pool->finished (ops) or pool->tx_events (transactions) and delivered by
 * pool_deliver, which only the outermost callbacks of the loop call. So no callback of the pool's user ever
 * runs while a connection or a list is half changed, and none runs inside a call that the user made.
 */
#ifndef PG_LANES_H
#define PG_LANES_H

#include "pg/conn.h"
#include "pg/pool.h"

#define NS_PER_MS UINT64_C(1000000)
#define TIME_NEVER UINT64_MAX
/* A statement is taken back to be sent again at most so often. */
#define ATTEMPTS_MAX 3
/* So many statements are gathered in one turn of the loop; what others ask for is asked one by one. */
#define JOINABLE_MAX 16

/* What a lane does when something happens on one of its connections. */
struct lane_events {
    void (*opened)(struct pg_conn *conn);
    /* item (an ITEM_OP, or what belongs to a transaction) has its result. The lane takes item->op; it may
     * take item->result by setting it to NULL. */
    void (*answered)(struct pg_conn *conn, struct conn_item *item);
    /* A Sync was answered; err is what the server reported at that point, or NULL. */
    void (*synced)(struct pg_conn *conn, const struct err *err);
    /* The connection is gone: settle what it carried. */
    void (*lost)(struct pg_conn *conn, const struct err *err);
};

struct pg_lane {
    struct list conns;
    unsigned total, open; /* all of conns, and those established */
    unsigned wanted;
    const struct lane_events *events;
};

struct pg_pool {
    uv_loop_t *loop;
    struct pg_settings settings;
    char *url;
    struct pg_lane pipelined, exclusive;

    struct list waiting; /* ops for the pipelined lane, not sent */
    unsigned waiting_count;
    struct list tx_waiting; /* pg_tx.link: no lease yet */
    unsigned tx_waiting_count;
    /* While connections are chosen: of each statement that may be asked for many, the op that more can join.
     */
    struct pg_op *joinable[JOINABLE_MAX];
    unsigned joinable_count;
    struct list finished;   /* ops to be delivered */
    struct list delivering; /* those whose turn it is */
    struct list tx_events;  /* pg_tx.event_link */
    struct list dead;       /* connections to be freed */

    uv_timer_t timer; /* the next moment at which anything is due */
    uint64_t timer_ns;
    uv_idle_t later;  /* runs once in the next turn */
    unsigned handles; /* libuv handles and requests not yet closed, without the two above */

    bool is_failing;   /* the last attempt to connect failed; one connection at a time tries */
    uint64_t retry_ns; /* not before */
    uint64_t retry_delay_ns;

    bool is_closing, is_closed;
    int closing_handles;
    void (*closed)(void *data);
    void *closed_data;

    struct pg_stats stats;
    uv_mutex_t mutex; /* guards published */
    struct pg_stats published;
};

/* ---- op.c ---- */
void pg_op_unref(struct pg_op *op);
/* True if op was sent and its time is over. */
bool op_is_overdue(const struct pg_op *op);
/* It is finished and will not be sent again: its text and parameters go, however long its result is kept. */
void op_forget_input(struct pg_op *op);

/* ---- pool.c ---- */
/* Run the idle callback in the loop's next turn. */
void pool_later(struct pg_pool *pool);
/* See to it that pool_sweep runs at ns. */
void pool_wake_at(struct pg_pool *pool, uint64_t ns);
/* Call what is to be called; only from outermost loop callbacks. */
void pool_deliver(struct pg_pool *pool);
/* The op is done: result (taken) or err. Its reference by the lane ends when it is delivered. */
void op_succeed(struct pg_pool *pool, struct pg_op *op, PGresult *result);
void op_fail(struct pg_pool *pool, struct pg_op *op, const struct err *err);
/* A connection that was opened is established, or could not be, or was lost; for back-off. */
void pool_connected(struct pg_pool *pool);
void pool_connect_failed(struct pg_pool *pool, const struct pg_conn *conn, const struct err *err);

/* ---- sweep.c ---- */
/* Do what is due (deadlines, waits, reconnects) and set the timer for what comes next. */
void pool_sweep(struct pg_pool *pool);

/* ---- pipeline.c ---- */
extern const struct lane_events pipelined_events;
/* Send waiting ops. */
void pipeline_dispatch(struct pg_pool *pool);
/* Give up what has waited too long; returns when the next one will have. */
uint64_t pipeline_expire_waiting(struct pg_pool *pool, uint64_t now);
/* The read op has run for too long. */
void op_timed_out(struct pg_pool *pool, struct pg_op *op);
/* Answer reads in flight on conn whose time is over; returns when the next one's is. */
uint64_t pipeline_expire_sent(struct pg_conn *conn, uint64_t now);
/* Fail everything that waits. */
void pipeline_fail_waiting(struct pg_pool *pool, const struct err *err);

/* ---- gather.c ---- */
/* Let op be asked by one that was chosen before it, if there is such a one: then the lane's reference of op
 * is held there. */
bool gather_join(struct pg_pool *pool, struct pg_op *op);
/* op was chosen: those after it may join. */
void gather_offer(struct pg_pool *pool, struct pg_op *op);
/* No more may join. */
void gather_close(struct pg_pool *pool);
/* May op be asked together with first, an op or a carrier? */
bool gather_may_add(const struct pg_op *first, const struct pg_op *op);
/* Have it asked so; both are in no list. Returns the carrier, first or a new one. */
struct pg_op *gather_add(struct pg_op *first, struct pg_op *op);
/* The carrier is about to be sent: its parameters, and until when it runs (default_ns: without a deadline).
 */
void gather_fill(struct pg_pool *pool, struct pg_op *carrier, uint64_t default_ns);
/* Take out one of those that it asks for and that are not answered, first the first; NULL when none is left.
 */
struct pg_op *gather_take(struct pg_op *carrier);
/* Take what the item is to answer out of it, one op after another, whether it carries several or is one;
 * NULL when none is left. */
struct pg_op *item_take(struct conn_item *item);
/* Likewise only those of one transaction. */
struct pg_op *item_take_of(struct conn_item *item, const struct pg_tx *tx);
/* Answer the reads whose time is over; returns when the next one's is. */
uint64_t gather_expire(struct pg_pool *pool, struct pg_op *carrier, uint64_t now);
/* The carrier has its result (taken): everybody whose answer is clear has it now. False if somebody's is not.
 */
bool gather_answer(struct pg_pool *pool, struct pg_op *carrier, PGresult *result);
/* Replace the carriers in this list of ops, which were not sent, by those for which they would have asked. */
void gather_dissolve(struct list *ops);

/* ---- lease.c, share.c, tx.c, tx_answer.c ---- */
extern const struct lane_events exclusive_events;
/* Send what transactions have queued, and the rollbacks of those that were left. */
void exclusive_dispatch(struct pg_pool *pool);
/* Hand idle connections to waiting transactions; close idle ones that are too many. */
void exclusive_grant(struct pg_pool *pool);
uint64_t exclusive_expire(struct pg_pool *pool, uint64_t now);
void exclusive_fail_waiting(struct pg_pool *pool, const struct err *err);
/* Deliver what is due to this transaction (it may be freed by that). */
void tx_deliver(struct pg_tx *tx);
struct pg_tx *tx_of_event(struct list *event_link);
unsigned exclusive_idle_count(const struct pg_pool *pool);

#endif
