/* base/json.h utf8_is_valid: every code point, and every way to get one wrong. */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static size_t encode(uint32_t code, unsigned char *out)
{
    if (code < 0x80) {
        out[0] = (unsigned char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (unsigned char)(0xC0 | (code >> 6));
        out[1] = (unsigned char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (unsigned char)(0xE0 | (code >> 12));
        out[1] = (unsigned char)(0x80 | ((code >> 6) & 0x3F));
        out[2] = (unsigned char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (unsigned char)(0xF0 | (code >> 18));
    out[1] = (unsigned char)(0x80 | ((code >> 12) & 0x3F));
    out[2] = (unsigned char)(0x80 | ((code >> 6) & 0x3F));
    out[3] = (unsigned char)(0x80 | (code & 0x3F));
    return 4;
}

static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x200000; code++) {
        unsigned char bytes[4];
        size_t size = encode(code, bytes);
        bool is_scalar = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
        if (utf8_is_valid((const char *)bytes, size) != is_scalar)
            fail_msg("U+%04X", code);
        if (size > 1 && utf8_is_valid((const char *)bytes, size - 1))
            fail_msg("U+%04X without its last byte", code);
    }
}

/* All pairs of bytes: valid are two ASCII characters, or one character of two bytes. */
static void test_every_pair_of_bytes(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            char bytes[2] = {(char)first, (char)second};
            bool is_ascii = first < 0x80 && second < 0x80;
            bool is_two = first >= 0xC2 && first <= 0xDF && second >= 0x80 && second <= 0xBF;
            assert_int_equal(utf8_is_valid(bytes, 2), is_ascii || is_two);
        }
    }
}

static void test_invalid(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\x80",                 /* a continuation alone */
        "\xC0\x80",             /* NUL in two bytes */
        "\xC1\xBF",             /* overlong */
        "\xE0\x80\x80",         /* overlong */
        "\xE0\x9F\xBF",         /* overlong */
        "\xF0\x80\x80\x80",     /* overlong */
        "\xF0\x8F\xBF\xBF",     /* overlong */
        "\xED\xA0\x80",         /* surrogate */
        "\xED\xBF\xBF",         /* surrogate */
        "\xF4\x90\x80\x80",     /* above U+10FFFF */
        "\xF5\x80\x80\x80",     /* no such lead */
        "\xF8\x88\x80\x80\x80", /* five bytes */
        "\xFE",                 /* never in UTF-8 */
        "\xFF",                 /* never in UTF-8 */
        "\xE2\x82",             /* too short */
        "\xE2\x28\xA1",         /* no continuation in the middle */
        "\xF0\x9F\x98\x28",     /* no continuation at the end */
        "good \xE2\x82 bad",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (utf8_is_valid(texts[i], strlen(texts[i])))
            fail_msg("text %zu is taken for valid", i);
}

static void test_valid(void **state)
{
    (void)state;
    assert_true(utf8_is_valid("", 0));
    assert_true(utf8_is_valid(NULL, 0));
    assert_true(utf8_is_valid("a\0b", 3));
    static const char text[] = "na\xC3\xAFve \xE5\xAD\x97 \xF0\x9F\x98\x80";
    assert_true(utf8_is_valid(text, sizeof(text) - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_every_pair_of_bytes),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
