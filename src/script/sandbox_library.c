/* The globals a rule may use: an allow-list, with bounded versions of what is not bounded by itself. */
#include "base/base.h"

#include <inttypes.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#include "script/sandbox_private.h"

#define FORMAT_DECIMALS_MAX 14
/* Bytes searched for the price of one instruction; few, since a nasty search compares each of them many
 * times. */
#define FIND_BYTES_PER_INSTRUCTION 16

/* Addresses differ from run to run, so what is shown by its address has no text. */
static int rule_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    switch (lua_type(L, 1)) {
    case LUA_TNIL:
        lua_pushliteral(L, "nil");
        break;
    case LUA_TBOOLEAN:
        lua_pushstring(L, lua_toboolean(L, 1) ? "true" : "false");
        break;
    case LUA_TNUMBER:
    case LUA_TSTRING:
        lua_tostring(L, 1);
        break;
    default:
        return luaL_error(L, "a %s has no text", luaL_typename(L, 1));
    }
    return 1;
}

static int rule_require(lua_State *L)
{
    struct rule *rule = sandbox_find_rule(sandbox_of(L), luaL_checkstring(L, 1));
    if (!rule)
        return luaL_error(L, "no rule file lua/rules/%s.lua", lua_tostring(L, 1));
    sandbox_push_module(L, rule);
    return 1;
}

static int string_rep(lua_State *L)
{
    size_t len, gap_len;
    const char *text = luaL_checklstring(L, 1, &len);
    lua_Integer count = luaL_checkinteger(L, 2);
    const char *gap = luaL_optlstring(L, 3, "", &gap_len);
    if (count <= 0 || len + gap_len == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if ((uint64_t)count > SANDBOX_STRING_BYTES_MAX / (len + gap_len))
        return luaL_error(L, "string.rep would make more than %d bytes", (int)SANDBOX_STRING_BYTES_MAX);
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (lua_Integer i = 0; i < count; i++) {
        if (i > 0)
            luaL_addlstring(&buffer, gap, gap_len);
        luaL_addlstring(&buffer, text, len);
    }
    luaL_pushresult(&buffer);
    return 1;
}

/* find(text, wanted, init): always plain, there are no patterns. */
static int string_find(lua_State *L)
{
    size_t len, wanted_len;
    const char *text = luaL_checklstring(L, 1, &len);
    const char *wanted = luaL_checklstring(L, 2, &wanted_len);
    lua_Integer init = luaL_optinteger(L, 3, 1);
    if (init < 0)
        init = (uint64_t)-init > len ? 1 : (lua_Integer)len + init + 1;
    if (init == 0)
        init = 1;
    sandbox_charge(L, len / FIND_BYTES_PER_INSTRUCTION);
    const char *found = NULL;
    if ((uint64_t)init <= len + 1)
        found = memmem(text + init - 1, len - (size_t)init + 1, wanted, wanted_len);
    if (!found) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, found - text + 1);
    lua_pushinteger(L, found - text + (lua_Integer)wanted_len);
    return 2;
}

/* At the character after "%.": the number of decimals and how many characters they take; -1 if it is not
 * "%.Nf". */
static int read_decimals(const char *at, size_t *used)
{
    int decimals = 0;
    size_t digits = 0;
    while (digits < 2 && at[digits] >= '0' && at[digits] <= '9')
        decimals = decimals * 10 + (at[digits++] - '0');
    if (digits == 0 || at[digits] != 'f' || decimals > FORMAT_DECIMALS_MAX)
        return -1;
    *used = digits + 1;
    return decimals;
}

/* Append one conversion; returns the number of characters of the format it took. */
static size_t format_one(lua_State *L, luaL_Buffer *buffer, const char *at, int argument)
{
    char number[400]; /* the largest double has 309 digits before the point */
    size_t used = 0;
    if (at[0] == 'd') {
        snprintf(number, sizeof number, "%" PRId64, (int64_t)luaL_checkinteger(L, argument));
        luaL_addstring(buffer, number);
        return 1;
    }
    if (at[0] == 's') {
        luaL_checkany(L, argument);
        lua_pushcfunction(L, rule_tostring);
        lua_pushvalue(L, argument);
        lua_call(L, 1, 1);
        luaL_addvalue(buffer);
        return 1;
    }
    int decimals = at[0] == '.' ? read_decimals(at + 1, &used) : -1;
    if (decimals < 0)
        luaL_error(L, "string.format knows only %%d, %%s, %%.Nf (N up to %d) and %%%%", FORMAT_DECIMALS_MAX);
    snprintf(number, sizeof number, "%.*f", decimals, luaL_checknumber(L, argument));
    luaL_addstring(buffer, number);
    return used + 1;
}

static int string_format(lua_State *L)
{
    size_t len;
    const char *format = luaL_checklstring(L, 1, &len), *end = format + len;
    int argument = 1;
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (const char *at = format; at < end;) {
        if (*at != '%') {
            luaL_addchar(&buffer, *at++);
        } else if (at[1] == '%') {
            luaL_addchar(&buffer, '%');
            at += 2;
        } else {
            at += 1 + format_one(L, &buffer, at + 1, ++argument);
        }
    }
    luaL_pushresult(&buffer);
    return 1;
}

static int refuse_write(lua_State *L)
{
    return luaL_error(L, "the library cannot be changed");
}

/* The table of functions on top is replaced by one that reads through to it and cannot be written. */
static void seal(lua_State *L)
{
    lua_createtable(L, 0, 0);
    lua_createtable(L, 0, 3);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, refuse_write);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}

/* Copy these fields of the table at from into the table on top. */
static void copy_fields(lua_State *L, int from, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lua_getfield(L, from, names[i]);
        lua_setfield(L, -2, names[i]);
    }
}

/* The globals are on top in each of the following. */

static void add_base(lua_State *L)
{
    static const char *const kept[] = {"assert", "error", "ipairs", "select", "tonumber", "type"};
    static const luaL_Reg own[] = {{"next", sandbox_next},    {"pairs", sandbox_pairs},
                                   {"pcall", sandbox_pcall},  {"tostring", rule_tostring},
                                   {"require", rule_require}, {NULL, NULL}};
    luaL_requiref(L, LUA_GNAME, luaopen_base, 0);
    lua_insert(L, -2);
    copy_fields(L, -2, kept, COUNT_OF(kept));
    lua_remove(L, -2);
    luaL_setfuncs(L, own, 0);
}

static void add_math(lua_State *L)
{
    static const char *const kept[] = {"abs",  "ceil", "floor", "fmod",       "max",       "min",
                                       "modf", "sqrt", "exp",   "log",        "tointeger", "type",
                                       "ult",  "pi",   "huge",  "maxinteger", "mininteger"};
    luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 0);
    lua_createtable(L, 0, COUNT_OF(kept));
    copy_fields(L, -2, kept, COUNT_OF(kept));
    lua_remove(L, -2);
    seal(L);
    lua_setfield(L, -2, LUA_MATHLIBNAME);
}

static void add_table(lua_State *L)
{
    static const luaL_Reg own[] = {{"insert", sandbox_insert}, {"remove", sandbox_remove},
                                   {"concat", sandbox_concat}, {"sort", sandbox_sort},
                                   {"unpack", sandbox_unpack}, {NULL, NULL}};
    luaL_newlib(L, own);
    seal(L);
    lua_setfield(L, -2, LUA_TABLIBNAME);
}

/* Methods of strings come from the same short list: ("").rep is string.rep. */
static void add_string(lua_State *L)
{
    static const char *const kept[] = {"byte", "char", "len", "lower", "upper", "sub", "reverse"};
    static const luaL_Reg own[] = {
        {"rep", string_rep}, {"find", string_find}, {"format", string_format}, {NULL, NULL}};
    luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 0);
    lua_createtable(L, 0, COUNT_OF(kept) + COUNT_OF(own));
    copy_fields(L, -2, kept, COUNT_OF(kept));
    lua_remove(L, -2);
    luaL_setfuncs(L, own, 0);
    lua_pushliteral(L, "");
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
    seal(L);
    lua_setfield(L, -2, LUA_STRLIBNAME);
}

void sandbox_push_globals(lua_State *L)
{
    lua_createtable(L, 0, 16);
    add_base(L);
    add_math(L);
    add_table(L);
    add_string(L);
}
