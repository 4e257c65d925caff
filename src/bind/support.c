/* Small tools every binding uses: owning boxes, raising, values local to a coroutine. */
#include "bind/support.h"

#include <stdarg.h>
#include <stdio.h>

#define BUF_NAME "lexicraft.buf"
#define DOCUMENT_NAME "lexicraft.document"
#define SCRATCH_KEPT_BYTES (64 << 10) /* from one use to the next */

static int buf_gc(lua_State *L)
{
    buf_release(lua_touserdata(L, 1));
    return 0;
}

static int document_gc(lua_State *L)
{
    struct json **slot = lua_touserdata(L, 1);
    json_free(*slot);
    *slot = NULL;
    return 0;
}

/* Give the userdata on top the metatable of this name, making it at first use. */
static void set_collector(lua_State *L, const char *name, lua_CFunction gc)
{
    if (luaL_newmetatable(L, name)) {
        lua_pushcfunction(L, gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
}

struct buf *support_push_buf(lua_State *L)
{
    struct buf *b = lua_newuserdatauv(L, sizeof(*b), 0);
    buf_init(b);
    set_collector(L, BUF_NAME, buf_gc);
    return b;
}

struct buf *support_scratch(lua_State *L)
{
    static const char key;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &key) == LUA_TNIL) {
        support_push_buf(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
        lua_remove(L, -2);
    }
    struct buf *b = lua_touserdata(L, -1); /* kept by the registry */
    lua_pop(L, 1);
    if (b->cap > SCRATCH_KEPT_BYTES)
        buf_release(b);
    buf_clear(b);
    return b;
}

struct json **support_push_document(lua_State *L)
{
    struct json **slot = lua_newuserdatauv(L, sizeof(struct json *), 0);
    *slot = NULL;
    set_collector(L, DOCUMENT_NAME, document_gc);
    return slot;
}

void support_metatable(lua_State *L, const char *name, const luaL_Reg *meta, const luaL_Reg *methods)
{
    luaL_newmetatable(L, name);
    luaL_setfuncs(L, meta, 0);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    if (methods != NULL) {
        lua_newtable(L);
        luaL_setfuncs(L, methods, 0);
        lua_setfield(L, -2, "__index");
    }
    lua_pop(L, 1);
}

int support_raise(lua_State *L, const struct err *err)
{
    vm_push_err(L, err);
    return lua_error(L);
}

int support_fail(lua_State *L, enum err_code code, const char *format, ...)
{
    struct err err;
    char text[sizeof(err.text)];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    err_set(&err, code, "%s", text);
    return support_raise(L, &err);
}

int support_push_failure(lua_State *L, const struct err *err)
{
    lua_pushnil(L);
    vm_push_err(L, err);
    return 2;
}

int support_local_get(lua_State *L, const void *name)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, name) != LUA_TTABLE)
        return LUA_TNIL;
    lua_pushthread(L);
    int type = lua_rawget(L, -2);
    lua_remove(L, -2);
    return type;
}

void support_local_set(lua_State *L, const void *name)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, name);
    lua_insert(L, -2);
    lua_pushthread(L);
    lua_insert(L, -2);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

void support_local_open(lua_State *L, const void *name)
{
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, name);
}

struct bind_context *bind_context_of(lua_State *L)
{
    return vm_of(L)->context;
}

struct bind_context *support_running_context(lua_State *L)
{
    struct bind_context *c = bind_context_of(L);
    if (c->loop == NULL || c->pool == NULL)
        support_fail(L, ERR_INTERNAL, "not while loading: this needs a running worker");
    return c;
}
