/* Reads the route table that lua/app.lua returns. */
#include <stdlib.h>
#include <string.h>

#include "bind/http_exchange.h"
#include "bind/support.h"

#define ROUTES_MAX 1000
#define METHOD_BYTES_MAX 16
#define BODY_BYTES_MAX (INT64_C(64) << 20)
#define HANDLERS 3 /* stack index in read_routes: the handler functions by number, from 1 */

/* Registry key: method and path strings, kept as long as the VM. */
static const char texts;

struct reading {
    struct http_route *routes;
    size_t count;
    struct err err;
};

static bool is_method(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] < 'A' || text[i] > 'Z')
            return false;
    return len >= 1 && len <= METHOD_BYTES_MAX;
}

/* Read a text field of the route at index and anchor it. NULL and err if it is not there. */
static const char *read_text(lua_State *L, int index, const char *name, size_t *len, struct err *err)
{
    lua_pushstring(L, name);
    if (lua_rawget(L, index) != LUA_TSTRING) {
        err_set(err, ERR_SCRIPT, "%s is a %s, not a string", name, luaL_typename(L, -1));
        lua_pop(L, 1);
        return NULL;
    }
    const char *text = lua_tolstring(L, -1, len);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &texts);
    lua_insert(L, -2);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
    return text;
}

static int read_body_max(lua_State *L, int index, uint64_t *out, struct err *err)
{
    lua_pushliteral(L, "body_bytes_max");
    int type = lua_rawget(L, index);
    lua_Integer value = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
    lua_pop(L, 1);
    if (type == LUA_TNIL)
        return 0;
    if (value < 1 || value > BODY_BYTES_MAX)
        return err_set(err, ERR_SCRIPT, "body_bytes_max is not an integer from 1 to %lld",
                       (long long)BODY_BYTES_MAX);
    *out = (uint64_t)value;
    return 0;
}

static int keep_handler(lua_State *L, int index, int number, struct err *err)
{
    lua_pushliteral(L, "handler");
    if (lua_rawget(L, index) != LUA_TFUNCTION) {
        err_set(err, ERR_SCRIPT, "handler is a %s, not a function", luaL_typename(L, -1));
        lua_pop(L, 1);
        return -1;
    }
    lua_rawseti(L, HANDLERS, number + 1);
    return 0;
}

static int read_route(lua_State *L, int index, int number, struct http_route *route, struct err *err)
{
    size_t len = 0;
    if (!lua_istable(L, index))
        return err_set(err, ERR_SCRIPT, "a %s, not a table", luaL_typename(L, index));
    route->index = number;
    route->method = read_text(L, index, "method", &len, err);
    if (route->method == NULL)
        return -1;
    if (!is_method(route->method, len))
        return err_set(err, ERR_SCRIPT, "method \"%s\" is not 1 to %d capital letters", route->method,
                       METHOD_BYTES_MAX);
    route->pattern = read_text(L, index, "path", &len, err);
    if (route->pattern == NULL)
        return err_prefix(err, "%s", route->method);
    int status = 0;
    if (route->pattern[0] != '/' || strlen(route->pattern) != len)
        status = err_set(err, ERR_SCRIPT, "path does not begin with \"/\" or holds a NUL byte");
    if (status == 0)
        status = keep_handler(L, index, number, err);
    if (status == 0)
        status = read_body_max(L, index, &route->body_bytes_max, err);
    return status == 0 ? 0 : err_prefix(err, "%s %s", route->method, route->pattern);
}

/* Protected: the value of lua/app.lua, then the reading as a light userdata. */
static int read_routes(lua_State *L)
{
    struct reading *r = lua_touserdata(L, 2);
    if (!lua_istable(L, 1) || lua_rawlen(L, 1) == 0)
        return err_set(&r->err, ERR_SCRIPT, "lua/app.lua does not return a list of routes"), 0;
    size_t count = lua_rawlen(L, 1);
    if (count > ROUTES_MAX)
        return err_set(&r->err, ERR_LIMIT, "lua/app.lua lists more than %d routes", ROUTES_MAX), 0;
    lua_createtable(L, (int)count, 0); /* at HANDLERS */
    lua_createtable(L, (int)(2 * count), 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &texts);
    r->routes = x_calloc(count, sizeof(*r->routes));
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        if (read_route(L, lua_gettop(L), (int)i, &r->routes[i], &r->err) != 0)
            return err_prefix(&r->err, "lua/app.lua: route %zu", i + 1), 0;
        lua_pop(L, 1);
    }
    http_handlers_keep(L);
    r->count = count;
    return 0;
}

int bind_http_routes(struct vm *vm, struct http_route **routes, size_t *count, struct err *err)
{
    struct bind_context *c = vm->context;
    struct reading reading = {.routes = NULL};
    *routes = NULL;
    *count = 0;
    if (vm_require(vm, "app", err) != 0)
        return -1;
    c->loading = false;
    lua_pushcfunction(vm->L, read_routes);
    lua_insert(vm->L, -2);
    lua_pushlightuserdata(vm->L, &reading);
    int status = vm_call(vm, 2, 0, err);
    if (status == 0 && reading.err.code == ERR_NONE) {
        *routes = reading.routes;
        *count = reading.count;
        return 0;
    }
    if (status == 0)
        *err = reading.err;
    free(reading.routes);
    return -1;
}
