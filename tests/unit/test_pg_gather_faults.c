/* Gathered reads while deadlines pass, connections are lost and pools close. */
#include "pg_gather_fixture.h"

/* nap() is a function of the test, so a statement that calls it may pass for one that only reads. */
#define NAP "SELECT n FROM numbers WHERE n = $1::int AND nap(n)"

static void test_deadline_of_one(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct form form;
    struct call calls[4];
    form_init(&form, NAP);
    static const char *const quick[] = {"0", "1", "2", "3"}, *const slow[] = {"100", "101", "102", "103"};
    for (int i = 0; i < 4; i++)
        ask_within(b, &calls[i], &form, quick[i], i == 2 ? 100 : 20000);
    bench_until(b, calls[2].done);
    assert_int_equal(calls[2].op->err.code, ERR_TIMEOUT);
    assert_int_equal(calls[0].done + calls[1].done + calls[3].done, 0);
    call_release(&calls[2]);
    wait_and_expect(b, &calls[0], 0);
    wait_and_expect(b, &calls[1], 1);
    wait_and_expect(b, &calls[3], 3);
    assert_int_equal(bench_stats(b).statements, 1);
    /* When it is over for all of them, it is cancelled, and the connection is kept. */
    for (int i = 0; i < 4; i++)
        ask_within(b, &calls[i], &form, slow[i], 100 + (unsigned)i);
    for (int i = 0; i < 4; i++) {
        bench_until(b, calls[i].done);
        assert_int_equal(calls[i].op->err.code, ERR_TIMEOUT);
        call_release(&calls[i]);
    }
    assert_int_equal(pool_int(b, "SELECT 1"), 1);
    assert_int_equal(bench_stats(b).timeouts, 5);
    assert_int_equal(bench_stats(b).connects, 3);
    form_release(&form);
    bench_close(b);
}

/* Tell the session that naps (one that still prepares to is not meant) something by this function. One that
 * is told to end is waited for, so that the next call does not find it again. */
static void tell_napping(struct bench *b, const char *function)
{
    char sql[300];
    int64_t pid;
    snprintf(sql, sizeof(sql),
             "SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE application_name = '%s'"
             " AND wait_event = 'PgSleep' AND query LIKE 'select asked.n%%nap(n)%%'",
             test_name);
    bench_until(b, (pid = query_int(sql)) != 0);
    snprintf(sql, sizeof(sql), "SELECT %s(%lld)::int", function, (long long)pid);
    query_int(sql);
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM pg_stat_activity WHERE pid = %lld", (long long)pid);
    if (strcmp(function, "pg_terminate_backend") == 0)
        bench_until(b, query_int(sql) == 0);
}

/* Sent again once, by each that still waits; a second loss is told. */
static void test_connection_lost(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct form form;
    struct call calls[4];
    form_init(&form, NAP);
    for (int losses = 1; losses <= 2; losses++) {
        for (int i = 0; i < 4; i++)
            ask_number(b, &calls[i], &form, i);
        for (int loss = 0; loss < losses; loss++)
            tell_napping(b, "pg_terminate_backend");
        for (int i = 0; i < 4 && losses == 1; i++)
            wait_and_expect(b, &calls[i], i);
        for (int i = 0; i < 4 && losses == 2; i++) {
            bench_until(b, calls[i].done);
            assert_int_equal(calls[i].op->err.code, ERR_UNAVAILABLE);
            call_release(&calls[i]);
        }
    }
    form_release(&form);
    bench_close(b);
}

/* An administrator's cancel is meant for all of them. */
static void test_cancelled_from_outside(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct form form;
    struct call calls[4];
    form_init(&form, NAP);
    for (int i = 0; i < 4; i++)
        ask_number(b, &calls[i], &form, 100 + i);
    tell_napping(b, "pg_cancel_backend");
    for (int i = 0; i < 4; i++) {
        bench_until(b, calls[i].done);
        assert_string_equal(calls[i].op->err.sqlstate, "57014");
        call_release(&calls[i]);
    }
    form_release(&form);
    bench_close(b);
}

static void test_closing_with_askers_under_way(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct form form;
    struct call calls[8];
    form_init(&form, NAP);
    for (int i = 0; i < 4; i++)
        ask_number(b, &calls[i], &form, 100 + i);
    pg_pool_flush(b->pool);
    for (int i = 4; i < 8; i++)
        ask_number(b, &calls[i], &form, i);
    call_release(&calls[0]);
    call_release(&calls[5]);
    pg_pool_close(b->pool, bench_on_closed, b);
    bench_until(b, b->is_closed);
    for (int i = 0; i < 8; i++) {
        if (i == 0 || i == 5)
            continue;
        assert_int_equal(calls[i].done, 1);
        assert_int_equal(calls[i].op->err.code, ERR_UNAVAILABLE);
        call_release(&calls[i]);
    }
    form_release(&form);
    bench_free(b);
}

/* Many tasks that ask again and again, one of them always wrong, while sessions are ended. */
#define LANES 40
struct load {
    struct bench *b;
    struct form form;
    bool stops;
    int running;
    int64_t right, guilty, unavailable;
};
struct lane {
    struct load *load;
    struct call call;
    int number;
};

static void lane_start(struct lane *lane);

static void lane_done(struct pg_op *op, void *data)
{
    struct lane *lane = data;
    struct load *load = lane->load;
    lane->call.done++;
    if (op->ok) {
        assert_int_equal(answer_of(&lane->call), lane->number * 2);
        load->right++;
    } else if (op->err.code == ERR_UNAVAILABLE) {
        load->unavailable++; /* its connection was lost twice */
    } else {
        assert_int_equal(lane->number, 0);
        assert_string_equal(op->err.sqlstate, "22P02");
        load->guilty++;
    }
    pg_op_free(op);
    load->running--;
    if (!load->stops)
        lane_start(lane);
}

static void lane_start(struct lane *lane)
{
    struct load *load = lane->load;
    if (lane->number == 0)
        ask(load->b, &lane->call, &load->form, "x");
    else
        ask_number(load->b, &lane->call, &load->form, lane->number);
    lane->call.op->done = lane_done;
    lane->call.op->data = lane;
    load->running++;
}

static void test_sessions_terminated_under_load(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    settings.pipelined = 2;
    struct load load = {.b = bench_open_ready(&settings)};
    struct lane lanes[LANES];
    form_init(&load.form, DOUBLE);
    for (int i = 0; i < LANES; i++) {
        lanes[i] = (struct lane){.load = &load, .number = i};
        lane_start(&lanes[i]);
    }
    for (int round = 0; round < 10; round++) {
        int64_t before = load.right;
        bench_until(load.b, load.right > before + 500);
        char sql[200];
        snprintf(sql, sizeof(sql),
                 "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                 " WHERE application_name = '%s' AND pid <> pg_backend_pid()",
                 test_name);
        query_int(sql);
    }
    load.stops = true;
    bench_until(load.b, load.running == 0);
    assert_true(load.guilty > 0);
    assert_true(load.unavailable < load.right / 10);
    form_release(&load.form);
    bench_close(load.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadline_of_one),
        cmocka_unit_test(test_connection_lost),
        cmocka_unit_test(test_cancelled_from_outside),
        cmocka_unit_test(test_closing_with_askers_under_way),
        cmocka_unit_test(test_sessions_terminated_under_load),
    };
    return cmocka_run_group_tests(tests, set_up, test_database_close);
}
