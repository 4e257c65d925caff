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
    assert_non_null(strstr(err.text, "a: "));
    cursor = "%zz=a";
    assert_int_equal(http_query_next(&cursor, &name, &value, &err), -1);
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
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_problem_body),
    };
    return cmocka_run_group_tests_name("http request", tests, NULL, NULL);
}
