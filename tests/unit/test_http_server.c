/* http/server: good requests, bodies, keep-alive, pipelining, answers now and later, limits, drain and close.
 */
#include "base/base.h"

#include "http_fixture.h"

#define HOST "Host: test\r\n"

/* One request on a new connection, answered and closed. */
static void ask(struct fixture *f, const char *request, struct buf *in)
{
    int fd = dial(f);
    buf_clear(in);
    say(f, fd, request);
    read_to_end(f, fd, in);
    close(fd);
}

#define CLOSE "Connection: close\r\n"

static void test_get(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    ask(f, "GET /hello?a=b%20c HTTP/1.1\r\n" HOST CLOSE "X-Request-Id: my.id_1-A\r\n\r\n", &in);
    assert_int_equal(status_of(&in), 200);
    assert_int_equal(count_of(&in, "X-Request-Id: my.id_1-A\r\n"), 1);
    assert_int_equal(count_of(&in, "Content-Length: 5\r\n"), 1);
    assert_int_equal(count_of(&in, "Date: "), 1);
    assert_int_equal(count_of(&in, "Cache-Control: no-store\r\n"), 1);
    assert_int_equal(count_of(&in, "X-Content-Type-Options: nosniff\r\n"), 1);
    assert_int_equal(count_of(&in, "\r\n\r\nhello"), 1);
    assert_string_equal(f->last_query, "a=b%20c");
    assert_string_equal(f->last_id, "my.id_1-A");
    WAIT_UNTIL(f, f->done == 1);
    assert_string_equal(f->last_route, "/hello");
    assert_int_equal(f->last_status, 200);
    buf_release(&in);
}

static void test_bad_request_ids_are_replaced(void **state)
{
    static const char *const IDS[] = {"", "a b", "0123456789012345678901234567890123456", "a\"b", "\xc3\xb6"};
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    for (size_t i = 0; i < COUNT_OF(IDS); i++) {
        char request[256];
        snprintf(request, sizeof request, "GET /hello HTTP/1.1\r\n" HOST CLOSE "X-Request-Id: %s\r\n\r\n",
                 IDS[i]);
        ask(f, request, &in);
        assert_int_equal(status_of(&in), 200);
        assert_int_equal(strlen(f->last_id), 36);
        assert_int_equal(f->last_id[14], '4');
        assert_non_null(strstr(in.data, f->last_id));
    }
    buf_release(&in);
}

/* One kept in the exchange, one on the edge, one that needs memory of its own. */
static void test_targets_of_any_length(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    for (size_t len = 100; len < 160; len++) {
        char request[256], query[160];
        memset(query, 'q', len);
        query[len] = '\0';
        snprintf(request, sizeof request, "GET /hello?%s HTTP/1.1\r\n" HOST CLOSE "\r\n", query);
        ask(f, request, &in);
        assert_int_equal(status_of(&in), 200);
        assert_string_equal(f->last_query, query);
    }
    buf_release(&in);
}

static void test_head(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    ask(f, "HEAD /hello HTTP/1.1\r\n" HOST CLOSE "\r\n", &in);
    assert_int_equal(status_of(&in), 200);
    assert_int_equal(count_of(&in, "Content-Length: 5\r\n"), 1);
    assert_memory_equal(in.data + in.len - 4, "\r\n\r\n", 4);
    ask(f, "HEAD /nothing HTTP/1.1\r\n" HOST CLOSE "\r\n", &in);
    assert_int_equal(status_of(&in), 404);
    assert_memory_equal(in.data + in.len - 4, "\r\n\r\n", 4);
    buf_release(&in);
}

static void test_not_found_and_method(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    ask(f, "GET /nothing HTTP/1.1\r\n" HOST CLOSE "\r\n", &in);
    assert_int_equal(status_of(&in), 404);
    assert_int_equal(count_of(&in, "\"code\":\"not_found\""), 1);
    ask(f, "OPTIONS * HTTP/1.1\r\n" HOST CLOSE "\r\n", &in);
    assert_int_equal(status_of(&in), 404);
    ask(f, "DELETE /later HTTP/1.1\r\n" HOST CLOSE "\r\n", &in);
    assert_int_equal(status_of(&in), 405);
    assert_int_equal(count_of(&in, "Allow: GET, HEAD, POST\r\n"), 1);
    ask(f, "GET /items/07 HTTP/1.1\r\n" HOST CLOSE "\r\n", &in);
    assert_int_equal(status_of(&in), 404);
    assert_int_equal(f->handled, 0);
    ask(f, "GET /items/7 HTTP/1.1\r\n" HOST CLOSE "\r\n", &in);
    assert_int_equal(count_of(&in, "\r\n\r\n7"), 1);
    buf_release(&in);
}

static void test_absolute_target(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    ask(f, "GET http://TEST/hello?q HTTP/1.1\r\n" HOST CLOSE "\r\n", &in);
    assert_int_equal(status_of(&in), 200);
    assert_string_equal(f->last_query, "q");
    ask(f, "GET http://test HTTP/1.1\r\n" HOST CLOSE "\r\n", &in);
    assert_int_equal(status_of(&in), 404);
    ask(f, "GET http://test?/hello HTTP/1.1\r\n" HOST CLOSE "\r\n", &in);
    assert_int_equal(status_of(&in), 404);
    buf_release(&in);
}

static void test_http_1_0(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    ask(f, "GET /hello HTTP/1.0\r\n\r\n", &in);
    assert_int_equal(status_of(&in), 200);
    assert_int_equal(f->handled, 1);
    buf_release(&in);
}

static void test_bodies(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    ask(f, "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 11\r\n\r\nhello world", &in);
    assert_int_equal(count_of(&in, "\r\n\r\nhello world"), 1);
    ask(f,
        "POST /echo HTTP/1.1\r\n" HOST CLOSE "Transfer-Encoding: Chunked\r\n\r\n"
        "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: x\r\n\r\n",
        &in);
    assert_int_equal(count_of(&in, "\r\n\r\nabcdefg"), 1);
    ask(f, "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 0\r\n\r\n", &in);
    assert_int_equal(status_of(&in), 200);
    assert_int_equal(count_of(&in, "Content-Length: 0\r\n"), 1);
    assert_int_equal(f->handled, 3);
    buf_release(&in);
}

static void test_largest_body(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT, out = BUF_INIT;
    int fd = dial(f);
    for (int chunked = 0; chunked < 2; chunked++) {
        buf_clear(&out);
        buf_clear(&in);
        buf_append_str(&out, "POST /echo HTTP/1.1\r\n" HOST);
        buf_append_str(&out, chunked ? "Transfer-Encoding: chunked\r\n\r\n2710\r\n"
                                     : "Content-Length: 10000\r\n\r\n");
        for (int i = 0; i < 10000; i++)
            buf_append_char(&out, '#');
        buf_append_str(&out, chunked ? "\r\n0\r\n\r\n" : "");
        assert_true(send_bytes(f, fd, out.data, out.len));
        read_until(f, fd, &in, "#", 10000);
        assert_int_equal(status_of(&in), 200);
    }
    assert_int_equal(f->handled, 2);
    close(fd);
    buf_release(&in);
    buf_release(&out);
}

/* Swallowed and answered; the connection is good for another request. */
static void test_body_over_the_limit(void **state)
{
    static const char *const HEADS[] = {"Content-Length: 10001\r\n\r\n",
                                        "Transfer-Encoding: chunked\r\n\r\n2711\r\n"};
    struct fixture *f = *state;
    struct buf in = BUF_INIT, out = BUF_INIT;
    int fd = dial(f);
    for (size_t i = 0; i < COUNT_OF(HEADS); i++) {
        buf_clear(&out);
        buf_clear(&in);
        buf_append_str(&out, "POST /echo HTTP/1.1\r\n" HOST);
        buf_append_str(&out, HEADS[i]);
        for (int j = 0; j < 10001; j++)
            buf_append_char(&out, '#');
        buf_append_str(&out, i == 1 ? "\r\n0\r\n\r\n" : "");
        assert_true(send_bytes(f, fd, out.data, out.len));
        read_until(f, fd, &in, "\"code\":\"body_too_large\"", 1);
        assert_int_equal(status_of(&in), 413);
        assert_int_equal(count_of(&in, "HTTP/1.1 "), 1);
    }
    assert_int_equal(f->handled, 0);
    buf_clear(&in);
    say(f, fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    read_until(f, fd, &in, "hello", 1);
    buf_clear(&in);
    say(f, fd, "POST /tiny HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\n123456789");
    read_until(f, fd, &in, "body_too_large", 2);
    buf_clear(&in);
    say(f, fd, "POST /tiny HTTP/1.1\r\n" HOST "Content-Length: 8\r\n\r\n12345678");
    read_until(f, fd, &in, "hello", 1);
    assert_int_equal(f->handled, 2);
    close(fd);
    buf_release(&in);
    buf_release(&out);
}

static void test_body_far_over_the_limit(void **state)
{
    static const char *const HEADS[] = {"Content-Length: 999999999999\r\n\r\n",
                                        "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n"};
    struct fixture *f = *state;
    char *bytes = calloc(1, 65536);
    for (size_t i = 0; i < COUNT_OF(HEADS); i++) {
        struct buf in = BUF_INIT;
        int fd = dial(f);
        say(f, fd, "POST /echo HTTP/1.1\r\n" HOST);
        say(f, fd, HEADS[i]);
        while (send_bytes(f, fd, bytes, 65536) && read_some(fd, &in) == 0)
            ;
        read_to_end(f, fd, &in);
        assert_int_equal(status_of(&in), 413);
        assert_int_equal(count_of(&in, "HTTP/1.1 "), 1);
        close(fd);
        buf_release(&in);
    }
    assert_int_equal(f->handled, 0);
    free(bytes);
}

static void test_expect_continue(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    int fd = dial(f);
    say(f, fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    read_until(f, fd, &in, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    assert_int_equal(f->handled, 0);
    say(f, fd, "abcde");
    read_until(f, fd, &in, "\r\n\r\nabcde", 1);
    buf_clear(&in);
    say(f, fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10001\r\nExpect: 100-continue\r\n\r\n");
    read_to_end(f, fd, &in);
    assert_int_equal(status_of(&in), 413);
    assert_int_equal(count_of(&in, "HTTP/1.1 "), 1);
    close(fd);
    buf_clear(&in);
    fd = dial(f);
    say(f, fd,
        "POST /nothing HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
    read_to_end(f, fd, &in);
    assert_int_equal(status_of(&in), 404);
    close(fd);
    buf_release(&in);
}

static void test_thousand_on_one_connection(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    int fd = dial(f);
    for (int i = 0; i < 1000; i++) {
        buf_clear(&in);
        say(f, fd,
            i % 2 == 0 ? "GET /hello HTTP/1.1\r\n" HOST "\r\n"
                       : "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
        read_until(f, fd, &in, "hello", 1);
        assert_int_equal(status_of(&in), 200);
    }
    assert_int_equal(f->handled, 1000);
    assert_int_equal(stats(f).connections, 1);
    close(fd);
    WAIT_UNTIL(f, stats(f).connections == 0);
    assert_int_equal(f->done, 1000);
    buf_release(&in);
}

/* All sent before the first answer is read; answered one by one, in order, also those answered later. */
static void test_pipelining(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT, out = BUF_INIT;
    int fd = dial(f);
    for (int i = 0; i < 300; i++) {
        buf_appendf(&out, "GET /items/%d HTTP/1.1\r\n" HOST "\r\n", 1000 + i);
        buf_append_str(&out, "GET /later HTTP/1.1\r\n" HOST "\r\n");
        buf_append_str(&out, "POST /echo HTTP/1.1\r\n" HOST
                             "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    }
    size_t sent = 0;
    uint64_t end = mono_ns() + LIMIT_NS;
    while (count_of(&in, "HTTP/1.1 200 OK") < 900) {
        ssize_t n = sent < out.len ? send(fd, out.data + sent, out.len - sent, MSG_NOSIGNAL) : 0;
        sent += n > 0 ? (size_t)n : 0;
        assert_true(read_some(fd, &in) >= 0);
        turn(f, fd, POLLIN);
        assert_true(f->held_count <= 1);
        answer_held(f);
        buf_append(&in, "", 0);
        assert_true(mono_ns() < end);
    }
    const char *at = in.data;
    for (int i = 0; i < 300; i++) {
        char number[16];
        snprintf(number, sizeof number, "\r\n\r\n%d", 1000 + i);
        at = strstr(at, number);
        assert_non_null(at);
        at = strstr(at, "later");
        assert_non_null(at);
    }
    assert_int_equal(f->handled, 900);
    close(fd);
    buf_release(&in);
    buf_release(&out);
}

static void test_many_answered_later(void **state)
{
    struct fixture *f = *state;
    struct buf in[50];
    int fds[50];
    for (int i = 0; i < 50; i++) {
        in[i] = (struct buf)BUF_INIT;
        fds[i] = dial(f);
        say(f, fds[i],
            i % 2 == 0 ? "GET /later HTTP/1.1\r\n" HOST "\r\n"
                       : "POST /later HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx");
    }
    WAIT_UNTIL(f, f->held_count == 50);
    assert_int_equal(stats(f).requests_active, 50);
    answer_held(f);
    for (int i = 0; i < 50; i++) {
        read_until(f, fds[i], &in[i], "later", 1);
        assert_int_equal(status_of(&in[i]), 200);
        close(fds[i]);
        buf_release(&in[i]);
    }
    WAIT_UNTIL(f, stats(f).connections == 0);
    assert_int_equal(stats(f).requests_active, 0);
    assert_int_equal(f->abandoned, 0);
}

static void hold(struct fixture *f, int fd)
{
    unsigned before = f->held_count;
    say(f, fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    WAIT_UNTIL(f, f->held_count == before + 1);
}

/* What is answered in the next turn costs no suspension, and nobody is kept awake until then. */
static void test_short_wait_lingers(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    int fd = dial(f);
    for (unsigned i = 1; i <= 20; i++) {
        hold(f, fd);
        assert_false(f->more);
        answer_held(f);
        read_until(f, fd, &in, "later", i);
    }
    assert_int_equal(stats(f).suspended, 0);
    close(fd);
    buf_release(&in);
}

static void test_long_wait_is_suspended(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    int fd = dial(f);
    for (unsigned i = 1; i <= 3; i++) {
        uint64_t since = mono_ns();
        hold(f, fd);
        WAIT_UNTIL(f, stats(f).suspended == i);
        /* By its age: were the loop spinning, it would have been for the number of visits, and far sooner. */
        assert_true(mono_ns() >= since + UINT64_C(10000000));
        answer_held(f);
        read_until(f, fd, &in, "later", i);
    }
    close(fd);
    buf_release(&in);
}

/* libmicrohttpd does not tell then whether it has work left. */
static void test_others_are_served_while_one_lingers(void **state)
{
    static const char *const REQUESTS[] = {
        "GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n",
        "GET /hello HTTP/1.1\r\n" HOST "\r\nGET /nothing HTTP/1.1\r\n" HOST
        "\r\nPOST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 3\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\n" HOST CLOSE "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\n" HOST CLOSE "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "POST /tiny HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\n123456789GET /hello HTTP/1.1\r\n" HOST CLOSE
        "\r\n",
        "GET /big HTTP/1.1\r\n" HOST CLOSE "\r\n",
    };
    struct fixture *f = *state;
    struct buf in = BUF_INIT, large = BUF_INIT, none = BUF_INIT;
    int fd = dial(f);
    buf_append_str(&large, "GET /hello HTTP/1.1\r\n" HOST CLOSE "X: ");
    while (large.len < 4000)
        buf_append_char(&large, 'x');
    buf_append_str(&large, "\r\n\r\n");
    for (size_t i = 0; i <= COUNT_OF(REQUESTS); i++) {
        hold(f, fd);
        ask(f, i < COUNT_OF(REQUESTS) ? REQUESTS[i] : large.data, &in);
        assert_in_range(status_of(&in), 100, 413);
        assert_int_equal(f->last_status, 200);
        answer_held(f);
        buf_clear(&none);
        read_until(f, fd, &none, "later", 1);
    }
    close(fd);
    buf_release(&in);
    buf_release(&none);
    buf_release(&large);
}

static void leave_while_waiting(struct fixture *f, bool reset, bool suspended)
{
    int fd = dial(f);
    uint64_t suspended_before = stats(f).suspended;
    hold(f, fd);
    if (suspended)
        WAIT_UNTIL(f, stats(f).suspended == suspended_before + 1);
    unsigned before = f->abandoned;
    struct linger hard = {1, 0};
    if (reset)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
    WAIT_UNTIL(f, f->abandoned == before + 1);
}

static void test_client_leaves_while_waiting(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 4; i++) {
        bool reset = i % 2 == 1, suspended = i >= 2;
        unsigned done = f->done;
        f->answer_abandoned = false;
        leave_while_waiting(f, reset, suspended);
        if (!reset || suspended) /* else libmicrohttpd has seen it at once */
            assert_int_equal(f->done, done);
        assert_string_equal(http_request_header(f->held[0], "host"), "test");
        assert_string_equal(f->held[0]->path, "/later");
        answer_held(f);
        WAIT_UNTIL(f, f->done == done + 1);
        assert_int_equal(f->last_status, 0);
        f->answer_abandoned = true;
        leave_while_waiting(f, reset, suspended);
        WAIT_UNTIL(f, f->done == done + 2);
        assert_int_equal(f->last_status, 0);
        assert_int_equal(f->held_count, 0);
        WAIT_UNTIL(f, stats(f).connections == 0);
    }
    assert_int_equal(f->abandoned, 8);
    assert_int_equal(stats(f).requests_active, 0);
}

static void test_bad_response_becomes_500(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    ask(f, "GET /bad HTTP/1.1\r\n" HOST CLOSE "\r\n", &in);
    assert_int_equal(status_of(&in), 500);
    assert_int_equal(count_of(&in, "Set-Cookie"), 0);
    assert_int_equal(count_of(&in, "\"code\":\"internal\""), 1);
    buf_release(&in);
}

static void test_connection_limit(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    struct http_settings settings = f->settings;
    int fds[4];
    settings.connections_max = 3;
    http_server_configure(f->server, &settings);
    for (int i = 0; i < 3; i++) {
        fds[i] = dial(f);
        buf_clear(&in);
        say(f, fds[i], "GET /hello HTTP/1.1\r\n" HOST "\r\n");
        read_until(f, fds[i], &in, "hello", 1);
    }
    for (int round = 0; round < 3; round++) {
        buf_clear(&in);
        fds[3] = dial(f);
        send_bytes(f, fds[3], "GET /hello HTTP/1.1\r\n" HOST "\r\n", 35);
        read_to_end(f, fds[3], &in);
        assert_int_equal(status_of(&in), 503);
        assert_int_equal(count_of(&in, "HTTP/1.1 "), 1);
        assert_int_equal(count_of(&in, "Retry-After: 1\r\n"), 1);
        close(fds[3]);
    }
    assert_int_equal(f->handled, 3);
    assert_int_equal(stats(f).refused_limit, 3);
    close(fds[0]);
    WAIT_UNTIL(f, stats(f).connections == 2);
    ask(f, "GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n", &in);
    assert_int_equal(status_of(&in), 200);
    close(fds[1]);
    close(fds[2]);
    buf_release(&in);
}

/* Larger header blocks need more memory per connection than the first connections have. */
static void test_header_limit_grows_live(void **state)
{
    struct fixture *f = *state;
    struct http_settings settings = f->settings;
    struct buf in = BUF_INIT, out = BUF_INIT;
    int old = dial(f), held = dial(f);
    say(f, old, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    read_until(f, old, &in, "hello", 1);
    say(f, held, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    WAIT_UNTIL(f, f->held_count == 1);
    settings.header_bytes_max = 65536;
    http_server_configure(f->server, &settings);
    buf_append_str(&out, "GET /hello HTTP/1.1\r\n" HOST CLOSE "X: ");
    while (out.len < 65000)
        buf_append_char(&out, 'x');
    buf_append_str(&out, "\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        ask(f, out.data, &in);
        assert_int_equal(status_of(&in), 200);
    }
    buf_clear(&in);
    say(f, old, "GET /hello HTTP/1.1\r\n" HOST "\r\n"); /* served, and asked to come again */
    read_to_end(f, old, &in);
    assert_int_equal(status_of(&in), 200);
    assert_int_equal(count_of(&in, "Connection: close\r\n"), 1);
    answer_held(f);
    buf_clear(&in);
    read_to_end(f, held, &in);
    assert_int_equal(count_of(&in, "later"), 1);
    settings.header_bytes_max = 1024;
    http_server_configure(f->server, &settings);
    ask(f, out.data, &in);
    assert_int_equal(status_of(&in), 431);
    close(old);
    close(held);
    buf_release(&in);
    buf_release(&out);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_get),
        TEST(test_bad_request_ids_are_replaced),
        TEST(test_targets_of_any_length),
        TEST(test_head),
        TEST(test_not_found_and_method),
        TEST(test_absolute_target),
        TEST(test_http_1_0),
        TEST(test_bodies),
        TEST(test_largest_body),
        TEST(test_body_over_the_limit),
        TEST(test_body_far_over_the_limit),
        TEST(test_expect_continue),
        TEST(test_thousand_on_one_connection),
        TEST(test_pipelining),
        TEST(test_many_answered_later),
        TEST(test_short_wait_lingers),
        TEST(test_long_wait_is_suspended),
        TEST(test_others_are_served_while_one_lingers),
        TEST(test_client_leaves_while_waiting),
        TEST(test_bad_response_becomes_500),
        TEST(test_connection_limit),
        TEST(test_header_limit_grows_live),
    };
    return cmocka_run_group_tests_name("http server", tests, NULL, NULL);
}
