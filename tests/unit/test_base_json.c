/* base/json.h json_parse: a conformance list (what must pass, what must not), limits, and reading the tree.
 */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define MEBIBYTE ((size_t)1024 * 1024)

static const struct json_limits limits = {4 * MEBIBYTE, 32};

struct sample {
    const char *text;
    size_t len;
};
#define SAMPLE(literal)                                                                                      \
    {                                                                                                        \
        (literal), sizeof(literal) - 1                                                                       \
    }

/* A copy without a NUL behind it, so that AddressSanitizer sees every read beyond the end. */
static struct json *parse_exact(const char *text, size_t len, const struct json_limits *bounds, struct err *e)
{
    char *copy = malloc(len > 0 ? len : 1);
    if (len > 0)
        memcpy(copy, text, len);
    struct json *root = json_parse(copy, len, bounds, e);
    free(copy);
    return root;
}

static struct json *parse(const char *text)
{
    struct err e = {0};
    struct json *root = parse_exact(text, strlen(text), &limits, &e);
    if (root == NULL)
        fail_msg("%s in %s", e.text, text);
    return root;
}

static void expect_refused(const char *text, size_t len, enum err_code code, const char *reason)
{
    struct err e = {0};
    struct json *root = parse_exact(text, len, &limits, &e);
    if (root != NULL)
        fail_msg("accepted: %.*s", (int)(len < 200 ? len : 200), text);
    if (e.code != code || strstr(e.text, reason) == NULL)
        fail_msg("\"%s\" instead of \"%s\" for %.*s", e.text, reason, (int)(len < 200 ? len : 200), text);
}

#define REFUSED(literal, reason) expect_refused(literal, sizeof(literal) - 1, ERR_INVALID, reason)

static const struct sample accepted[] = {
    SAMPLE("null"),
    SAMPLE("true"),
    SAMPLE("false"),
    SAMPLE("0"),
    SAMPLE("-0"),
    SAMPLE("-1"),
    SAMPLE("10"),
    SAMPLE("0.5"),
    SAMPLE("-0.0"),
    SAMPLE("1e5"),
    SAMPLE("1E+5"),
    SAMPLE("1.5e-5"),
    SAMPLE("0e0"),
    SAMPLE("1e-999"),
    SAMPLE("1.7976931348623157e308"),
    SAMPLE("9007199254740992"),
    SAMPLE("-9007199254740992"),
    SAMPLE("9007199254740993.0"),
    SAMPLE("\"\""),
    SAMPLE("\"a\""),
    SAMPLE("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    SAMPLE("\"\\u0001\\u00e9\\u20AC\""),
    SAMPLE("\"\\ud83d\\ude00\""),
    SAMPLE("\"\\uFFFF\""),
    SAMPLE("\"\x7F\""),
    SAMPLE("\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""),
    SAMPLE("\"\xEF\xBB\xBF\""),
    SAMPLE("[]"),
    SAMPLE("[ ]"),
    SAMPLE("[1]"),
    SAMPLE("[1,2]"),
    SAMPLE("[[],[[]]]"),
    SAMPLE("{}"),
    SAMPLE("{ }"),
    SAMPLE("{\"\":0}"),
    SAMPLE("{\"a\":1,\"A\":2}"),
    SAMPLE("{\"a\":{\"a\":{\"a\":1}}}"),
    SAMPLE("{\"a\":[{\"b\":1},{\"b\":2}],\"b\":3}"),
    SAMPLE("{\"ab\":1,\"a\":2,\"b\":3,\"ba\":4}"),
    SAMPLE(" \t\r\n1 \t\r\n"),
    SAMPLE("\n{ \"a\" : [ 1 , 2 ] , \"b\" : null }\n"),
};

static void test_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(accepted); i++) {
        struct err e = {0};
        struct json *root = parse_exact(accepted[i].text, accepted[i].len, &limits, &e);
        if (root == NULL)
            fail_msg("%s: %s", accepted[i].text, e.text);
        json_free(root);
    }
}

/* Every text that ends before its end is refused, and says so or names a byte. */
static void test_every_truncation(void **state)
{
    (void)state;
    static const char text[] =
        "{\"key\":[1.5e+3,\"\\ud83d\\ude00\xC3\xA9\",true,false,null,{}],\"\\u00e9\":-0.1}";
    for (size_t len = 0; len < sizeof(text) - 1; len++)
        expect_refused(text, len, ERR_INVALID, "byte ");
    json_free(parse(text));
}

static void test_words(void **state)
{
    (void)state;
    REFUSED("", "byte 1: the text ends too early");
    REFUSED("  ", "byte 3: the text ends too early");
    REFUSED("nul", "byte 1: unknown word");
    REFUSED("True", "byte 1: a value is missing");
    REFUSED("tru3", "byte 1: unknown word");
    REFUSED("nullnull", "byte 5: bytes after the value");
    REFUSED("undefined", "a value is missing");
    REFUSED("NaN", "a value is missing");
    REFUSED("nan", "unknown word");
    REFUSED("Infinity", "a value is missing");
    REFUSED("-Infinity", "a digit is missing");
    REFUSED("'a'", "a value is missing");
    REFUSED("// c\n1", "a value is missing");
    REFUSED("/* c */1", "a value is missing");
}

static void test_trailing_bytes(void **state)
{
    (void)state;
    REFUSED("1 2", "byte 3: bytes after the value");
    REFUSED("{} x", "byte 4: bytes after the value");
    REFUSED("[]]", "byte 3: bytes after the value");
    REFUSED("\"a\"\"b\"", "bytes after the value");
    REFUSED("1\0", "byte 2: bytes after the value");
    REFUSED("null\0", "bytes after the value");
    REFUSED("{}\0garbage", "bytes after the value");
    REFUSED("1\v", "bytes after the value");
    REFUSED("1\f", "bytes after the value");
    REFUSED("1\xC2\xA0", "bytes after the value");
}

static void test_leading_bytes(void **state)
{
    (void)state;
    REFUSED("\xEF\xBB\xBF{}", "byte 1: a value is missing");
    REFUSED("\0{}", "byte 1: a value is missing");
    REFUSED("\xFF\xFE{\0}\0", "byte 1: a value is missing");
    REFUSED("\x01{}", "a value is missing");
}

static void test_structure(void **state)
{
    (void)state;
    REFUSED("[1,]", "byte 4: a value is missing");
    REFUSED("[,1]", "byte 2: a value is missing");
    REFUSED("[1,,2]", "a value is missing");
    REFUSED("[1 2]", "',' or ']' is missing");
    REFUSED("[1}", "',' or ']' is missing");
    REFUSED("]", "a value is missing");
    REFUSED("{\"a\"}", "':' is missing");
    REFUSED("{\"a\" 1}", "':' is missing");
    REFUSED("{\"a\":}", "a value is missing");
    REFUSED("{\"a\":1,}", "byte 8: a key is missing");
    REFUSED("{,}", "a key is missing");
    REFUSED("{a:1}", "a key is missing");
    REFUSED("{'a':1}", "a key is missing");
    REFUSED("{1:1}", "a key is missing");
    REFUSED("{null:1}", "a key is missing");
    REFUSED("{\"a\":1 \"b\":2}", "',' or '}' is missing");
    REFUSED("{\"a\":1]", "',' or '}' is missing");
    REFUSED("{\"a\"::1}", "a value is missing");
    REFUSED("{[]:1}", "a key is missing");
}

static void test_number_grammar(void **state)
{
    (void)state;
    REFUSED("01", "byte 1: leading zero");
    REFUSED("-01", "byte 2: leading zero");
    REFUSED("00", "leading zero");
    REFUSED("00.5", "leading zero");
    REFUSED("[0,007]", "byte 4: leading zero");
    REFUSED("+1", "a value is missing");
    REFUSED(".5", "a value is missing");
    REFUSED("1.", "the text ends too early");
    REFUSED("[1.]", "byte 4: a digit is missing");
    REFUSED("[-]", "a digit is missing");
    REFUSED("[--1]", "a digit is missing");
    REFUSED("[-.5]", "a digit is missing");
    REFUSED("[1e]", "a digit is missing");
    REFUSED("[1e+]", "a digit is missing");
    REFUSED("[1.e5]", "a digit is missing");
    REFUSED("[1e5.5]", "',' or ']' is missing");
    REFUSED("[1.5.5]", "',' or ']' is missing");
    REFUSED("[1e5e5]", "',' or ']' is missing");
    REFUSED("0x10", "bytes after the value");
    REFUSED("1_000", "bytes after the value");
    REFUSED("1f", "bytes after the value");
    REFUSED("1,5", "bytes after the value");
}

static void test_number_bounds(void **state)
{
    (void)state;
    REFUSED("9007199254740993", "byte 1: integer beyond 2^53");
    REFUSED("-9007199254740993", "integer beyond 2^53");
    REFUSED("9223372036854775807", "integer beyond 2^53");
    REFUSED("9223372036854775808", "integer beyond 2^53");
    REFUSED("-9223372036854775809", "integer beyond 2^53");
    REFUSED("100000000000000000000000000000000000000", "integer beyond 2^53");
    REFUSED("1e999", "byte 1: number too large");
    REFUSED("-1e999", "number too large");
    REFUSED("1.8e308", "number too large");
    REFUSED("[1e308,1e309]", "byte 8: number too large");
    /* 63 characters are the most; one more is over the limit. */
    static const char longest[] = "0.1234567890123456789012345678901234567890123456789012345678901";
    assert_int_equal(strlen(longest), 63);
    struct json *root = parse(longest);
    assert_true(json_double(root) == strtod(longest, NULL));
    json_free(root);
    static const char longer[] = "0.12345678901234567890123456789012345678901234567890123456789012";
    expect_refused(longer, strlen(longer), ERR_LIMIT, "63 characters");
}

static void test_strings(void **state)
{
    (void)state;
    REFUSED("\"a", "the text ends too early");
    REFUSED("\"\\\"", "the text ends too early");
    REFUSED("\"a\nb\"", "byte 3: control character in a string");
    REFUSED("\"\t\"", "control character in a string");
    REFUSED("\"\0\"", "control character in a string");
    REFUSED("\"\x1F\"", "control character in a string");
    REFUSED("\"\\x41\"", "byte 3: unknown escape");
    REFUSED("\"\\a\"", "unknown escape");
    REFUSED("\"\\'\"", "unknown escape");
    REFUSED("\"\\\0\"", "unknown escape");
    REFUSED("\"\\U0041\"", "unknown escape");
    REFUSED("\"\\u12\"", "four hexadecimal digits");
    REFUSED("\"\\u12G4\"", "byte 6: \\u needs four hexadecimal digits");
    REFUSED("\"\\u+123\"", "four hexadecimal digits");
    REFUSED("\"\\u 123\"", "four hexadecimal digits");
    REFUSED("\"\\u-001\"", "four hexadecimal digits");
}

static void test_escaped_nul(void **state)
{
    (void)state;
    REFUSED("\"\\u0000\"", "byte 2: \\u0000 is not allowed");
    REFUSED("\"abc\\u0000\"", "byte 5: \\u0000 is not allowed");
    REFUSED("{\"a\\u0000\":1}", "\\u0000 is not allowed");
    struct json *root = parse("\"\\\\u0000\"");
    assert_string_equal(json_string(root), "\\u0000");
    json_free(root);
}

static void test_surrogates(void **state)
{
    (void)state;
    REFUSED("\"\\ud800\"", "byte 2: lone surrogate");
    REFUSED("\"\\udc00\"", "lone surrogate");
    REFUSED("\"\\udfff\\ud800\"", "lone surrogate");
    REFUSED("\"\\ud800\\ud800\"", "lone surrogate");
    REFUSED("\"\\ud800x\"", "lone surrogate");
    REFUSED("\"\\ud800\\n\"", "lone surrogate");
    REFUSED("\"\\ud800\\u0041\"", "lone surrogate");
    REFUSED("\"\\ud800\\u\"", "four hexadecimal digits");
    REFUSED("{\"\\udead\":1}", "lone surrogate");
    struct json *root = parse("[\"\\ud800\\udc00\",\"\\udbff\\udfff\",\"\\uD83D\\uDE00\"]");
    const struct json *node = json_first(root);
    assert_string_equal(json_string(node), "\xF0\x90\x80\x80");
    node = json_next(node);
    assert_string_equal(json_string(node), "\xF4\x8F\xBF\xBF");
    node = json_next(node);
    assert_string_equal(json_string(node), "\xF0\x9F\x98\x80");
    json_free(root);
}

static void test_utf8(void **state)
{
    (void)state;
    REFUSED("\"\x80\"", "byte 2: invalid UTF-8");
    REFUSED("\"ab\xC0\xAF\"", "byte 4: invalid UTF-8");
    REFUSED("\"\xE0\x80\xAF\"", "invalid UTF-8");
    REFUSED("\"\xED\xA0\x80\"", "invalid UTF-8");
    REFUSED("\"\xF4\x90\x80\x80\"", "invalid UTF-8");
    REFUSED("\"\xFF\"", "invalid UTF-8");
    REFUSED("\"\xE2\x82\"", "invalid UTF-8");
    REFUSED("{\"\xE9\":1}", "invalid UTF-8");
    REFUSED("[\xC3\xA9]", "a value is missing");
}

static void test_duplicate_keys(void **state)
{
    (void)state;
    REFUSED("{\"a\":1,\"a\":2}", "byte 8: duplicate key \"a\"");
    REFUSED("{\"a\":1,\"a\":1}", "duplicate key");
    REFUSED("{\"\":1,\"\":2}", "duplicate key \"\"");
    REFUSED("{\"a\":1,\"\\u0061\":2}", "byte 8: duplicate key \"a\"");
    REFUSED("{\"\\/\":1,\"/\":2}", "duplicate key \"/\"");
    REFUSED("{\"\\u00e9\":1,\"\xC3\xA9\":2}", "duplicate key \"\xC3\xA9\"");
    REFUSED("{\"\\ud83d\\ude00\":1,\"\xF0\x9F\x98\x80\":2}", "duplicate key \"\xF0\x9F\x98\x80\"");
    REFUSED("{\"\\u20ac\":1,\"\xE2\x82\xAC\":2}", "duplicate key");
    REFUSED("{\"\\n\":1,\"\\u000a\":2}", "duplicate key \"\\n\"");
    REFUSED("[{\"x\":{\"b\":1,\"c\":2,\"b\":3}}]", "byte 20: duplicate key \"b\"");
    REFUSED("{\"a\":{\"b\":[{\"c\":1}]},\"d\":0,\"a\":1}", "duplicate key \"a\"");
    /* Two pairs: the one that is complete first in the text is named. */
    REFUSED("{\"z\":1,\"bb\":1,\"z\":2,\"bb\":2}", "byte 15: duplicate key \"z\"");
    REFUSED("{\"a\":1,\"a\":2,\"a\":3}", "byte 8: duplicate key");
}

static void test_long_duplicate_key_is_shown_cut(void **state)
{
    (void)state;
    struct buf text = BUF_INIT;
    buf_append_str(&text, "{");
    for (int i = 0; i < 2; i++)
        buf_appendf(&text, "%s\"%0500d\":1", i > 0 ? "," : "", 7);
    buf_append_str(&text, "}");
    struct err e = {0};
    assert_null(json_parse(text.data, text.len, &limits, &e));
    assert_non_null(strstr(e.text, "duplicate key \"0000"));
    assert_true(strlen(e.text) < 150);
    buf_release(&text);
}

/* So many keys that comparing each with each would take minutes; this takes well under a second. */
static void test_many_keys(void **state)
{
    (void)state;
    struct buf text = BUF_INIT;
    buf_append_str(&text, "{");
    for (int i = 0; i < 200000; i++)
        buf_appendf(&text, "\"%08d\":0,", i * 7 % 200000);
    uint64_t started = thread_cpu_ns();
    struct buf good = BUF_INIT;
    buf_append(&good, text.data, text.len);
    buf_append_str(&good, "\"last\":0}");
    struct err e = {0};
    struct json *root = json_parse(good.data, good.len, &limits, &e);
    assert_non_null(root);
    json_free(root);
    buf_append_str(&text, "\"00000000\":0}");
    assert_null(json_parse(text.data, text.len, &limits, &e));
    assert_non_null(strstr(e.text, "duplicate key \"00000000\""));
    assert_true(thread_cpu_ns() - started < UINT64_C(20000000000));
    buf_release(&text);
    buf_release(&good);
}

static void nest(struct buf *out, int depth, bool objects)
{
    for (int i = 0; i < depth; i++)
        buf_append_str(out, objects ? "{\"a\":" : "[");
    buf_append_char(out, '1');
    for (int i = 0; i < depth; i++)
        buf_append_char(out, objects ? '}' : ']');
}

static bool is_nesting_accepted(int depth, bool objects, int depth_max)
{
    struct json_limits bounds = {4 * MEBIBYTE, depth_max};
    struct buf text = BUF_INIT;
    nest(&text, depth, objects);
    struct err e = {0};
    struct json *root = parse_exact(text.data, text.len, &bounds, &e);
    if (root == NULL) {
        assert_int_equal(e.code, ERR_LIMIT);
        assert_non_null(strstr(e.text, "nested too deeply"));
    }
    json_free(root);
    buf_release(&text);
    return root != NULL;
}

static void test_depth(void **state)
{
    (void)state;
    for (int objects = 0; objects < 2; objects++) {
        assert_true(is_nesting_accepted(0, objects, 0));
        assert_false(is_nesting_accepted(1, objects, 0));
        assert_true(is_nesting_accepted(32, objects, 32));
        assert_false(is_nesting_accepted(33, objects, 32));
        assert_true(is_nesting_accepted(256, objects, 256));
        assert_false(is_nesting_accepted(257, objects, 256));
        /* No caller can ask for more. */
        assert_false(is_nesting_accepted(257, objects, 100000));
        assert_false(is_nesting_accepted(500000, objects, 1000000));
    }
}

static void test_depth_is_not_length(void **state)
{
    (void)state;
    struct json_limits bounds = {4 * MEBIBYTE, 2};
    struct buf text = BUF_INIT;
    buf_append_char(&text, '[');
    for (int i = 0; i < 10000; i++)
        buf_append_str(&text, i > 0 ? ",[]" : "[]");
    buf_append_char(&text, ']');
    struct json *root = json_parse(text.data, text.len, &bounds, NULL);
    assert_non_null(root);
    json_free(root);
    buf_release(&text);
}

static void test_size(void **state)
{
    (void)state;
    struct json_limits bounds = {5, 4};
    struct err e = {0};
    struct json *root = parse_exact("[1,2]", 5, &bounds, &e);
    assert_non_null(root);
    json_free(root);
    assert_null(parse_exact("[1,2] ", 6, &bounds, &e));
    assert_int_equal(e.code, ERR_LIMIT);
    assert_string_equal(e.text, "longer than 5 bytes");
}

static void test_types(void **state)
{
    (void)state;
    struct json *root = parse("[null,false,true,7,7.0,7e0,\"s\",[],{},-0]");
    static const enum json_type types[] = {JSON_NULL,   JSON_FALSE,  JSON_TRUE,  JSON_INTEGER, JSON_DOUBLE,
                                           JSON_DOUBLE, JSON_STRING, JSON_ARRAY, JSON_OBJECT,  JSON_INTEGER};
    size_t at = 0;
    for (const struct json *node = json_first(root); node != NULL; node = json_next(node))
        assert_int_equal(json_type(node), types[at++]);
    assert_int_equal(at, COUNT_OF(types));
    json_free(root);
}

/* Integers and doubles in every kind of place keep their kinds apart. */
static void test_integers_deep_inside(void **state)
{
    (void)state;
    struct json *root =
        parse("{\"a\":[1,2.0,{\"b\":3,\"c\":[4.0,[5]]}],\"d\":6.0,\"e\":9007199254740992,\"f\":-0}");
    const struct json *a = json_first(json_member(root, "a"));
    assert_int_equal(json_type(a), JSON_INTEGER);
    assert_int_equal(json_integer(a), 1);
    assert_int_equal(json_type(json_next(a)), JSON_DOUBLE);
    const struct json *inner = json_next(json_next(a));
    assert_int_equal(json_type(json_member(inner, "b")), JSON_INTEGER);
    const struct json *c = json_first(json_member(inner, "c"));
    assert_int_equal(json_type(c), JSON_DOUBLE);
    assert_int_equal(json_type(json_first(json_next(c))), JSON_INTEGER);
    assert_int_equal(json_type(json_member(root, "d")), JSON_DOUBLE);
    assert_true(json_integer(json_member(root, "e")) == JSON_INTEGER_MAX);
    assert_true(json_double(json_member(root, "e")) == 9007199254740992.0);
    assert_int_equal(json_integer(json_member(root, "f")), 0);
    json_free(root);
}

static void test_members(void **state)
{
    (void)state;
    struct json *root = parse("{\"Name\":1,\"name\":2,\"\\u00e9\":3}");
    assert_int_equal(json_integer(json_member(root, "Name")), 1);
    assert_int_equal(json_integer(json_member(root, "name")), 2);
    assert_int_equal(json_integer(json_member(root, "\xC3\xA9")), 3);
    assert_null(json_member(root, "NAME"));
    assert_string_equal(json_key(json_first(root)), "Name");
    assert_null(json_key(root));
    json_free(root);
    root = parse("[\"name\"]");
    assert_null(json_member(root, "name"));
    assert_null(json_key(json_first(root)));
    json_free(root);
}

static void test_escapes_are_decoded(void **state)
{
    (void)state;
    struct json *root = parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\"");
    assert_string_equal(json_string(root), "\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC");
    json_free(root);
}

static void test_null_err_and_null_free(void **state)
{
    (void)state;
    struct json *root = json_parse("[", 1, &limits, NULL);
    assert_null(root);
    json_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_trailing_bytes),
        cmocka_unit_test(test_leading_bytes),
        cmocka_unit_test(test_structure),
        cmocka_unit_test(test_number_grammar),
        cmocka_unit_test(test_number_bounds),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_escaped_nul),
        cmocka_unit_test(test_surrogates),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_duplicate_keys),
        cmocka_unit_test(test_long_duplicate_key_is_shown_cut),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_depth_is_not_length),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_integers_deep_inside),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_escapes_are_decoded),
        cmocka_unit_test(test_null_err_and_null_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
