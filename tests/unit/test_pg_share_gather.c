/* What transactions that share one of PostgreSQL send at the same moment is one statement: everybody gets its
 * own row, each one's order is kept, and all fail together. */
#include "pg_gather_fixture.h"
#include "pg_share_fixture.h"

#define PARTS 3
#define ROUNDS_MAX 5

static struct form lock, put, add, later, twice, mark;
/* They lock in another order than that of their rows, so that a row by its place would be another's. */
static const char *const keys[PARTS] = {"00000000-0000-0000-0000-00000000000b",
                                        "00000000-0000-0000-0000-00000000000A",
                                        "00000000-0000-0000-0000-00000000000c"};

/* Parts that each have sent a list of forms, with their number from 1 on for the second parameter. */
struct scene {
    struct bench *b;
    struct trans parts[PARTS];
    struct call calls[PARTS][ROUNDS_MAX];
    int counts[PARTS];
};

static void scene_open(struct scene *s)
{
    struct pg_settings settings = sharing_settings();
    settings.share_lock_ms = 100;
    *s = (struct scene){.b = bench_open_ready(&settings)};
    for (int i = 0; i < PARTS; i++)
        part_open(s->b, &s->parts[i], keys[i]);
}

static struct call *say(struct scene *s, int part, const struct form *form)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", part + 1);
    const char *const values[] = {keys[part], number};
    struct call *call = &s->calls[part][s->counts[part]++];
    call_prepare(call, form, values, form == &lock ? 1 : 2);
    pg_tx_submit(s->parts[part].tx, call->op);
    return call;
}

static void flush(struct scene *s)
{
    for (int i = 0; i < PARTS; i++)
        if (s->parts[i].tx != NULL)
            pg_tx_flush(s->parts[i].tx);
}

static void wait_for_all(struct scene *s)
{
    for (int i = 0; i < PARTS; i++)
        for (int k = 0; s->parts[i].tx != NULL && k < s->counts[i]; k++)
            bench_until(s->b, s->calls[i][k].done);
}

static void commit(struct scene *s)
{
    parts_commit(s->parts, PARTS);
    for (int i = 0; i < PARTS; i++)
        bench_until(s->b, s->parts[i].ended);
}

static void scene_close(struct scene *s)
{
    for (int i = 0; i < PARTS; i++) {
        for (int k = 0; k < s->counts[i]; k++)
            call_release(&s->calls[i][k]);
        trans_free(&s->parts[i]);
    }
    bench_close(s->b);
}

static int before_each(void **state)
{
    (void)state;
    run_sql("TRUNCATE purses, entries");
    for (int i = 0; i < PARTS; i++) {
        char sql[120];
        snprintf(sql, sizeof(sql), "INSERT INTO purses VALUES ('%s', %d, 0)", keys[i], i + 1);
        run_sql(sql);
    }
    return 0;
}

static void test_each_has_its_own(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    for (int i = 0; i < PARTS; i++) {
        say(&s, i, &lock);
        say(&s, i, &put);
        say(&s, i, &add);
    }
    flush(&s);
    wait_for_all(&s);
    for (int i = 0; i < PARTS; i++) {
        assert_int_equal(column_of(&s.calls[i][0], 0), i + 1);
        assert_int_equal(column_of(&s.calls[i][1], 1), i + 1);
        assert_int_equal(column_of(&s.calls[i][2], 1), i + 1);
        assert_true(s.calls[i][2].op->is_shared);
    }
    assert_int_equal(bench_stats(s.b).statements, 3);
    commit(&s);
    assert_int_equal(query_int("SELECT count(*) FROM purses WHERE held = 10 * n"), 3);
    assert_int_equal(query_int("SELECT count(DISTINCT xid) FROM entries e JOIN purses p USING (who, n)"), 1);
    scene_close(&s);
}

/* Two of them have more to say in between; what the others say after that waits for it. */
static void test_order_is_kept(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    say(&s, 0, &add);
    say(&s, 0, &add);
    say(&s, 0, &put);
    say(&s, 1, &add);
    say(&s, 1, &put);
    say(&s, 2, &put);
    flush(&s);
    wait_for_all(&s);
    assert_int_equal(bench_stats(s.b).statements, 3);
    assert_false(s.calls[0][1].op->is_shared); /* alone it is sent as it is */
    for (int i = 0; i < PARTS; i++)
        assert_int_equal(column_of(&s.calls[i][2 - i], 1), i + 1);
    commit(&s);
    assert_int_equal(query_int("SELECT count(*) FROM entries WHERE n = 1"), 2);
    scene_close(&s);
}

/* Twice the same of one are two statements, and so is the same of two that name the same row: whose it is
 * could not be told. */
static void test_each_once(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    for (int i = 0; i < PARTS; i++)
        for (int k = 0; k < 2; k++)
            say(&s, i, &put);
    const char *const values[] = {keys[0], "7"};
    struct call *same = &s.calls[2][s.counts[2]++];
    call_prepare(same, &later, values, 2);
    say(&s, 0, &later);
    pg_tx_submit(s.parts[2].tx, same->op);
    struct call *own[2];
    for (int k = 0; k < 2; k++) {
        own[k] = &s.calls[1][s.counts[1]++];
        call_prepare(own[k], &lock, &keys[k], 1);
        pg_tx_submit(s.parts[1].tx, own[k]->op);
    }
    flush(&s);
    wait_for_all(&s);
    for (int i = 0; i < PARTS; i++)
        for (int k = 0; k < 2; k++)
            assert_int_equal(column_of(&s.calls[i][k], 1), i + 1);
    assert_int_equal(column_of(&s.calls[0][2], 1), 1);
    assert_int_equal(column_of(same, 1), -1);
    assert_int_equal(bench_stats(s.b).statements, 6);
    commit(&s);
    scene_close(&s);
}

static void test_who_has_no_row(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    for (int i = 0; i < PARTS; i++)
        say(&s, i, &later);
    flush(&s);
    wait_for_all(&s);
    for (int i = 0; i < PARTS; i++)
        assert_int_equal(column_of(&s.calls[i][0], 1), i == 1 ? -1 : i + 1);
    commit(&s);
    scene_close(&s);
}

/* In a table that has only just been made, whose plan will be kept while it grows. */
static void test_rows_are_found_as_alone(void **state)
{
    (void)state;
    char sql[2000];
    run_sql(
        "CREATE TABLE fresh (who uuid, id bigint, held int, a text, b text, c text, PRIMARY KEY (who, id))");
    struct form form;
    form_init(&form,
              "UPDATE fresh SET held = $3::int WHERE who = $1::uuid AND id = $2::bigint RETURNING who");
    snprintf(sql, sizeof(sql),
             "SET plan_cache_mode = force_generic_plan; PREPARE alone AS %s; PREPARE many AS %s;"
             "DO $$ DECLARE plan json; name text; BEGIN FOREACH name IN ARRAY '{alone,many}'::text[] LOOP"
             " EXECUTE 'EXPLAIN (FORMAT JSON) EXECUTE ' || name || '(NULL, NULL, NULL)' INTO plan;"
             " ASSERT plan::text LIKE '%%\"Index Scan\"%%', name || plan::text; END LOOP; END $$;"
             "RESET plan_cache_mode; DEALLOCATE ALL; DROP TABLE fresh",
             form.alone.data, form.text.data);
    run_sql(sql);
    form_release(&form);
}

/* All of them, this one with this sqlstate. */
static void assert_all_failed(struct scene *s, int part, const char *sqlstate)
{
    wait_for_all(s);
    const struct err *err = &s->calls[part][s->counts[part] - 1].op->err;
    if (strcmp(err->sqlstate, sqlstate) != 0)
        fail_msg("%s %s", err->sqlstate, err->text);
    commit(s);
    for (int i = 0; i < PARTS; i++) {
        assert_int_not_equal(s->parts[i].end_err.sqlstate[0], '\0');
        assert_true(pg_tx_had_company(s->parts[i].tx));
    }
    assert_int_equal(bench_stats(s->b).share_failures, 1);
    assert_int_equal(query_int("SELECT count(*) FROM entries"), 0);
    scene_close(s);
}

static void test_all_fail_when_one_does(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    for (int i = 0; i < PARTS; i++) {
        say(&s, i, &add);
        if (i == 1)
            say(&s, i, &add); /* the law forbids two */
    }
    run_sql("CREATE UNIQUE INDEX only_one ON entries (who)");
    flush(&s);
    wait_for_all(&s);
    for (int i = 0; i < PARTS; i++)
        say(&s, i, &put); /* none is done */
    assert_all_failed(&s, 1, "25P02");
    run_sql("DROP INDEX only_one");
}

static void test_all_fail_in_one_statement(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    for (int i = 0; i < PARTS; i++)
        say(&s, i, &add);
    run_sql("ALTER TABLE entries ADD CONSTRAINT not_two CHECK (n <> 2)");
    flush(&s);
    assert_all_failed(&s, 1, "23514");
    run_sql("ALTER TABLE entries DROP CONSTRAINT not_two");
}

/* Somebody else holds what one of them wants to lock. */
static void test_all_give_up_a_lock_together(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    run_sql("BEGIN; SELECT FROM purses WHERE n = 2 FOR UPDATE");
    for (int i = 0; i < PARTS; i++)
        say(&s, i, &lock);
    flush(&s);
    wait_for_all(&s);
    run_sql("ROLLBACK");
    assert_all_failed(&s, 1, "55P03");
}

/* A call that forgets its parameters is PostgreSQL's to refuse, for two as for one. */
static void test_without_parameters(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    for (int i = 0; i < PARTS; i++) {
        call_prepare(&s.calls[i][0], &put, NULL, 0);
        pg_tx_submit(s.parts[i].tx, s.calls[i][0].op);
        s.counts[i] = 1;
    }
    flush(&s);
    assert_all_failed(&s, 1, "08P01");
}

/* With two rows for one, nobody is told anything: alone it is asked as it is. */
static void test_more_than_one_row(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    for (int i = 0; i < PARTS; i++) {
        say(&s, i, &put);
        say(&s, i, &twice);
    }
    flush(&s);
    assert_all_failed(&s, 1, "40001");
    assert_int_equal(query_int("SELECT count(*) FROM purses WHERE held <> 0"), 0);
}

/* What is being committed cannot be repeated: nobody is told that it was not done. */
static void test_more_than_one_row_with_commit(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    for (int i = 0; i < PARTS; i++)
        say(&s, i, &twice);
    commit(&s);
    for (int i = 0; i < PARTS; i++) {
        assert_int_equal(s.parts[i].end_err.code, ERR_UNKNOWN);
        assert_int_equal(s.calls[i][0].op->err.code, i == 0 ? ERR_NONE : ERR_UNKNOWN);
    }
    bench_until(s.b, bench_is_full(s.b));
    assert_int_equal(bench_stats(s.b).share_failures, 0);
    scene_close(&s);
}

/* One leaves when its commit is under way: the others' rows are theirs, and all is done. */
static void test_one_leaves_while_it_commits(void **state)
{
    (void)state;
    for (int left = 0; left < PARTS; left++) {
        struct scene s;
        before_each(state);
        scene_open(&s);
        for (int i = 0; i < PARTS; i++)
            say(&s, i, &add);
        parts_commit(s.parts, PARTS);
        pg_pool_flush_transactions(s.b->pool);
        bench_until(s.b, s.parts[(left + 1) % PARTS].ready);
        pg_pool_flush_transactions(s.b->pool);
        trans_free(&s.parts[left]);
        for (int i = 0; i < PARTS; i++) {
            if (i == left)
                continue;
            bench_until(s.b, s.parts[i].ended);
            assert_int_equal(s.parts[i].end_err.code, ERR_NONE);
            assert_int_equal(column_of(&s.calls[i][0], 1), i + 1);
        }
        assert_int_equal(query_int("SELECT count(*) FROM entries"), 3);
        scene_close(&s);
    }
}

/* One leaves that has no row when its commit is under way, and another's uuid is written as PostgreSQL does
 * not write it: the row is not taken for that of who has left. */
static void test_however_a_uuid_is_written(void **state)
{
    (void)state;
    static const char *const written[PARTS] = {"{00000000-0000-0000-0000-00000000000b}",
                                               "0000-0000-0000-0000-0000-0000-0000-000A",
                                               "0000000000000000000000000000000C"};
    for (int left = 0; left < PARTS; left++) {
        struct scene s;
        before_each(state);
        scene_open(&s);
        for (int i = 0; i < PARTS; i++) {
            const char *const values[] = {written[i], i == left ? "0" : "1"};
            call_prepare(&s.calls[i][0], &mark, values, 2);
            pg_tx_submit(s.parts[i].tx, s.calls[i][0].op);
            s.counts[i] = 1;
        }
        parts_commit(s.parts, PARTS);
        pg_pool_flush_transactions(s.b->pool);
        bench_until(s.b, s.parts[(left + 1) % PARTS].ready);
        pg_pool_flush_transactions(s.b->pool);
        trans_free(&s.parts[left]);
        for (int i = 0; i < PARTS; i++) {
            if (i == left)
                continue;
            bench_until(s.b, s.parts[i].ended);
            assert_int_equal(s.parts[i].end_err.code, ERR_NONE);
            assert_int_equal(column_of(&s.calls[i][0], 1), i + 1);
        }
        assert_int_equal(bench_stats(s.b).statements, 1);
        scene_close(&s);
    }
}

/* One leaves while its statement is under way: what has only been locked goes on without it. */
static void test_one_leaves_while_it_is_asked(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    for (int i = 0; i < PARTS; i++)
        say(&s, i, &lock);
    flush(&s);
    pg_pool_flush_transactions(s.b->pool);
    trans_free(&s.parts[1]);
    wait_for_all(&s);
    assert_int_equal(s.calls[1][0].done, 0);
    assert_int_equal(column_of(&s.calls[2][0], 0), 3);
    say(&s, 0, &put);
    say(&s, 2, &put);
    parts_commit(&s.parts[0], 1);
    parts_commit(&s.parts[2], 1);
    bench_until(s.b, s.parts[0].ended && s.parts[2].ended);
    assert_int_equal(s.parts[0].end_err.code, ERR_NONE);
    assert_int_equal(query_int("SELECT count(*) FROM purses WHERE held = 10 * n"), 2);
    scene_close(&s);
}

static void test_all_are_told_of_a_lost_connection(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    for (int i = 0; i < PARTS; i++)
        say(&s, i, &put);
    flush(&s);
    wait_for_all(&s);
    run_sql("BEGIN; LOCK TABLE entries");
    for (int i = 0; i < PARTS; i++)
        say(&s, i, &add);
    flush(&s);
    pg_pool_flush_transactions(s.b->pool);
    char sql[300];
    snprintf(sql, sizeof(sql),
             "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
             "'%s' AND state <> 'idle' AND pid <> pg_backend_pid(); END $$",
             test_name);
    run_sql(sql);
    wait_for_all(&s);
    run_sql("ROLLBACK");
    for (int i = 0; i < PARTS; i++)
        assert_false(s.calls[i][1].op->ok);
    commit(&s);
    for (int i = 0; i < PARTS; i++)
        assert_int_not_equal(s.parts[i].end_err.code, ERR_NONE);
    assert_int_equal(query_int("SELECT count(*) FROM purses WHERE held <> 0"), 0);
    scene_close(&s);
}

static int before_all(void **state)
{
    if (test_database_open(state) != 0)
        return -1;
    run_sql("CREATE TABLE purses (who uuid PRIMARY KEY, n int, held int);"
            "CREATE TABLE entries (who uuid, n int, xid bigint DEFAULT txid_current());");
    form_init(&lock, "SELECT n FROM purses WHERE who = $1::uuid FOR UPDATE");
    form_init(&put, "UPDATE purses SET held = 10 * $2::int WHERE who = $1::uuid RETURNING who, n");
    form_init(&add, "INSERT INTO entries (who, n) SELECT $1::uuid, $2::int RETURNING who, n");
    form_init(&later,
              "UPDATE purses SET held = 1 WHERE who = $1::uuid AND n <> 2 AND n = $2::int RETURNING who, n");
    form_init(&mark, "UPDATE purses SET held = 1 WHERE who = $1::uuid AND $2::int = 1 RETURNING who, n");
    form_init(&twice, "INSERT INTO entries (who, n) SELECT $1::uuid, m FROM generate_series(1, $2::int) m "
                      "RETURNING who, n");
    return 0;
}

static int after_all(void **state)
{
    struct form *const forms[] = {&lock, &put, &add, &later, &twice, &mark};
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        form_release(forms[i]);
    return test_database_close(state);
}

#define TEST(test) cmocka_unit_test_setup(test, before_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_has_its_own),
        TEST(test_order_is_kept),
        TEST(test_each_once),
        TEST(test_who_has_no_row),
        TEST(test_rows_are_found_as_alone),
        TEST(test_all_fail_when_one_does),
        TEST(test_all_fail_in_one_statement),
        TEST(test_all_give_up_a_lock_together),
        TEST(test_without_parameters),
        TEST(test_more_than_one_row),
        TEST(test_more_than_one_row_with_commit),
        TEST(test_one_leaves_while_it_commits),
        TEST(test_however_a_uuid_is_written),
        TEST(test_one_leaves_while_it_is_asked),
        TEST(test_all_are_told_of_a_lost_connection),
    };
    return cmocka_run_group_tests(tests, before_all, after_all);
}
