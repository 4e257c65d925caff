/* base/buf.h: growing, clearing, formatting, handing over. */
#include "base/buf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_begins_empty(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    assert_null(b.data);
    assert_int_equal(b.len, 0);
    buf_clear(&b);
    assert_null(b.data);
    buf_release(&b);
}

static void test_appends_and_terminates(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b);
    buf_append_str(&b, "ab");
    buf_append_char(&b, 'c');
    buf_append(&b, "\0d", 2);
    assert_int_equal(b.len, 5);
    assert_memory_equal(b.data, "abc\0d", 6);
    buf_append(&b, NULL, 0);
    assert_int_equal(b.len, 5);
    buf_release(&b);
    assert_null(b.data);
    assert_int_equal(b.cap, 0);
}

static void test_empty_append_terminates(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    buf_append(&b, "", 0);
    assert_string_equal(b.data, "");
    buf_release(&b);
}

static void test_grows_byte_by_byte(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < 10000; i++) {
        buf_append_char(&b, (char)('a' + i % 26));
        assert_int_equal(b.len, i + 1);
        assert_true(b.cap > b.len);
        assert_int_equal(b.data[b.len], 0);
    }
    for (size_t i = 0; i < 10000; i++)
        assert_int_equal(b.data[i], (char)('a' + i % 26));
    buf_release(&b);
}

static void test_reserve_keeps_content_and_place(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    buf_append_str(&b, "x");
    buf_reserve(&b, 1000);
    const char *data = b.data;
    for (int i = 0; i < 1000; i++)
        buf_append_char(&b, 'y');
    assert_ptr_equal(b.data, data);
    assert_int_equal(b.data[0], 'x');
    buf_release(&b);
}

static void test_clear_keeps_memory(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    buf_append_str(&b, "something");
    const char *data = b.data;
    buf_clear(&b);
    assert_int_equal(b.len, 0);
    assert_ptr_equal(b.data, data);
    assert_string_equal(b.data, "");
    buf_release(&b);
}

/* Every length around the first room of the buffer, so that the text fits exactly, or lacks one byte. */
static void test_format_at_every_boundary(void **state)
{
    (void)state;
    for (int before = 0; before < 80; before++) {
        for (int width = 1; width < 80; width++) {
            struct buf b = BUF_INIT;
            for (int i = 0; i < before; i++)
                buf_append_char(&b, '-');
            buf_appendf(&b, "%*d", width, 7);
            assert_int_equal(b.len, before + width);
            assert_int_equal(b.data[b.len - 1], '7');
            assert_int_equal(strlen(b.data), b.len);
            buf_release(&b);
        }
    }
}

static void test_detach_hands_over(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    char *nothing = buf_detach(&b);
    assert_string_equal(nothing, "");
    free(nothing);
    buf_append_str(&b, "mine");
    char *text = buf_detach(&b);
    assert_string_equal(text, "mine");
    assert_null(b.data);
    assert_int_equal(b.len, 0);
    free(text);
}

static void test_digits(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    buf_append_digits(&b, 0, 0);
    buf_append_digits(&b, 0, 1);
    buf_append_digits(&b, 7, 3);
    buf_append_digits(&b, 1234, 2);
    buf_append_digits(&b, UINT64_MAX, 1);
    buf_append_digits(&b, 1, 20);
    assert_string_equal(b.data, "00071234"
                                "18446744073709551615"
                                "00000000000000000001");
    buf_release(&b);
}

/* Beside every power of two and of ten, where the number of digits changes or is near to it. */
static void test_count_of_digits(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    char expected[32];
    for (int base = 2; base <= 10; base += 8) {
        uint64_t power = 1;
        for (int exponent = 0; exponent < (base == 2 ? 64 : 20); exponent++, power *= (uint64_t)base) {
            for (uint64_t value = power - 1; value - (power - 1) < 3; value++) {
                buf_clear(&b);
                buf_append_digits(&b, value, 1);
                snprintf(expected, sizeof(expected), "%" PRIu64, value);
                assert_string_equal(b.data, expected);
                assert_int_equal(b.len, strlen(expected));
            }
        }
    }
    buf_release(&b);
}

static void test_writes_into_room(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    for (size_t len = 0; len < 300; len++) {
        size_t before = b.len;
        memset(buf_room(&b, len), 'x', len);
        buf_add(&b, len);
        assert_int_equal(b.len, before + len);
        assert_true(b.cap > b.len);
        assert_int_equal(b.data[b.len], 0);
    }
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_count_of_digits),
        cmocka_unit_test(test_writes_into_room),
        cmocka_unit_test(test_begins_empty),
        cmocka_unit_test(test_appends_and_terminates),
        cmocka_unit_test(test_empty_append_terminates),
        cmocka_unit_test(test_grows_byte_by_byte),
        cmocka_unit_test(test_reserve_keeps_content_and_place),
        cmocka_unit_test(test_clear_keeps_memory),
        cmocka_unit_test(test_format_at_every_boundary),
        cmocka_unit_test(test_detach_hands_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
