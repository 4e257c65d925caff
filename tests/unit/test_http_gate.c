/* http/gate: each rule by itself; test_http_malformed.c has them through a real server. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "http/gate.h"

#define FIELDS_MAX 80

/* The verdict on a header block with well-formed lines. fields is "Name: value\n…". extra is added to its
 * size. */
static struct gate_verdict judge(const char *method, const char *uri, const char *version, const char *fields,
                                 size_t extra, size_t limit, bool require_host)
{
    static char text[8192];
    struct http_header headers[FIELDS_MAX];
    size_t name_sizes[FIELDS_MAX], value_sizes[FIELDS_MAX], spans = 0, count = 0;
    assert_true(strlen(fields) < sizeof text);
    snprintf(text, sizeof text, "%s", fields);
    char *line = text;
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        assert_true(count < FIELDS_MAX);
        *end = '\0';
        char *value = strstr(line, ": ");
        assert_non_null(value);
        spans += strlen(line);
        *value = '\0';
        headers[count] = (struct http_header){line, value + 2};
        name_sizes[count] = strlen(line);
        value_sizes[count++] = strlen(value + 2);
    }
    struct gate_input in = {
        .method = method,
        .uri = uri,
        .version = version,
        .headers = headers,
        .name_sizes = name_sizes,
        .value_sizes = value_sizes,
        .header_count = count,
        .header_bytes = strlen(method) + strlen(uri) + strlen(version) + 4 + spans + 2 * count + 2 + extra,
        .spans_total = spans,
        .header_bytes_max = limit,
        .require_host = require_host,
    };
    struct gate_verdict verdict;
    gate_check(&in, &verdict);
    if (verdict.status != 0)
        assert_non_null(verdict.detail);
    return verdict;
}

static struct gate_verdict fields(const char *method, const char *lines)
{
    return judge(method, "/", "HTTP/1.1", lines, 0, 8192, true);
}

static int target(const char *uri)
{
    return judge("GET", uri, "HTTP/1.1", "Host: test:80\n", 0, 8192, true).status;
}

static void test_clean(void **state)
{
    (void)state;
    struct gate_verdict v = fields("GET", "Host: test\nAccept: */*\nX-Empty: \nX: \xc3\xb6 \t~\n");
    assert_int_equal(v.status, 0);
    assert_false(v.has_body);
    assert_int_equal(v.content_length, -1);
    v = fields("POST", "Host: [::1]:8080\ncontent-length: 12\n");
    assert_int_equal(v.status, 0);
    assert_true(v.has_body);
    assert_false(v.expects_continue);
    assert_int_equal(v.content_length, 12);
    v = fields("POST", "Host: test\nContent-Length: 0\nExpect: 100-continue\n");
    assert_int_equal(v.status, 0);
    assert_false(v.has_body);
    assert_false(v.expects_continue);
    v = fields("PUT", "Host: test\nTRANSFER-ENCODING: CHUNKED\nexpect: 100-Continue\n");
    assert_int_equal(v.status, 0);
    assert_true(v.has_body);
    assert_true(v.expects_continue);
    assert_int_equal(v.content_length, -1);
}

static void test_methods(void **state)
{
    static const char *const KNOWN[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    static const struct {
        const char *method;
        int status;
    } REFUSED[] = {{"TRACE", 501}, {"CONNECT", 501}, {"get", 501},  {"GETS", 501},  {"", 400},
                   {"G(T", 400},   {"G\x01T", 400},  {"G\tT", 400}, {"G\x7fT", 400}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(KNOWN); i++) {
        assert_int_equal(fields(KNOWN[i], "Host: test\n").status, 0);
        assert_string_equal(gate_method(KNOWN[i]), KNOWN[i]);
    }
    for (size_t i = 0; i < COUNT_OF(REFUSED); i++)
        assert_int_equal(fields(REFUSED[i].method, "Host: test\n").status, REFUSED[i].status);
    assert_null(gate_method("TRACE"));
}

static void test_versions(void **state)
{
    static const char *const REFUSED[] = {"HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "http/1.1", ""};
    (void)state;
    assert_int_equal(judge("GET", "/", "HTTP/1.0", "", 0, 8192, true).status, 0);
    for (size_t i = 0; i < COUNT_OF(REFUSED); i++)
        assert_int_equal(judge("GET", "/", REFUSED[i], "Host: test\n", 0, 8192, true).status, 505);
}

static void test_targets(void **state)
{
    static const char *const FINE[] = {
        "/",           "/a?b=%20c&d", "/a%2Fb", "http://test:80/a", "HTTPS://TEST:80?x", "http://test:80",
        "/\"<>[]{}|^`"};
    static const char *const REFUSED[] = {"",
                                          "a",
                                          "*",
                                          "//%",
                                          "/%",
                                          "/%4",
                                          "/%g0",
                                          "/%00",
                                          "/a?%00",
                                          "/#a",
                                          "/a b",
                                          "/\x7f",
                                          "/\xc3\xb6",
                                          "ftp://test:80/",
                                          "http:///a",
                                          "http://test:81/",
                                          "http://test/",
                                          "http://x@test:80/",
                                          "test:80"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(FINE); i++) {
        if (target(FINE[i]) != 0)
            fail_msg("%s was refused", FINE[i]);
    }
    for (size_t i = 0; i < COUNT_OF(REFUSED); i++) {
        if (target(REFUSED[i]) != 400)
            fail_msg("%s was not refused", REFUSED[i]);
    }
    assert_int_equal(judge("OPTIONS", "*", "HTTP/1.1", "Host: test\n", 0, 8192, true).status, 0);
}

/* Targets are read several bytes at a time: each byte in each place. */
static void test_bytes_of_targets(void **state)
{
    (void)state;
    for (int byte = 1; byte <= UINT8_MAX; byte++) {
        bool fine = byte > ' ' && byte < 0x7f && byte != '#' && byte != '%';
        for (size_t at = 1; at < 20; at++) {
            char uri[] = "/xxxxxxxxxxxxxxxxxxx";
            uri[at] = (char)byte;
            if (target(uri) != (fine ? 0 : 400))
                fail_msg("byte %#x in place %zu", (unsigned)byte, at);
        }
    }
}

static void test_sizes(void **state)
{
    struct gate_verdict v = fields("GET", "Host: test\n");
    char many[FIELDS_MAX * 8] = "Host: test\n";
    (void)state;
    assert_int_equal(v.status, 0);
    assert_int_equal(judge("GET", "/", "HTTP/1.1", "Host: test\n", 1, 8192, true).status, 400);
    assert_int_equal(judge("GET", "/", "HTTP/1.1", "Host: test\n", (size_t)-1, 8192, true).status, 400);
    assert_int_equal(judge("GET", "/", "HTTP/1.1", "Host: test\n", 0, 30, true).status, 0);
    assert_int_equal(judge("GET", "/", "HTTP/1.1", "Host: test\n", 0, 29, true).status, 431);
    size_t len = strlen(many);
    for (size_t i = 1; i < GATE_HEADERS_MAX; i++)
        len += (size_t)snprintf(many + len, sizeof many - len, "X: y\n");
    assert_int_equal(fields("GET", many).status, 0);
    snprintf(many + len, sizeof many - len, "X: y\n");
    assert_int_equal(fields("GET", many).status, 431);
}

static void test_fields(void **state)
{
    static const struct {
        const char *lines;
        int status;
    } CASES[] = {
        {"Host: test\nX : y\n", 400},
        {"Host: test\nX\t: y\n", 400},
        {"Host: test\n: y\n", 400},
        {"Host: test\nX(: y\n", 400},
        {"Host: test\nX\xc3: y\n", 400},
        {"Host: test\nX: a\rb\n", 400},
        {"Host: test\nX: a\x01\n", 400},
        {"Host: test\nX: a\x7f\n", 400},
        {"X: y\n", 400},
        {"Host: a\nHost: a\n", 400},
        {"Host: a\nhOST: b\n", 400},
        {"Host: \n", 400},
        {"Host: a b\n", 400},
        {"Host: a,b\n", 400},
        {"Host: a/b\n", 400},
        {"Host: a \n", 0},
        {"Host: a\nContent-Length: 1\nContent-Length: 1\n", 400},
        {"Host: a\nContent-Length: \n", 400},
        {"Host: a\nContent-Length: +1\n", 400},
        {"Host: a\nContent-Length: -1\n", 400},
        {"Host: a\nContent-Length: 1 \n", 400},
        {"Host: a\nContent-Length: 1,1\n", 400},
        {"Host: a\nContent-Length: 0x1\n", 400},
        {"Host: a\nContent-Length: 1.0\n", 400},
        {"Host: a\nContent-Length: 999999999999999999\n", 0},
        {"Host: a\nContent-Length: 9999999999999999999\n", 400},
        {"Host: a\nContent-Length: 1\nTransfer-Encoding: chunked\n", 400},
        {"Host: a\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n", 400},
        {"Host: a\nTransfer-Encoding: chunked, chunked\n", 400},
        {"Host: a\nTransfer-Encoding: gzip, chunked\n", 400},
        {"Host: a\nTransfer-Encoding: chunked \n", 400},
        {"Host: a\nTransfer-Encoding: identity\n", 400},
        {"Host: a\nTransfer-Encoding: \n", 400},
        {"Host: a\nAuthorization: Bearer a\nauthorization: Bearer a\n", 400},
        {"Host: a\nIdempotency-Key: a\nIdempotency-Key: b\n", 400},
        {"Host: a\nIf-Match: *\nContent-Type: a\nAuthorization: b\nIdempotency-Key: c\n", 0},
        {"Host: a\nAccept: a\nAccept: b\n", 0},
        {"Host: a\nExpect: 200-ok\n", 417},
        {"Host: a\nExpect: 100-continue\nExpect: 100-continue\n", 417},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        int status = fields("POST", CASES[i].lines).status;
        if (status != CASES[i].status)
            fail_msg("%d instead of %d: %s", status, CASES[i].status, CASES[i].lines);
    }
    assert_int_equal(judge("POST", "/", "HTTP/1.0", "Transfer-Encoding: chunked\n", 0, 8192, true).status,
                     400);
    assert_int_equal(judge("GET", "/", "HTTP/1.1", "X: y\n", 0, 8192, false).status, 0);
    assert_int_equal(judge("GET", "/", "HTTP/1.1", "Host: a\nHost: a\n", 0, 8192, false).status, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_bytes_of_targets),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_fields),
    };
    return cmocka_run_group_tests_name("http gate", tests, NULL, NULL);
}
