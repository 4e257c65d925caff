/* The table library of rules: raw access, bounded lengths, work in C charged to the budget. */
#include <lauxlib.h>

#include "script/frozen.h"
#include "script/sandbox_private.h"

/* Elements moved or joined in C for the price of one instruction. */
#define ELEMENTS_PER_INSTRUCTION 4

lua_Integer sandbox_check_list(lua_State *L, enum sandbox_access access)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    bool is_kept = frozen_content(L, 1) != 1;
    if (is_kept)
        lua_replace(L, 1);
    if (lua_getmetatable(L, 1))
        luaL_error(L, "the library cannot be changed");
    if (is_kept && access == SANDBOX_WRITES)
        sandbox_note_trace(sandbox_of(L), SANDBOX_KEPT_WRITTEN);
    lua_Unsigned len = lua_rawlen(L, 1);
    if (len > SANDBOX_TABLE_KEYS_MAX)
        luaL_error(L, "the list has more than %d elements", SANDBOX_TABLE_KEYS_MAX);
    return (lua_Integer)len;
}

int sandbox_insert(lua_State *L)
{
    lua_Integer len = sandbox_check_list(L, SANDBOX_WRITES), at = len + 1;
    int count = lua_gettop(L);
    if (count != 2 && count != 3)
        return luaL_error(L, "table.insert needs a list, perhaps a position, and a value");
    if (count == 3) {
        at = luaL_checkinteger(L, 2);
        luaL_argcheck(L, at >= 1 && at <= len + 1, 2, "position out of bounds");
    }
    sandbox_charge(L, (uint64_t)(len + 1 - at) / ELEMENTS_PER_INSTRUCTION);
    for (lua_Integer i = len; i >= at; i--) {
        lua_rawgeti(L, 1, i);
        lua_rawseti(L, 1, i + 1);
    }
    lua_pushvalue(L, count);
    lua_rawseti(L, 1, at);
    return 0;
}

int sandbox_remove(lua_State *L)
{
    lua_Integer len = sandbox_check_list(L, SANDBOX_WRITES), at = luaL_optinteger(L, 2, len);
    if (len == 0) {
        lua_pushnil(L);
        return 1;
    }
    luaL_argcheck(L, at >= 1 && at <= len, 2, "position out of bounds");
    sandbox_charge(L, (uint64_t)(len - at) / ELEMENTS_PER_INSTRUCTION);
    lua_rawgeti(L, 1, at);
    for (lua_Integer i = at; i < len; i++) {
        lua_rawgeti(L, 1, i + 1);
        lua_rawseti(L, 1, i);
    }
    lua_pushnil(L);
    lua_rawseti(L, 1, len);
    return 1;
}

/* How many elements first..last names, checked against max. */
static lua_Integer count_range(lua_State *L, lua_Integer first, lua_Integer last, lua_Integer max)
{
    if (first > last)
        return 0;
    uint64_t span = (uint64_t)last - (uint64_t)first;
    if (span >= (uint64_t)max)
        luaL_error(L, "more than %d elements", (int)max);
    return (lua_Integer)span + 1;
}

int sandbox_concat(lua_State *L)
{
    lua_Integer len = sandbox_check_list(L, SANDBOX_READS);
    size_t gap_len, total = 0;
    const char *gap = luaL_optlstring(L, 2, "", &gap_len);
    lua_Integer first = luaL_optinteger(L, 3, 1);
    lua_Integer count = count_range(L, first, luaL_optinteger(L, 4, len), SANDBOX_TABLE_KEYS_MAX);
    sandbox_charge(L, (uint64_t)count / ELEMENTS_PER_INSTRUCTION);
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (lua_Integer i = 0; i < count; i++) {
        if (i > 0)
            luaL_addlstring(&buffer, gap, gap_len);
        lua_rawgeti(L, 1, (lua_Integer)((lua_Unsigned)first + (lua_Unsigned)i));
        if (!lua_isstring(L, -1))
            return luaL_error(L, "element %d is a %s, neither text nor number", (int)i + 1,
                              luaL_typename(L, -1));
        size_t part;
        lua_tolstring(L, -1, &part);
        total += part + gap_len;
        if (total > SANDBOX_STRING_BYTES_MAX)
            return luaL_error(L, "table.concat would make more than %d bytes", (int)SANDBOX_STRING_BYTES_MAX);
        luaL_addvalue(&buffer);
    }
    luaL_pushresult(&buffer);
    return 1;
}

int sandbox_unpack(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (frozen_content(L, 1) != 1)
        lua_replace(L, 1);
    lua_Integer first = luaL_optinteger(L, 2, 1), last = luaL_optinteger(L, 3, (lua_Integer)lua_rawlen(L, 1));
    lua_Integer count = count_range(L, first, last, SANDBOX_UNPACK_MAX);
    luaL_checkstack(L, (int)count + 1, NULL);
    for (lua_Integer i = 0; i < count; i++)
        lua_rawgeti(L, 1, (lua_Integer)((lua_Unsigned)first + (lua_Unsigned)i));
    return (int)count;
}
