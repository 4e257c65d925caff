/* One worker's PostgreSQL connections, in two lanes on that worker's libuv loop.
 *
 * The pipelined lane has single statements outside of transactions: many in flight on each connection; all
 * reads of a loop turn share one Sync, every write has its own.
 *
 * The exclusive lane has transactions: a connection is leased to one pg_tx at a time, or to several that are
 * willing to share (pg_tx_options.share); waiting is bounded and has a deadline.
 *
 * Broken connections are replaced with back-off (first retry at once, then 50 ms doubling to 1 s, so that
 * success comes within 2 s of PostgreSQL accepting). A connection goes back to its lane only if idle, outside
 * a transaction and with nothing pending; otherwise it is closed.
 *
 * Ownership: the worker owns the pool; it outlives script generations. Loop thread only, except
 * pg_pool_stats. Never raises a Lua error. done callbacks are made from the loop, never from inside a submit
 * call, and may submit more.
 */
#ifndef PG_POOL_H
#define PG_POOL_H

#include <uv.h>

#include "pg/op.h"

struct pg_settings {
    const char *url;          /* libpq connection string or URI; host names are resolved off the loop */
    bool prepared_statements; /* false: unnamed statements only, for transaction poolers */
    unsigned pipelined;       /* connections of the pipelined lane (>= 1) */
    unsigned exclusive;       /* connections of the exclusive lane (>= 1) */
    unsigned sharing;         /* of these, for transactions that share at most so many (>= 1) */
    unsigned share_max;       /* transactions that share one of PostgreSQL's; 0 or 1: none does */
    uint32_t share_lock_ms;   /* longest wait for a lock while sharing, as all wait with one; 0: as alone */
    unsigned waiting_max;   /* statements that wait for a connection plus transactions that wait for a lease;
                               more → ERR_BUSY */
    unsigned in_flight_max; /* statements in flight on one pipelined connection; more wait */
    uint32_t wait_ms;       /* longest wait for a lease or a usable connection → ERR_BUSY (lease) or
                               ERR_UNAVAILABLE (none connected) */
    uint32_t statement_ms; /* longest run of one statement → ERR_TIMEOUT, cancelled by PQcancel on the thread
                              pool; a connection that does not answer the cancel in 1 s is dropped */
    uint32_t connect_ms;   /* longest connection attempt */
    uint32_t idle_transaction_ms; /* a transaction with no statement in flight for so long is rolled back */
    unsigned statements_max;      /* prepared statements kept per connection (LRU, DEALLOCATE) */
};

struct pg_pool;

/* Start connecting at once; returns without waiting. loop must outlive the pool. Settings are copied. */
struct pg_pool *pg_pool_new(uv_loop_t *loop, const struct pg_settings *settings);
/* Change everything but url, live: lanes grow at once, shrink as connections come back. */
void pg_pool_configure(struct pg_pool *pool, const struct pg_settings *settings);
/* Refuse new work, fail what waits, close all; closed(data) is called when every handle is closed, then free
 * it by pg_pool_free. */
void pg_pool_close(struct pg_pool *pool, void (*closed)(void *data), void *data);
void pg_pool_free(struct pg_pool *pool);

/* Queue op on the pipelined lane. It is sent by the next pg_pool_flush. Takes a reference of its own. Cannot
 * fail here: refusals (ERR_BUSY, ERR_UNAVAILABLE …) arrive in done like everything else. */
void pg_pool_submit(struct pg_pool *pool, struct pg_op *op);
/* Call once at the end of every loop turn: one Sync for the reads gathered, one flush per dirty connection.
 */
void pg_pool_flush(struct pg_pool *pool);

/* Send what transactions have queued, at once: unlike reads they need not wait for the end of the turn. May
 * be called any time before pg_pool_flush. */
void pg_pool_flush_transactions(struct pg_pool *pool);

/* ---- transactions (exclusive lane) ---- */

enum pg_isolation { PG_READ_COMMITTED, PG_REPEATABLE_READ, PG_SERIALIZABLE };
struct pg_tx_options {
    enum pg_isolation isolation;
    bool read_only;
    uint32_t lock_ms; /* SET LOCAL lock_timeout; 0: the server's */
    /* NULL: it has a transaction of PostgreSQL to itself. Else it may share one with others whose text here
     * is another; copied. What it locks and changes must be of that text alone, first of all be locked, and
     * not depend on what others do meanwhile. When one fails, all are rolled back, and the others fail with
     * an error that has an sqlstate. */
    const char *share;
};

struct pg_tx;
/* Called once: err NULL when a connection is leased, else why not (ERR_BUSY, ERR_UNAVAILABLE). */
typedef void (*pg_tx_ready_fn)(struct pg_tx *tx, const struct err *err, void *data);

/* Ask for a lease. BEGIN travels with the first batch of statements. */
struct pg_tx *pg_tx_open(struct pg_pool *pool, const struct pg_tx_options *options, pg_tx_ready_fn ready,
                         void *data);
/* Queue a statement in the transaction; nothing is sent until pg_tx_flush or pg_tx_commit. Results arrive in
 * order. After a failed statement every later one of the transaction fails with ERR_DB, sqlstate 25P02; after
 * a lost connection, a deadline or an idle transaction given up with that reason. May be called before ready.
 * Not after commit. */
void pg_tx_submit(struct pg_tx *tx, struct pg_op *op);
/* Send what is queued, closed by one Sync (at the next pg_pool_flush). */
void pg_tx_flush(struct pg_tx *tx);
/* Send what is queued together with COMMIT. Then done(err): NULL committed; ERR_DB rolled back (sqlstate
 * 40001 and 40P01 may be repeated by the caller from the start; also the first failing queued statement's
 * error); ERR_UNKNOWN the answer was lost after COMMIT was sent. */
typedef void (*pg_tx_end_fn)(struct pg_tx *tx, const struct err *err, void *data);
void pg_tx_commit(struct pg_tx *tx, pg_tx_end_fn done, void *data);
/* Has it shared? Then a failure may be another's: alone it may succeed. */
bool pg_tx_had_company(const struct pg_tx *tx);
/* Forget the transaction: allowed at any time, also before ready and without commit (then it is rolled back
 * and the connection returned when clean, else closed). No callback is made after this, nor those
 * of its statements. NULL is allowed. */
void pg_tx_free(struct pg_tx *tx);

/* ---- numbers, any thread ---- */
struct pg_stats {
    unsigned pipelined_open, pipelined_in_flight, pipelined_waiting;
    unsigned exclusive_open, exclusive_idle, exclusive_busy, exclusive_waiting;
    uint64_t connects, connect_failures, statements, timeouts, retries;
    uint64_t wait_count, wait_ns_total; /* leases granted, and how long they waited in all */
    uint64_t shared,
        share_failures; /* transactions that had company; times that all of one were rolled back */
};
void pg_pool_stats(struct pg_pool *pool, struct pg_stats *out);

#endif
