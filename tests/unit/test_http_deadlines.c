/* http/server against slow and silent clients: each phase of a connection has its deadline, and nothing else
 * suffers. */
#include "base/base.h"

#include "http_fixture.h"

#define HOST "Host: test\r\n"
#define FAR_MS 600000
#define NEAR_MS 150
#define DRIP_NS UINT64_C(10000000)

/* Everything far away; the test moves one near. */
static struct http_settings far_settings(struct fixture *f)
{
    struct http_settings settings = f->settings;
    settings.header_ms = settings.body_ms = settings.idle_ms = settings.write_ms = FAR_MS;
    return settings;
}

/* Send text byte by byte, then the same byte for ever, until the server closes; what it said is in in. */
static void drip(struct fixture *f, int fd, const char *text, char endless, struct buf *in)
{
    uint64_t end = mono_ns() + LIMIT_NS, next = 0;
    bool open = true;
    buf_append(in, "", 0);
    while (read_some(fd, in) >= 0) {
        if (open && mono_ns() >= next) {
            char byte = *text != '\0' ? *text++ : endless;
            open = send(fd, &byte, 1, MSG_NOSIGNAL) == 1;
            next = mono_ns() + DRIP_NS;
        }
        turn(f, fd, POLLIN);
        assert_true(mono_ns() < end);
    }
}

static void test_dripped_header_is_cut(void **state)
{
    static const char *const BEGINNINGS[] = {"", "G", "GET /hello HTTP/1.1\r\nHost: test\r\nX: "};
    struct fixture *f = *state;
    struct http_settings settings = far_settings(f);
    settings.header_ms = NEAR_MS;
    http_server_configure(f->server, &settings);
    for (size_t i = 0; i < COUNT_OF(BEGINNINGS); i++) {
        struct buf in = BUF_INIT;
        int fd = dial(f);
        say(f, fd, BEGINNINGS[i]);
        drip(f, fd, "", 'x', &in);
        assert_true(count_of(&in, "HTTP/1.1 ") <= 1);
        close(fd);
        buf_release(&in);
    }
    assert_int_equal(f->handled, 0);
    assert_int_equal(stats(f).cut_slow, COUNT_OF(BEGINNINGS));
}

static void test_silent_connection_is_cut(void **state)
{
    struct fixture *f = *state;
    struct http_settings settings = far_settings(f);
    struct buf in = BUF_INIT;
    settings.header_ms = NEAR_MS;
    http_server_configure(f->server, &settings);
    int fd = dial(f);
    read_to_end(f, fd, &in);
    assert_int_equal(in.len, 0);
    close(fd);
    buf_release(&in);
}

/* The second request of a connection: its request line is not yet visible through libmicrohttpd. */
static void test_dripped_request_line_on_a_used_connection(void **state)
{
    struct fixture *f = *state;
    struct http_settings settings = far_settings(f);
    struct buf in = BUF_INIT;
    settings.header_ms = NEAR_MS;
    http_server_configure(f->server, &settings);
    int fd = dial(f);
    say(f, fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    read_until(f, fd, &in, "hello", 1);
    drip(f, fd, "GET /", 'x', &in);
    assert_int_equal(count_of(&in, "HTTP/1.1 "), 1);
    assert_int_equal(f->handled, 1);
    assert_int_equal(stats(f).cut_slow, 1);
    close(fd);
    buf_release(&in);
}

static void test_idle_connection_is_cut(void **state)
{
    struct fixture *f = *state;
    struct http_settings settings = far_settings(f);
    struct buf in = BUF_INIT;
    settings.idle_ms = NEAR_MS;
    http_server_configure(f->server, &settings);
    int fd = dial(f);
    say(f, fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    read_to_end(f, fd, &in);
    assert_int_equal(status_of(&in), 200);
    assert_int_equal(stats(f).cut_slow, 0);
    close(fd);
    buf_release(&in);
}

/* An idle connection survives the header deadline as long as it stays silent. */
static void test_idle_connection_outlives_header_deadline(void **state)
{
    struct fixture *f = *state;
    struct http_settings settings = far_settings(f);
    struct buf in = BUF_INIT;
    settings.header_ms = NEAR_MS;
    http_server_configure(f->server, &settings);
    int fd = dial(f), marker = dial(f);
    say(f, fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    read_until(f, fd, &in, "hello", 1);
    for (int i = 0; i < 3; i++) { /* a silent connection measures the time: each is cut after header_ms */
        struct buf none = BUF_INIT;
        read_to_end(f, marker, &none);
        close(marker);
        marker = dial(f);
        buf_release(&none);
    }
    say(f, fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    read_until(f, fd, &in, "hello", 2);
    close(fd);
    close(marker);
    buf_release(&in);
}

/* The end comes with the last bytes, in one event of libmicrohttpd's; the deadlines are far away. */
static void test_client_that_leaves_with_its_last_bytes(void **state)
{
    static const char *const LAST[] = {
        "GET /hel",
        "GET /hello HTTP/1.1\r\n" HOST "\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 9000\r\n\r\nx",
        "POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 9000\r\n\r\nx",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    };
    struct fixture *f = *state;
    struct http_settings settings = far_settings(f);
    http_server_configure(f->server, &settings);
    for (size_t i = 0; i < COUNT_OF(LAST); i++) {
        struct buf in = BUF_INIT;
        int fd = dial(f);
        WAIT_UNTIL(f, stats(f).connections == 1);
        assert_int_equal(send(fd, LAST[i], strlen(LAST[i]), MSG_NOSIGNAL), (ssize_t)strlen(LAST[i]));
        shutdown(fd, SHUT_WR);
        read_to_end(f, fd, &in);
        assert_int_equal(count_of(&in, "HTTP/1.1 "), i == 1 ? 1 : 0);
        WAIT_UNTIL(f, stats(f).connections == 0);
        close(fd);
        buf_release(&in);
    }
    assert_int_equal(f->handled, 1);
    assert_int_equal(stats(f).cut_slow, 0);
}

static void test_dripped_body_is_answered_408(void **state)
{
    static const char *const HEADS[] = {"Content-Length: 9000\r\n\r\n",
                                        "Transfer-Encoding: chunked\r\n\r\n1000\r\n"};
    struct fixture *f = *state;
    struct http_settings settings = far_settings(f);
    settings.body_ms = NEAR_MS;
    http_server_configure(f->server, &settings);
    for (size_t i = 0; i < COUNT_OF(HEADS); i++) {
        struct buf in = BUF_INIT;
        int fd = dial(f);
        say(f, fd, "POST /echo HTTP/1.1\r\n" HOST);
        say(f, fd, HEADS[i]);
        drip(f, fd, "", 'x', &in);
        assert_int_equal(status_of(&in), 408);
        assert_int_equal(count_of(&in, "HTTP/1.1 "), 1);
        assert_int_equal(count_of(&in, "\"code\":\"request_timeout\""), 1);
        close(fd);
        buf_release(&in);
    }
    WAIT_UNTIL(f, f->done == 2);
    assert_int_equal(f->last_status, 408);
    assert_int_equal(f->handled, 0);
}

static void test_silent_body_is_answered_408(void **state)
{
    struct fixture *f = *state;
    struct http_settings settings = far_settings(f);
    struct buf in = BUF_INIT;
    settings.body_ms = NEAR_MS;
    http_server_configure(f->server, &settings);
    int fd = dial(f);
    say(f, fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    read_until(f, fd, &in, "100 Continue\r\n\r\n", 1);
    buf_clear(&in);
    read_to_end(f, fd, &in);
    assert_int_equal(status_of(&in), 408);
    close(fd);
    buf_release(&in);
}

static void test_unread_response_is_cut(void **state)
{
    struct fixture *f = *state;
    struct http_settings settings = far_settings(f);
    settings.write_ms = NEAR_MS;
    http_server_configure(f->server, &settings);
    int fd = dial(f);
    say(f, fd, "GET /big HTTP/1.1\r\n" HOST "\r\n");
    WAIT_UNTIL(f, stats(f).cut_slow == 1);
    WAIT_UNTIL(f, stats(f).connections == 0);
    close(fd);
}

/* Deadlines do not touch a request that the layer above works on. */
static void test_working_request_has_no_deadline_here(void **state)
{
    struct fixture *f = *state;
    struct http_settings settings = far_settings(f);
    struct buf in = BUF_INIT, none = BUF_INIT;
    settings.header_ms = settings.body_ms = settings.idle_ms = settings.write_ms = NEAR_MS;
    http_server_configure(f->server, &settings);
    int fd = dial(f);
    say(f, fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    WAIT_UNTIL(f, f->held_count == 1);
    int marker = dial(f);
    read_to_end(f, marker, &none);
    answer_held(f);
    read_until(f, fd, &in, "later", 1);
    close(fd);
    close(marker);
    buf_release(&in);
    buf_release(&none);
}

/* A chunk-size line without end fills libmicrohttpd's buffer and would keep the loop spinning until body_ms.
 */
static void send_endless_chunk_line(struct fixture *f, bool others)
{
    struct http_settings settings = far_settings(f);
    struct buf in = BUF_INIT, out = BUF_INIT, others_in = BUF_INIT;
    http_server_configure(f->server, &settings);
    int fd = dial(f), other = dial(f);
    unsigned asked = 0;
    buf_append_str(&out, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5;");
    for (int i = 0; i < 200000; i++)
        buf_append_char(&out, 'x');
    size_t sent = 0;
    uint64_t end = mono_ns() + LIMIT_NS;
    while (read_some(fd, &in) >= 0) {
        ssize_t n = sent < out.len ? send(fd, out.data + sent, out.len - sent, MSG_NOSIGNAL) : 0;
        sent += n > 0 ? (size_t)n : 0;
        turn(f, fd, POLLIN);
        assert_true(mono_ns() < end);
        if (others && count_of(&others_in, "later") == asked) {
            say(f, other, "GET /later HTTP/1.1\r\n" HOST "\r\n");
            asked++;
        }
        answer_held(f);
        if (others)
            assert_true(read_some(other, &others_in) >= 0);
    }
    buf_append(&in, "", 0);
    assert_true(count_of(&in, "HTTP/1.1 ") <= 1);
    assert_int_equal(f->handled, asked);
    WAIT_UNTIL(f, uv_backend_timeout(&f->loop) != 0); /* the loop comes to rest */
    close(fd);
    close(other);
    buf_release(&in);
    buf_release(&out);
    buf_release(&others_in);
}

static void test_endless_chunk_line_is_cut(void **state)
{
    send_endless_chunk_line(*state, false);
}

/* While requests linger nobody can tell that the loop spins for that one. */
static void test_endless_chunk_line_is_cut_among_others(void **state)
{
    send_endless_chunk_line(*state, true);
}

static void test_others_are_served_meanwhile(void **state)
{
    struct fixture *f = *state;
    struct http_settings settings = far_settings(f);
    int slow[40];
    http_server_configure(f->server, &settings);
    for (size_t i = 0; i < COUNT_OF(slow); i++) {
        slow[i] = dial(f);
        say(f, slow[i],
            i % 2 == 0 ? "GET /hello HT" : "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\na");
    }
    for (int i = 0; i < 20; i++) {
        struct buf in = BUF_INIT;
        int fd = dial(f);
        say(f, fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
        read_until(f, fd, &in, "hello", 1);
        close(fd);
        buf_release(&in);
    }
    for (size_t i = 0; i < COUNT_OF(slow); i++)
        close(slow[i]);
    WAIT_UNTIL(f, stats(f).connections == 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_dripped_header_is_cut),
        TEST(test_silent_connection_is_cut),
        TEST(test_dripped_request_line_on_a_used_connection),
        TEST(test_idle_connection_is_cut),
        TEST(test_idle_connection_outlives_header_deadline),
        TEST(test_client_that_leaves_with_its_last_bytes),
        TEST(test_dripped_body_is_answered_408),
        TEST(test_silent_body_is_answered_408),
        TEST(test_unread_response_is_cut),
        TEST(test_working_request_has_no_deadline_here),
        TEST(test_endless_chunk_line_is_cut),
        TEST(test_endless_chunk_line_is_cut_among_others),
        TEST(test_others_are_served_meanwhile),
    };
    return cmocka_run_group_tests_name("http deadlines", tests, NULL, NULL);
}
