/* Lua module "http": the request object and problem details. */
#include <string.h>
#include <strings.h>

#include "bind/http_exchange.h"
#include "bind/json_encode.h"
#include "bind/support.h"

#define HANDLE_NAME "lexicraft.request"
#define CODE_BYTES_MAX 64

/* Registry keys: the metatable of handles, the parameters of requests without any. */
static const char handle_meta, no_params;

/* For functions whose first upvalue is the metatable of handles. */
static struct http_request *check_request(lua_State *L)
{
    bool is_handle = lua_getmetatable(L, 1) && lua_rawequal(L, -1, lua_upvalueindex(1));
    struct http_handle *handle = is_handle ? lua_touserdata(L, 1) : luaL_checkudata(L, 1, HANDLE_NAME);
    lua_pop(L, 1);
    if (handle->exchange == NULL)
        luaL_error(L, "the request is over");
    return handle->exchange->req;
}

void http_meta_push(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &handle_meta);
}

void http_handle_push(lua_State *L, struct http_exchange *x)
{
    struct http_handle *handle = lua_newuserdatauv(L, sizeof(*handle), 1);
    handle->exchange = x;
    x->handle = handle;
    lua_pushvalue(L, lua_upvalueindex(HTTP_META));
    lua_setmetatable(L, -2);
}

void http_params_push(lua_State *L, int handle, const struct http_request *req)
{
    if (req->match.param_count == 0) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &no_params);
        return;
    }
    if (lua_getiuservalue(L, handle, 1) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, req->match.param_count);
    for (int i = 0; i < req->match.param_count; i++) {
        const struct http_param *param = &req->match.params[i];
        lua_pushstring(L, param->name);
        if (param->type == HTTP_PARAM_INT)
            lua_pushinteger(L, param->integer);
        else
            lua_pushstring(L, param->value);
        lua_rawset(L, -3);
    }
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, handle, 1);
}

static int push_field(lua_State *L, const struct http_request *req, const char *name)
{
    if (strcmp(name, "params") == 0) {
        http_params_push(L, 1, req);
        return 1;
    }
    if (strcmp(name, "body") == 0) {
        lua_pushlstring(L, req->body, req->body_len);
        return 1;
    }
    const char *text = NULL;
    if (strcmp(name, "method") == 0)
        text = req->method;
    else if (strcmp(name, "path") == 0)
        text = req->path;
    else if (strcmp(name, "route") == 0)
        text = req->match.route->pattern;
    else if (strcmp(name, "id") == 0)
        text = req->id;
    else if (strcmp(name, "remote") == 0)
        text = req->remote;
    else
        return luaL_error(L, "a request has no field '%s'", name);
    lua_pushstring(L, text);
    return 1;
}

/* Methods are in the table that is the second upvalue; everything else is read from the request when asked
 * for. */
static int request_index(lua_State *L)
{
    const char *name = luaL_checkstring(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL)
        return 1;
    return push_field(L, check_request(L), name);
}

static int header(lua_State *L)
{
    struct http_request *req = check_request(L);
    lua_pushstring(L, http_request_header(req, luaL_checkstring(L, 2)));
    return 1;
}

const char *bind_http_bearer(lua_State *L, int index, size_t *len)
{
    static const char scheme[] = "Bearer ";
    const struct http_handle *handle = luaL_checkudata(L, index, HANDLE_NAME);
    luaL_argcheck(L, handle->exchange != NULL, index, "the request is over");
    const char *text = http_request_header(handle->exchange->req, "Authorization");
    if (text == NULL || strncasecmp(text, scheme, strlen(scheme)) != 0)
        text = "";
    else
        text += strlen(scheme) + strspn(text + strlen(scheme), " ");
    *len = strlen(text);
    return text;
}

/* The values, and what is wrong: two tables by name. A parameter with a fault has its first good value, if
 * any. */
static int query(lua_State *L)
{
    struct http_request *req = check_request(L);
    if (req->query[0] == '\0')
        return 0;
    struct buf *name = support_push_buf(L), *value = support_push_buf(L);
    lua_newtable(L);
    int values = lua_gettop(L), faults = values + 1;
    lua_newtable(L);
    const char *cursor = req->query;
    struct err err;
    int found;
    while ((found = http_query_next(&cursor, name, value, &err)) != 0) {
        lua_pushlstring(L, name->data, name->len);
        lua_pushvalue(L, -1);
        int known = lua_rawget(L, values);
        lua_pop(L, 1);
        if (found < 0)
            lua_pushstring(L, err.text);
        else if (known != LUA_TNIL)
            lua_pushliteral(L, "is given more than once");
        else
            lua_pushlstring(L, value->data, value->len);
        lua_rawset(L, found < 0 || known != LUA_TNIL ? faults : values);
    }
    buf_release(name);
    buf_release(value);
    return 2;
}

static int json(lua_State *L)
{
    struct http_request *req = check_request(L);
    struct bind_context *c = bind_context_of(L);
    struct json_limits limits = {.bytes_max = c->json.bytes_max, .depth_max = c->json.depth_max};
    struct err err;
    if (bind_json_parse(L, req->body, req->body_len, &limits, &err) != 0)
        return support_push_failure(L, &err);
    return 1;
}

static void set_text(lua_State *L, const char *name, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

/* Push the body: the members of extra, then those of RFC 9457, which extra cannot replace. */
static void push_problem(lua_State *L, int status, const char *code, const char *detail, int extra)
{
    lua_createtable(L, 0, 8);
    if (lua_istable(L, extra)) {
        lua_pushnil(L);
        while (lua_next(L, extra) != 0) {
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_rawset(L, -4);
        }
    }
    lua_pushfstring(L, "/problems/%s", code);
    lua_setfield(L, -2, "type");
    set_text(L, "title", http_status_title(status));
    lua_pushinteger(L, status);
    lua_setfield(L, -2, "status");
    set_text(L, "code", code);
    if (detail != NULL)
        set_text(L, "detail", detail);
    const char *id = support_request_id(L);
    if (id != NULL)
        set_text(L, "request_id", id);
}

static int problem(lua_State *L)
{
    lua_Integer status = luaL_checkinteger(L, 1);
    size_t code_len;
    const char *code = luaL_checklstring(L, 2, &code_len);
    const char *detail = luaL_optstring(L, 3, NULL);
    luaL_argcheck(L, status >= 400 && status <= 599, 1, "400 to 599 expected");
    luaL_argcheck(L, code_len >= 1 && code_len <= CODE_BYTES_MAX, 2, "1 to 64 bytes expected");
    luaL_argcheck(L, lua_isnoneornil(L, 4) || lua_istable(L, 4), 4, "table expected");
    luaL_argcheck(L, lua_isnoneornil(L, 5) || lua_istable(L, 5), 5, "table expected");
    lua_settop(L, 5);
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, status);
    lua_setfield(L, -2, "status");
    set_text(L, "content_type", "application/problem+json");
    lua_pushvalue(L, 5);
    lua_setfield(L, -2, "headers");
    push_problem(L, (int)status, code, detail, 4);
    lua_setfield(L, -2, "json");
    return 1;
}

static int refuse_param(lua_State *L)
{
    return luaL_error(L, "the route has no parameters, and none can be added");
}

static void open_no_params(lua_State *L)
{
    lua_newtable(L);
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, refuse_param);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &no_params);
}

int bind_open_http(lua_State *L)
{
    static const luaL_Reg functions[] = {{"problem", problem}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{NULL, NULL}};
    static const luaL_Reg methods[] = {{"header", header}, {"query", query}, {"json", json}, {NULL, NULL}};
    open_no_params(L);
    support_metatable(L, HANDLE_NAME, meta, NULL);
    luaL_getmetatable(L, HANDLE_NAME);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &handle_meta);
    lua_pushvalue(L, -1);
    luaL_newlibtable(L, methods);
    lua_pushvalue(L, -2);
    luaL_setfuncs(L, methods, 1);
    lua_pushcclosure(L, request_index, 2);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
