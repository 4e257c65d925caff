/* http/server from its start to its end: listening, drain, close. */
#include "base/base.h"

#include "http_fixture.h"

#include <sys/resource.h>

#define HOST "Host: test\r\n"

static void test_drain(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    int idle = dial(f), working = dial(f), half = dial(f);
    say(f, idle, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    read_until(f, idle, &in, "hello", 1);
    say(f, working, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    say(f, half, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 6\r\n\r\nabc");
    WAIT_UNTIL(f, f->held_count == 1 && stats(f).connections == 3);
    int queued = dial(f); /* connected, but not yet accepted */
    http_server_drain(f->server, note, &f->drained);
    say(f, queued, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    buf_clear(&in);
    read_to_end(f, queued, &in);
    assert_int_equal(status_of(&in), 200);
    assert_int_equal(count_of(&in, "Connection: close\r\n"), 1);
    buf_clear(&in);
    read_to_end(f, idle, &in);
    assert_int_equal(in.len, 0);
    say(f, half, "def");
    buf_clear(&in);
    read_to_end(f, half, &in);
    assert_int_equal(count_of(&in, "abcdef"), 1);
    assert_false(f->drained);
    answer_held(f);
    buf_clear(&in);
    read_to_end(f, working, &in);
    assert_int_equal(status_of(&in), 200);
    assert_int_equal(count_of(&in, "Connection: close\r\n"), 1);
    WAIT_UNTIL(f, f->drained);
    int late = dial(f);
    buf_clear(&in);
    read_to_end(f, late, &in);
    assert_int_equal(in.len, 0);
    close(idle);
    close(working);
    close(half);
    close(queued);
    close(late);
    buf_release(&in);
}

static void test_drain_with_nobody(void **state)
{
    struct fixture *f = *state;
    http_server_drain(f->server, note, &f->drained);
    WAIT_UNTIL(f, f->drained);
}

/* Requests that the layer above still holds outlive the server. */
static void test_close_under_way(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    int fds[4];
    for (int i = 0; i < 3; i++) {
        fds[i] = dial(f);
        say(f, fds[i], "GET /later HTTP/1.1\r\n" HOST "\r\n");
    }
    fds[3] = dial(f);
    say(f, fds[3], "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 6\r\nExpect: 100-continue\r\n\r\n");
    read_until(f, fds[3], &in, "100 Continue", 1);
    WAIT_UNTIL(f, f->held_count == 3);
    answer_text(f->held[--f->held_count], 200, "too late");
    http_server_close(f->server, note, &f->closed);
    assert_int_equal(f->abandoned, 2);
    assert_int_equal(f->done, 4);
    for (int i = 0; i < 4; i++) {
        buf_clear(&in);
        read_to_end(f, fds[i], &in);
        close(fds[i]);
    }
    WAIT_UNTIL(f, f->closed);
    assert_int_equal(f->held_count, 2); /* fixture_stop answers them */
    buf_release(&in);
}

static void test_close_answers_in_abandon(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    f->answer_abandoned = true;
    say(f, fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    WAIT_UNTIL(f, f->held_count == 1);
    http_server_close(f->server, note, &f->closed);
    WAIT_UNTIL(f, f->closed);
    assert_int_equal(f->held_count, 0);
    assert_int_equal(f->done, 1);
    close(fd);
}

static void test_address_taken_or_malformed(void **state)
{
    static const char *const BAD[] = {
        "",          "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:1a",
        "nowhere:1", "[::1:80",   "::1:80",     "1.2.3:80",        "127.0.0.1:-1"};
    struct fixture *f = *state;
    struct http_callbacks callbacks = {on_request, on_done, get_router, f};
    struct http_settings settings = f->settings;
    struct err err;
    char taken[32];
    snprintf(taken, sizeof taken, "127.0.0.1:%d", http_server_port(f->server));
    settings.listen = taken;
    assert_null(http_server_new(&f->loop, &settings, false, &callbacks, &err));
    assert_int_equal(err.code, ERR_IO);
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        settings.listen = BAD[i];
        assert_null(http_server_new(&f->loop, &settings, false, &callbacks, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
}

static void test_shared_port(void **state)
{
    struct fixture *f = *state;
    struct http_callbacks callbacks = {on_request, on_done, get_router, f};
    struct http_settings settings = f->settings;
    struct err err;
    char address[32];
    bool closed[2] = {false, false};
    settings.listen = ":0";
    struct http_server *a = http_server_new(&f->loop, &settings, true, &callbacks, &err);
    assert_non_null(a);
    snprintf(address, sizeof address, ":%d", http_server_port(a));
    settings.listen = address;
    struct http_server *b = http_server_new(&f->loop, &settings, true, &callbacks, &err);
    assert_non_null(b);
    http_server_close(a, note, &closed[0]);
    http_server_close(b, note, &closed[1]);
    WAIT_UNTIL(f, closed[0] && closed[1]);
    http_server_free(a);
    http_server_free(b);
}

/* A client that finds no descriptor left is served once another one leaves. */
static void test_out_of_descriptors(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    struct rlimit before, tight;
    int first = dial(f);
    say(f, first, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    read_until(f, first, &in, "hello", 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int second = dial(f);
    int lowest_free = dup(second);
    close(lowest_free);
    tight = before;
    tight.rlim_cur = (rlim_t)lowest_free;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    for (int i = 0; i < 50; i++)
        turn(f, -1, 0);
    assert_int_equal(stats(f).connections, 1);
    assert_int_equal(send(second, "GET /hello HTTP/1.1\r\n" HOST "\r\n", 35, MSG_NOSIGNAL), 35);
    close(first);
    buf_clear(&in);
    read_until(f, second, &in, "hello", 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    close(second);
    buf_release(&in);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_drain),
        TEST(test_drain_with_nobody),
        TEST(test_close_under_way),
        TEST(test_close_answers_in_abandon),
        TEST(test_address_taken_or_malformed),
        TEST(test_shared_port),
        TEST(test_out_of_descriptors),
    };
    return cmocka_run_group_tests_name("http lifecycle", tests, NULL, NULL);
}
