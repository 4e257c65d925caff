/* Business time, and Lua module "clock". */
#include "bind/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "bind/bind.h"

#define US_PER_S INT64_C(1000000)
#define OFFSET_US_MAX                                                                                        \
    (INT64_C(100) * 366 * 86400 * US_PER_S) /* a test moves it by a hundred years at most                    \
                                             */

static atomic_bool is_test;
static _Atomic int64_t offset_us;

void clock_allow_test(bool allowed)
{
    atomic_store(&is_test, allowed);
    if (!allowed)
        atomic_store(&offset_us, 0);
}

bool clock_is_test(void)
{
    return atomic_load(&is_test);
}

int64_t clock_now_us(void)
{
    return wall_us() + atomic_load_explicit(&offset_us, memory_order_relaxed);
}

int clock_advance(int64_t delta_us, struct err *err)
{
    if (!clock_is_test())
        return err_set(err, ERR_INVALID, "the test clock is not switched on (LEXICRAFT_TEST_CLOCK=1)");
    int64_t before = atomic_load(&offset_us), after;
    do {
        if (__builtin_add_overflow(before, delta_us, &after) || after > OFFSET_US_MAX ||
            after < -OFFSET_US_MAX)
            return err_set(err, ERR_INVALID, "the clock moves by a hundred years at most");
    } while (!atomic_compare_exchange_weak(&offset_us, &before, after));
    return 0;
}

void clock_format(int64_t us, char out[28])
{
    int64_t seconds = us / US_PER_S, rest = us % US_PER_S;
    if (rest < 0) {
        seconds--;
        rest += US_PER_S;
    }
    time_t t = (time_t)seconds;
    struct tm tm;
    gmtime_r(&t, &tm);
    char text[96]; /* room for any int, which the compiler cannot rule out */
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year + 1900, tm.tm_mon + 1,
             tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)rest);
    snprintf(out, 28, "%.27s", text);
}

static int now(lua_State *L)
{
    char text[28];
    clock_format(clock_now_us(), text);
    lua_pushstring(L, text);
    return 1;
}

static int now_us(lua_State *L)
{
    lua_pushinteger(L, clock_now_us());
    return 1;
}

static int real(lua_State *L)
{
    lua_pushinteger(L, wall_us() / US_PER_S);
    return 1;
}

int bind_open_clock(lua_State *L)
{
    static const luaL_Reg functions[] = {{"now", now}, {"now_us", now_us}, {"real", real}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
