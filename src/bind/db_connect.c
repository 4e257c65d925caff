/* db.connect: transactions in another database, for tools. */
#include "bind/db.h"
#include "bind/support.h"

#define OTHER_NAME "lexicraft.db.other"

static int transaction(lua_State *L)
{
    struct pg_pool **pool = luaL_checkudata(L, 1, OTHER_NAME);
    lua_remove(L, 1);
    return db_transaction_in(L, *pool);
}

int db_connect(lua_State *L)
{
    struct bind_context *c = support_running_context(L);
    const char *url = luaL_checkstring(L, 1);
    if (c->connect == NULL)
        return luaL_error(L, "only tools connect to other databases");
    struct pg_pool **slot = lua_newuserdatauv(L, sizeof(*slot), 0);
    *slot = c->connect(c->connect_data, url);
    if (*slot == NULL)
        return luaL_error(L, "too many databases");
    luaL_setmetatable(L, OTHER_NAME);
    return 1;
}

void db_connect_open(lua_State *L)
{
    static const luaL_Reg meta[] = {{NULL, NULL}};
    static const luaL_Reg methods[] = {{"transaction", transaction}, {NULL, NULL}};
    support_metatable(L, OTHER_NAME, meta, methods);
}
