/* Lua module "rate": token buckets shared by all workers. */
#include "bind/rate.h"

#include "bind/support.h"

#define CAPACITY_MAX 100000000
#define PERIOD_S_MAX (31 * 86400)

static int take(lua_State *L)
{
    size_t len;
    const char *key = luaL_checklstring(L, 1, &len);
    lua_Integer capacity = luaL_checkinteger(L, 2), period_s = luaL_checkinteger(L, 3);
    luaL_argcheck(L, capacity >= 1 && capacity <= CAPACITY_MAX, 2, "1 to 100,000,000 tokens expected");
    luaL_argcheck(L, period_s >= 1 && period_s <= PERIOD_S_MAX, 3, "1 second to 31 days expected");
    struct bind_context *c = bind_context_of(L);
    if (c->rates == NULL)
        return support_fail(L, ERR_INTERNAL, "not while loading: rate.take needs a running worker");
    unsigned left, wait_s = rate_take(c->rates, key, len, (unsigned)capacity, (unsigned)period_s, &left);
    lua_pushboolean(L, wait_s == 0);
    lua_pushinteger(L, wait_s == 0 ? left : wait_s);
    return 2;
}

int bind_open_rate(lua_State *L)
{
    static const luaL_Reg functions[] = {{"take", take}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
