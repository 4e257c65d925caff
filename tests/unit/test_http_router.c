/* http/router: what compiles, what matches, what Allow says. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "http/router.h"

#define UUID "0190a5b2-7c1d-7e4f-8a9b-0123456789ab"
#define UUID_UPPER "0190A5B2-7C1D-7E4F-8A9B-0123456789AB"

static const struct http_route ROUTES[] = {
    {"GET", "/", 0, 0},
    {"GET", "/v1/health", 0, 1},
    {"GET", "/v1/children/{child_id:uuid}", 0, 2},
    {"POST", "/v1/children", 100, 3},
    {"GET", "/v1/children", 0, 4},
    {"GET", "/v1/children/{child_id:uuid}/verifications/{id:int}", 0, 5},
    {"POST", "/v1/children/{child:uuid}/verifications/{number:int}/completion", 0, 6},
    {"GET", "/v1/words/{id:slug}", 0, 7},
    {"GET", "/v1/words/new", 0, 8},
    {"GET", "/v1/words/{id:slug}/forms", 0, 9},
    {"POST", "/v1/words/new/drafts", 0, 10},
    {"GET", "/openapi.json", 0, 11},
    {"HEAD", "/v1/headed", 0, 12},
    {"GET", "/v1/headed", 0, 13},
    {"OPTIONS", "/v1/children", 0, 14},
};

static int setup(void **state)
{
    struct err err;
    *state = http_router_new(ROUTES, COUNT_OF(ROUTES), &err);
    return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    http_router_free(*state);
    return 0;
}

/* The index of the route, -1: no path, -2: no method. */
static int match(void **state, const char *method, const char *path, struct http_match *m, char allow[64])
{
    switch (http_router_match(*state, method, path, m, allow, 64)) {
    case HTTP_MATCH_OK:
        return m->route->index;
    case HTTP_MATCH_NO_PATH:
        assert_null(m->route);
        return -1;
    case HTTP_MATCH_NO_METHOD:
        assert_null(m->route);
        return -2;
    }
    return -3;
}

static void test_matches(void **state)
{
    static const struct {
        const char *method, *path;
        int index;
    } CASES[] = {
        {"GET", "/", 0},
        {"GET", "/v1/health", 1},
        {"HEAD", "/v1/health", 1},
        {"GET", "/v1/%68ealth", 1},
        {"GET", "/v1/health/", -1},
        {"GET", "//v1/health", -1},
        {"GET", "/v1//health", -1},
        {"GET", "/v1/Health", -1},
        {"GET", "/v1/./health", -1},
        {"GET", "/v1/x/../health", -1},
        {"GET", "/v1/%2e/health", -1},
        {"GET", "/v1%2fhealth", -1},
        {"GET", "/v1/health%00", -1},
        {"GET", "/v1/health%0", -1},
        {"GET", "/v1/health%zz", -1},
        {"GET", "/v1", -1},
        {"GET", "", -1},
        {"GET", "v1/health", -1},
        {"GET", "*", -1},
        {"GET", "/v1/children/" UUID, 2},
        {"GET", "/v1/children/" UUID_UPPER, 2},
        {"GET", "/v1/children/0190a5b27c1d7e4f8a9b0123456789ab", -1},
        {"GET", "/v1/children/" UUID "0", -1},
        {"GET", "/v1/children/g190a5b2-7c1d-7e4f-8a9b-0123456789ab", -1},
        {"POST", "/v1/children", 3},
        {"GET", "/v1/children", 4},
        {"GET", "/v1/children/" UUID "/verifications/0", 5},
        {"GET", "/v1/children/" UUID "/verifications/9223372036854775807", 5},
        {"GET", "/v1/children/" UUID "/verifications/9223372036854775808", -1},
        {"GET", "/v1/children/" UUID "/verifications/00", -1},
        {"GET", "/v1/children/" UUID "/verifications/01", -1},
        {"GET", "/v1/children/" UUID "/verifications/-1", -1},
        {"GET", "/v1/children/" UUID "/verifications/+1", -1},
        {"GET", "/v1/children/" UUID "/verifications/1x", -1},
        {"GET", "/v1/children/" UUID "/verifications", -1},
        {"POST", "/v1/children/" UUID "/verifications/1/completion", 6},
        {"GET", "/v1/words/new", 8},
        {"GET", "/v1/words/news", 7},
        {"GET", "/v1/words/new/forms", 9}, /* a literal that leads nowhere gives way to the parameter */
        {"POST", "/v1/words/new/drafts", 10},
        {"GET", "/v1/words/o'clock.n-1_x", 7},
        {"GET", "/v1/words/o%27clock", 7},
        {"GET", "/v1/words/-x", -1},
        {"GET", "/v1/words/X", -1},
        {"GET", "/v1/words/a%2fb", -1},
        {"GET", "/v1/words/%c3%b6", -1},
        {"GET", "/openapi.json", 11},
        {"HEAD", "/v1/headed", 12},
        {"GET", "/v1/headed", 13},
        {"PUT", "/v1/children", -2},
        {"DELETE", "/", -2},
        {"HEAD", "/v1/words/new/drafts", -2},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct http_match m;
        char allow[64];
        int index = match(state, CASES[i].method, CASES[i].path, &m, allow);
        if (index != CASES[i].index)
            fail_msg("%s %s: %d instead of %d", CASES[i].method, CASES[i].path, index, CASES[i].index);
    }
}

static void test_parameters(void **state)
{
    struct http_match m;
    char allow[64];
    assert_int_equal(
        match(state, "POST", "/v1/children/" UUID_UPPER "/verifications/42/completion", &m, allow), 6);
    assert_int_equal(m.param_count, 2);
    assert_string_equal(m.params[0].name, "child");
    assert_int_equal(m.params[0].type, HTTP_PARAM_UUID);
    assert_string_equal(m.params[0].value, UUID);
    assert_string_equal(m.params[1].name, "number");
    assert_int_equal(m.params[1].type, HTTP_PARAM_INT);
    assert_int_equal(m.params[1].integer, 42);
    assert_string_equal(m.params[1].value, "42");
    assert_int_equal(match(state, "GET", "/v1/children/" UUID "/verifications/7", &m, allow), 5);
    assert_string_equal(m.params[0].name, "child_id"); /* each route has its own names */
    assert_int_equal(match(state, "GET", "/v1/words/new", &m, allow), 8);
    assert_int_equal(m.param_count, 0);
    assert_int_equal(match(state, "POST", "/v1/children", &m, allow), 3);
    assert_int_equal(m.route->body_bytes_max, 100);
    assert_string_equal(m.route->pattern, "/v1/children");
}

static void test_slug_length(void **state)
{
    struct http_match m;
    char allow[64], path[512] = "/v1/words/";
    size_t base = strlen(path);
    memset(path + base, 'a', 100);
    assert_int_equal(match(state, "GET", path, &m, allow), 7);
    path[base + 100] = 'a';
    assert_int_equal(match(state, "GET", path, &m, allow), -1);
    memset(path + base, 'a', 500 - base);
    assert_int_equal(match(state, "GET", path, &m, allow), -1);
}

static void test_allow(void **state)
{
    struct http_match m;
    char allow[64];
    assert_int_equal(match(state, "PUT", "/v1/children", &m, allow), -2);
    assert_string_equal(allow, "GET, HEAD, OPTIONS, POST");
    assert_int_equal(match(state, "GET", "/v1/words/new/drafts", &m, allow), -2);
    assert_string_equal(allow, "POST");
    assert_int_equal(http_router_match(*state, "PUT", "/", &m, NULL, 0), HTTP_MATCH_NO_METHOD);
    char small[8];
    assert_int_equal(http_router_match(*state, "PUT", "/v1/children", &m, small, sizeof small),
                     HTTP_MATCH_NO_METHOD);
    assert_true(strlen(small) < sizeof small);
}

static void test_bad_routes(void **state)
{
    (void)state;
    static const struct {
        struct http_route routes[2];
        const char *reason;
    } CASES[] = {
        {{{"GET", "", 0, 0}, {"GET", "/a", 0, 0}}, "begins with /"},
        {{{"GET", "a", 0, 0}, {"GET", "/a", 0, 0}}, "begins with /"},
        {{{"GET", "/a/", 0, 0}, {"GET", "/a", 0, 0}}, "no segment"},
        {{{"GET", "//a", 0, 0}, {"GET", "/a", 0, 0}}, "no segment"},
        {{{"GET", "/a b", 0, 0}, {"GET", "/a", 0, 0}}, "no segment"},
        {{{"GET", "/..", 0, 0}, {"GET", "/a", 0, 0}}, "no segment"},
        {{{"GET", "/a%20", 0, 0}, {"GET", "/a", 0, 0}}, "no segment"},
        {{{"GET", "/{id}", 0, 0}, {"GET", "/a", 0, 0}}, "{name:type}"},
        {{{"GET", "/{:int}", 0, 0}, {"GET", "/a", 0, 0}}, "{name:type}"},
        {{{"GET", "/{Id:int}", 0, 0}, {"GET", "/a", 0, 0}}, "{name:type}"},
        {{{"GET", "/{id:int", 0, 0}, {"GET", "/a", 0, 0}}, "{name:type}"},
        {{{"GET", "/{", 0, 0}, {"GET", "/a", 0, 0}}, "{name:type}"},
        {{{"GET", "/{id:int}x", 0, 0}, {"GET", "/a", 0, 0}}, "{name:type}"},
        {{{"GET", "/{id:text}", 0, 0}, {"GET", "/a", 0, 0}}, "unknown parameter type \"text\""},
        {{{"GET", "/{id:}", 0, 0}, {"GET", "/a", 0, 0}}, "unknown parameter type"},
        {{{"GET", "/{id:int}/{id:int}", 0, 0}, {"GET", "/a", 0, 0}}, "twice"},
        {{{"get", "/b", 0, 0}, {"GET", "/a", 0, 0}}, "no method"},
        {{{"", "/b", 0, 0}, {"GET", "/a", 0, 0}}, "no method"},
        {{{"GET", "/a", 0, 0}, {"GET", "/a", 0, 0}}, "there is already /a"},
        {{{"GET", "/{a:int}", 0, 0}, {"GET", "/{b:int}", 0, 0}}, "there is already /{a:int}"},
        {{{"GET", "/{a:int}/x", 0, 0}, {"GET", "/{a:slug}/y", 0, 0}}, "another type"},
        {{{"GET", "/{a:int}/{b:int}/{c:int}/{d:int}/{e:int}/{f:int}/{g:int}/{h:int}/{i:int}", 0, 0},
          {"GET", "/a", 0, 0}},
         "more than 8"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct err err;
        struct http_router *r = http_router_new(CASES[i].routes, 2, &err);
        if (r != NULL || strstr(err.text, CASES[i].reason) == NULL)
            fail_msg("%s: %s", CASES[i].routes[0].pattern, r != NULL ? "accepted" : err.text);
    }
}

static void test_empty(void **state)
{
    struct err err;
    struct http_match m;
    (void)state;
    struct http_router *r = http_router_new(NULL, 0, &err);
    assert_non_null(r);
    assert_int_equal(http_router_match(r, "GET", "/", &m, NULL, 0), HTTP_MATCH_NO_PATH);
    http_router_free(r);
    http_router_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches), cmocka_unit_test(test_parameters), cmocka_unit_test(test_slug_length),
        cmocka_unit_test(test_allow),   cmocka_unit_test(test_bad_routes), cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests_name("http router", tests, setup, teardown);
}
