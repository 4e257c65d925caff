/* Transactions that share one of PostgreSQL: who does, in which order, and what each is told when one fails,
 * is left, or hangs. */
#include "pg_proxy.h"

#define TABLE(name) "CREATE TABLE " name " (id serial, n int, xid bigint DEFAULT txid_current())"
#define PARTS_MAX 6

static struct pg_settings sharing_settings(void)
{
    struct pg_settings settings = bench_defaults();
    settings.sharing = 1;
    settings.share_max = 4;
    return settings;
}

static void part_open(struct bench *b, struct trans *t, const char *share)
{
    const struct pg_tx_options options = {.isolation = PG_READ_COMMITTED, .share = share};
    *t = (struct trans){0};
    t->tx = pg_tx_open(b->pool, &options, trans_ready, t);
}

/* Send one statement for each of them, all in the same turn. */
static void parts_send(struct trans *parts, struct call *calls, int count, const char *const *texts)
{
    for (int i = 0; i < count; i++) {
        trans_queue(&parts[i], &calls[i], texts[i]);
        pg_tx_flush(parts[i].tx);
    }
}

/* Parts a, b, c … of one transaction of PostgreSQL, each with its statement answered. */
static void parts_begin(struct bench *b, struct trans *parts, struct call *calls, int count,
                        const char *const *texts)
{
    static const char *const keys[PARTS_MAX] = {"a", "b", "c", "d", "e", "f"};
    for (int i = 0; i < count; i++)
        part_open(b, &parts[i], keys[i]);
    parts_send(parts, calls, count, texts);
    for (int i = 0; i < count; i++)
        bench_until(b, calls[i].done);
}

static void parts_commit(struct trans *parts, int count)
{
    for (int i = 0; i < count; i++)
        pg_tx_commit(parts[i].tx, trans_end, &parts[i]);
}

static void parts_free(struct trans *parts, struct call *calls, int count)
{
    for (int i = 0; i < count; i++) {
        call_release(&calls[i]);
        trans_free(&parts[i]);
    }
}

static void assert_rolled_back_with_another(struct bench *b, struct trans *t)
{
    bench_until(b, t->ended);
    assert_int_equal(t->end_err.code, ERR_DB);
    assert_true(pg_tx_had_company(t->tx));
}

static void test_committed_together(void **state)
{
    (void)state;
    run_sql(TABLE("joint"));
    struct pg_settings settings = sharing_settings();
    struct bench *b = bench_open_ready(&settings);
    struct trans parts[3];
    struct call calls[3];
    static const char *const texts[] = {"INSERT INTO joint (n) VALUES (1)",
                                        "INSERT INTO joint (n) VALUES (2)",
                                        "INSERT INTO joint (n) VALUES (3)"};
    /* They are sent in the order of what they stand for, whoever came first. */
    static const char *const keys[] = {"c", "a", "b"};
    for (int i = 0; i < 3; i++)
        part_open(b, &parts[i], keys[i]);
    parts_send(parts, calls, 3, texts);
    bench_until(b, calls[0].done && calls[1].done && calls[2].done);
    parts_commit(parts, 2);
    assert_int_equal(pool_int(b, "SELECT count(*) FROM joint"), 0);
    assert_int_equal(parts[0].ended + parts[1].ended, 0);
    trans_commit(b, &parts[2]);
    bench_until(b, parts[0].ended && parts[1].ended);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(parts[i].end_err.code, ERR_NONE);
        assert_true(pg_tx_had_company(parts[i].tx));
    }
    assert_int_equal(query_int("SELECT count(DISTINCT xid) FROM joint"), 1);
    assert_int_equal(query_int("SELECT string_agg(n::text, '' ORDER BY id)::bigint FROM joint"), 231);
    assert_int_equal(bench_stats(b).shared, 3);
    assert_int_equal(bench_stats(b).exclusive_idle, 2);
    parts_free(parts, calls, 3);
    bench_close(b);
}

static void test_who_does_not_share(void **state)
{
    (void)state;
    run_sql(TABLE("apart"));
    struct pg_settings settings = sharing_settings();
    struct bench *b = bench_open_ready(&settings);
    struct trans first, same, other, late;
    struct call calls[4];
    part_open(b, &first, "a");
    part_open(b, &same, "a");
    trans_open(b, &other); /* passes the one that waits: the second connection is not for those that share */
    trans_queue(&first, &calls[0], "INSERT INTO apart (n) VALUES (1)");
    pg_tx_flush(first.tx);
    trans_queue(&other, &calls[1], "INSERT INTO apart (n) VALUES (2)");
    trans_commit(b, &other);
    bench_until(b, calls[0].done);
    part_open(b, &late, "b"); /* the transaction has begun without it */
    assert_int_equal(query_int("SELECT count(*) FROM apart"), 1);
    assert_int_equal(same.ready + late.ready, 0);
    trans_commit(b, &first);
    bench_until(b, same.ready && late.ready);
    trans_queue(&same, &calls[2], "INSERT INTO apart (n) VALUES (3)");
    trans_queue(&late, &calls[3], "INSERT INTO apart (n) VALUES (4)");
    pg_tx_commit(same.tx, trans_end, &same);
    trans_commit(b, &late);
    bench_until(b, same.ended);
    assert_int_equal(query_int("SELECT count(DISTINCT xid) FROM apart WHERE n <= 3"), 3);
    assert_int_equal(query_int("SELECT count(DISTINCT xid) FROM apart WHERE n >= 3"), 1);
    assert_false(pg_tx_had_company(first.tx));
    assert_false(pg_tx_had_company(other.tx));
    struct trans *all[] = {&first, &same, &other, &late};
    for (int i = 0; i < 4; i++) {
        call_release(&calls[i]);
        trans_free(all[i]);
    }
    bench_close(b);
}

static void test_no_more_than_so_many(void **state)
{
    (void)state;
    run_sql(TABLE("crowd"));
    struct pg_settings settings = sharing_settings();
    struct bench *b = bench_open_ready(&settings);
    struct trans parts[PARTS_MAX];
    struct call calls[PARTS_MAX];
    static const char *const keys[PARTS_MAX] = {"a", "b", "c", "d", "e", "f"};
    for (int i = 0; i < PARTS_MAX; i++) {
        part_open(b, &parts[i], keys[i]);
        trans_queue(&parts[i], &calls[i], "INSERT INTO crowd (n) VALUES (1)");
    }
    parts_commit(parts, PARTS_MAX);
    for (int i = 0; i < PARTS_MAX; i++) {
        bench_until(b, parts[i].ended);
        assert_int_equal(parts[i].end_err.code, ERR_NONE);
    }
    assert_int_equal(query_int("SELECT max(count) FROM (SELECT count(*) FROM crowd GROUP BY xid) each"), 4);
    assert_int_equal(query_int("SELECT count(DISTINCT xid) FROM crowd"), 2);
    parts_free(parts, calls, PARTS_MAX);
    bench_close(b);
}

static void test_sharing_switched_off(void **state)
{
    (void)state;
    run_sql(TABLE("loners"));
    struct pg_settings settings = sharing_settings();
    settings.share_max = 1;
    struct bench *b = bench_open_ready(&settings);
    struct trans parts[2];
    struct call calls[2];
    static const char *const texts[] = {"INSERT INTO loners (n) VALUES (1)",
                                        "INSERT INTO loners (n) VALUES (2)"};
    parts_begin(b, parts, calls, 2, texts);
    parts_commit(parts, 2);
    bench_until(b, parts[0].ended && parts[1].ended);
    assert_int_equal(query_int("SELECT count(DISTINCT xid) FROM loners"), 2);
    parts_free(parts, calls, 2);
    bench_close(b);
}

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

static void test_left_without_a_change(void **state)
{
    (void)state;
    run_sql(TABLE("kept"));
    run_sql("INSERT INTO kept (n) VALUES (7)");
    struct pg_settings settings = sharing_settings();
    struct bench *b = bench_open_ready(&settings);
    struct trans parts[3];
    struct call calls[3];
    static const char *const texts[] = {"INSERT INTO kept (n) VALUES (1)",
                                        "SELECT n FROM kept WHERE n = 7 FOR UPDATE",
                                        "SELECT n FROM kept WHERE n = 7"};
    parts_begin(b, parts, calls, 3, texts);
    pg_tx_commit(parts[0].tx, trans_end, &parts[0]);
    trans_free(&parts[1]);
    trans_free(&parts[2]); /* the last one that was waited for */
    bench_until(b, parts[0].ended);
    assert_int_equal(parts[0].end_err.code, ERR_NONE);
    assert_int_equal(query_int("SELECT count(*) FROM kept"), 2);
    parts_free(parts, calls, 3);
    bench_close(b);
}

static void test_left_with_a_change(void **state)
{
    (void)state;
    run_sql(TABLE("undone_with"));
    struct pg_settings settings = sharing_settings();
    struct bench *b = bench_open_ready(&settings);
    struct trans parts[3];
    struct call calls[3];
    static const char *const texts[] = {"INSERT INTO undone_with (n) VALUES (1)",
                                        "INSERT INTO undone_with (n) VALUES (2)",
                                        "INSERT INTO undone_with (n) VALUES (3)"};
    parts_begin(b, parts, calls, 3, texts);
    pg_tx_commit(parts[0].tx, trans_end, &parts[0]);
    trans_free(&parts[1]);
    assert_rolled_back_with_another(b, &parts[0]);
    pg_tx_commit(parts[2].tx, trans_end, &parts[2]);
    assert_rolled_back_with_another(b, &parts[2]);
    bench_until(b, bench_stats(b).exclusive_idle == 2);
    assert_int_equal(query_int("SELECT count(*) FROM undone_with"), 0);
    parts_free(parts, calls, 3);
    bench_close(b);
}

/* Nobody waits for its end any more, but it was asked for. */
static void test_left_while_committing(void **state)
{
    (void)state;
    run_sql(TABLE("wanted"));
    struct pg_settings settings = sharing_settings();
    struct bench *b = bench_open_ready(&settings);
    struct trans parts[2];
    struct call calls[2];
    static const char *const texts[] = {"INSERT INTO wanted (n) VALUES (1)",
                                        "INSERT INTO wanted (n) VALUES (2)"};
    parts_begin(b, parts, calls, 2, texts);
    pg_tx_commit(parts[0].tx, trans_end, &parts[0]);
    trans_free(&parts[0]);
    trans_commit(b, &parts[1]);
    assert_int_equal(parts[1].end_err.code, ERR_NONE);
    assert_int_equal(query_int("SELECT count(*) FROM wanted"), 2);
    parts_free(parts, calls, 2);
    bench_close(b);
}

/* Whose statements are on their way is left: what they find is nobody's. */
static void test_left_with_statements_under_way(void **state)
{
    (void)state;
    run_sql(TABLE("on_the_way"));
    struct pg_settings settings = sharing_settings();
    struct bench *b = bench_open_ready(&settings);
    struct trans parts[3];
    struct call calls[3];
    struct call slow, last;
    static const char *const texts[] = {"INSERT INTO on_the_way (n) VALUES (1)", "SELECT 2", "SELECT 3"};
    parts_begin(b, parts, calls, 3, texts);
    trans_queue(&parts[1], &slow, "SELECT pg_sleep(0.1)");
    trans_queue(&parts[2], &last, "SELECT count(*) FROM on_the_way");
    pg_tx_flush(parts[1].tx);
    pg_tx_flush(parts[2].tx);
    bench_until(b, bench_stats(b).statements == 5);
    trans_free(&parts[2]); /* only reads */
    trans_free(&parts[0]); /* has written */
    bench_until(b, slow.done);
    assert_int_equal(slow.op->err.code, ERR_DB);
    assert_int_equal(last.done, 0);
    pg_tx_commit(parts[1].tx, trans_end, &parts[1]);
    assert_rolled_back_with_another(b, &parts[1]);
    bench_until(b, bench_stats(b).exclusive_idle == 2);
    assert_int_equal(query_int("SELECT count(*) FROM on_the_way"), 0);
    call_release(&slow);
    call_release(&last);
    parts_free(parts, calls, 3);
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

/* It has asked for COMMIT, but its last statement was never sent. */
static void test_left_before_the_flush(void **state)
{
    (void)state;
    run_sql(TABLE("halves"));
    struct pg_settings settings = sharing_settings();
    struct bench *b = bench_open_ready(&settings);
    struct trans parts[2];
    struct call calls[2], unsent;
    static const char *const texts[] = {"INSERT INTO halves (n) VALUES (1)",
                                        "INSERT INTO halves (n) VALUES (2)"};
    parts_begin(b, parts, calls, 2, texts);
    trans_queue(&parts[0], &unsent, "INSERT INTO halves (n) VALUES (1)");
    pg_tx_commit(parts[0].tx, trans_end, &parts[0]);
    trans_free(&parts[0]);
    pg_tx_commit(parts[1].tx, trans_end, &parts[1]);
    assert_rolled_back_with_another(b, &parts[1]);
    assert_int_equal(query_int("SELECT count(*) FROM halves"), 0);
    call_release(&unsent);
    parts_free(parts, calls, 2);
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

/* Who comes when the others know of their connection waits for the next one, or the locks would be taken in
 * any order. */
static void test_who_comes_late(void **state)
{
    (void)state;
    struct pg_settings settings = sharing_settings();
    struct bench *b = bench_open_ready(&settings);
    struct trans early, late;
    part_open(b, &early, "b");
    bench_until(b, early.ready);
    part_open(b, &late, "a");
    trans_commit(b, &early);
    assert_false(pg_tx_had_company(early.tx));
    bench_until(b, late.ready);
    trans_free(&early);
    trans_free(&late);
    bench_close(b);
}

static void test_nothing_to_commit(void **state)
{
    (void)state;
    run_sql(TABLE("partly"));
    struct pg_settings settings = sharing_settings();
    struct bench *b = bench_open_ready(&settings);
    struct trans parts[2];
    struct call call;
    part_open(b, &parts[0], "a");
    part_open(b, &parts[1], "b");
    trans_queue(&parts[0], &call, "INSERT INTO partly (n) VALUES (1)");
    parts_commit(parts, 2);
    bench_until(b, parts[0].ended && parts[1].ended);
    assert_int_equal(parts[0].end_err.code, ERR_NONE);
    assert_int_equal(parts[1].end_err.code, ERR_NONE);
    assert_int_equal(query_int("SELECT count(*) FROM partly"), 1);
    call_release(&call);
    trans_free(&parts[0]);
    trans_free(&parts[1]);
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
        cmocka_unit_test(test_committed_together),
        cmocka_unit_test(test_who_does_not_share),
        cmocka_unit_test(test_no_more_than_so_many),
        cmocka_unit_test(test_sharing_switched_off),
        cmocka_unit_test(test_one_fails),
        cmocka_unit_test(test_commit_fails_for_all),
        cmocka_unit_test(test_left_without_a_change),
        cmocka_unit_test(test_left_with_a_change),
        cmocka_unit_test(test_left_while_committing),
        cmocka_unit_test(test_left_with_statements_under_way),
        cmocka_unit_test(test_one_hangs),
        cmocka_unit_test(test_locks_are_waited_for_less_in_company),
        cmocka_unit_test(test_deadline_of_one),
        cmocka_unit_test(test_answer_to_commit_is_lost),
        cmocka_unit_test(test_connection_is_lost),
        cmocka_unit_test(test_never_begun),
        cmocka_unit_test(test_left_before_the_flush),
        cmocka_unit_test(test_one_fails_here),
        cmocka_unit_test(test_who_comes_late),
        cmocka_unit_test(test_nothing_to_commit),
        cmocka_unit_test(test_pool_closes),
    };
    return cmocka_run_group_tests(tests, test_database_open, test_database_close);
}
