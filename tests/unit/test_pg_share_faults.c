/* Transactions that share one of PostgreSQL: what each is told when one fails, hangs, or loses the
 * connection. */
#include "pg_share_fixture.h"

/* Whoever fails takes the others along; each may try again alone. */
static void test_one_fails(void **state)
{
    (void)state;
    run_sql(TABLE("spoiled"));
    struct pg_settings settings = sharing_settings();
    struct bench *b = bench_open_ready(&settings);
    struct trans parts[4];
    struct call calls[4], more;
    static const char *const texts[] = {
        "INSERT INTO spoiled (n) VALUES (1)", "INSERT INTO spoiled (n) VALUES (1 / 0)",
        "INSERT INTO spoiled (n) VALUES (3)", "INSERT INTO spoiled (n) VALUES (4)"};
    for (int i = 0; i < 4; i++)
        part_open(b, &parts[i], (const char *[]){"a", "b", "c", "d"}[i]);
    parts_send(parts, calls, 4, texts);
    pg_tx_commit(parts[0].tx, trans_end, &parts[0]); /* one has asked for its end, the others have not yet */
    for (int i = 0; i < 4; i++)
        bench_until(b, calls[i].done);
    assert_true(calls[0].op->ok);
    assert_string_equal(calls[1].op->err.sqlstate, "22012");
    assert_int_equal(calls[2].op->err.code, ERR_DB);
    assert_rolled_back_with_another(b, &parts[0]);
    assert_string_equal(parts[0].end_err.sqlstate, "40001");
    trans_queue(&parts[3], &more, "INSERT INTO spoiled (n) VALUES (5)");
    bench_until(b, more.done);
    assert_int_equal(more.op->err.code, ERR_DB);
    parts_commit(parts + 1, 3);
    bench_until(b, parts[1].ended);
    assert_string_equal(parts[1].end_err.sqlstate, "22012");
    assert_rolled_back_with_another(b, &parts[2]);
    assert_rolled_back_with_another(b, &parts[3]);
    bench_until(b, bench_stats(b).exclusive_idle == 2);
    assert_int_equal(bench_stats(b).share_failures, 1);
    assert_int_equal(query_int("SELECT count(*) FROM spoiled"), 0);
    call_release(&more);
    parts_free(parts, calls, 4);
    bench_close(b);
}

static void test_commit_fails_for_all(void **state)
{
    (void)state;
    run_sql("CREATE TABLE late_law (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    struct pg_settings settings = sharing_settings();
    struct bench *b = bench_open_ready(&settings);
    struct trans parts[2];
    struct call calls[2];
    static const char *const texts[] = {"INSERT INTO late_law VALUES (1)", "INSERT INTO late_law VALUES (1)"};
    parts_begin(b, parts, calls, 2, texts);
    parts_commit(parts, 2);
    assert_rolled_back_with_another(b, &parts[0]);
    assert_rolled_back_with_another(b, &parts[1]);
    bench_until(b, bench_stats(b).exclusive_idle == 2);
    assert_int_equal(query_int("SELECT count(*) FROM late_law"), 0);
    parts_free(parts, calls, 2);
    bench_close(b);
}

static void test_one_hangs(void **state)
{
    (void)state;
    run_sql(TABLE("held_up"));
    struct pg_settings settings = sharing_settings();
    settings.idle_transaction_ms = 100;
    struct bench *b = bench_open_ready(&settings);
    struct trans parts[2];
    struct call calls[2];
    static const char *const texts[] = {"INSERT INTO held_up (n) VALUES (1)",
                                        "INSERT INTO held_up (n) VALUES (2)"};
    parts_begin(b, parts, calls, 2, texts);
    pg_tx_commit(parts[0].tx, trans_end, &parts[0]);
    assert_rolled_back_with_another(b, &parts[0]);
    pg_tx_commit(parts[1].tx, trans_end, &parts[1]);
    bench_until(b, parts[1].ended);
    assert_int_equal(parts[1].end_err.code, ERR_TIMEOUT);
    bench_until(b, bench_stats(b).exclusive_idle == 2);
    assert_int_equal(query_int("SELECT count(*) FROM held_up"), 0);
    parts_free(parts, calls, 2);
    bench_close(b);
}

static int64_t lock_timeout_ms(struct bench *b, struct trans *t)
{
    struct call call;
    trans_queue(t, &call, "SELECT setting::bigint FROM pg_settings WHERE name = 'lock_timeout'");
    pg_tx_flush(t->tx);
    bench_until(b, call.done);
    int64_t ms = call_int(&call);
    call_release(&call);
    return ms;
}

static void test_locks_are_waited_for_less_in_company(void **state)
{
    (void)state;
    struct pg_settings settings = sharing_settings();
    settings.share_lock_ms = 50;
    struct bench *b = bench_open_ready(&settings);
    struct pg_tx_options options = {.isolation = PG_READ_COMMITTED, .lock_ms = 700};
    struct trans parts[2] = {0};
    for (int company = 0; company < 2; company++) {
        for (int i = 0; i <= company; i++) {
            options.share = i == 0 ? "a" : "b";
            parts[i] = (struct trans){0};
            parts[i].tx = pg_tx_open(b->pool, &options, trans_ready, &parts[i]);
        }
        assert_int_equal(lock_timeout_ms(b, &parts[0]), company ? 50 : 700);
        for (int i = 0; i <= company; i++)
            trans_free(&parts[i]);
        bench_until(b, bench_stats(b).exclusive_idle == 2);
    }
    bench_close(b);
}

static void test_deadline_of_one(void **state)
{
    (void)state;
    run_sql(TABLE("slowed"));
    struct pg_settings settings = sharing_settings();
    struct bench *b = bench_open_ready(&settings);
    struct trans parts[2];
    struct call calls[2];
    part_open(b, &parts[0], "a");
    part_open(b, &parts[1], "b");
    trans_queue(&parts[0], &calls[0], "INSERT INTO slowed (n) VALUES (1)");
    pg_tx_flush(parts[0].tx);
    call_init(&calls[1], "SELECT pg_sleep(20)");
    calls[1].op->deadline_ns = mono_ns() + UINT64_C(200000000);
    pg_tx_submit(parts[1].tx, calls[1].op);
    parts_commit(parts, 2);
    assert_rolled_back_with_another(b, &parts[0]);
    bench_until(b, parts[1].ended);
    assert_int_equal(parts[1].end_err.code, ERR_TIMEOUT);
    assert_int_equal(query_int("SELECT count(*) FROM slowed"), 0);
    parts_free(parts, calls, 2);
    bench_close(b);
}

static void test_answer_to_commit_is_lost(void **state)
{
    (void)state;
    run_sql(TABLE("in_doubt"));
    char url[600];
    struct proxy proxy;
    struct pg_settings settings = sharing_settings();
    struct bench *b = bench_through_ready(&proxy, &settings, url);
    struct trans parts[2];
    struct call calls[2];
    static const char *const texts[] = {"INSERT INTO in_doubt (n) VALUES (1)",
                                        "INSERT INTO in_doubt (n) VALUES (2)"};
    parts_begin(b, parts, calls, 2, texts);
    proxy.cuts_at = "COMMIT";
    parts_commit(parts, 2);
    bench_until(b, parts[0].ended && parts[1].ended);
    assert_int_equal(parts[0].end_err.code, ERR_UNKNOWN);
    assert_int_equal(parts[1].end_err.code, ERR_UNKNOWN);
    parts_free(parts, calls, 2);
    assert_int_equal(query_int("SELECT count(*) FROM in_doubt"), 2);
    bench_until(b, bench_is_full(b));
    proxy_close(&proxy);
    bench_close(b);
}

static void test_connection_is_lost(void **state)
{
    (void)state;
    run_sql(TABLE("cut_off"));
    struct pg_settings settings = sharing_settings();
    settings.exclusive = 1;
    struct bench *b = bench_open_ready(&settings);
    struct trans parts[2], before;
    struct call first;
    part_open(b, &before, "a"); /* whose COMMIT is answered is forgotten */
    trans_queue(&before, &first, "SELECT 1");
    trans_commit(b, &before);
    call_release(&first);
    trans_free(&before);
    struct call calls[2];
    static const char *const texts[] = {"INSERT INTO cut_off (n) VALUES (1)", "SELECT pg_backend_pid()"};
    parts_begin(b, parts, calls, 2, texts);
    char kill[80];
    snprintf(kill, sizeof(kill), "SELECT pg_terminate_backend(%lld)::int", (long long)call_int(&calls[1]));
    pg_tx_commit(parts[0].tx, trans_end, &parts[0]);
    assert_int_equal(query_int(kill), 1);
    bench_until(b, parts[0].ended);
    assert_int_equal(parts[0].end_err.code, ERR_UNAVAILABLE);
    pg_tx_commit(parts[1].tx, trans_end, &parts[1]);
    bench_until(b, parts[1].ended);
    assert_int_equal(parts[1].end_err.code, ERR_UNAVAILABLE);
    assert_int_equal(query_int("SELECT count(*) FROM cut_off"), 0);
    parts_free(parts, calls, 2);
    bench_close(b);
}

/* Nobody has spoken yet when the connection is taken from them: those that wait for it have it then. */
static void test_never_begun(void **state)
{
    (void)state;
    run_sql(TABLE("unbegun"));
    struct pg_settings settings = sharing_settings();
    settings.exclusive = 1;
    settings.idle_transaction_ms = 100;
    struct bench *b = bench_open_ready(&settings);
    struct trans silent[2], waits, alone;
    struct call call;
    part_open(b, &silent[0], "a");
    part_open(b, &silent[1], "b");
    part_open(b, &waits, "a");
    trans_open(b, &alone);
    bench_until(b, waits.ready);
    assert_int_equal(waits.ready_err.code, ERR_NONE);
    trans_queue(&waits, &call, "INSERT INTO unbegun (n) VALUES (1)");
    trans_commit(b, &waits);
    assert_int_equal(waits.end_err.code, ERR_NONE);
    assert_int_equal(query_int("SELECT count(*) FROM unbegun"), 1);
    bench_until(b, alone.ready);
    call_release(&call);
    trans_free(&silent[0]);
    trans_free(&silent[1]);
    trans_free(&waits);
    trans_free(&alone);
    bench_close(b);
}

/* One that PostgreSQL never hears of. */
static void test_one_fails_here(void **state)
{
    (void)state;
    run_sql(TABLE("limited"));
    struct pg_settings settings = sharing_settings();
    struct bench *b = bench_open_ready(&settings);
    struct trans parts[2];
    struct call calls[2], large;
    static const char *const texts[] = {"INSERT INTO limited (n) VALUES (1)",
                                        "INSERT INTO limited (n) VALUES (2)"};
    parts_begin(b, parts, calls, 2, texts);
    call_init(&large, "SELECT 1");
    for (int i = 0; i <= PG_PARAMS_MAX; i++)
        pg_params_append(&large.op->params, "1", 1);
    pg_tx_submit(parts[0].tx, large.op);
    parts_commit(parts, 2);
    bench_until(b, parts[0].ended);
    assert_int_equal(parts[0].end_err.code, ERR_LIMIT);
    assert_rolled_back_with_another(b, &parts[1]);
    bench_until(b, bench_stats(b).exclusive_idle == 2);
    assert_int_equal(query_int("SELECT count(*) FROM limited"), 0);
    call_release(&large);
    parts_free(parts, calls, 2);
    bench_close(b);
}

static void test_pool_closes(void **state)
{
    (void)state;
    run_sql(TABLE("closing"));
    struct pg_settings settings = sharing_settings();
    struct bench *b = bench_open_ready(&settings);
    struct trans parts[3];
    struct call calls[2];
    static const char *const texts[] = {"INSERT INTO closing (n) VALUES (1)",
                                        "INSERT INTO closing (n) VALUES (2)"};
    parts_begin(b, parts, calls, 2, texts);
    pg_tx_commit(parts[0].tx, trans_end, &parts[0]);
    part_open(b, &parts[2], "z");
    pg_pool_close(b->pool, bench_on_closed, b);
    bench_until(b, b->is_closed);
    assert_int_equal(parts[0].end_err.code, ERR_UNAVAILABLE);
    assert_int_equal(parts[2].ready_err.code, ERR_UNAVAILABLE);
    trans_free(&parts[2]);
    parts_free(parts, calls, 2);
    assert_int_equal(query_int("SELECT count(*) FROM closing"), 0);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_fails),
        cmocka_unit_test(test_commit_fails_for_all),
        cmocka_unit_test(test_one_hangs),
        cmocka_unit_test(test_locks_are_waited_for_less_in_company),
        cmocka_unit_test(test_deadline_of_one),
        cmocka_unit_test(test_answer_to_commit_is_lost),
        cmocka_unit_test(test_connection_is_lost),
        cmocka_unit_test(test_never_begun),
        cmocka_unit_test(test_one_fails_here),
        cmocka_unit_test(test_pool_closes),
    };
    return cmocka_run_group_tests(tests, test_database_open, test_database_close);
}
