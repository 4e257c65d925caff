/* Writes plain data as tagged bytes and reads it back. */
#include "script/plain.h"

#include "script/frozen.h"

#include <lauxlib.h>
#include <string.h>

/* A value is its tag and what follows; a table is its pairs of key and value, then TAG_END. */
enum tag {
    TAG_NIL = 'n',
    TAG_TRUE = 't',
    TAG_FALSE = 'f',
    TAG_INTEGER = 'i',
    TAG_DOUBLE = 'd',
    TAG_TEXT = 's',
    TAG_TABLE = '{',
    TAG_END = '}'
};

struct taking {
    lua_State *L;
    struct buf *out;
    size_t values;
    const char *what;
    struct err *err;
};

static void put(struct buf *out, enum tag tag, const void *bytes, size_t len)
{
    buf_append_char(out, (char)tag);
    buf_append(out, bytes, len);
}

static void put_number(struct taking *t, int index)
{
    lua_Integer integer = lua_tointeger(t->L, index);
    lua_Number number = lua_tonumber(t->L, index);
    if (lua_isinteger(t->L, index))
        put(t->out, TAG_INTEGER, &integer, sizeof integer);
    else
        put(t->out, TAG_DOUBLE, &number, sizeof number);
}

static void put_text(struct taking *t, int index)
{
    size_t len;
    const char *text = lua_tolstring(t->L, index, &len);
    put(t->out, TAG_TEXT, &len, sizeof len);
    buf_append(t->out, text, len);
}

static int take(struct taking *t, int index, int depth);

static int take_pairs(struct taking *t, int table, int depth)
{
    lua_State *L = t->L;
    if (depth == PLAIN_DEPTH_MAX)
        return err_set(t->err, ERR_LIMIT, "%s: nested more than %d deep", t->what, PLAIN_DEPTH_MAX);
    buf_append_char(t->out, TAG_TABLE);
    int top = lua_gettop(L), index = frozen_content(L, table);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        int rc;
        if (lua_type(L, -2) == LUA_TSTRING || lua_isinteger(L, -2))
            rc = take(t, lua_gettop(L) - 1, depth + 1);
        else
            rc = err_set(t->err, ERR_INVALID, "%s: a key is a %s, neither integer nor text", t->what,
                         luaL_typename(L, -2));
        if (rc < 0 || take(t, lua_gettop(L), depth + 1) < 0) {
            lua_settop(L, top);
            return -1;
        }
    }
    buf_append_char(t->out, TAG_END);
    lua_settop(L, top);
    return 0;
}

static int take(struct taking *t, int index, int depth)
{
    int type = lua_type(t->L, index);
    if (++t->values > PLAIN_VALUES_MAX ||
        (type == LUA_TSTRING && lua_rawlen(t->L, index) > PLAIN_BYTES_MAX) || t->out->len > PLAIN_BYTES_MAX)
        return err_set(t->err, ERR_LIMIT, "%s: more than %d values or %u bytes", t->what, PLAIN_VALUES_MAX,
                       PLAIN_BYTES_MAX);
    if (!lua_checkstack(t->L, 6))
        return err_set(t->err, ERR_LIMIT, "%s: the Lua stack is full", t->what);
    switch (type) {
    case LUA_TNIL:
        buf_append_char(t->out, TAG_NIL);
        return 0;
    case LUA_TBOOLEAN:
        buf_append_char(t->out, lua_toboolean(t->L, index) ? TAG_TRUE : TAG_FALSE);
        return 0;
    case LUA_TNUMBER:
        put_number(t, index);
        return 0;
    case LUA_TSTRING:
        put_text(t, index);
        return 0;
    case LUA_TTABLE:
        return take_pairs(t, index, depth);
    default:
        return err_set(t->err, ERR_INVALID, "%s: a %s is no plain data", t->what, luaL_typename(t->L, index));
    }
}

int plain_take(lua_State *L, int index, const char *what, struct buf *out, struct err *err)
{
    struct taking t = {.L = L, .out = out, .what = what, .err = err};
    return take(&t, lua_absindex(L, index), 0);
}

/* Push the value at *at and move behind it; false at the end of a table. */
static bool push(lua_State *L, const char **at)
{
    lua_Integer integer;
    lua_Number number;
    size_t len;
    luaL_checkstack(L, 4, NULL);
    switch (*(*at)++) {
    case TAG_END:
        return false;
    case TAG_TRUE:
        lua_pushboolean(L, 1);
        break;
    case TAG_FALSE:
        lua_pushboolean(L, 0);
        break;
    case TAG_INTEGER:
        memcpy(&integer, *at, sizeof integer);
        *at += sizeof integer;
        lua_pushinteger(L, integer);
        break;
    case TAG_DOUBLE:
        memcpy(&number, *at, sizeof number);
        *at += sizeof number;
        lua_pushnumber(L, number);
        break;
    case TAG_TEXT:
        memcpy(&len, *at, sizeof len);
        *at += sizeof len;
        lua_pushlstring(L, *at, len);
        *at += len;
        break;
    case TAG_TABLE:
        lua_createtable(L, 0, 0);
        while (push(L, at)) {
            push(L, at);
            lua_rawset(L, -3);
        }
        break;
    default:
        lua_pushnil(L);
        break;
    }
    return true;
}

void plain_push(const struct buf *data, lua_State *L)
{
    const char *at = data->data;
    push(L, &at);
}
