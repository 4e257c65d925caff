/* Answers that have arrived when a connection is lost. libpq may find the loss before it has looked at them:
 * when it cannot send. It then has forgotten what was asked, and still hands them out. */
#include "pg_proxy.h"

#define MESSAGES_OF_READ "2TDCZ" /* BindComplete, RowDescription, DataRow, CommandComplete, ReadyForQuery */
#define MESSAGES_OF_WRITE "2nCZ"

/* How the end of a TCP connection gets around is not the loop's business, which must not run meanwhile: a
 * round trip to the server beside the pool gives it time. */
static void kernel_turn(void)
{
    assert_int_equal(query_int("SELECT 1"), 1);
}

/* The connections end behind what has been passed on, and it shows in sending: nobody has read. */
static void lose_by_sending(struct bench *b, struct proxy *proxy)
{
    struct call calls[100];
    int count = 0;
    proxy_cut_all(proxy);
    for (; bench_stats(b).pipelined_open > 0; kernel_turn()) {
        assert_true(count < (int)COUNT_OF(calls));
        call_start(b, &calls[count++], "SELECT 1");
    }
    proxy->holds_answers = false;
    for (int i = 0; i < count; i++) {
        bench_until(b, calls[i].done);
        assert_int_equal(call_int(&calls[i]), 1);
        call_release(&calls[i]);
    }
}

static void read_cut_after(struct bench *b, struct proxy *proxy, char type)
{
    struct call read;
    proxy->holds_answers = true;
    call_start(b, &read, "SELECT n FROM halved");
    bench_until(b, proxy_release(proxy, type));
    lose_by_sending(b, proxy);
    bench_until(b, read.done);
    assert_true(read.op->ok);
    assert_int_equal(pg_result_rows(read.op->result), 3);
    call_release(&read);
}

static void test_read(void **state)
{
    (void)state;
    run_sql("CREATE TABLE halved AS SELECT n FROM generate_series(1, 3) AS s(n)");
    for (int is_prepared = 0; is_prepared < 2; is_prepared++) {
        for (const char *type = MESSAGES_OF_READ; *type != '\0'; type++) {
            char url[600];
            struct proxy proxy;
            struct pg_settings settings = bench_defaults();
            settings.prepared_statements = is_prepared != 0;
            struct bench *b = bench_through_ready(&proxy, &settings, url);
            pool_exec(b, "SELECT n FROM halved"); /* so that it is prepared */
            read_cut_after(b, &proxy, *type);
            proxy_close(&proxy);
            bench_close(b);
        }
    }
}

static void test_write(void **state)
{
    (void)state;
    run_sql("CREATE TABLE dim (n int)");
    int writes = 0;
    for (const char *type = MESSAGES_OF_WRITE; *type != '\0'; type++) {
        char url[600];
        struct proxy proxy;
        struct call write;
        struct pg_settings settings = bench_defaults();
        struct bench *b = bench_through_ready(&proxy, &settings, url);
        proxy.holds_answers = true;
        call_start(b, &write, "INSERT INTO dim VALUES (1)");
        bench_until(b, proxy_release(&proxy, *type));
        lose_by_sending(b, &proxy);
        bench_until(b, write.done);
        assert_int_equal(write.op->err.code, ERR_UNKNOWN);
        call_release(&write);
        assert_int_equal(query_int("SELECT count(*) FROM dim"), ++writes);
        proxy_close(&proxy);
        bench_close(b);
    }
}

/* A write's Sync is refused, and that is the last that is heard. */
static void test_refused_at_sync(void **state)
{
    (void)state;
    run_sql("CREATE TABLE deferred (n int UNIQUE DEFERRABLE INITIALLY DEFERRED);"
            "INSERT INTO deferred VALUES (1)");
    char url[600];
    struct proxy proxy;
    struct call write;
    struct pg_settings settings = bench_defaults();
    struct bench *b = bench_through_ready(&proxy, &settings, url);
    proxy.holds_answers = true;
    call_start(b, &write, "INSERT INTO deferred VALUES (1)");
    bench_until(b, proxy_release(&proxy, 'C'));
    bench_until(b, bench_stats(b).pipelined_in_flight == 0);
    bench_until(b, proxy_release(&proxy, 'E'));
    assert_int_equal(write.done, 0);
    lose_by_sending(b, &proxy);
    bench_until(b, write.done);
    assert_int_equal(write.op->err.code, ERR_UNKNOWN);
    call_release(&write);
    proxy_close(&proxy);
    bench_close(b);
}

static void test_read_in_a_transaction(void **state)
{
    (void)state;
    run_sql("CREATE TABLE parted AS SELECT n FROM generate_series(1, 3) AS s(n)");
    for (const char *type = MESSAGES_OF_READ; *type != '\0'; type++) {
        char url[600];
        struct proxy proxy;
        struct trans t;
        struct call before, read, after[100];
        int count = 0;
        struct pg_settings settings = bench_defaults();
        settings.exclusive = 1;
        struct bench *b = bench_through_ready(&proxy, &settings, url);
        trans_lease(b, &t);
        trans_queue(&t, &before, "SELECT n FROM parted");
        pg_tx_flush(t.tx);
        bench_until(b, before.done);
        proxy.holds_answers = true;
        trans_queue(&t, &read, "SELECT n FROM parted");
        pg_tx_flush(t.tx);
        bench_until(b, proxy_release(&proxy, *type));
        proxy_cut_all(&proxy);
        for (; bench_stats(b).exclusive_open > 0; kernel_turn()) {
            assert_true(count < (int)COUNT_OF(after));
            trans_queue(&t, &after[count++], "SELECT 1");
            pg_tx_flush(t.tx);
        }
        proxy.holds_answers = false;
        bench_until(b, read.done);
        assert_int_equal(read.op->err.code, ERR_UNAVAILABLE);
        trans_commit(b, &t);
        assert_int_equal(t.end_err.code, ERR_UNAVAILABLE);
        call_release(&before);
        call_release(&read);
        while (count > 0)
            call_release(&after[--count]);
        trans_free(&t);
        proxy_close(&proxy);
        bench_close(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_refused_at_sync),
        cmocka_unit_test(test_read_in_a_transaction),
    };
    return cmocka_run_group_tests(tests, test_database_open, test_database_close);
}
