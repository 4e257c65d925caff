/* What the tests of src/pg share: the database by DATABASE_URL, a schema of the test program's own, a loop
 * with a pool. Included once per test program; every function is static. */
#ifndef PG_FIXTURE_H
#define PG_FIXTURE_H

#include "base/base.h" /* first: it asks for the GNU functions */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "pg/pool.h"
#include "pg/session.h"

#define TEST_UNUSED __attribute__((unused))
#define TEST_WAIT_NS UINT64_C(30000000000) /* longest wait for any condition */
#define TEST_CALL_MS 20000                 /* longest call of a session */

static char test_name[64]; /* of the schema, and the application_name of its connections */
static char test_database_url[1024];

static TEST_UNUSED void test_url_build(void)
{
    const char *url = getenv("DATABASE_URL");
    if (url == NULL || *url == '\0') {
        fprintf(stderr, "DATABASE_URL is not set: this test needs a scratch PostgreSQL database\n");
        exit(1);
    }
    snprintf(test_name, sizeof(test_name), "unit_pg_%ld", (long)getpid());
    if (strstr(url, "://") != NULL)
        snprintf(test_database_url, sizeof(test_database_url),
                 "%s%sapplication_name=%s&options=-csearch_path%%3D%s", url,
                 strchr(url, '?') != NULL ? "&" : "?", test_name, test_name);
    else
        snprintf(test_database_url, sizeof(test_database_url),
                 "%s application_name=%s options=-csearch_path=%s", url, test_name, test_name);
}

static struct pg_session *test_session; /* for looking at the server from outside of the pool */

static TEST_UNUSED void run_sql(const char *sql)
{
    struct err err = {0};
    if (pg_session_run(test_session, sql, &err) != 0)
        fail_msg("%s: %s", sql, err.text);
}

/* The first cell of a query as an integer. */
static TEST_UNUSED int64_t query_int(const char *sql)
{
    struct err err = {0};
    struct pg_result *result = NULL;
    struct buf scratch = BUF_INIT;
    struct pg_cell cell;
    if (pg_session_query(test_session, sql, 0, NULL, &result, &err) != 0 ||
        pg_result_cell(result, 0, 0, &scratch, &cell, &err) != 0)
        fail_msg("%s: %s", sql, err.text);
    pg_result_free(result);
    buf_release(&scratch);
    return cell.integer;
}

static TEST_UNUSED int test_database_open(void **state)
{
    struct err err = {0};
    char sql[160];
    (void)state;
    log_set_level(LOG_OFF);
    test_url_build();
    test_session = pg_session_open(test_database_url, TEST_CALL_MS, &err);
    if (test_session == NULL) {
        fprintf(stderr, "DATABASE_URL: %s\n", err.text);
        return -1;
    }
    snprintf(sql, sizeof(sql), "CREATE SCHEMA %s", test_name);
    if (pg_session_run(test_session, sql, &err) == 0)
        return 0;
    fprintf(stderr, "%s: %s\n", sql, err.text);
    return -1;
}

static TEST_UNUSED int test_database_close(void **state)
{
    struct err err = {0};
    char sql[160];
    (void)state;
    snprintf(sql, sizeof(sql), "SET client_min_messages = warning; DROP SCHEMA %s CASCADE", test_name);
    int outcome = pg_session_run(test_session, sql, &err);
    pg_session_close(test_session);
    return outcome;
}

/* ---- a loop with a pool ---- */

struct bench {
    uv_loop_t loop;
    uv_prepare_t prepare;
    uv_timer_t tick; /* so that a wait for a condition is looked at again */
    struct pg_pool *pool;
    struct pg_settings settings;
    bool is_closed;
    bool is_mid_turn; /* only what transactions say is sent */
};

static TEST_UNUSED void bench_prepare(uv_prepare_t *prepare)
{
    struct bench *b = prepare->data;
    if (b->pool == NULL || b->is_closed)
        return;
    if (b->is_mid_turn)
        pg_pool_flush_transactions(b->pool);
    else
        pg_pool_flush(b->pool);
}

static TEST_UNUSED void bench_tick(uv_timer_t *timer)
{
    (void)timer;
}

static TEST_UNUSED struct pg_settings bench_defaults(void)
{
    return (struct pg_settings){
        .url = test_database_url,
        .prepared_statements = true,
        .pipelined = 1,
        .exclusive = 2,
        .waiting_max = 10000,
        .in_flight_max = 256,
        .wait_ms = 10000,
        .statement_ms = 10000,
        .connect_ms = 5000,
        .idle_transaction_ms = 10000,
        .statements_max = 256,
    };
}

#define bench_until(bench, condition)                                                                        \
    do {                                                                                                     \
        uint64_t give_up_ns = mono_ns() + TEST_WAIT_NS;                                                      \
        while (!(condition)) {                                                                               \
            if (mono_ns() > give_up_ns)                                                                      \
                fail_msg("line %d: never came true: %s", __LINE__, #condition);                              \
            uv_run(&(bench)->loop, UV_RUN_ONCE);                                                             \
        }                                                                                                    \
    } while (0)

/* A loop; bench_start puts a pool on it. */
static TEST_UNUSED struct bench *bench_new(void)
{
    struct bench *b = x_calloc(1, sizeof(*b));
    uv_loop_init(&b->loop);
    uv_prepare_init(&b->loop, &b->prepare);
    uv_timer_init(&b->loop, &b->tick);
    b->prepare.data = b;
    uv_prepare_start(&b->prepare, bench_prepare);
    uv_timer_start(&b->tick, bench_tick, 20, 20);
    return b;
}

static TEST_UNUSED void bench_start(struct bench *b, const struct pg_settings *settings)
{
    b->settings = *settings;
    b->pool = pg_pool_new(&b->loop, settings);
}

static TEST_UNUSED void bench_configure(struct bench *b, const struct pg_settings *settings)
{
    b->settings = *settings;
    pg_pool_configure(b->pool, settings);
}

static TEST_UNUSED struct bench *bench_open(const struct pg_settings *settings)
{
    struct bench *b = bench_new();
    bench_start(b, settings);
    return b;
}

static TEST_UNUSED struct pg_stats bench_stats(struct bench *b)
{
    struct pg_stats stats;
    pg_pool_flush(b->pool);
    pg_pool_stats(b->pool, &stats);
    return stats;
}

static TEST_UNUSED bool bench_is_full(struct bench *b)
{
    struct pg_stats stats = bench_stats(b);
    return stats.pipelined_open == b->settings.pipelined && stats.exclusive_open == b->settings.exclusive &&
           stats.exclusive_idle == b->settings.exclusive;
}

static TEST_UNUSED struct bench *bench_open_ready(const struct pg_settings *settings)
{
    struct bench *b = bench_open(settings);
    bench_until(b, bench_is_full(b));
    return b;
}

static TEST_UNUSED void bench_on_closed(void *data)
{
    struct bench *b = data;
    b->is_closed = true;
}

/* After the pool was closed. */
static TEST_UNUSED void bench_free(struct bench *b)
{
    pg_pool_free(b->pool);
    uv_close((uv_handle_t *)&b->prepare, NULL);
    uv_close((uv_handle_t *)&b->tick, NULL);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&b->loop), 0); /* nothing was left open */
    free(b);
}

static TEST_UNUSED void bench_close(struct bench *b)
{
    pg_pool_close(b->pool, bench_on_closed, b);
    bench_until(b, b->is_closed);
    bench_free(b);
}

/* ---- statements and transactions with what became of them ---- */

struct call {
    struct pg_op *op;
    int done; /* how often it was called */
    int order;
};
static TEST_UNUSED int call_order;

static TEST_UNUSED void call_done(struct pg_op *op, void *data)
{
    struct call *call = data;
    assert_ptr_equal(op, call->op);
    call->done++;
    call->order = ++call_order;
}

static TEST_UNUSED struct pg_op *op_new(const char *sql)
{
    struct pg_statement statement;
    pg_statement_init(&statement, sql);
    return pg_op_new(&statement);
}

static TEST_UNUSED void call_init(struct call *call, const char *sql)
{
    *call = (struct call){.op = op_new(sql)};
    call->op->done = call_done;
    call->op->data = call;
}

static TEST_UNUSED void call_start(struct bench *b, struct call *call, const char *sql)
{
    call_init(call, sql);
    pg_pool_submit(b->pool, call->op);
}

static TEST_UNUSED void call_release(struct call *call)
{
    pg_op_free(call->op);
    call->op = NULL;
}

static TEST_UNUSED int64_t call_int(const struct call *call)
{
    struct buf scratch = BUF_INIT;
    struct pg_cell cell;
    struct err err = {0};
    if (!call->op->ok)
        fail_msg("%s: %s", call->op->statement.text, call->op->err.text);
    assert_int_equal(pg_result_cell(call->op->result, 0, 0, &scratch, &cell, &err), 0);
    buf_release(&scratch);
    return cell.integer;
}

/* Run one statement to its end; the caller releases the call. */
static TEST_UNUSED void call_run(struct bench *b, struct call *call, const char *sql)
{
    call_start(b, call, sql);
    bench_until(b, call->done);
}

static TEST_UNUSED int64_t pool_int(struct bench *b, const char *sql)
{
    struct call call;
    call_run(b, &call, sql);
    int64_t value = call_int(&call);
    call_release(&call);
    return value;
}

static TEST_UNUSED void pool_exec(struct bench *b, const char *sql)
{
    struct call call;
    call_run(b, &call, sql);
    if (!call.op->ok)
        fail_msg("%s: %s", sql, call.op->err.text);
    call_release(&call);
}

struct trans {
    struct pg_tx *tx;
    int ready, ended;
    struct err ready_err, end_err;
};

static TEST_UNUSED void trans_ready(struct pg_tx *tx, const struct err *err, void *data)
{
    struct trans *t = data;
    assert_ptr_equal(tx, t->tx);
    t->ready++;
    if (err != NULL)
        t->ready_err = *err;
}

static TEST_UNUSED void trans_end(struct pg_tx *tx, const struct err *err, void *data)
{
    struct trans *t = data;
    assert_ptr_equal(tx, t->tx);
    t->ended++;
    if (err != NULL)
        t->end_err = *err;
}

static TEST_UNUSED void trans_open(struct bench *b, struct trans *t)
{
    static const struct pg_tx_options options = {.isolation = PG_READ_COMMITTED};
    *t = (struct trans){0};
    t->tx = pg_tx_open(b->pool, &options, trans_ready, t);
}

static TEST_UNUSED void trans_lease(struct bench *b, struct trans *t)
{
    trans_open(b, t);
    bench_until(b, t->ready);
    assert_int_equal(t->ready_err.code, ERR_NONE);
}

static TEST_UNUSED void trans_queue(struct trans *t, struct call *call, const char *sql)
{
    call_init(call, sql);
    pg_tx_submit(t->tx, call->op);
}

static TEST_UNUSED void trans_commit(struct bench *b, struct trans *t)
{
    pg_tx_commit(t->tx, trans_end, t);
    bench_until(b, t->ended);
}

static TEST_UNUSED void trans_free(struct trans *t)
{
    pg_tx_free(t->tx);
    t->tx = NULL;
}

#endif
