/* The exclusive lane: transactions that commit, fail, are rolled back, left at any stage, or wait. */
#include "pg_fixture.h"

static void test_commit(void **state)
{
    (void)state;
    run_sql("CREATE TABLE committed (n int)");
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct trans t;
    struct call calls[4];
    trans_open(b, &t);
    assert_int_equal(t.ready, 0);
    bench_until(b, t.ready);
    trans_queue(&t, &calls[0], "INSERT INTO committed VALUES (1)");
    trans_queue(&t, &calls[1], "INSERT INTO committed SELECT n + 1 FROM committed RETURNING n");
    pg_tx_flush(t.tx);
    bench_until(b, calls[1].done);
    assert_int_equal(call_int(&calls[1]), 2);
    assert_true(calls[0].done && calls[0].order < calls[1].order);
    assert_int_equal(query_int("SELECT count(*) FROM committed"), 0);
    trans_queue(&t, &calls[2], "INSERT INTO committed VALUES (3)");
    trans_queue(&t, &calls[3], "SELECT count(*) FROM committed");
    trans_commit(b, &t);
    assert_int_equal(t.end_err.code, ERR_NONE);
    assert_int_equal(call_int(&calls[3]), 3);
    assert_int_equal(query_int("SELECT count(*) FROM committed"), 3);
    for (int i = 0; i < 4; i++)
        call_release(&calls[i]);
    trans_free(&t);
    assert_int_equal(bench_stats(b).exclusive_idle, 2);
    bench_close(b);
}

static void test_options(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct pg_tx_options options = {.isolation = PG_SERIALIZABLE, .read_only = true, .lock_ms = 1234};
    struct trans t = {0};
    struct call call;
    t.tx = pg_tx_open(b->pool, &options, trans_ready, &t);
    trans_queue(&t, &call,
                "SELECT (current_setting('transaction_isolation') = 'serializable')::int"
                " + 2 * (current_setting('transaction_read_only') = 'on')::int"
                " + 4 * (current_setting('lock_timeout') = '1234ms')::int");
    trans_commit(b, &t); /* before it was ready */
    assert_int_equal(t.ready, 1);
    assert_int_equal(call_int(&call), 7);
    call_release(&call);
    trans_free(&t);
    trans_lease(b, &t);
    trans_queue(&t, &call, "SELECT (current_setting('lock_timeout') = '0')::int");
    trans_commit(b, &t);
    assert_int_equal(call_int(&call), 1);
    call_release(&call);
    trans_free(&t);
    bench_close(b);
}

static void test_sent_before_the_end_of_a_turn(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct trans t;
    struct call read, queued;
    b->is_mid_turn = true;
    call_start(b, &read, "SELECT 1");
    trans_lease(b, &t);
    trans_queue(&t, &queued, "SELECT 2");
    trans_commit(b, &t);
    assert_int_equal(call_int(&queued), 2);
    assert_int_equal(read.done, 0);
    b->is_mid_turn = false;
    bench_until(b, read.done);
    assert_int_equal(call_int(&read), 1);
    call_release(&queued);
    call_release(&read);
    trans_free(&t);
    bench_close(b);
}

static void test_nothing_to_commit(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct trans t;
    trans_lease(b, &t);
    trans_commit(b, &t);
    assert_int_equal(t.end_err.code, ERR_NONE);
    trans_free(&t);
    assert_int_equal(bench_stats(b).statements, 0);
    assert_int_equal(bench_stats(b).exclusive_idle, 2);
    bench_close(b);
}

static void test_error_fails_the_rest(void **state)
{
    (void)state;
    run_sql("CREATE TABLE undone (n int)");
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct trans t;
    struct call calls[5];
    trans_lease(b, &t);
    trans_queue(&t, &calls[0], "INSERT INTO undone VALUES (1)");
    trans_queue(&t, &calls[1], "SELECT 1 / (random() * 0)::int");
    trans_queue(&t, &calls[2], "INSERT INTO undone VALUES (2)");
    pg_tx_flush(t.tx);
    bench_until(b, calls[2].done);
    assert_true(calls[0].op->ok);
    assert_string_equal(calls[1].op->err.sqlstate, "22012");
    assert_string_equal(calls[2].op->err.sqlstate, "25P02");
    trans_queue(&t, &calls[3], "INSERT INTO undone VALUES (3)");
    assert_int_equal(calls[3].done, 0);
    bench_until(b, calls[3].done);
    assert_string_equal(calls[3].op->err.sqlstate, "25P02");
    trans_commit(b, &t);
    assert_int_equal(t.end_err.code, ERR_DB);
    assert_string_equal(t.end_err.sqlstate, "22012");
    for (int i = 0; i < 4; i++)
        call_release(&calls[i]);
    trans_free(&t);
    assert_int_equal(query_int("SELECT count(*) FROM undone"), 0);
    bench_until(b, bench_stats(b).exclusive_idle == 2);
    assert_int_equal(bench_stats(b).connects, 3);
    bench_close(b);
}

/* BEGIN, the statements and COMMIT in one batch; one of them fails. */
static void test_error_in_the_committing_batch(void **state)
{
    (void)state;
    run_sql("CREATE TABLE undone_too (n int)");
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    static const char *const bad[] = {"SELECT 1 / (random() * 0)::int", "SELECT no_such_column", "sintax"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct trans t;
        struct call calls[3];
        trans_lease(b, &t);
        trans_queue(&t, &calls[0], "INSERT INTO undone_too VALUES (1)");
        trans_queue(&t, &calls[1], bad[i]);
        trans_queue(&t, &calls[2], "INSERT INTO undone_too VALUES (2)");
        trans_commit(b, &t);
        assert_true(calls[0].op->ok);
        assert_false(calls[1].op->ok);
        assert_string_equal(t.end_err.sqlstate, calls[1].op->err.sqlstate);
        assert_string_equal(calls[2].op->err.sqlstate, "25P02");
        for (int k = 0; k < 3; k++)
            call_release(&calls[k]);
        trans_free(&t);
        assert_int_equal(bench_stats(b).exclusive_idle, 2);
    }
    assert_int_equal(query_int("SELECT count(*) FROM undone_too"), 0);
    assert_int_equal(bench_stats(b).connects, 3);
    bench_close(b);
}

static void test_commit_itself_fails(void **state)
{
    (void)state;
    run_sql("CREATE TABLE deferred_unique (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct trans t;
    struct call calls[2];
    trans_lease(b, &t);
    trans_queue(&t, &calls[0], "INSERT INTO deferred_unique VALUES (1)");
    trans_queue(&t, &calls[1], "INSERT INTO deferred_unique VALUES (1)");
    trans_commit(b, &t);
    assert_true(calls[0].op->ok && calls[1].op->ok);
    assert_int_equal(t.end_err.code, ERR_DB);
    assert_string_equal(t.end_err.sqlstate, "23505");
    call_release(&calls[0]);
    call_release(&calls[1]);
    trans_free(&t);
    assert_int_equal(bench_stats(b).exclusive_idle, 2);
    bench_close(b);
}

/* Batches sent without waiting for the one before; the first fails. */
static void test_error_with_more_batches_behind(void **state)
{
    (void)state;
    run_sql("CREATE TABLE batches (n int)");
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    for (int with_statement = 0; with_statement < 2; with_statement++) {
        struct trans t;
        struct call bad, after[2];
        trans_lease(b, &t);
        trans_queue(&t, &bad, "SELECT 1 / (random() * 0)::int");
        pg_tx_flush(t.tx);
        pg_pool_flush(b->pool);
        trans_queue(&t, &after[0], "INSERT INTO batches VALUES (1)");
        pg_tx_flush(t.tx);
        pg_pool_flush(b->pool);
        if (with_statement)
            trans_queue(&t, &after[1], "INSERT INTO batches VALUES (2)");
        trans_commit(b, &t);
        assert_string_equal(bad.op->err.sqlstate, "22012");
        assert_string_equal(after[0].op->err.sqlstate, "25P02");
        assert_string_equal(t.end_err.sqlstate, "22012");
        call_release(&bad);
        call_release(&after[0]);
        if (with_statement) {
            assert_string_equal(after[1].op->err.sqlstate, "25P02");
            call_release(&after[1]);
        }
        trans_free(&t);
        bench_until(b, bench_stats(b).exclusive_idle == 2);
    }
    assert_int_equal(query_int("SELECT count(*) FROM batches"), 0);
    assert_int_equal(bench_stats(b).connects, 3);
    bench_close(b);
}

static void test_rollback(void **state)
{
    (void)state;
    run_sql("CREATE TABLE rolled_back (n int)");
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct trans t;
    struct call sent, unsent;
    trans_lease(b, &t);
    trans_queue(&t, &sent, "INSERT INTO rolled_back VALUES (1)");
    pg_tx_flush(t.tx);
    bench_until(b, sent.done);
    trans_queue(&t, &unsent, "INSERT INTO rolled_back VALUES (2)");
    trans_free(&t);
    bench_until(b, bench_stats(b).exclusive_idle == 2);
    assert_int_equal(unsent.done, 0);
    call_release(&sent);
    call_release(&unsent);
    assert_int_equal(query_int("SELECT count(*) FROM rolled_back"), 0);
    bench_close(b);
}

/* Leave a transaction after so many steps, with its statements freed before or after it. */
static void leave_at(struct bench *b, int stage, bool ops_first)
{
    struct trans t;
    struct call calls[3];
    trans_open(b, &t);
    if (stage >= 1)
        bench_until(b, t.ready);
    trans_queue(&t, &calls[0], "INSERT INTO left_over VALUES (1)");
    trans_queue(&t, &calls[1], "SELECT 1");
    if (stage >= 2)
        pg_tx_flush(t.tx);
    if (stage >= 3)
        pg_pool_flush(b->pool);
    if (stage >= 4)
        bench_until(b, calls[1].done);
    trans_queue(&t, &calls[2], stage % 2 || stage >= 8 ? "SELECT no_such_column" : "SELECT 2");
    if (stage >= 5)
        pg_tx_flush(t.tx);
    if (stage >= 6)
        pg_pool_flush(b->pool);
    if (stage >= 7)
        bench_until(b, calls[2].done);
    if (stage >= 8) /* of what has failed: ROLLBACK, not sent yet or under way */
        pg_tx_commit(t.tx, trans_end, &t);
    if (stage >= 9)
        pg_pool_flush(b->pool);
    int done = calls[0].done + calls[1].done + calls[2].done;
    for (int i = 0; ops_first && i < 3; i++)
        pg_op_free(calls[i].op);
    trans_free(&t);
    bench_until(b, bench_stats(b).exclusive_idle == 2);
    assert_int_equal(calls[0].done + calls[1].done + calls[2].done, done);
    assert_int_equal(t.ended, 0);
    char sql[200];
    snprintf(sql, sizeof(sql),
             "SELECT count(*) FROM pg_stat_activity WHERE application_name = '%s' AND state LIKE 'idle in%%'",
             test_name);
    assert_int_equal(query_int(sql), 0);
    for (int i = 0; !ops_first && i < 3; i++)
        pg_op_free(calls[i].op);
}

static void test_left_at_every_stage(void **state)
{
    (void)state;
    run_sql("CREATE TABLE left_over (n int)");
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    for (int stage = 0; stage <= 10; stage++) {
        leave_at(b, stage, false);
        leave_at(b, stage, true);
    }
    assert_int_equal(query_int("SELECT count(*) FROM left_over"), 0);
    assert_int_equal(bench_stats(b).connects, 3);
    bench_close(b);
}

/* Refusals that were not told yet when the transaction was left. */
static void test_left_with_callbacks_due(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct trans t;
    struct call bad, late;
    trans_lease(b, &t);
    trans_queue(&t, &bad, "SELECT no_such_column");
    pg_tx_flush(t.tx);
    bench_until(b, bad.done);
    trans_queue(&t, &late, "SELECT 1");
    pg_tx_commit(t.tx, trans_end, &t);
    trans_free(&t);
    bench_until(b, bench_stats(b).exclusive_idle == 2);
    assert_int_equal(late.done + t.ended, 0);
    call_release(&bad);
    call_release(&late);
    bench_close(b);
}

/* A commit already on its way is not called back by leaving. */
static void test_left_while_committing(void **state)
{
    (void)state;
    run_sql("CREATE TABLE left_committing (n int)");
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct trans t;
    struct call call;
    trans_lease(b, &t);
    trans_queue(&t, &call, "INSERT INTO left_committing VALUES (1)");
    pg_tx_commit(t.tx, trans_end, &t);
    pg_pool_flush(b->pool);
    trans_free(&t);
    call_release(&call);
    bench_until(b, bench_stats(b).exclusive_idle == 2);
    assert_int_equal(t.ended, 0);
    assert_int_equal(query_int("SELECT count(*) FROM left_committing"), 1);
    /* The same, with an error before COMMIT. */
    trans_lease(b, &t);
    trans_queue(&t, &call, "SELECT no_such_column");
    pg_tx_commit(t.tx, trans_end, &t);
    pg_pool_flush(b->pool);
    trans_free(&t);
    call_release(&call);
    bench_until(b, bench_stats(b).exclusive_idle == 2);
    assert_int_equal(bench_stats(b).connects, 3);
    bench_close(b);
}

static void test_statements_freed_early_still_run(void **state)
{
    (void)state;
    run_sql("CREATE TABLE freed_early (n int)");
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct trans t;
    struct call unsent, sent;
    trans_lease(b, &t);
    trans_queue(&t, &sent, "INSERT INTO freed_early VALUES (1)");
    pg_tx_flush(t.tx);
    pg_pool_flush(b->pool);
    call_release(&sent);
    trans_queue(&t, &unsent, "INSERT INTO freed_early VALUES (2)");
    call_release(&unsent);
    trans_commit(b, &t);
    assert_int_equal(t.end_err.code, ERR_NONE);
    assert_int_equal(sent.done + unsent.done, 0);
    trans_free(&t);
    assert_int_equal(query_int("SELECT count(*) FROM freed_early"), 2);
    bench_close(b);
}

static void test_leases_wait_in_turn(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    settings.exclusive = 1;
    settings.waiting_max = 2;
    struct bench *b = bench_open_ready(&settings);
    struct trans held, first, second, third;
    trans_lease(b, &held);
    trans_open(b, &first);
    trans_open(b, &second);
    trans_open(b, &third);
    assert_int_equal(third.ready, 0);
    bench_until(b, third.ready);
    assert_int_equal(third.ready_err.code, ERR_BUSY);
    assert_int_equal(first.ready + second.ready, 0);
    assert_int_equal(bench_stats(b).exclusive_waiting, 2);
    trans_free(&third);
    trans_free(&held);
    bench_until(b, first.ready);
    assert_int_equal(second.ready, 0);
    trans_free(&first);
    bench_until(b, second.ready);
    assert_int_equal(second.ready_err.code, ERR_NONE);
    trans_free(&second);
    assert_int_equal(bench_stats(b).wait_count, 3);
    bench_close(b);
}

static void test_lease_wait_ends(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    settings.exclusive = 1;
    settings.wait_ms = 50;
    struct bench *b = bench_open_ready(&settings);
    struct trans held, waits;
    trans_lease(b, &held);
    trans_open(b, &waits);
    struct call call;
    trans_queue(&waits, &call, "SELECT 1");
    pg_tx_commit(waits.tx, trans_end, &waits);
    bench_until(b, waits.ready && waits.ended && call.done);
    assert_int_equal(waits.ready_err.code, ERR_BUSY);
    assert_int_equal(waits.end_err.code, ERR_BUSY);
    assert_int_equal(call.op->err.code, ERR_BUSY);
    call_release(&call);
    trans_free(&waits);
    trans_free(&held);
    bench_close(b);
}

static void test_statement_deadline(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    settings.statement_ms = 150;
    struct bench *b = bench_open_ready(&settings);
    struct trans t;
    struct call before, slow, after;
    trans_lease(b, &t);
    trans_queue(&t, &before, "SELECT 1");
    trans_queue(&t, &slow, "SELECT pg_sleep(60)");
    trans_queue(&t, &after, "SELECT 1");
    trans_commit(b, &t);
    assert_true(before.op->ok);
    assert_int_equal(slow.op->err.code, ERR_TIMEOUT);
    assert_string_equal(after.op->err.sqlstate, "");
    assert_int_equal(t.end_err.code, ERR_TIMEOUT);
    call_release(&before);
    call_release(&slow);
    call_release(&after);
    trans_free(&t);
    /* A cancel may still be under way, so the connection is not given to anybody else. */
    bench_until(b, bench_is_full(b));
    assert_int_equal(bench_stats(b).connects, 4);
    bench_close(b);
}

static void test_idle_transaction_is_rolled_back(void **state)
{
    (void)state;
    run_sql("CREATE TABLE idling (n int)");
    struct pg_settings settings = bench_defaults();
    settings.exclusive = 1;
    settings.idle_transaction_ms = 100;
    struct bench *b = bench_open_ready(&settings);
    struct trans idles, next;
    struct call call, late;
    trans_lease(b, &idles);
    trans_queue(&idles, &call, "INSERT INTO idling VALUES (1)");
    pg_tx_flush(idles.tx);
    bench_until(b, call.done);
    trans_open(b, &next);
    bench_until(b, next.ready);
    assert_int_equal(next.ready_err.code, ERR_NONE);
    trans_queue(&idles, &late, "SELECT 1");
    bench_until(b, late.done);
    assert_int_equal(late.op->err.code, ERR_TIMEOUT);
    trans_commit(b, &idles);
    assert_int_equal(idles.end_err.code, ERR_TIMEOUT);
    call_release(&call);
    call_release(&late);
    trans_free(&idles);
    trans_free(&next);
    assert_int_equal(query_int("SELECT count(*) FROM idling"), 0);
    bench_close(b);
}

static void test_serialization_failure_can_be_repeated(void **state)
{
    (void)state;
    run_sql("CREATE TABLE contended (n int); INSERT INTO contended VALUES (0)");
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct pg_tx_options options = {.isolation = PG_REPEATABLE_READ};
    struct trans t = {0};
    struct call read, write;
    t.tx = pg_tx_open(b->pool, &options, trans_ready, &t);
    trans_queue(&t, &read, "SELECT n FROM contended");
    pg_tx_flush(t.tx);
    bench_until(b, read.done);
    run_sql("UPDATE contended SET n = n + 1");
    trans_queue(&t, &write, "UPDATE contended SET n = n + 1");
    trans_commit(b, &t);
    assert_string_equal(t.end_err.sqlstate, "40001");
    assert_string_equal(write.op->err.sqlstate, "40001");
    call_release(&read);
    call_release(&write);
    trans_free(&t);
    bench_close(b);
}

static void test_cached_plan_changes_in_transactions(void **state)
{
    (void)state;
    run_sql("CREATE TABLE reshaped (a int); INSERT INTO reshaped VALUES (1)");
    struct pg_settings settings = bench_defaults();
    settings.exclusive = 1;
    struct bench *b = bench_open_ready(&settings);
    for (int i = 0; i < 4; i++) {
        struct trans t;
        struct call call;
        trans_lease(b, &t);
        trans_queue(&t, &call, "SELECT * FROM reshaped");
        trans_commit(b, &t);
        if (i == 1) {
            assert_int_equal(t.end_err.code, ERR_DB);
            assert_string_equal(t.end_err.sqlstate, "0A000");
        } else {
            assert_int_equal(call_int(&call), 1);
        }
        call_release(&call);
        trans_free(&t);
        if (i == 0)
            run_sql("ALTER TABLE reshaped ADD b int");
    }
    assert_int_equal(bench_stats(b).connects, 2);
    bench_close(b);
}

static void test_statements_evicted_between_transactions(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    settings.exclusive = 1;
    settings.statements_max = 3;
    struct bench *b = bench_open_ready(&settings);
    struct trans t;
    struct call call;
    for (int i = 0; i < 12; i++) {
        char sql[64];
        snprintf(sql, sizeof(sql), "SELECT %d", i % 7);
        trans_lease(b, &t);
        trans_queue(&t, &call, sql);
        trans_commit(b, &t);
        assert_int_equal(call_int(&call), i % 7);
        call_release(&call);
        trans_free(&t);
    }
    trans_lease(b, &t);
    trans_queue(&t, &call, "SELECT count(*) FROM pg_prepared_statements");
    trans_commit(b, &t);
    assert_int_equal(call_int(&call), 4);
    call_release(&call);
    trans_free(&t);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commit),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_sent_before_the_end_of_a_turn),
        cmocka_unit_test(test_nothing_to_commit),
        cmocka_unit_test(test_error_fails_the_rest),
        cmocka_unit_test(test_error_in_the_committing_batch),
        cmocka_unit_test(test_commit_itself_fails),
        cmocka_unit_test(test_error_with_more_batches_behind),
        cmocka_unit_test(test_rollback),
        cmocka_unit_test(test_left_at_every_stage),
        cmocka_unit_test(test_left_with_callbacks_due),
        cmocka_unit_test(test_left_while_committing),
        cmocka_unit_test(test_statements_freed_early_still_run),
        cmocka_unit_test(test_leases_wait_in_turn),
        cmocka_unit_test(test_lease_wait_ends),
        cmocka_unit_test(test_statement_deadline),
        cmocka_unit_test(test_idle_transaction_is_rolled_back),
        cmocka_unit_test(test_serialization_failure_can_be_repeated),
        cmocka_unit_test(test_cached_plan_changes_in_transactions),
        cmocka_unit_test(test_statements_evicted_between_transactions),
    };
    return cmocka_run_group_tests(tests, test_database_open, test_database_close);
}
