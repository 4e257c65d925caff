/* Lua values → statement parameters: text the server reads with the types it infers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bind/db.h"
#include "bind/json_encode.h"
#include "bind/support.h"

#define VALUE_NAME "lexicraft.db.value"
#define INTEGER_TEXT_BYTES 24

/* db.array: encoded when made, so that a fault is raised where it stands. */
struct db_value {
    struct buf text;
};

static int value_gc(lua_State *L)
{
    struct db_value *value = lua_touserdata(L, 1);
    buf_release(&value->text);
    return 0;
}

static int value_tostring(lua_State *L)
{
    struct db_value *value = luaL_checkudata(L, 1, VALUE_NAME);
    lua_pushlstring(L, value->text.data, value->text.len);
    return 1;
}

void db_param_open(lua_State *L)
{
    static const luaL_Reg meta[] = {{"__gc", value_gc}, {"__tostring", value_tostring}, {NULL, NULL}};
    support_metatable(L, VALUE_NAME, meta, NULL);
}

static struct db_value *push_value(lua_State *L)
{
    struct db_value *value = lua_newuserdatauv(L, sizeof(*value), 0);
    buf_init(&value->text);
    luaL_setmetatable(L, VALUE_NAME);
    return value;
}

/* Append a number's text; false for NaN and the infinities. */
static bool append_number(lua_State *L, int index, struct buf *out)
{
    if (lua_isinteger(L, index)) {
        json_write_integer(out, lua_tointeger(L, index));
        return true;
    }
    double number = lua_tonumber(L, index);
    if (!isfinite(number))
        return false;
    json_write_double(out, number);
    return true;
}

static const char *check_text(lua_State *L, int index, size_t *len, const char *what, int number)
{
    const char *text = lua_tolstring(L, index, len);
    if (memchr(text, '\0', *len) != NULL)
        support_fail(L, ERR_INVALID, "%s%d holds a NUL byte", what, number);
    return text;
}

/* Append the text of a boolean, number or string; what names it in messages. */
static void append_scalar(lua_State *L, int index, struct buf *out, const char *what, int number)
{
    size_t len;
    const char *text;
    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        buf_append_char(out, lua_toboolean(L, index) ? 't' : 'f');
        return;
    case LUA_TNUMBER:
        if (!append_number(L, index, out))
            support_fail(L, ERR_INVALID, "%s%d is NaN or infinite", what, number);
        return;
    case LUA_TSTRING:
        text = check_text(L, index, &len, what, number);
        buf_append(out, text, len);
        return;
    default:
        support_fail(L, ERR_INVALID, "%s%d is a %s", what, number, luaL_typename(L, index));
    }
}

int db_array(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    struct db_value *value = push_value(L);
    struct buf *item = support_scratch(L);
    lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
    pg_array_literal_begin(&value->text);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, 1, i);
        if (bind_json_is_null(L, -1)) {
            pg_array_literal_item(&value->text, NULL, 0);
        } else {
            buf_clear(item);
            buf_append(item, "", 0);
            append_scalar(L, lua_gettop(L), item, "array item ", (int)i);
            pg_array_literal_item(&value->text, item->data, item->len);
        }
        lua_pop(L, 1);
    }
    pg_array_literal_end(&value->text);
    lua_settop(L, 2);
    return 1;
}

/* Encoded here as well. What is finished JSON already stays what it is. */
int db_json(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    size_t len;
    if (bind_json_text(L, 1, &len) != NULL)
        return 1;
    struct buf *text = support_scratch(L);
    bind_json_encode(L, 1, text);
    bind_json_push_text(L, text);
    return 1;
}

/* False if it is neither db.json nor db.array. */
static bool append_encoded(lua_State *L, int index, struct pg_params *p)
{
    size_t len;
    const char *text = bind_json_text(L, index, &len);
    const struct db_value *value = text == NULL ? luaL_testudata(L, index, VALUE_NAME) : NULL;
    if (value != NULL) {
        text = value->text.data;
        len = value->text.len;
    }
    if (text != NULL)
        pg_params_append(p, text, len);
    return text != NULL;
}

/* A text is copied once; numbers are written into the call's scratch first. */
static void append_param(lua_State *L, int index, int number, struct db_call *call)
{
    struct pg_params *p = &call->op->params;
    int type = lua_type(L, index);
    size_t len;
    if (type == LUA_TSTRING) {
        const char *text = check_text(L, index, &len, "$", number);
        pg_params_append(p, text, len);
    } else if (type == LUA_TNIL || bind_json_is_null(L, index)) {
        pg_params_append(p, NULL, 0);
    } else if (type != LUA_TUSERDATA || !append_encoded(L, index, p)) {
        buf_clear(&call->scratch);
        append_scalar(L, index, &call->scratch, "$", number);
        pg_params_append(p, call->scratch.data, call->scratch.len);
    }
}

void db_params_read(lua_State *L, int first, int last, struct db_call *call)
{
    int count = last - first + 1;
    if (count > PG_PARAMS_MAX)
        support_fail(L, ERR_LIMIT, "more than %d parameters", PG_PARAMS_MAX);
    if (count > 0)
        pg_params_reserve(&call->op->params, count);
    for (int index = first; index <= last; index++)
        append_param(L, index, index - first + 1, call);
}
