/* The pipelined lane: shared Syncs, isolation of writes, prepared statements, bounds and deadlines. */
#include "pg_fixture.h"

#define READS 60

static void test_reads_share_and_answer(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct call calls[READS];
    for (int i = 0; i < READS; i++) {
        call_init(&calls[i], i % 2 ? "SELECT $1::int + 1" : "SELECT $1::int + 2");
        char number[16];
        snprintf(number, sizeof(number), "%d", i);
        pg_params_append(&calls[i].op->params, number, strlen(number));
        pg_pool_submit(b->pool, calls[i].op);
        assert_int_equal(calls[i].done, 0);
    }
    for (int i = 0; i < READS; i++) {
        bench_until(b, calls[i].done);
        assert_int_equal(call_int(&calls[i]), i % 2 ? i + 1 : i + 2);
        call_release(&calls[i]);
    }
    assert_int_equal(bench_stats(b).statements, READS);
    bench_close(b);
}

static void test_error_among_shared_reads(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct call calls[READS];
    for (int i = 0; i < READS; i++) {
        if (i % 10 == 5)
            call_start(b, &calls[i],
                       i % 20 == 5 ? "SELECT 1 / (random() * 0)::int" : "SELECT no_such_column");
        else
            call_start(b, &calls[i], "SELECT 7");
    }
    for (int i = 0; i < READS; i++) {
        bench_until(b, calls[i].done);
        if (i % 10 == 5) {
            assert_false(calls[i].op->ok);
            assert_int_equal(calls[i].op->err.code, ERR_DB);
            assert_string_equal(calls[i].op->err.sqlstate, i % 20 == 5 ? "22012" : "42703");
        } else {
            assert_int_equal(call_int(&calls[i]), 7);
        }
        call_release(&calls[i]);
    }
    assert_int_equal(pool_int(b, "SELECT 3"), 3);
    assert_int_equal(bench_stats(b).connects, 3);
    bench_close(b);
}

static void test_error_position_and_constraint(void **state)
{
    (void)state;
    run_sql("CREATE TABLE positive (n int CONSTRAINT must_be_positive CHECK (n > 0))");
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct call call;
    call_run(b, &call, "SELECT nothing");
    assert_int_equal(call.op->err.position, 8);
    call_release(&call);
    call_run(b, &call, "INSERT INTO positive VALUES (-1)");
    assert_string_equal(call.op->err.constraint, "must_be_positive");
    assert_string_equal(call.op->err.sqlstate, "23514");
    call_release(&call);
    bench_close(b);
}

static void test_writes_do_not_share(void **state)
{
    (void)state;
    run_sql("CREATE TABLE written (n int PRIMARY KEY)");
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    static const char *const sqls[] = {
        "INSERT INTO written VALUES (1)",     "SELECT 1 / (random() * 0)::int",
        "INSERT INTO written VALUES (1)",     "INSERT INTO written VALUES (2)",
        "INSERT INTO nowhere VALUES (1)",     "INSERT INTO written VALUES (3)",
        "SELECT count(*) FROM no_such_table",
    };
    struct call calls[COUNT_OF(sqls)];
    for (size_t i = 0; i < COUNT_OF(sqls); i++)
        call_start(b, &calls[i], sqls[i]);
    for (size_t i = 0; i < COUNT_OF(sqls); i++) {
        bench_until(b, calls[i].done);
        bool is_good = i == 0 || i == 3 || i == 5;
        assert_int_equal(calls[i].op->ok, is_good);
        if (is_good)
            assert_int_equal(pg_result_affected(calls[i].op->result), 1);
        call_release(&calls[i]);
    }
    assert_int_equal(query_int("SELECT count(*) FROM written"), 3);
    bench_close(b);
}

/* A deferred constraint is checked when the implicit transaction ends: at the Sync, after the statement's own
 * answer. */
static void test_write_that_fails_at_its_sync(void **state)
{
    (void)state;
    run_sql("CREATE TABLE later_parent (id int PRIMARY KEY);"
            "CREATE TABLE later_child (id int CONSTRAINT has_parent REFERENCES later_parent"
            " DEFERRABLE INITIALLY DEFERRED)");
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct call bad, good, read;
    call_start(b, &bad, "INSERT INTO later_child VALUES (1)");
    call_start(b, &good, "INSERT INTO later_parent VALUES (2)");
    call_start(b, &read, "SELECT 5");
    bench_until(b, bad.done && good.done && read.done);
    assert_false(bad.op->ok);
    assert_string_equal(bad.op->err.sqlstate, "23503");
    assert_string_equal(bad.op->err.constraint, "has_parent");
    assert_true(good.op->ok);
    assert_int_equal(call_int(&read), 5);
    call_release(&bad);
    call_release(&good);
    call_release(&read);
    assert_int_equal(query_int("SELECT count(*) FROM later_child"), 0);
    bench_close(b);
}

static void test_prepared_statements_are_evicted(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    settings.statements_max = 4;
    struct bench *b = bench_open_ready(&settings);
    for (int round = 0; round < 3; round++) {
        struct call calls[20];
        for (int i = 0; i < 20; i++) {
            char sql[64];
            snprintf(sql, sizeof(sql), "SELECT %d", i);
            call_start(b, &calls[i], sql);
        }
        for (int i = 0; i < 20; i++) {
            bench_until(b, calls[i].done);
            assert_int_equal(call_int(&calls[i]), i);
            call_release(&calls[i]);
        }
    }
    for (int i = 0; i < 10; i++) {
        char sql[64];
        snprintf(sql, sizeof(sql), "SELECT %d + 100", i);
        assert_int_equal(pool_int(b, sql), i + 100);
    }
    /* The counting statement itself is one of them, not answered yet when it counts. */
    assert_in_range(pool_int(b, "SELECT count(*) FROM pg_prepared_statements"), 4, 5);
    bench_close(b);
}

static void test_statements_are_prepared_once(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    for (int i = 0; i < 5; i++)
        assert_int_equal(pool_int(b, "SELECT 41 + 1"), 42);
    assert_int_equal(pool_int(b, "SELECT generic_plans + custom_plans FROM pg_prepared_statements"
                                 " WHERE statement = 'SELECT 41 + 1'"),
                     5);
    bench_close(b);
}

static void test_unprepared(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    settings.prepared_statements = false;
    struct bench *b = bench_open_ready(&settings);
    for (int i = 0; i < 5; i++)
        assert_int_equal(pool_int(b, "SELECT 41 + 1"), 42);
    assert_int_equal(pool_int(b, "SELECT count(*) FROM pg_prepared_statements"), 0);
    struct trans t;
    struct call call;
    trans_lease(b, &t);
    trans_queue(&t, &call, "SELECT count(*) FROM pg_prepared_statements");
    trans_commit(b, &t);
    assert_int_equal(call_int(&call), 0);
    call_release(&call);
    trans_free(&t);
    /* Switched on while it runs. */
    settings.prepared_statements = true;
    pg_pool_configure(b->pool, &settings);
    assert_int_equal(pool_int(b, "SELECT 41 + 1"), 42);
    assert_int_not_equal(pool_int(b, "SELECT count(*) FROM pg_prepared_statements"), 0);
    bench_close(b);
}

static void test_table_changes_under_a_cached_plan(void **state)
{
    (void)state;
    run_sql("CREATE TABLE changing (a int); INSERT INTO changing VALUES (1)");
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct call calls[10];
    static const char *const sql = "SELECT * FROM changing";
    static const char *const returning = "UPDATE changing SET a = a + 1 RETURNING *";
    assert_int_equal(pool_int(b, sql), 1);
    pool_exec(b, returning);
    run_sql("ALTER TABLE changing ALTER a TYPE bigint, ADD b int");
    for (int i = 0; i < 10; i++)
        call_start(b, &calls[i], i == 9 ? returning : sql);
    for (int i = 0; i < 10; i++) {
        bench_until(b, calls[i].done);
        call_int(&calls[i]);
        assert_int_equal(pg_result_columns(calls[i].op->result), 2);
        call_release(&calls[i]);
    }
    assert_int_equal(query_int("SELECT a FROM changing"), 3);
    /* Once repeated without a name, the statement is prepared anew. */
    assert_int_equal(pool_int(b, sql), 3);
    assert_int_equal(pool_int(b, sql), 3);
    uint64_t retries = bench_stats(b).retries;
    assert_int_equal(pool_int(b, sql), 3);
    assert_int_equal(bench_stats(b).retries, retries);
    bench_close(b);
}

static void test_statement_vanished_from_the_server(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    assert_int_equal(pool_int(b, "SELECT 11"), 11);
    pool_exec(b, "DEALLOCATE ALL");
    assert_int_equal(pool_int(b, "SELECT 11"), 11);
    assert_int_equal(pool_int(b, "SELECT 11"), 11);
    pool_exec(b, "DISCARD ALL");
    assert_int_equal(pool_int(b, "SELECT 11"), 11);
    bench_close(b);
}

static void test_in_flight_and_waiting_bounds(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    settings.in_flight_max = 2;
    settings.waiting_max = 3;
    struct bench *b = bench_open_ready(&settings);
    struct call calls[8];
    for (int i = 0; i < 8; i++)
        call_start(b, &calls[i], "SELECT 1");
    for (int i = 0; i < 8; i++) {
        bench_until(b, calls[i].done);
        assert_int_equal(calls[i].op->ok, i < 5);
        if (i >= 5)
            assert_int_equal(calls[i].op->err.code, ERR_BUSY);
        call_release(&calls[i]);
    }
    bench_close(b);
}

static void test_wait_for_a_free_connection_ends(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    settings.in_flight_max = 1;
    settings.wait_ms = 100;
    struct bench *b = bench_open_ready(&settings);
    struct call slow, waits;
    call_start(b, &slow, "SELECT pg_sleep(1)");
    call_start(b, &waits, "SELECT 1");
    bench_until(b, waits.done);
    assert_int_equal(slow.done, 0);
    assert_int_equal(waits.op->err.code, ERR_BUSY);
    call_release(&waits);
    bench_until(b, slow.done);
    assert_true(slow.op->ok);
    call_release(&slow);
    bench_close(b);
}

static void test_deadline_cancels(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct call slow, slow_write, behind[5], write;
    run_sql("CREATE TABLE slowly (n int)");
    call_init(&slow, "SELECT 1 FROM (SELECT pg_sleep(60)) AS s");
    slow.op->is_write = false;
    slow.op->deadline_ns = mono_ns() + UINT64_C(100000000);
    pg_pool_submit(b->pool, slow.op);
    for (int i = 0; i < 5; i++)
        call_start(b, &behind[i], "SELECT 8");
    call_start(b, &write, "INSERT INTO slowly VALUES (1)");
    call_init(&slow_write, "INSERT INTO slowly SELECT 2 FROM pg_sleep(60)");
    slow_write.op->deadline_ns = mono_ns() + UINT64_C(200000000);
    pg_pool_submit(b->pool, slow_write.op);
    bench_until(b, slow.done && slow_write.done && write.done);
    assert_int_equal(slow.op->err.code, ERR_TIMEOUT);
    assert_int_equal(slow_write.op->err.code, ERR_TIMEOUT);
    assert_true(write.op->ok);
    for (int i = 0; i < 5; i++) {
        bench_until(b, behind[i].done);
        assert_int_equal(call_int(&behind[i]), 8);
        call_release(&behind[i]);
    }
    call_release(&slow);
    call_release(&slow_write);
    call_release(&write);
    assert_int_equal(query_int("SELECT count(*) FROM slowly"), 1);
    assert_int_equal(bench_stats(b).timeouts, 2);
    assert_int_equal(bench_stats(b).connects, 3); /* the connection was kept */
    bench_close(b);
}

static void test_free_at_any_time(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct call before, sent, kept;
    run_sql("CREATE TABLE orphans (n int)");
    call_start(b, &before, "INSERT INTO orphans VALUES (1)");
    call_release(&before);
    call_start(b, &sent, "INSERT INTO orphans VALUES (2)");
    pg_pool_flush(b->pool);
    call_release(&sent);
    call_start(b, &kept, "SELECT 1");
    bench_until(b, kept.done);
    call_release(&kept);
    pool_exec(b, "INSERT INTO orphans VALUES (3)");
    assert_int_equal(before.done + sent.done, 0);
    /* What was not sent is dropped, what was sent is done. */
    assert_int_equal(query_int("SELECT count(*) FROM orphans"), 2);
    bench_close(b);
}

static void test_large_results_and_parameters(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    settings.statement_ms = (uint32_t)(TEST_WAIT_NS / 1000000);
    struct bench *b = bench_open_ready(&settings);
    struct call calls[12];
    size_t len = 1000000;
    for (int i = 0; i < 12; i++) {
        char *value = x_malloc(len + 1);
        memset(value, 'x', len);
        value[len] = '\0';
        call_init(&calls[i], "SELECT length($1::text), $1::text");
        pg_params_append(&calls[i].op->params, value, len);
        free(value);
        pg_pool_submit(b->pool, calls[i].op);
    }
    for (int i = 0; i < 12; i++) {
        bench_until(b, calls[i].done);
        assert_int_equal(call_int(&calls[i]), len);
        call_release(&calls[i]);
    }
    bench_close(b);
}

static void test_too_many_parameters(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct call call;
    call_init(&call, "SELECT 1");
    for (int i = 0; i <= PG_PARAMS_MAX; i++)
        pg_params_append(&call.op->params, NULL, 0);
    pg_pool_submit(b->pool, call.op);
    assert_int_equal(call.done, 0);
    bench_until(b, call.done);
    assert_int_equal(call.op->err.code, ERR_LIMIT);
    call_release(&call);
    bench_close(b);
}

struct chain {
    struct bench *b;
    int left;
};

static void chain_next(struct pg_op *op, void *data)
{
    struct chain *chain = data;
    assert_true(op->ok);
    pg_op_free(op);
    if (--chain->left == 0)
        return;
    struct pg_op *next = op_new("SELECT 1");
    next->done = chain_next;
    next->data = chain;
    pg_pool_submit(chain->b->pool, next);
}

static void test_callbacks_may_submit_and_free(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct chain chain = {.b = b, .left = 200};
    struct pg_op *first = op_new("SELECT 1");
    first->done = chain_next;
    first->data = &chain;
    pg_pool_submit(b->pool, first);
    bench_until(b, chain.left == 0);
    bench_close(b);
}

static int64_t backends_busy(void)
{
    char sql[200];
    snprintf(sql, sizeof(sql),
             "SELECT count(*) FROM pg_stat_activity WHERE application_name = '%s' AND state = 'active'"
             " AND pid <> pg_backend_pid()",
             test_name);
    return query_int(sql);
}

/* More answers than are read in one turn, all there before the first is read; none comes after them to wake
 * anybody. */
static void test_many_answers_at_once(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    settings.in_flight_max = 5000;
    struct bench *b = bench_open_ready(&settings);
    static struct call calls[1500];
    struct call large; /* makes libpq's buffer so big that all answers fit */
    call_run(b, &large, "SELECT repeat('x', 1000000)");
    call_release(&large);
    uv_timer_start(&b->tick, bench_tick, TEST_WAIT_NS / 1000000 + 1000,
                   0); /* only to end a test that fails */
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        call_start(b, &calls[i], "SELECT 1");
    pg_pool_flush(b->pool);
    uint64_t deadline_ns = mono_ns() + TEST_WAIT_NS;
    while (backends_busy() > 0)
        assert_true(mono_ns() < deadline_ns);
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        bench_until(b, calls[i].done);
        assert_int_equal(call_int(&calls[i]), 1);
        call_release(&calls[i]);
    }
    bench_close(b);
}

/* A cancel that comes late hits whatever runs then; once one was sent, such a victim is repeated. */
static void test_victim_of_a_late_cancel(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct call slow, victim;
    call_init(&slow, "SELECT 1 FROM pg_sleep(60)");
    slow.op->deadline_ns = mono_ns() + UINT64_C(50000000);
    pg_pool_submit(b->pool, slow.op);
    bench_until(b, slow.done);
    call_release(&slow);
    call_start(b, &victim, "SELECT 9 FROM pg_sleep(0.3)");
    bench_until(b,
                query_int("SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE state = 'active'"
                          " AND query LIKE 'SELECT 9 FROM pg\\_sleep%'") > 0);
    bench_until(b, victim.done);
    assert_int_equal(call_int(&victim), 9);
    assert_int_equal(bench_stats(b).retries, 1);
    call_release(&victim);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_share_and_answer),
        cmocka_unit_test(test_error_among_shared_reads),
        cmocka_unit_test(test_error_position_and_constraint),
        cmocka_unit_test(test_writes_do_not_share),
        cmocka_unit_test(test_write_that_fails_at_its_sync),
        cmocka_unit_test(test_prepared_statements_are_evicted),
        cmocka_unit_test(test_statements_are_prepared_once),
        cmocka_unit_test(test_unprepared),
        cmocka_unit_test(test_table_changes_under_a_cached_plan),
        cmocka_unit_test(test_statement_vanished_from_the_server),
        cmocka_unit_test(test_in_flight_and_waiting_bounds),
        cmocka_unit_test(test_wait_for_a_free_connection_ends),
        cmocka_unit_test(test_deadline_cancels),
        cmocka_unit_test(test_free_at_any_time),
        cmocka_unit_test(test_large_results_and_parameters),
        cmocka_unit_test(test_too_many_parameters),
        cmocka_unit_test(test_callbacks_may_submit_and_free),
        cmocka_unit_test(test_many_answers_at_once),
        cmocka_unit_test(test_victim_of_a_late_cancel),
    };
    return cmocka_run_group_tests(tests, test_database_open, test_database_close);
}
