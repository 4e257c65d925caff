/* Lua error values to struct err and back. */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "script/vm.h"

#define ERROR_METATABLE "script.err"

static enum err_code code_named(const char *name)
{
    for (int code = ERR_NONE + 1; code <= ERR_INTERNAL; code++)
        if (strcmp(name, err_code_name((enum err_code)code)) == 0)
            return (enum err_code)code;
    return ERR_NONE;
}

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

/* Walks the table instead of looking fields up, since pushing a name could fail for want of memory. */
static void read_error_table(lua_State *L, struct err *err)
{
    const char *unknown_code = NULL, *message = NULL;
    struct err read = {.code = ERR_SCRIPT};
    int table = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, table)) {
        if (lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING) {
            const char *key = lua_tostring(L, -2), *value = lua_tostring(L, -1);
            if (strcmp(key, "code") == 0) {
                enum err_code code = code_named(value);
                read.code = code == ERR_NONE ? ERR_SCRIPT : code;
                unknown_code = code == ERR_NONE ? value : NULL;
            } else if (strcmp(key, "sqlstate") == 0) {
                copy_text(read.sqlstate, sizeof read.sqlstate, value);
            } else if (strcmp(key, "constraint") == 0) {
                copy_text(read.constraint, sizeof read.constraint, value);
            } else if (strcmp(key, "message") == 0) {
                message = value;
            }
        }
        lua_pop(L, 1);
    }
    (void)err_set(err, read.code, "%s%s%s", unknown_code ? unknown_code : "", unknown_code ? ": " : "",
                  message ? message : "(an error without a message)");
    memcpy(err->sqlstate, read.sqlstate, sizeof read.sqlstate);
    memcpy(err->constraint, read.constraint, sizeof read.constraint);
}

void vm_pop_error(lua_State *L, struct err *err)
{
    struct err ignored;
    if (!err)
        err = &ignored;
    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        (void)err_set(err, ERR_SCRIPT, "%s", lua_tostring(L, -1));
        break;
    case LUA_TTABLE:
        if (lua_checkstack(L, 3))
            read_error_table(L, err);
        else
            (void)err_set(err, ERR_SCRIPT, "(an error table, and the Lua stack is full)");
        break;
    case LUA_TNUMBER: /* lua_tostring would convert in place and could fail */
        if (lua_isinteger(L, -1))
            (void)err_set(err, ERR_SCRIPT, LUA_INTEGER_FMT, lua_tointeger(L, -1));
        else
            (void)err_set(err, ERR_SCRIPT, LUA_NUMBER_FMT, lua_tonumber(L, -1));
        break;
    default:
        (void)err_set(err, ERR_SCRIPT, "(error value is a %s)", luaL_typename(L, -1));
        break;
    }
    lua_pop(L, 1);
}

static int error_to_string(lua_State *L)
{
    lua_pushliteral(L, "message");
    lua_rawget(L, 1);
    return 1;
}

void vm_push_err(lua_State *L, const struct err *err)
{
    luaL_checkstack(L, 4, NULL);
    lua_createtable(L, 0, 4);
    lua_pushstring(L, err_code_name(err->code));
    lua_setfield(L, -2, "code");
    lua_pushstring(L, err->text);
    lua_setfield(L, -2, "message");
    if (err->sqlstate[0]) {
        lua_pushstring(L, err->sqlstate);
        lua_setfield(L, -2, "sqlstate");
    }
    if (err->constraint[0]) {
        lua_pushstring(L, err->constraint);
        lua_setfield(L, -2, "constraint");
    }
    if (luaL_newmetatable(L, ERROR_METATABLE)) {
        lua_pushcfunction(L, error_to_string);
        lua_setfield(L, -2, "__tostring");
    }
    lua_setmetatable(L, -2);
}
