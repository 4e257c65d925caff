/* base/json.h json_write_*: escapes, exact integers, doubles that read back equal. */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define RANDOM_DOUBLES 200000

static const struct json_limits limits = {1 << 20, 4};

static void expect_written(const char *text, size_t len, const char *expected)
{
    struct buf out = BUF_INIT;
    json_write_string(&out, text, len);
    assert_string_equal(out.data, expected);
    assert_int_equal(out.len, strlen(expected));
    buf_release(&out);
}

#define WRITTEN(literal, expected) expect_written(literal, sizeof(literal) - 1, expected)

static void test_strings(void **state)
{
    (void)state;
    WRITTEN("", "\"\"");
    WRITTEN("plain", "\"plain\"");
    WRITTEN("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
    WRITTEN("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"");
    WRITTEN("\0\x01\x1F\x7F", "\"\\u0000\\u0001\\u001f\x7F\"");
    WRITTEN("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
}

/* Wherever among others it stands, however many they are, every byte is written as it is alone. */
static void test_every_byte_anywhere(void **state)
{
    enum { LENGTH = 19 };
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        char one[1] = {(char)byte};
        struct buf alone = BUF_INIT;
        json_write_string(&alone, one, 1);
        for (size_t len = 1; len <= LENGTH; len++) {
            for (size_t at = 0; at < len; at++) {
                char text[LENGTH + 1] = "\x7f abcdefghijklmnop~", expected[LENGTH + 16];
                text[at] = (char)byte;
                snprintf(expected, sizeof(expected), "\"%.*s%.*s%.*s\"", (int)at, text, (int)alone.len - 2,
                         alone.data + 1, (int)(len - at - 1), text + at + 1);
                expect_written(text, len, expected);
            }
        }
        buf_release(&alone);
    }
}

static void test_invalid_bytes_are_replaced(void **state)
{
    (void)state;
    WRITTEN("\xFF", "\"\xEF\xBF\xBD\"");
    WRITTEN("a\xC3", "\"a\xEF\xBF\xBD\"");
    WRITTEN("\xC3\"", "\"\xEF\xBF\xBD\\\"\"");
    WRITTEN("\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

/* Whatever bytes go in, strict JSON comes out. */
static void test_every_byte_pair_makes_strict_json(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 1; second < 256; second++) {
            char bytes[2] = {(char)(first == 0 ? 'x' : first), (char)second};
            struct buf out = BUF_INIT;
            json_write_string(&out, bytes, 2);
            struct err e = {0};
            struct json *root = json_parse(out.data, out.len, &limits, &e);
            if (root == NULL)
                fail_msg("%02x %02x: %s", first, second, e.text);
            if (utf8_is_valid(bytes, 2))
                assert_memory_equal(json_string(root), bytes, 2);
            json_free(root);
            buf_release(&out);
        }
    }
}

static void test_appends(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    buf_append_str(&out, "[");
    json_write_string(&out, "a", 1);
    buf_append_str(&out, ",");
    json_write_integer(&out, 1);
    buf_append_str(&out, ",");
    json_write_double(&out, 0.5);
    buf_append_str(&out, "]");
    assert_string_equal(out.data, "[\"a\",1,0.5]");
    buf_release(&out);
}

static void expect_integer(int64_t value, const char *expected)
{
    struct buf out = BUF_INIT;
    json_write_integer(&out, value);
    assert_string_equal(out.data, expected);
    buf_release(&out);
}

static void test_integers(void **state)
{
    (void)state;
    expect_integer(0, "0");
    expect_integer(-1, "-1");
    expect_integer(INT64_C(9007199254740993), "9007199254740993");
    expect_integer(INT64_MAX, "9223372036854775807");
    expect_integer(INT64_MIN, "-9223372036854775808");
}

static void expect_double(double value, const char *expected)
{
    struct buf out = BUF_INIT;
    json_write_double(&out, value);
    assert_string_equal(out.data, expected);
    buf_release(&out);
}

/* As "%.15g" writes them, whether they have decimals or not. */
static void test_thousandths(void **state)
{
    (void)state;
    char text[32];
    for (int64_t i = -200000; i <= 200000; i++) {
        double value = i == 0 ? 0.0 : (double)i / 1000;
        snprintf(text, sizeof(text), "%.15g", value);
        expect_double(value, text);
        double large = (double)(i * 4999999) / 1000;
        snprintf(text, sizeof(text), "%.15g", i == 0 ? 0.0 : large);
        expect_double(i == 0 ? 0.0 : large, text);
    }
    expect_double(999999999999.999, "999999999999.999");
    expect_double(-123456789012.05, "-123456789012.05");
    expect_double(0.0005, "0.0005");
    expect_double(1.0005, "1.0005");
}

static void test_doubles(void **state)
{
    (void)state;
    expect_double(0.0, "0");
    expect_double(-0.0, "-0");
    expect_double(1.0, "1");
    expect_double(0.1, "0.1");
    expect_double(0.1 + 0.2, "0.30000000000000004");
    expect_double(100.0, "100");
    expect_double(1e15, "1e+15");
    expect_double(9007199254740992.0, "9007199254740992");
    expect_double(9007199254740994.0, "9007199254740994.0");
    expect_double(-12345678901234568.0, "-12345678901234568.0");
    expect_double(1e300, "1e+300");
    expect_double(-2.5e-7, "-2.5e-07");
    expect_double(1.0 / 3.0, "0.3333333333333333");
    expect_double(DBL_MAX, "1.7976931348623157e+308");
}

static void test_not_finite_is_null(void **state)
{
    (void)state;
    expect_double(NAN, "null");
    expect_double(INFINITY, "null");
    expect_double(-INFINITY, "null");
}

static void expect_reads_back(double value)
{
    struct buf out = BUF_INIT;
    json_write_double(&out, value);
    struct err e = {0};
    struct json *root = json_parse(out.data, out.len, &limits, &e);
    if (root == NULL || json_double(root) != value)
        fail_msg("%a was written as %s (%s)", value, out.data, e.text);
    json_free(root);
    buf_release(&out);
}

/* Random bit patterns (fixed seed) and the edges: each is a JSON number that reads back as the same double.
 */
static void test_doubles_read_back(void **state)
{
    (void)state;
    static const double edges[] = {
        DBL_MIN, DBL_MAX, -DBL_MAX, DBL_EPSILON, DBL_TRUE_MIN, -DBL_TRUE_MIN, 2.2250738585072e-308,
        5e-324,  1e23,    0.3,      1e22};
    for (size_t i = 0; i < COUNT_OF(edges); i++)
        expect_reads_back(edges[i]);
    uint64_t bits = UINT64_C(88172645463325252);
    for (int i = 0; i < RANDOM_DOUBLES; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double value;
        memcpy(&value, &bits, sizeof(value));
        /* A double without fraction and exponent is written like an integer, and so only read back below
         * 2^53; %.15g to
         * %.17g write no larger one without an exponent but those up to 1e17. */
        if (isfinite(value) && !(fabs(value) > 9e15 && fabs(value) < 1e17))
            expect_reads_back(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_every_byte_anywhere),
        cmocka_unit_test(test_invalid_bytes_are_replaced),
        cmocka_unit_test(test_every_byte_pair_makes_strict_json),
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_thousandths),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_not_finite_is_null),
        cmocka_unit_test(test_doubles_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
