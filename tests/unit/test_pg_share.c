/* Transactions that share one of PostgreSQL: who does, in which order, and what becomes of the others when
 * one is left. */
#include "pg_share_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_committed_together),    cmocka_unit_test(test_who_does_not_share),
        cmocka_unit_test(test_no_more_than_so_many),  cmocka_unit_test(test_sharing_switched_off),
        cmocka_unit_test(test_left_without_a_change), cmocka_unit_test(test_left_with_a_change),
        cmocka_unit_test(test_left_while_committing), cmocka_unit_test(test_left_with_statements_under_way),
        cmocka_unit_test(test_left_before_the_flush), cmocka_unit_test(test_who_comes_late),
        cmocka_unit_test(test_nothing_to_commit),
    };
    return cmocka_run_group_tests(tests, test_database_open, test_database_close);
}
