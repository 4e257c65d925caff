/* base/err.h: filling, cutting, prefixes, names. */
#include "base/err.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/json.h"

static void test_set_fills_and_clears(void **state)
{
    (void)state;
    struct err e = {
        .code = ERR_DB, .sqlstate = "23505", .constraint = "users_email_key", .position = 4, .text = "old"};
    assert_int_equal(err_set(&e, ERR_LIMIT, "%d of %s", 3, "these"), -1);
    assert_int_equal(e.code, ERR_LIMIT);
    assert_string_equal(e.text, "3 of these");
    assert_string_equal(e.sqlstate, "");
    assert_string_equal(e.constraint, "");
    assert_int_equal(e.position, 0);
}

static void test_null_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_IO, "nobody %s", "asks"), -1);
    assert_int_equal(err_prefix(NULL, "%s", "x"), -1);
}

static void test_own_text_as_argument(void **state)
{
    (void)state;
    struct err e;
    err_set(&e, ERR_IO, "inner");
    err_set(&e, ERR_INTERNAL, "outer (%s)", e.text);
    assert_string_equal(e.text, "outer (inner)");
    assert_int_equal(err_prefix(&e, "%s", e.text), -1);
    assert_string_equal(e.text, "outer (inner): outer (inner)");
    assert_int_equal(e.code, ERR_INTERNAL);
}

static void test_prefix_keeps_the_rest(void **state)
{
    (void)state;
    struct err e = {.code = ERR_DB, .sqlstate = "42P01", .position = 15, .text = "no such table"};
    err_prefix(&e, "migration %d", 3);
    assert_string_equal(e.text, "migration 3: no such table");
    assert_string_equal(e.sqlstate, "42P01");
    assert_int_equal(e.position, 15);
}

static void test_one_line(void **state)
{
    (void)state;
    struct err e;
    err_set(&e, ERR_SCRIPT, "first\nsecond\r\nthird");
    assert_string_equal(e.text, "first second  third");
}

static void fill(char *text, size_t len)
{
    memset(text, 'a', len);
    text[len] = '\0';
}

static void test_cut_to_fit(void **state)
{
    (void)state;
    struct err e;
    char text[2000];
    fill(text, sizeof(text) - 1);
    err_set(&e, ERR_INVALID, "%s", text);
    assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
    err_prefix(&e, "%s", text);
    assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

/* Exactly full is not cut, and a character that fits whole stays. */
static void test_exact_fit_is_not_cut(void **state)
{
    (void)state;
    struct err e;
    char text[2000];
    size_t room = sizeof(e.text) - 1 - 3;
    fill(text, room);
    memcpy(text + room, "\xE2\x82\xAC", 4);
    err_set(&e, ERR_INVALID, "%s", text);
    assert_string_equal(e.text, text);
}

/* A character of 2, 3 or 4 bytes pushed over the end byte by byte never leaves a part of itself. */
static void test_cut_never_splits_a_character(void **state)
{
    (void)state;
    static const char *const characters[] = {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    for (size_t which = 0; which < COUNT_OF(characters); which++) {
        for (size_t before = 630; before < 645; before++) {
            struct err e;
            char text[2000];
            fill(text, before);
            err_set(&e, ERR_INVALID, "%s%s%s", text, characters[which], "tail that is always cut away");
            assert_true(utf8_is_valid(e.text, strlen(e.text)));
            assert_true(strlen(e.text) >= sizeof(e.text) - 4);
        }
    }
}

static void test_names(void **state)
{
    (void)state;
    static const char *const names[] = {"none", "invalid", "limit",     "timeout", "busy", "unavailable",
                                        "db",   "unknown", "cancelled", "script",  "io",   "internal"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_string_equal(err_code_name((enum err_code)i), names[i]);
    assert_int_equal(COUNT_OF(names), ERR_INTERNAL + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_fills_and_clears),
        cmocka_unit_test(test_null_is_allowed),
        cmocka_unit_test(test_own_text_as_argument),
        cmocka_unit_test(test_prefix_keeps_the_rest),
        cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_cut_to_fit),
        cmocka_unit_test(test_exact_fit_is_not_cut),
        cmocka_unit_test(test_cut_never_splits_a_character),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
