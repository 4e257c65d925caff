/* Gathered reads: everybody gets its own row, and whatever happens to one happens to it alone. */
#include "pg_gather_fixture.h"

#define MANY 40 /* three statements */

#define ARRAYS "unnest((select $1::uuid[]), (select $2::text[]))"
#define ASKED_FOR "from " ARRAYS " as asked (p1, p2)"
#define JOINED "from (select * from " ARRAYS " limit (select null::bigint)) as asked (p1, p2)"

static void test_text_of_what_changes_rows(void **state)
{
    (void)state;
    static const char *const forms[][2] = {
        {"update t set b = $2::text,\n c = (select d from u where d = 1)\nwhere a = $1::uuid\nreturning a",
         "update t set b = asked.p2::text,\n c = (select d from u where d = 1)\n" JOINED
         " where a = asked.p1::uuid\nreturning a"},
        {"insert into t (a, b)\nselect $1::uuid, $2::text -- both\nreturning a",
         "insert into t (a, b)\nselect found.* " ASKED_FOR
         ", lateral (select asked.p1::uuid, asked.p2::text -- both\n offset 0) as found returning a"},
        {"insert into t (a, b) select $1::uuid, $2::text from u join w on u.x = w.x on conflict (a) do "
         "nothing "
         "returning a",
         "insert into t (a, b) select found.* " ASKED_FOR
         ", lateral (select asked.p1::uuid, asked.p2::text from u join w on u.x = w.x  offset 0) as found "
         "on conflict (a) do nothing returning a"},
    };
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct buf out = BUF_INIT;
        struct err err;
        assert_int_equal(pg_gather_text(forms[i][0], &out, &err), 0);
        assert_string_equal(out.data, forms[i][1]);
        buf_release(&out);
    }
}

static void test_text(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    struct err err;
    assert_int_equal(
        pg_gather_text(
            "select a, 'asked $1' from t -- $9\nwhere b = $1::uuid and ($2::text = c or $2::text = d)", &out,
            &err),
        0);
    assert_string_equal(out.data,
                        "select asked.n, found.* from unnest((select $1::uuid[]), (select $2::text[]))"
                        " with ordinality as asked (p1, p2, n), lateral ("
                        "select a, 'asked $1' from t -- $9\nwhere b = asked.p1::uuid and"
                        " (asked.p2::text = c or asked.p2::text = d)\noffset 0) as found");
    buf_release(&out);
    static const char *const refused[][2] = {
        {"select 1", "without parameters"},
        {"select $1", "write the type of $1 wherever it stands, as in $1::uuid"},
        {"select $2::int", "write the type of $1 wherever it stands, as in $1::uuid"},
        {"delete from t where a = $1::uuid returning a", "only what reads, locks, inserts or updates"},
        {"with a as (delete from t returning a) select $1::uuid",
         "only what reads, locks, inserts or updates"},
        {"insert into t values ($1::uuid)", "insert … select … returning …"},
        {"insert into t select $1::uuid", "insert … select … returning …"},
        {"insert into t (a) values ((select $1::uuid)) returning a", "insert … select … returning …"},
        {"insert into t select $1::int returning a", "$1 of what changes rows is a uuid"},
        {"update t set b = $1::uuid returning a", "update … set … where … returning …"},
        {"update t set b = 1 where a = $1::uuid", "update … set … where … returning …"},
        {"update t set b = 1 from u where a = $1::uuid returning a", "update … set … where … returning …"},
        {"select $1::int[]", "the type of $1 is to be one word"},
        {"select $1::s.t", "the type of $1 is to be one word"},
        {"select $1::timestamp with time zone", "the type of $1 is to be one word"},
        {"select $1::\"T\"", "the type of $1 is to be one word"},
        {"select $1::char(3)", "the type of $1 is to be one word"},
        {"select $1::timestamp /* s */ (0) with time zone", "the type of $1 is to be one word"},
        {"select $1::bit, $1", "a bit is cut to one"},
        {"select $1::char, $1", "a char is cut to one"},
        {"select 1 where 'a' = $1 and $1::text > ''", "write the type of $1 wherever it stands"},
        {"select $1::timestamptz from (select 1 from t where day = $1) as s", "the type of $1 wherever"},
        {"update t set b = $2::timestamptz where a = $1::uuid and day = $2 returning a", "the type of $2"},
        {"select $1::uuid, $1::text", "$1 is a uuid where it stands first, and a text later"},
        {"select a.b from t as Asked where a.b = $1::int", "call nothing asked"},
        {"select \"asked\".p1 from t as \"asked\" where c = $1::int", "call nothing asked"},
        {"select $33::int", "at most 32 parameters"},
        {"select $99999999999999999999::int", "at most 32 parameters"},
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        err.text[0] = '\0';
        if (pg_gather_text(refused[i][0], &out, &err) == 0)
            fail_msg("%s", refused[i][0]);
        assert_int_equal(err.code, ERR_INVALID);
        assert_non_null(strstr(err.text, refused[i][1]));
        assert_int_equal(out.len, 0);
    }
}

static void test_alone_it_is_asked_as_it_is(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct form form;
    struct call call;
    form_init(&form, DOUBLE);
    ask_number(b, &call, &form, 21);
    bench_until(b, call.done);
    assert_false(call.op->is_shared);
    assert_int_equal(answer_of(&call), 42);
    call_release(&call);
    ask(b, &call, &form, NULL);
    wait_and_expect(b, &call, -1);
    form_release(&form);
    bench_close(b);
}

static void test_two_are_one_statement(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct form form;
    struct call first, second;
    form_init(&form, DOUBLE);
    ask_number(b, &first, &form, 3);
    ask_number(b, &second, &form, 4);
    bench_until(b, first.done && second.done);
    assert_true(first.op->is_shared && second.op->is_shared);
    assert_string_equal(pg_result_column_name(first.op->result, 1), "twice");
    assert_int_equal(answer_of(&first), 6);
    call_release(&first); /* the other keeps the result */
    assert_int_equal(answer_of(&second), 8);
    call_release(&second);
    assert_int_equal(bench_stats(b).statements, 1);
    form_release(&form);
    bench_close(b);
}

/* Every seventh asks for what is not there, every eleventh for nothing, some with others for the same. */
static int64_t expected_of(int i)
{
    return i % 7 == 0 || i % 11 == 0 ? -1 : (i % 100) * 2;
}

static void ask_one_of_many(struct bench *b, struct call *call, const struct form *form, int i)
{
    if (i % 11 == 0)
        ask(b, call, form, NULL);
    else
        ask_number(b, call, form, i % 7 == 0 ? 1000000 + i : i % 100);
}

static void many(const struct pg_settings *settings, uint64_t statements)
{
    struct bench *b = bench_open_ready(settings);
    struct form form;
    struct call calls[MANY];
    form_init(&form, DOUBLE);
    for (int i = 0; i < MANY; i++)
        ask_one_of_many(b, &calls[i], &form, i);
    for (int i = 0; i < MANY; i++)
        wait_and_expect(b, &calls[i], expected_of(i));
    if (statements != 0)
        assert_int_equal(bench_stats(b).statements, statements);
    form_release(&form);
    bench_close(b);
}

static void test_many_and_each_has_its_own(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    many(&settings, 3);
    settings.prepared_statements = false;
    many(&settings, 3);
    settings.in_flight_max = 1; /* counts statements: the others wait */
    settings.pipelined = 2;
    many(&settings, 0);
}

static void test_several_statements_in_one_turn(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct form forms[20];
    struct call calls[20][3], plain, write;
    for (int f = 0; f < 20; f++) {
        char sql[100];
        snprintf(sql, sizeof(sql), "SELECT n + %d FROM numbers WHERE n = $1::int", f);
        form_init(&forms[f], sql);
    }
    call_start(b, &plain, "SELECT 5");
    for (int i = 0; i < 3; i++)
        for (int f = 0; f < 20; f++)
            ask_number(b, &calls[f][i], &forms[f], f * 3 + i);
    call_start(b, &write, "INSERT INTO written VALUES (1)");
    for (int f = 0; f < 20; f++) {
        for (int i = 0; i < 3; i++)
            wait_and_expect(b, &calls[f][i], f * 4 + i);
        form_release(&forms[f]);
    }
    bench_until(b, plain.done && write.done);
    assert_int_equal(call_int(&plain), 5);
    assert_true(write.op->ok);
    call_release(&plain);
    call_release(&write);
    bench_close(b);
}

static void test_only_the_guilty_fails(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct form form;
    struct call calls[20], alone;
    form_init(&form, DOUBLE);
    ask(b, &alone, &form, "seven");
    bench_until(b, alone.done);
    for (int i = 0; i < 20; i++) {
        if (i == 7)
            ask(b, &calls[i], &form, "seven");
        else
            ask_number(b, &calls[i], &form, i);
    }
    for (int i = 0; i < 20; i++) {
        if (i != 7) {
            wait_and_expect(b, &calls[i], i * 2);
            continue;
        }
        bench_until(b, calls[i].done);
        assert_string_equal(calls[i].op->err.sqlstate, "22P02");
        assert_string_equal(calls[i].op->err.text, alone.op->err.text);
        call_release(&calls[i]);
    }
    call_release(&alone);
    assert_int_equal(bench_stats(b).connects, 3);
    form_release(&form);
    bench_close(b);
}

/* Wrong numbers of parameters, and what stands in a literal only with care. */
static void test_parameters(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "NULL", "null", "a\"b", "\\", "{}", ",", "ä b", "x\\\"y"};
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct form form;
    struct call calls[COUNT_OF(texts)], lacking;
    form_init(&form, "SELECT n FROM texts WHERE t = $1::text AND $1::text = t");
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char sql[100];
        snprintf(sql, sizeof(sql), "INSERT INTO texts VALUES (%zu, $t$%s$t$)", i, texts[i]);
        run_sql(sql);
    }
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        ask(b, &calls[i], &form, texts[i]);
    call_init(&lacking, form.statement.text);
    lacking.op->together = &form.together;
    pg_pool_submit(b->pool, lacking.op);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        wait_and_expect(b, &calls[i], (int64_t)i);
    bench_until(b, lacking.done);
    assert_string_equal(lacking.op->err.sqlstate, "08P01");
    call_release(&lacking);
    form_release(&form);
    bench_close(b);
}

/* Who has two rows is asked alone, and has both of them for whoever has to complain. */
static void test_more_than_one_row(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct form form;
    struct call calls[5];
    form_init(&form, "SELECT n FROM numbers WHERE n = $1::int OR ($1::int = 2 AND n = 3)");
    for (int i = 0; i < 5; i++)
        ask_number(b, &calls[i], &form, i);
    for (int i = 0; i < 5; i++) {
        bench_until(b, calls[i].done);
        assert_int_equal(calls[i].op->is_shared, i != 2);
        if (i == 2)
            assert_int_equal(pg_result_rows(calls[i].op->result), 2);
        else
            assert_int_equal(answer_of(&calls[i]), i);
        call_release(&calls[i]);
    }
    form_release(&form);
    bench_close(b);
}

/* Another read of the same segment has failed; a table has changed under the prepared statement. */
static void test_failures_around_it(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct form form;
    struct call calls[5], bad;
    run_sql("CREATE TABLE changing AS SELECT i AS n FROM generate_series(0, 9) AS s(i)");
    form_init(&form, "SELECT * FROM changing WHERE n = $1::int");
    for (int round = 0; round < 3; round++) {
        call_start(b, &bad, "SELECT 1 / (random() * 0)::int");
        for (int i = 0; i < 5; i++)
            ask_number(b, &calls[i], &form, i);
        for (int i = 0; i < 5; i++)
            wait_and_expect(b, &calls[i], i);
        bench_until(b, bad.done);
        assert_string_equal(bad.op->err.sqlstate, "22012");
        call_release(&bad);
        run_sql(round == 0 ? "ALTER TABLE changing ADD COLUMN more int" : "SELECT 1");
        for (int i = 0; i < 5; i++)
            ask_number(b, &calls[i], &form, i);
        for (int i = 0; i < 5; i++)
            wait_and_expect(b, &calls[i], i);
    }
    run_sql("DROP TABLE changing");
    for (int i = 0; i < 5; i++)
        ask_number(b, &calls[i], &form, i);
    for (int i = 0; i < 5; i++) {
        bench_until(b, calls[i].done);
        assert_string_equal(calls[i].op->err.sqlstate, "42P01");
        call_release(&calls[i]);
    }
    form_release(&form);
    bench_close(b);
}

static void test_free_at_any_time(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct form form;
    struct call calls[10];
    form_init(&form, DOUBLE);
    for (int i = 0; i < 10; i++)
        ask_number(b, &calls[i], &form, i);
    call_release(&calls[0]); /* waits */
    call_release(&calls[4]);
    pg_pool_flush(b->pool);
    call_release(&calls[1]); /* sent */
    call_release(&calls[9]);
    for (int i = 0; i < 10; i++)
        if (i != 0 && i != 1 && i != 4 && i != 9)
            wait_and_expect(b, &calls[i], i * 2);
    assert_int_equal(calls[0].done + calls[1].done + calls[4].done + calls[9].done, 0);
    /* All of them, before and after they are sent; and with a failure, by which they are taken back. */
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10; i++)
            ask(b, &calls[i], &form, round == 2 ? "x" : "1");
        if (round > 0)
            pg_pool_flush(b->pool);
        for (int i = 0; i < 10; i++)
            call_release(&calls[i]);
        assert_int_equal(pool_int(b, "SELECT 1"), 1);
    }
    form_release(&form);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_of_what_changes_rows),
        cmocka_unit_test(test_alone_it_is_asked_as_it_is),
        cmocka_unit_test(test_two_are_one_statement),
        cmocka_unit_test(test_many_and_each_has_its_own),
        cmocka_unit_test(test_several_statements_in_one_turn),
        cmocka_unit_test(test_only_the_guilty_fails),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_more_than_one_row),
        cmocka_unit_test(test_failures_around_it),
        cmocka_unit_test(test_free_at_any_time),
    };
    return cmocka_run_group_tests(tests, set_up, test_database_close);
}
