/* http/server against malformed and smuggling requests: exactly one answer or a close, and no handler is
 * reached. */
#include "base/base.h"

#include "http/gate.h"
#include "http_fixture.h"

#define HOST "Host: test\r\n"
#define SMUGGLED "GET /hello HTTP/1.1\r\n" HOST "\r\n"

struct attack {
    const char *name;
    const char *bytes;
    size_t len;
    int status; /* 0: a close without an answer will do */
};
#define ATTACK(what, wanted, text)                                                                           \
    {                                                                                                        \
        (what), (text), sizeof(text) - 1, (wanted)                                                           \
    }

static const struct attack ATTACKS[] = {
    ATTACK("TE and CL", 400,
           "POST /echo HTTP/1.1\r\n" HOST
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
    ATTACK("CL and TE", 400,
           "POST /echo HTTP/1.1\r\n" HOST
           "Transfer-Encoding: chunked\r\nContent-Length: 60\r\n\r\n0\r\n\r\n" SMUGGLED),
    ATTACK("same CL twice", 400,
           "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc" SMUGGLED),
    ATTACK("two CL", 400,
           "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 40\r\n\r\nabc" SMUGGLED),
    ATTACK("list of CL", 400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc" SMUGGLED),
    ATTACK("negative CL", 400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\nabc" SMUGGLED),
    ATTACK("CL with plus", 400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc" SMUGGLED),
    ATTACK("CL in hex", 400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\nabc" SMUGGLED),
    ATTACK("CL empty", 400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: \r\n\r\nabc" SMUGGLED),
    ATTACK("CL beyond 64 bits", 400,
           "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551619\r\n\r\nabc" SMUGGLED),
    ATTACK("CL beyond 63 bits", 400,
           "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\nabc" SMUGGLED),
    ATTACK("CL and space before colon", 400,
           "POST /echo HTTP/1.1\r\n" HOST "Content-Length : 3\r\n\r\nabc" SMUGGLED),
    ATTACK("TE and tab before colon", 400,
           "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
    ATTACK("unknown TE", 400,
           "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n" SMUGGLED),
    ATTACK("identity TE", 400,
           "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n" SMUGGLED),
    ATTACK("chunked twice", 400,
           "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
    ATTACK("two TE", 400,
           "POST /echo HTTP/1.1\r\n" HOST
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
    ATTACK("TE with a vertical tab", 400,
           "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n" SMUGGLED),
    ATTACK("TE in HTTP/1.0", 400,
           "POST /echo HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
    ATTACK("two Hosts", 400, "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" SMUGGLED),
    ATTACK("no Host", 400, "GET /hello HTTP/1.1\r\nAccept: x\r\n\r\n" SMUGGLED),
    ATTACK("no field at all", 400, "GET /hello HTTP/1.1\r\n\r\n" SMUGGLED),
    ATTACK("empty Host", 400, "GET /hello HTTP/1.1\r\nHost:\r\n\r\n" SMUGGLED),
    ATTACK("Host with a slash", 400, "GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n" SMUGGLED),
    ATTACK("Host with a user", 400, "GET /hello HTTP/1.1\r\nHost: a@b\r\n\r\n" SMUGGLED),
    ATTACK("bare LF everywhere", 400, "GET /hello HTTP/1.1\nHost: test\n\n" SMUGGLED),
    ATTACK("bare LF in one field", 400, "GET /hello HTTP/1.1\r\nHost: test\nX: y\r\n\r\n" SMUGGLED),
    ATTACK("bare LF at the end", 400, "GET /hello HTTP/1.1\r\nHost: test\r\n\n" SMUGGLED),
    ATTACK("bare LF behind the request line", 400, "GET /hello HTTP/1.1\nHost: test\r\n\r\n" SMUGGLED),
    ATTACK("bare CR in a value", 400, "GET /hello HTTP/1.1\r\nHost: test\r\nX: a\rY: b\r\n\r\n" SMUGGLED),
    ATTACK("bare CR before the end", 400, "GET /hello HTTP/1.1\r\nHost: test\r\r\n\r\n" SMUGGLED),
    ATTACK("folded field", 400, "GET /hello HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n" SMUGGLED),
    ATTACK("folded field with tab", 400, "GET /hello HTTP/1.1\r\n" HOST "X: a\r\n\tb\r\n\r\n" SMUGGLED),
    ATTACK("folded first field", 400, "GET /hello HTTP/1.1\r\n Host: test\r\n\r\n" SMUGGLED),
    ATTACK("folded TE", 400,
           "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
    ATTACK("space before the colon", 400, "GET /hello HTTP/1.1\r\nHost : test\r\n\r\n" SMUGGLED),
    ATTACK("space in a name", 400, "GET /hello HTTP/1.1\r\n" HOST "X Y: z\r\n\r\n" SMUGGLED),
    ATTACK("empty name", 400, "GET /hello HTTP/1.1\r\n" HOST ": z\r\n\r\n" SMUGGLED),
    ATTACK("no colon", 400, "GET /hello HTTP/1.1\r\n" HOST "nonsense\r\n\r\n" SMUGGLED),
    ATTACK("no colon in the first field", 400, "GET /hello HTTP/1.1\r\nnonsense\r\n\r\n" SMUGGLED),
    ATTACK("NUL in a value", 400, "GET /hello HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n" SMUGGLED),
    ATTACK("NUL in a name", 400, "GET /hello HTTP/1.1\r\n" HOST "X\0Y: b\r\n\r\n" SMUGGLED),
    ATTACK("NUL in the path", 400, "GET /hello\0/x HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("NUL in the query", 400, "GET /hello?a\0b HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("NUL in the method", 400, "GE\0T /hello HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("escaped NUL in the path", 400, "GET /hello%00/x HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("escaped NUL in the query", 400, "GET /hello?x=%00 HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("broken escape", 400, "GET /hello%zz HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("cut escape", 400, "GET /hello?x=%4 HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("control byte in the path", 400, "GET /hel\x01lo HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("high byte in the path", 400, "GET /hell\xc3\xb6 HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("DEL in a value", 400, "GET /hello HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n" SMUGGLED),
    ATTACK("escape byte in a value", 400, "GET /hello HTTP/1.1\r\n" HOST "X: a\x1b[0m\r\n\r\n" SMUGGLED),
    ATTACK("control byte in the method", 400, "G\x01T /hello HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("tab for a space", 0, "GET\t/hello\tHTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("two spaces", 400, "GET  /hello HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("two spaces before the version", 400, "GET /hello  HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("space behind the version", 400, "GET /hello HTTP/1.1 \r\n" HOST "\r\n" SMUGGLED),
    ATTACK("space in the target", 400, "GET /hello x HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("fragment", 400, "GET /hello#x HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("unknown method", 501, "BREW /hello HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("method in lower case", 501, "get /hello HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("CONNECT", 501, "CONNECT test:80 HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("TRACE", 501, "TRACE /hello HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("HTTP/0.9", 400, "GET /hello\r\n\r\n" SMUGGLED),
    ATTACK("HTTP/0.9 by number", 505, "GET /hello HTTP/0.9\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("HTTP/1.2", 505, "GET /hello HTTP/1.2\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("HTTP/2.0", 505, "GET /hello HTTP/2.0\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("HTTP/2 preface", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),
    ATTACK("version in lower case", 400, "GET /hello http/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("version without a dot", 400, "GET /hello HTTP/11\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("a word", 0, "hello\r\n\r\n" SMUGGLED),
    ATTACK("TLS hello", 0, "\x16\x03\x01\x02\n\x01\x01\xfc\x03\x03\n\n"),
    ATTACK("target without slash", 400, "GET hello HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("asterisk", 400, "GET * HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("ftp target", 400, "GET ftp://test/hello HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("target of another host", 400, "GET http://other/hello HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("target with a user", 400, "GET http://a@test/hello HTTP/1.1\r\n" HOST "\r\n" SMUGGLED),
    ATTACK("unknown expectation", 417,
           "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: x\r\n\r\n"),
    ATTACK("chunk size no number", 400,
           "POST /echo HTTP/1.1\r\n" HOST
           "Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n" SMUGGLED),
    ATTACK("chunk size with 0x", 400,
           "POST /echo HTTP/1.1\r\n" HOST
           "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n" SMUGGLED),
    ATTACK("chunk size negative", 400,
           "POST /echo HTTP/1.1\r\n" HOST
           "Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n" SMUGGLED),
    ATTACK("chunk size with space", 400,
           "POST /echo HTTP/1.1\r\n" HOST
           "Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n" SMUGGLED),
    ATTACK("chunk size empty", 400,
           "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n" SMUGGLED),
    ATTACK("chunk size beyond 64 bits", 413,
           "POST /echo HTTP/1.1\r\n" HOST
           "Transfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc" SMUGGLED),
    ATTACK("chunk longer than its size", 400,
           "POST /echo HTTP/1.1\r\n" HOST
           "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n" SMUGGLED),
    ATTACK("trailer without colon", 400,
           "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\nnonsense\r\n\r\n" SMUGGLED),
};

static void refuses(struct fixture *f, const struct attack *a, bool byte_by_byte)
{
    struct buf in = BUF_INIT;
    int fd = dial(f);
    for (size_t i = 0; i < a->len; i += byte_by_byte ? 1 : a->len) {
        if (!send_bytes(f, fd, a->bytes + i, byte_by_byte ? 1 : a->len))
            break;
    }
    read_to_end(f, fd, &in);
    unsigned answers = count_of(&in, "HTTP/1.1 ");
    if (answers > 1 || (answers == 0 && a->status != 0) ||
        (answers == 1 && a->status != 0 && status_of(&in) != a->status))
        fail_msg("%s: %u answers, status %d instead of %d: %s", a->name, answers, status_of(&in), a->status,
                 in.data);
    if (f->handled != 0)
        fail_msg("%s: a handler was reached", a->name);
    close(fd);
    buf_release(&in);
}

static void test_each_is_refused_once(void **state)
{
    for (size_t i = 0; i < COUNT_OF(ATTACKS); i++)
        refuses(*state, &ATTACKS[i], false);
    struct fixture *f = *state;
    WAIT_UNTIL(f, stats(f).connections == 0);
    assert_int_equal(stats(f).requests_active, 0);
}

static void test_each_is_refused_byte_by_byte(void **state)
{
    for (size_t i = 0; i < COUNT_OF(ATTACKS); i++)
        refuses(*state, &ATTACKS[i], true);
}

static void test_an_attack_behind_a_good_request(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(ATTACKS); i++) {
        struct buf in = BUF_INIT, out = BUF_INIT;
        unsigned before = f->handled;
        int fd = dial(f);
        buf_append_str(&out, SMUGGLED);
        buf_append(&out, ATTACKS[i].bytes, ATTACKS[i].len);
        send_bytes(f, fd, out.data, out.len);
        read_to_end(f, fd, &in);
        if (f->handled != before + 1 || count_of(&in, "HTTP/1.1 200") != 1 || count_of(&in, "HTTP/1.1 ") > 2)
            fail_msg("%s: %u handled, %s", ATTACKS[i].name, f->handled - before, in.data);
        close(fd);
        buf_release(&in);
        buf_release(&out);
    }
}

static void test_refusal_is_a_problem(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    int fd = dial(f);
    say(f, fd, "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\nX-Request-Id: abc-1\r\n\r\n");
    read_to_end(f, fd, &in);
    assert_int_equal(status_of(&in), 400);
    assert_int_equal(count_of(&in, "Connection: close\r\n"), 1);
    assert_int_equal(count_of(&in, "Content-Type: application/problem+json\r\n"), 1);
    assert_int_equal(count_of(&in, "\"code\":\"bad_request\""), 1);
    assert_int_equal(count_of(&in, "\"request_id\":\"abc-1\""), 1);
    WAIT_UNTIL(f, f->done == 1);
    assert_int_equal(f->last_status, 400);
    assert_string_equal(f->last_route, "-");
    assert_int_equal(stats(f).refused_gate, 1);
    close(fd);
    buf_release(&in);
}

/* libmicrohttpd would send the header block of its own answer twice. */
static void test_bad_content_length_is_a_problem_too(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT;
    int fd = dial(f);
    say(f, fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1x\r\nX-Request-Id: abc-2\r\n\r\nx");
    read_to_end(f, fd, &in);
    assert_int_equal(status_of(&in), 400);
    assert_int_equal(count_of(&in, "HTTP/1.1"), 1);
    assert_int_equal(count_of(&in, "Content-Length: "), 1);
    assert_int_equal(count_of(&in, "\"request_id\":\"abc-2\""), 1);
    WAIT_UNTIL(f, f->done == 1);
    assert_int_equal(f->last_status, 400);
    close(fd);
    buf_release(&in);
}

static void append_repeated(struct buf *out, const char *text, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        buf_append_str(out, text);
}

struct oversized {
    const char *name, *head, *repeated, *tail;
    unsigned times;
    int status, other_status;
};

static void test_oversized_headers(void **state)
{
    static const struct oversized CASES[] = {
        {"value just over the limit", "GET /hello HTTP/1.1\r\n" HOST "X: ", "a", "\r\n\r\n", 4096, 431, 431},
        {"huge value", "GET /hello HTTP/1.1\r\n" HOST "X: ", "a", "\r\n\r\n", 100000, 431, 431},
        {"many fields", "GET /hello HTTP/1.1\r\n" HOST, "X: y\r\n", "\r\n", 65, 431, 431},
        {"very many fields", "GET /hello HTTP/1.1\r\n" HOST, "X: y\r\n", "\r\n", 20000, 431, 431},
        {"long target", "GET /", "a", " HTTP/1.1\r\n" HOST "\r\n", 4096, 431, 431},
        {"huge target", "GET /", "a", " HTTP/1.1\r\n" HOST "\r\n", 100000, 414, 431},
        {"many arguments", "GET /hello?", "a&", " HTTP/1.1\r\n" HOST "\r\n", 4000, 431, 414},
        {"huge cookie", "GET /hello HTTP/1.1\r\n" HOST "Cookie: ", "a=b;", "\r\n\r\n", 2000, 431, 431},
        {"endless method", "", "A", " /hello HTTP/1.1\r\n" HOST "\r\n", 100000, 414, 431},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct buf in = BUF_INIT, out = BUF_INIT;
        int fd = dial(f);
        buf_append_str(&out, CASES[i].head);
        append_repeated(&out, CASES[i].repeated, CASES[i].times);
        buf_append_str(&out, CASES[i].tail);
        send_bytes(f, fd, out.data, out.len);
        read_to_end(f, fd, &in);
        bool fine = status_of(&in) == CASES[i].status || status_of(&in) == CASES[i].other_status;
        if (!fine || count_of(&in, "HTTP/1.1 ") != 1 || f->handled != 0)
            fail_msg("%s: %s", CASES[i].name, in.data);
        close(fd);
        buf_release(&in);
        buf_release(&out);
    }
}

/* A header block within the limit is served, whatever it is made of. */
static void test_largest_header(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT, out = BUF_INIT;
    int fd = dial(f);
    buf_append_str(&out, "GET /hello?");
    append_repeated(&out, "a&", 500);
    buf_append_str(&out, " HTTP/1.1\r\n" HOST);
    append_repeated(&out, "X-Y: abcdefghijklmnopqrstuvwxyz\r\n", GATE_HEADERS_MAX - 2);
    buf_append_str(&out, "X-Z: ");
    while (out.len < 4092)
        buf_append_char(&out, 'x');
    buf_append_str(&out, "\r\n\r\n");
    assert_int_equal(out.len, 4096);
    assert_true(send_bytes(f, fd, out.data, out.len));
    read_until(f, fd, &in, "hello", 1);
    assert_int_equal(status_of(&in), 200);
    close(fd);
    buf_release(&in);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_is_refused_once, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_each_is_refused_byte_by_byte, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_an_attack_behind_a_good_request, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_refusal_is_a_problem, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_bad_content_length_is_a_problem_too, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_oversized_headers, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_largest_header, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("http malformed", tests, NULL, NULL);
}
