/* Business time: the wall clock, moved only where a test may. */
#include "bind/clock.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define DAY_US INT64_C(86400000000)

static int reset(void **state)
{
    (void)state;
    clock_allow_test(false);
    return 0;
}

static void is_the_wall_clock(void **state)
{
    (void)state;
    int64_t before = wall_us(), now = clock_now_us(), after = wall_us();
    assert_true(before <= now && now <= after);
}

static void moves_only_where_allowed(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(-1, clock_advance(DAY_US, &err));
    assert_int_equal(ERR_INVALID, err.code);
    clock_allow_test(true);
    assert_true(clock_is_test());
    assert_int_equal(0, clock_advance(30 * DAY_US, &err));
    assert_int_equal(0, clock_advance(-DAY_US, &err));
    assert_true(clock_now_us() - wall_us() > 29 * DAY_US - DAY_US / 2);
    assert_true(clock_now_us() - wall_us() <= 29 * DAY_US);
}

static void refuses_absurd_moves(void **state)
{
    (void)state;
    struct err err;
    clock_allow_test(true);
    assert_int_equal(-1, clock_advance(INT64_MAX, &err));
    assert_int_equal(-1, clock_advance(INT64_MIN, &err));
    assert_int_equal(0, clock_advance(0, &err));
    assert_true(clock_now_us() <= wall_us());
}

static void formats_rfc3339(void **state)
{
    (void)state;
    char text[28];
    clock_format(0, text);
    assert_string_equal("1970-01-01T00:00:00.000000Z", text);
    clock_format(INT64_C(1795358340123456), text);
    assert_string_equal("2026-11-22T14:39:00.123456Z", text);
    clock_format(-1, text);
    assert_string_equal("1969-12-31T23:59:59.999999Z", text);
    clock_format(INT64_C(951782400000001), text);
    assert_string_equal("2000-02-29T00:00:00.000001Z", text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(is_the_wall_clock, reset),
        cmocka_unit_test_setup(moves_only_where_allowed, reset),
        cmocka_unit_test_setup(refuses_absurd_moves, reset),
        cmocka_unit_test_setup(formats_rfc3339, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
