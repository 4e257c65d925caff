/* http/request: header look-up, decoding, query strings, problem bodies. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "http/request.h"

static void test_header(void **state)
{
    static const struct http_header HEADERS[] = {{"Accept", "a"}, {"X-Y", "1"}, {"x-y", "2"}};
    const struct http_request req = {.headers = HEADERS, .header_count = COUNT_OF(HEADERS)};
    (void)state;
    assert_string_equal(http_request_header(&req, "accept"), "a");
    assert_string_equal(http_request_header(&req, "X-y"), "1");
    assert_null(http_request_header(&req, "X"));
}

/* Every byte in every place of a text, among bytes below and above it. */
static void test_field_value(void **state)
{
    (void)state;
    for (int neighbour = 0x20; neighbour <= 0xff; neighbour += 0xdf) {
        for (size_t len = 1; len <= 20; len++) {
            char text[20];
            memset(text, neighbour, sizeof text);
            assert_true(http_is_field_value(text, len));
            for (int byte = 0; byte <= 0xff; byte++) {
                bool fine = (byte >= 0x20 && byte != 0x7f) || byte == '\t';
                text[len / 2] = (char)byte;
                assert_int_equal(http_is_field_value(text, len), fine);
            }
        }
    }
    assert_true(http_is_field_value("", 0));
}

static void test_trace_id(void **state)
{
#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
    static const struct {
        const char *traceparent;
        bool is_good;
    } CASES[] = {
        {"00-" TRACE "-" PARENT "-01", true},
        {"00-" TRACE "-" PARENT "-00", true},
        {"00-" TRACE "-" PARENT "-ff", true},
        {"cc-" TRACE "-" PARENT "-01", true},
        {"cc-" TRACE "-" PARENT "-01-what the future will be like", true},
        {"cc-" TRACE "-" PARENT "-01.what", false},
        {"cc-" TRACE "-" PARENT "-01a", false},
        {"00-" TRACE "-" PARENT "-01-x", false},
        {"00-" TRACE "-" PARENT "-01 ", false},
        {"00-" TRACE "-" PARENT "-1", false},
        {"00-" TRACE "-" PARENT, false},
        {"ff-" TRACE "-" PARENT "-01", false},
        {"0x-" TRACE "-" PARENT "-01", false},
        {"0-" TRACE "-" PARENT "-01", false},
        {"00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01", false},
        {"00-00000000000000000000000000000000-" PARENT "-01", false},
        {"00-" TRACE "-0000000000000000-01", false},
        {"00-" TRACE "0-" PARENT "-01", false},
        {"00-0af7651916cd43dd8448eb211c80319-" PARENT "-01", false},
        {"00-0af7651916cd43dd8448eb211c80319g-" PARENT "-01", false},
        {"00_" TRACE "_" PARENT "_01", false},
        {" 00-" TRACE "-" PARENT "-01", false},
        {"00-" TRACE "-" PARENT "-0g", false},
        {"", false},
    };
    char trace_id[33];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        http_trace_id(CASES[i].traceparent, trace_id);
        assert_string_equal(trace_id, CASES[i].is_good ? TRACE : "");
    }
}

static void test_decode(void **state)
{
    static const struct {
        const char *text, *plain, *query; /* NULL: refused */
    } CASES[] = {
        {"", "", ""},
        {"abc", "abc", "abc"},
        {"a+b", "a+b", "a b"},
        {"a%20b%2B", "a b+", "a b+"},
        {"%C3%B6%c3%b6", "\xc3\xb6\xc3\xb6", "\xc3\xb6\xc3\xb6"},
        {"%2525", "%25", "%25"},
        {"%", NULL, NULL},
        {"%4", NULL, NULL},
        {"%4g", NULL, NULL},
        {"a%00", NULL, NULL},
        {"%ff", NULL, NULL},
        {"%c3", NULL, NULL},
        {"%ed%a0%80", NULL, NULL},
        {"%c0%80", NULL, NULL},
    };
    struct buf out = BUF_INIT;
    struct err err;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        for (int query = 0; query < 2; query++) {
            const char *wanted = query ? CASES[i].query : CASES[i].plain;
            int code = http_decode(CASES[i].text, strlen(CASES[i].text), query == 1, &out, &err);
            assert_int_equal(code, wanted != NULL ? 0 : -1);
            if (wanted != NULL)
                assert_string_equal(out.data, wanted);
            else
                assert_int_equal(err.code, ERR_INVALID);
        }
    }
    assert_int_equal(http_decode("a%41b", 3, false, &out, &err), -1); /* the length rules, not what follows */
    assert_int_equal(http_decode("a\0b", 3, false, &out, &err), -1);
    buf_release(&out);
}

static void test_query(void **state)
{
    static const char *const WANTED[][2] = {{"a", "1"},       {"b", ""}, {"c", ""},
                                            {"d e", "f=g h"}, {"", "x"}, {"a", "2"}};
    const char *cursor = "a=1&b&&c=&d+e=f=g%20h&=x&a=2&";
    struct buf name = BUF_INIT, value = BUF_INIT;
    struct err err;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(WANTED); i++) {
        assert_int_equal(http_query_next(&cursor, &name, &value, &err), 1);
        assert_string_equal(name.data, WANTED[i][0]);
        assert_string_equal(value.data, WANTED[i][1]);
    }
    assert_int_equal(http_query_next(&cursor, &name, &value, &err), 0);
    assert_int_equal(http_query_next(&cursor, &name, &value, &err), 0);
    cursor = "";
    assert_int_equal(http_query_next(&cursor, &name, &value, &err), 0);
    cursor = "a=%zz";
    assert_int_equal(http_query_next(&cursor, &name, &value, &err), -1);
    assert_string_equal(name.data, "a");
    cursor = "b%ff=a&c=d";
    assert_int_equal(http_query_next(&cursor, &name, &value, &err), -1);
    assert_int_equal(name.len, 0);
    assert_int_equal(http_query_next(&cursor, &name, &value, &err), 1);
    assert_string_equal(name.data, "c");
    buf_release(&name);
    buf_release(&value);
}

static void test_problem_body(void **state)
{
    struct buf out = BUF_INIT;
    (void)state;
    http_problem_body(&out, 404, "not_found", NULL, "id-1");
    assert_string_equal(out.data, "{\"type\":\"/problems/not_found\",\"title\":\"Not Found\",\"status\":404,"
                                  "\"code\":\"not_found\",\"request_id\":\"id-1\"}");
    http_problem_body(&out, 409, "too_early", "due \"later\"\n", "id-2");
    assert_string_equal(out.data, "{\"type\":\"/problems/too_early\",\"title\":\"Conflict\",\"status\":409,"
                                  "\"code\":\"too_early\",\"detail\":\"due \\\"later\\\"\\n\","
                                  "\"request_id\":\"id-2\"}");
    buf_release(&out);
    assert_string_equal(http_status_title(200), "OK");
    assert_string_equal(http_status_title(418), "Client Error");
    assert_string_equal(http_status_title(599), "Server Error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),   cmocka_unit_test(test_field_value),
        cmocka_unit_test(test_trace_id), cmocka_unit_test(test_decode),
        cmocka_unit_test(test_query),    cmocka_unit_test(test_problem_body),
    };
    return cmocka_run_group_tests_name("http request", tests, NULL, NULL);
}
