/* A frozen table: emptied, with a metatable that reads from its content. */
#include "script/frozen.h"

#include <lauxlib.h>

/* In a metatable: the content. No rule, and nothing in the app VM, can have a key like this one. */
static const char key_content;

int frozen_content(lua_State *L, int index)
{
    if (!lua_istable(L, index) || !lua_getmetatable(L, index))
        return index;
    if (lua_rawgetp(L, -1, &key_content) != LUA_TTABLE) {
        lua_pop(L, 2);
        return index;
    }
    lua_remove(L, -2);
    return lua_gettop(L);
}

static int content_length(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, frozen_content(L, 1)));
    return 1;
}

/* Move all pairs of the table at from into a new table on top, of the same length. One with holes has more
 * than one, any of which may be said: here the array ends at the one that was, and has room for no more, as
 * each key beyond it has a place in the hash part. */
static bool move_pairs(lua_State *L, int from)
{
    lua_Integer length = (lua_Integer)lua_rawlen(L, from);
    int others = 0;
    for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1))
        others += !lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1 || lua_tointeger(L, -2) > length;
    lua_createtable(L, (int)length, others);
    int to = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, from);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, to);
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, from); /* lua_next allows that */
    }
    return (lua_Integer)lua_rawlen(L, to) == length;
}

bool frozen_make(lua_State *L, int index, lua_CFunction on_write)
{
    index = lua_absindex(L, index);
    luaL_checkstack(L, 8, NULL);
    bool has_metatable = lua_getmetatable(L, index);
    bool is_as_long = move_pairs(L, index);
    if (has_metatable) {
        lua_insert(L, -2);
        lua_setmetatable(L, -2);
    }
    lua_createtable(L, 0, 5);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, &key_content);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, on_write);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, content_length);
    lua_setfield(L, -2, "__len");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, index);
    lua_pop(L, 1);
    return is_as_long;
}
