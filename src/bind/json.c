/* Lua module "json": encode, decode, pick, null and the mark of an array. */
#include "bind/json_encode.h"
#include "bind/json_view.h"
#include "bind/support.h"

/* json.null is the address of this byte as a light userdata: nothing to allocate, equal to itself alone. */
static const char null_mark;
/* Registry keys of the metatables that mark arrays and finished text. */
static const char array_mark, text_mark;

void bind_json_push_null(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t)&null_mark);
}

bool bind_json_is_null(lua_State *L, int index)
{
    return lua_islightuserdata(L, index) && lua_touserdata(L, index) == (const void *)&null_mark;
}

bool bind_json_is_array(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index))
        return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &array_mark);
    bool is_array = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return is_array;
}

void bind_json_mark_array(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &array_mark);
    lua_setmetatable(L, -2);
}

void bind_json_push_text(lua_State *L, const struct buf *text)
{
    lua_pushlstring(L, text->data, text->len); /* first: a finalizer may use what the text is in */
    lua_newuserdatauv(L, 0, 1);
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &text_mark);
    lua_setmetatable(L, -2);
}

const char *bind_json_text(lua_State *L, int index, size_t *len)
{
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index))
        return NULL;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &text_mark);
    bool is_text = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (!is_text)
        return NULL;
    lua_getiuservalue(L, index, 1);
    const char *text = lua_tolstring(L, -1, len); /* kept by the userdata */
    lua_pop(L, 1);
    return text;
}

void bind_json_encode(lua_State *L, int index, struct buf *out)
{
    struct err err;
    if (json_encode(L, index, out, &err) != 0)
        support_raise(L, &err);
}

static void push_array(lua_State *L, const struct json *node)
{
    lua_newtable(L);
    bind_json_mark_array(L);
    lua_Integer i = 0;
    for (const struct json *item = json_first(node); item != NULL; item = json_next(item)) {
        bind_json_push(L, item);
        lua_rawseti(L, -2, ++i);
    }
}

static void push_object(lua_State *L, const struct json *node)
{
    lua_newtable(L);
    for (const struct json *item = json_first(node); item != NULL; item = json_next(item)) {
        lua_pushstring(L, json_key(item));
        bind_json_push(L, item);
        lua_rawset(L, -3);
    }
}

/* As deep as the document, whose depth the parser has bounded. */
void bind_json_push(lua_State *L, const struct json *node)
{
    luaL_checkstack(L, 6, "JSON too deep");
    switch (json_type(node)) {
    case JSON_NULL:
        bind_json_push_null(L);
        return;
    case JSON_FALSE:
    case JSON_TRUE:
        lua_pushboolean(L, json_type(node) == JSON_TRUE);
        return;
    case JSON_INTEGER:
        lua_pushinteger(L, json_integer(node));
        return;
    case JSON_DOUBLE:
        lua_pushnumber(L, json_double(node));
        return;
    case JSON_STRING:
        lua_pushstring(L, json_string(node));
        return;
    case JSON_ARRAY:
        push_array(L, node);
        return;
    case JSON_OBJECT:
        push_object(L, node);
        return;
    }
}

int bind_json_parse(lua_State *L, const char *text, size_t len, const struct json_limits *limits,
                    struct err *err)
{
    struct json **slot = support_push_document(L);
    *slot = json_parse(text, len, limits, err);
    if (*slot == NULL) {
        lua_pop(L, 1);
        return -1;
    }
    bind_json_push(L, *slot);
    json_free(*slot);
    *slot = NULL;
    lua_remove(L, -2);
    return 0;
}

static int encode(lua_State *L)
{
    luaL_checkany(L, 1);
    struct buf *out = support_scratch(L);
    bind_json_encode(L, 1, out);
    lua_pushlstring(L, out->data, out->len);
    return 1;
}

static int decode(lua_State *L)
{
    static const struct json_limits limits = {.bytes_max = JSON_DECODE_BYTES_MAX,
                                              .depth_max = JSON_DECODE_DEPTH_MAX};
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    struct err err;
    if (bind_json_parse(L, text, len, &limits, &err) != 0)
        return support_push_failure(L, &err);
    return 1;
}

static int array(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    if (lua_getmetatable(L, 1) && !bind_json_is_array(L, 1))
        return luaL_argerror(L, 1, "the table has a metatable of its own");
    lua_settop(L, 1);
    bind_json_mark_array(L);
    return 1;
}

static int pick(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
    lua_createtable(L, 0, (int)count);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, 2, i);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, 1) == LUA_TNIL) {
            lua_pop(L, 1);
            bind_json_push_null(L);
        }
        lua_rawset(L, 3);
    }
    return 1;
}

static int is_array(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, bind_json_is_array(L, 1));
    return 1;
}

/* All light userdata of a state share one metatable. */
static int light_tostring(lua_State *L)
{
    if (bind_json_is_null(L, 1))
        lua_pushliteral(L, "null");
    else
        lua_pushfstring(L, "userdata: %p", lua_touserdata(L, 1));
    return 1;
}

int bind_open_json(lua_State *L)
{
    static const luaL_Reg functions[] = {{"encode", encode}, {"decode", decode},     {"array", array},
                                         {"pick", pick},     {"is_array", is_array}, {"view", json_view_make},
                                         {NULL, NULL}};
    json_view_open(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "json.array");
    lua_setfield(L, -2, "__name");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &array_mark);
    lua_createtable(L, 0, 2);
    lua_pushliteral(L, "json.text");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &text_mark);

    luaL_newlib(L, functions);
    bind_json_push_null(L);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, light_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "null");
    return 1;
}
