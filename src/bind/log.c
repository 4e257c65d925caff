/* Lua module "log": JSON lines on stderr with the request id of the running task. */
#include "base/log.h"

#include <string.h>

#include "bind/support.h"

#define LOG_FIELDS_MAX 24 /* of one line, besides request_id */

/* Without its name. */
static struct log_field field_of(lua_State *L, const char *name, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        return LOG_S("", lua_tostring(L, index));
    case LUA_TBOOLEAN:
        return LOG_B("", lua_toboolean(L, index));
    case LUA_TNUMBER:
        if (lua_isinteger(L, index))
            return LOG_I("", lua_tointeger(L, index));
        return LOG_D("", lua_tonumber(L, index));
    default:
        luaL_error(L, "log field '%s' is a %s; string, number or boolean expected", name,
                   luaL_typename(L, index));
        return LOG_S("", NULL);
    }
}

static bool is_reserved(const char *name)
{
    static const char *const names[] = {"ts", "level", "msg", "request_id"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Names and values stay where the table keeps them while the line is written. */
static size_t collect(lua_State *L, struct log_field *fields)
{
    size_t count = 0;
    lua_pushnil(L);
    while (lua_next(L, 2) != 0) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "log field names are strings, not %s", luaL_typename(L, -2));
        const char *name = lua_tostring(L, -2);
        if (is_reserved(name))
            luaL_error(L, "log field '%s' is set by the host", name);
        if (count == LOG_FIELDS_MAX)
            luaL_error(L, "more than %d log fields", LOG_FIELDS_MAX);
        struct log_field field = field_of(L, name, -1);
        field.name = name;
        size_t at = count++;
        for (; at > 0 && strcmp(fields[at - 1].name, name) > 0; at--)
            fields[at] = fields[at - 1];
        fields[at] = field;
        lua_pop(L, 1);
    }
    return count;
}

static int write_line(lua_State *L, enum log_level level)
{
    const char *msg = luaL_checkstring(L, 1);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TTABLE);
    if (level < log_get_level())
        return 0;
    struct log_field fields[LOG_FIELDS_MAX + 1];
    size_t count = lua_isnoneornil(L, 2) ? 0 : collect(L, fields);
    const char *request_id = support_request_id(L);
    if (request_id != NULL)
        fields[count++] = LOG_S("request_id", request_id);
    log_write(level, msg, fields, count);
    return 0;
}

static int debug(lua_State *L)
{
    return write_line(L, LOG_DEBUG);
}

static int info(lua_State *L)
{
    return write_line(L, LOG_INFO);
}

static int warn(lua_State *L)
{
    return write_line(L, LOG_WARN);
}

static int error(lua_State *L)
{
    return write_line(L, LOG_ERROR);
}

int bind_open_log(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"debug", debug}, {"info", info}, {"warn", warn}, {"error", error}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
