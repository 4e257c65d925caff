/* The pool while PostgreSQL is away, goes away, comes back, stays silent or loses answers; and its size while
 * it runs. */
#include "pg_proxy.h"

#include <pthread.h>
#include <stdatomic.h>

static void terminate_backends(void)
{
    char sql[200];
    snprintf(sql, sizeof(sql),
             "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
             " WHERE application_name = '%s' AND pid <> pg_backend_pid()",
             test_name);
    query_int(sql);
}

/* ---- the server ends sessions while statements are under way ---- */

#define LANES 40
struct load {
    struct bench *b;
    bool stops;
    int running;
    int64_t reads, writes, unknown, unavailable;
    int64_t next;
};
struct lane {
    struct load *load;
    bool is_write;
};

static void lane_start(struct lane *lane);

static void lane_done(struct pg_op *op, void *data)
{
    struct lane *lane = data;
    struct load *load = lane->load;
    if (op->ok && lane->is_write)
        load->writes++;
    else if (op->ok)
        load->reads++;
    else if (op->err.code == ERR_UNKNOWN && lane->is_write)
        load->unknown++;
    else if (op->err.code == ERR_UNAVAILABLE && !lane->is_write)
        load->unavailable++; /* its connection was lost twice */
    else
        fail_msg("%s: %s: %s", op->statement.text, err_code_name(op->err.code), op->err.text);
    pg_op_free(op);
    load->running--;
    if (!load->stops)
        lane_start(lane);
}

static void lane_start(struct lane *lane)
{
    char number[24];
    struct pg_op *op =
        op_new(lane->is_write ? "INSERT INTO loaded VALUES ($1::bigint)"
                              : "SELECT $1::bigint, sum(i) FROM generate_series(1, 200) AS s(i)");
    snprintf(number, sizeof(number), "%lld", (long long)lane->load->next++);
    pg_params_append(&op->params, number, strlen(number));
    op->done = lane_done;
    op->data = lane;
    lane->load->running++;
    pg_pool_submit(lane->load->b->pool, op);
}

static void test_sessions_terminated_under_load(void **state)
{
    (void)state;
    run_sql("CREATE TABLE loaded (n bigint PRIMARY KEY)");
    struct pg_settings settings = bench_defaults();
    settings.pipelined = 2;
    struct bench *b = bench_open_ready(&settings);
    struct load load = {.b = b};
    struct lane lanes[LANES];
    for (int i = 0; i < LANES; i++) {
        lanes[i] = (struct lane){.load = &load, .is_write = i % 4 == 0};
        lane_start(&lanes[i]);
    }
    for (int round = 0; round < 10; round++) {
        int64_t before = load.reads;
        bench_until(b, load.reads > before + 200);
        terminate_backends();
    }
    load.stops = true;
    bench_until(b, load.running == 0);
    int64_t rows = query_int("SELECT count(*) FROM loaded");
    assert_in_range(rows, load.writes, load.writes + load.unknown);
    assert_true(load.unavailable < load.reads / 10);
    assert_int_equal(pool_int(b, "SELECT 1"), 1);
    bench_until(b, bench_is_full(b));
    bench_close(b);
}

static void test_session_terminated_in_a_transaction(void **state)
{
    (void)state;
    run_sql("CREATE TABLE cut_short (n int)");
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct trans t;
    struct call before, pending, after;
    trans_lease(b, &t);
    trans_queue(&t, &before, "INSERT INTO cut_short VALUES (1)");
    pg_tx_flush(t.tx);
    bench_until(b, before.done);
    trans_queue(&t, &pending, "SELECT pg_sleep(60)");
    pg_tx_flush(t.tx);
    pg_pool_flush(b->pool);
    terminate_backends();
    bench_until(b, pending.done);
    assert_int_equal(pending.op->err.code, ERR_UNAVAILABLE);
    trans_queue(&t, &after, "SELECT 1");
    bench_until(b, after.done);
    assert_int_equal(after.op->err.code, ERR_UNAVAILABLE);
    trans_commit(b, &t);
    assert_int_equal(t.end_err.code, ERR_UNAVAILABLE);
    call_release(&before);
    call_release(&pending);
    call_release(&after);
    trans_free(&t);
    assert_int_equal(query_int("SELECT count(*) FROM cut_short"), 0);
    bench_until(b, bench_is_full(b));
    bench_close(b);
}

/* ---- answers that are lost ---- */

static void test_commit_answer_lost(void **state)
{
    (void)state;
    run_sql("CREATE TABLE doubtful (n int)");
    char url[600];
    struct proxy proxy;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_through_ready(&proxy, &settings, url);
    struct trans t;
    struct call call;
    trans_lease(b, &t);
    trans_queue(&t, &call, "INSERT INTO doubtful VALUES (1)");
    proxy.cuts_at = "COMMIT";
    trans_commit(b, &t);
    assert_int_equal(t.end_err.code, ERR_UNKNOWN);
    assert_int_equal(call.op->err.code, ERR_UNKNOWN);
    call_release(&call);
    trans_free(&t);
    assert_int_equal(query_int("SELECT count(*) FROM doubtful"), 1);
    bench_until(b, bench_is_full(b));
    proxy_close(&proxy);
    bench_close(b);
}

static void test_statement_answer_lost(void **state)
{
    (void)state;
    run_sql("CREATE TABLE dubious (n int)");
    char url[600];
    struct proxy proxy;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_through_ready(&proxy, &settings, url);
    struct call write, read;
    proxy.cuts_at = "INTO dubious";
    call_run(b, &write, "INSERT INTO dubious VALUES (1)");
    assert_int_equal(write.op->err.code, ERR_UNKNOWN);
    assert_int_equal(query_int("SELECT count(*) FROM dubious"), 1);
    proxy.cuts_at = "FROM dubious";
    call_run(b, &read, "SELECT count(*) FROM dubious");
    assert_int_equal(call_int(&read), 1);
    assert_null(proxy.cuts_at);
    call_release(&write);
    call_release(&read);
    proxy_close(&proxy);
    bench_close(b);
}

static void test_silent_server(void **state)
{
    (void)state;
    run_sql("CREATE TABLE unheard (n int)");
    char url[600];
    struct proxy proxy;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_through_ready(&proxy, &settings, url);
    struct call read, write, patient;
    uint64_t soon = mono_ns() + UINT64_C(150000000);
    proxy.swallows_answers = true;
    call_init(&read, "SELECT 1");
    read.op->deadline_ns = soon;
    pg_pool_submit(b->pool, read.op);
    call_init(&write, "INSERT INTO unheard VALUES (1)");
    write.op->deadline_ns = soon;
    pg_pool_submit(b->pool, write.op);
    call_start(b, &patient, "SELECT 2");
    bench_until(b, read.done);
    assert_int_equal(read.op->err.code, ERR_TIMEOUT);
    assert_int_equal(write.done + patient.done, 0);
    bench_until(b, write.done);
    assert_int_equal(write.op->err.code, ERR_UNKNOWN);
    proxy.swallows_answers = false;
    bench_until(b, patient.done);
    assert_int_equal(call_int(&patient), 2);
    call_release(&read);
    call_release(&write);
    call_release(&patient);
    proxy_close(&proxy);
    bench_close(b);
}

static void test_silent_server_in_a_transaction(void **state)
{
    (void)state;
    char url[600];
    struct proxy proxy;
    struct pg_settings settings = bench_defaults();
    settings.statement_ms = 100;
    struct bench *b = bench_through_ready(&proxy, &settings, url);
    struct trans t;
    struct call call;
    trans_lease(b, &t);
    proxy.swallows_answers = true;
    trans_queue(&t, &call, "SELECT 1");
    pg_tx_flush(t.tx);
    bench_until(b, call.done);
    assert_int_equal(call.op->err.code, ERR_TIMEOUT);
    trans_commit(b, &t);
    assert_int_equal(t.end_err.code, ERR_UNAVAILABLE);
    call_release(&call);
    trans_free(&t);
    proxy.swallows_answers = false;
    bench_until(b, bench_is_full(b));
    proxy_close(&proxy);
    bench_close(b);
}

/* ---- a server that is not there ---- */

static void test_server_away_and_back(void **state)
{
    (void)state;
    char url[600];
    struct proxy proxy;
    struct pg_settings settings = bench_defaults();
    settings.wait_ms = 300;
    struct bench *b = bench_through_ready(&proxy, &settings, url);
    for (int round = 0; round < 2; round++) {
        struct call call;
        struct trans t;
        int port = proxy.port;
        proxy_close(&proxy);
        bench_until(b, !proxy.is_listening &&
                           bench_stats(b).pipelined_open + bench_stats(b).exclusive_open == 0);
        call_run(b, &call, "SELECT 1");
        assert_int_equal(call.op->err.code, ERR_UNAVAILABLE);
        call_release(&call);
        trans_open(b, &t);
        bench_until(b, t.ready);
        assert_int_equal(t.ready_err.code, ERR_UNAVAILABLE);
        trans_free(&t);
        /* The first time long enough for the longest pause between two attempts. */
        uint64_t failures = bench_stats(b).connect_failures;
        bench_until(b, round > 0 || bench_stats(b).connect_failures > failures + 5);
        proxy_listen(&proxy, &b->loop, port);
        uint64_t back_ns = mono_ns();
        for (bool ok = false; !ok;) {
            call_run(b, &call, "SELECT 1");
            ok = call.op->ok;
            call_release(&call);
        }
        assert_true(mono_ns() - back_ns < UINT64_C(2000000000));
        bench_until(b, bench_is_full(b));
    }
    proxy_close(&proxy);
    bench_close(b);
}

/* Statements that were waiting when the server came back are answered: nobody has to ask again. */
static void test_waiting_through_an_outage(void **state)
{
    (void)state;
    char url[600];
    struct proxy proxy;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_through_ready(&proxy, &settings, url);
    int port = proxy.port;
    proxy_close(&proxy);
    bench_until(b, !proxy.is_listening && bench_stats(b).pipelined_open + bench_stats(b).exclusive_open == 0);
    struct call read, write;
    struct trans t;
    call_start(b, &read, "SELECT 1");
    call_start(b, &write, "CREATE TABLE after_outage ()");
    trans_open(b, &t);
    uint64_t failures = bench_stats(b).connect_failures;
    bench_until(b, bench_stats(b).connect_failures >= failures + 2);
    proxy_listen(&proxy, &b->loop, port);
    bench_until(b, read.done && write.done && t.ready);
    assert_true(read.op->ok && write.op->ok);
    assert_int_equal(t.ready_err.code, ERR_NONE);
    call_release(&read);
    call_release(&write);
    trans_free(&t);
    proxy_close(&proxy);
    bench_close(b);
}

static void test_connecting_has_a_deadline(void **state)
{
    (void)state;
    char url[600];
    struct proxy proxy;
    struct pg_settings settings = bench_defaults();
    settings.connect_ms = 100;
    struct bench *b = bench_new();
    proxy_listen(&proxy, &b->loop, 0);
    proxy.swallows_answers = true;
    server_url(url, sizeof(url), "127.0.0.1", proxy.port);
    settings.url = url;
    bench_start(b, &settings);
    bench_until(b, bench_stats(b).connect_failures >= 4);
    assert_int_equal(bench_stats(b).connects, 0);
    settings.connect_ms = 5000;
    bench_configure(b, &settings);
    proxy.swallows_answers = false;
    bench_until(b, bench_is_full(b));
    proxy_close(&proxy);
    bench_close(b);
}

static void test_host_names(void **state)
{
    (void)state;
    static const char *const hosts[] = {"localhost", "/nonexistent,localhost", "localhost,/nonexistent",
                                        "127.0.0.1"};
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        char url[600];
        struct proxy proxy;
        struct pg_settings settings = bench_defaults();
        struct bench *b = bench_new();
        proxy_listen(&proxy, &b->loop, 0);
        server_url(url, sizeof(url), hosts[i], proxy.port);
        settings.url = url;
        bench_start(b, &settings);
        bench_until(b, bench_is_full(b));
        assert_int_equal(pool_int(b, "SELECT 1"), 1);
        proxy_close(&proxy);
        bench_close(b);
    }
}

/* The first address refuses, which shows only after a while; libpq then changes to a new socket. */
static void test_second_of_two_addresses(void **state)
{
    (void)state;
    char url[600];
    struct proxy proxy, gone;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_new();
    proxy_listen(&proxy, &b->loop, 0);
    proxy_listen(&gone, &b->loop, 0);
    proxy_close(&gone);
    char *database = query_text("SELECT current_database()::text");
    char *user = query_text("SELECT current_user::text");
    snprintf(url, sizeof(url), "postgresql://127.0.0.1:%d,localhost:%d/%s?user=%s&application_name=%s",
             gone.port, proxy.port, database, user, test_name);
    free(database);
    free(user);
    settings.url = url;
    bench_until(b, !gone.is_listening);
    bench_start(b, &settings);
    bench_until(b, bench_is_full(b));
    assert_int_equal(bench_stats(b).connect_failures, 0);
    proxy_close(&proxy);
    bench_close(b);
}

static void test_unusable_urls(void **state)
{
    (void)state;
    static const char *const urls[] = {"postgresql://[", "host=/nonexistent port=1", "host=127.0.0.1 port=1"};
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        struct pg_settings settings = bench_defaults();
        settings.url = urls[i];
        settings.wait_ms = 100;
        struct bench *b = bench_open(&settings);
        struct call call;
        call_run(b, &call, "SELECT 1");
        assert_int_equal(call.op->err.code, ERR_UNAVAILABLE);
        call_release(&call);
        bench_close(b);
    }
}

/* ---- size ---- */

static void test_grows_and_shrinks(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct trans t;
    struct call call;
    settings.pipelined = 3;
    settings.exclusive = 4;
    bench_configure(b, &settings);
    bench_until(b, bench_is_full(b));
    struct trans held[4];
    for (int i = 0; i < 4; i++)
        trans_lease(b, &held[i]);
    trans_open(b, &t);
    struct call reads[30];
    for (int i = 0; i < 30; i++)
        call_start(b, &reads[i], "SELECT 1");
    pg_pool_flush(b->pool);
    settings.pipelined = 1;
    settings.exclusive = 1;
    bench_configure(b, &settings);
    for (int i = 0; i < 30; i++) {
        bench_until(b, reads[i].done);
        assert_int_equal(call_int(&reads[i]), 1);
        call_release(&reads[i]);
    }
    bench_until(b, bench_stats(b).pipelined_open == 1);
    assert_int_equal(bench_stats(b).exclusive_busy, 4);
    for (int i = 0; i < 4; i++) {
        trans_queue(&held[i], &call, "SELECT 1");
        trans_commit(b, &held[i]);
        assert_int_equal(call_int(&call), 1);
        call_release(&call);
        trans_free(&held[i]);
    }
    bench_until(b, t.ready);
    assert_int_equal(bench_stats(b).exclusive_open, 1);
    trans_free(&t);
    bench_until(b, bench_is_full(b));
    bench_close(b);
}

static void test_closing_with_work_under_way(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    settings.exclusive = 1;
    struct bench *b = bench_open_ready(&settings);
    struct call sleeping, writing, in_tx, late;
    struct trans open, waiting;
    run_sql("CREATE TABLE closing (n int)");
    call_start(b, &sleeping, "SELECT 1 FROM generate_series(1, 100000000)");
    call_start(b, &writing, "INSERT INTO closing SELECT 1 FROM pg_sleep(60)");
    trans_lease(b, &open);
    trans_queue(&open, &in_tx, "SELECT pg_sleep(60)");
    pg_tx_flush(open.tx);
    trans_open(b, &waiting);
    pg_pool_flush(b->pool);
    pg_pool_close(b->pool, bench_on_closed, b);
    call_start(b, &late, "SELECT 1");
    assert_int_equal(sleeping.done + writing.done + in_tx.done + waiting.ready, 0);
    bench_until(b, b->is_closed);
    assert_true(sleeping.done && writing.done && in_tx.done && late.done && waiting.ready);
    assert_int_equal(sleeping.op->err.code, ERR_UNAVAILABLE);
    assert_int_equal(writing.op->err.code, ERR_UNKNOWN);
    assert_int_equal(in_tx.op->err.code, ERR_UNAVAILABLE);
    assert_int_equal(late.op->err.code, ERR_UNAVAILABLE);
    assert_int_equal(waiting.ready_err.code, ERR_UNAVAILABLE);
    call_release(&sleeping);
    call_release(&writing);
    call_release(&in_tx);
    call_release(&late);
    trans_free(&open);
    trans_free(&waiting);
    bench_free(b);
}

static void test_closing_before_connected(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    bench_close(bench_open(&settings));
}

/* ---- numbers from another thread ---- */

struct watcher {
    struct pg_pool *pool;
    atomic_bool stops;
    atomic_int looks;
    atomic_int steps_back;
};

static void *watch_stats(void *data)
{
    struct watcher *w = data;
    struct pg_stats stats = {0};
    uint64_t before = 0;
    while (!atomic_load(&w->stops)) {
        pg_pool_stats(w->pool, &stats);
        if (stats.statements < before)
            atomic_fetch_add(&w->steps_back, 1);
        before = stats.statements;
        atomic_fetch_add(&w->looks, 1);
    }
    return NULL;
}

static void test_stats_from_another_thread(void **state)
{
    (void)state;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_open_ready(&settings);
    struct watcher w = {.pool = b->pool};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, watch_stats, &w), 0);
    bench_until(b, pool_int(b, "SELECT 1") == 1 && atomic_load(&w.looks) > 100);
    atomic_store(&w.stops, true);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&w.steps_back), 0);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions_terminated_under_load),
        cmocka_unit_test(test_session_terminated_in_a_transaction),
        cmocka_unit_test(test_commit_answer_lost),
        cmocka_unit_test(test_statement_answer_lost),
        cmocka_unit_test(test_silent_server),
        cmocka_unit_test(test_silent_server_in_a_transaction),
        cmocka_unit_test(test_server_away_and_back),
        cmocka_unit_test(test_waiting_through_an_outage),
        cmocka_unit_test(test_connecting_has_a_deadline),
        cmocka_unit_test(test_host_names),
        cmocka_unit_test(test_second_of_two_addresses),
        cmocka_unit_test(test_unusable_urls),
        cmocka_unit_test(test_grows_and_shrinks),
        cmocka_unit_test(test_closing_with_work_under_way),
        cmocka_unit_test(test_closing_before_connected),
        cmocka_unit_test(test_stats_from_another_thread),
    };
    return cmocka_run_group_tests(tests, test_database_open, test_database_close);
}
