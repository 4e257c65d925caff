/* Business time, and Lua module "clock". */
#include "bind/clock.h"

#include <stdatomic.h>
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

/* Write so many digits of value, and what follows them; returns what is behind that. */
static char *put(char *at, int value, int digits, char after)
{
    for (int i = digits; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    at[digits] = after;
    return at + digits + 1;
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
    out = put(out, tm.tm_year + 1900, 4, '-');
    out = put(out, tm.tm_mon + 1, 2, '-');
    out = put(out, tm.tm_mday, 2, 'T');
    out = put(out, tm.tm_hour, 2, ':');
    out = put(out, tm.tm_min, 2, ':');
    out = put(out, tm.tm_sec, 2, '.');
    *put(out, (int)rest, 6, 'Z') = '\0';
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
