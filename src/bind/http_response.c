/* Reads the table a handler returns, with raw access, and says readably what is wrong with it. */
#include <string.h>

#include "bind/http_exchange.h"
#include "bind/json_encode.h"
#include "bind/support.h"

#define JSON_FIRST_BYTES 511 /* of a body; most fit, with what ends them */
#define STATUS_NO_CONTENT 204
#define STATUS_NOT_MODIFIED 304

static int fault(lua_State *L, const char *text)
{
    return support_fail(L, ERR_INTERNAL, "the handler's response: %s", text);
}

/* Push a field, named by an upvalue, without metamethods; returns its type. */
static int raw_field(lua_State *L, int index, int name)
{
    lua_pushvalue(L, lua_upvalueindex(name));
    return lua_rawget(L, index);
}

static int read_status(lua_State *L, int index)
{
    raw_field(L, index, HTTP_STATUS);
    lua_Integer status = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
    if (status < 200 || status > 599)
        fault(L, "status is not an integer from 200 to 599");
    lua_pop(L, 1);
    return (int)status;
}

static bool is_token(const char *text, size_t len)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_alnum && (c == '\0' || strchr(others, c) == NULL))
            return false;
    }
    return len > 0;
}

static struct http_header check_header(lua_State *L)
{
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
        fault(L, "headers: names and values are strings");
    size_t name_len, value_len;
    struct http_header header;
    header.name = lua_tolstring(L, -2, &name_len);
    header.value = lua_tolstring(L, -1, &value_len);
    if (!is_token(header.name, name_len))
        fault(L, "headers: a name is not an HTTP token");
    if (!http_is_field_value(header.value, value_len)) /* it would end the header early */
        fault(L, "headers: a value holds a control character");
    if (http_is_name(header.name, "content-type"))
        fault(L, "headers: set content_type instead of Content-Type");
    return header;
}

static void read_headers(lua_State *L, int index, struct http_response *response)
{
    int type = raw_field(L, index, HTTP_HEADERS);
    if (type != LUA_TNIL && type != LUA_TTABLE)
        fault(L, "headers is not a table");
    size_t count = 0;
    if (type == LUA_TTABLE) {
        lua_pushnil(L);
        for (; lua_next(L, -2) != 0; lua_pop(L, 1)) {
            check_header(L);
            count++;
        }
        response->headers = x_calloc(count + 1, sizeof(*response->headers));
        lua_pushnil(L);
        for (; lua_next(L, -2) != 0; lua_pop(L, 1))
            response->headers[response->header_count++] = check_header(L);
    }
    lua_pop(L, 1);
}

static void read_json(lua_State *L, int index, struct http_response *response)
{
    struct buf out = BUF_INIT;
    struct err err UNCLEARED;
    buf_reserve(&out, JSON_FIRST_BYTES);
    if (json_encode(L, index, &out, &err) != 0) {
        buf_release(&out);
        err_prefix(&err, "the handler's response: json");
        support_raise(L, &err);
    }
    response->body_len = out.len;
    response->body = buf_detach(&out);
    if (response->content_type == NULL)
        response->content_type = "application/json";
}

static void read_text(lua_State *L, int index, struct http_response *response)
{
    if (lua_type(L, index) != LUA_TSTRING)
        fault(L, "body is not a string");
    if (response->content_type == NULL)
        fault(L, "a body needs a content_type");
    const char *text = lua_tolstring(L, index, &response->body_len);
    response->body = x_malloc(response->body_len + 1);
    memcpy(response->body, text, response->body_len + 1);
}

static const char *read_content_type(lua_State *L, int index)
{
    int type = raw_field(L, index, HTTP_CONTENT_TYPE);
    if (type != LUA_TNIL && type != LUA_TSTRING)
        fault(L, "content_type is not a string");
    size_t len = 0;
    const char *text = lua_tolstring(L, -1, &len);
    if (text != NULL && !http_is_field_value(text, len))
        fault(L, "content_type holds a control character");
    lua_pop(L, 1);
    return text;
}

void http_response_read(lua_State *L, int index, struct http_exchange *x)
{
    struct http_response *response = &x->response;
    if (!lua_istable(L, index))
        fault(L, lua_isnil(L, index) ? "there is none" : "it is not a table");
    luaL_checkstack(L, 8, NULL);
    response->status = read_status(L, index);
    read_headers(L, index, response);
    response->content_type = read_content_type(L, index);
    bool has_json = raw_field(L, index, HTTP_JSON) != LUA_TNIL;
    bool has_text = raw_field(L, index, HTTP_BODY) != LUA_TNIL;
    bool may_have_body = response->status != STATUS_NO_CONTENT && response->status != STATUS_NOT_MODIFIED;
    if (has_json && has_text)
        fault(L, "it has both json and body");
    if ((has_json || has_text) && !may_have_body)
        fault(L, "a 204 or 304 has no body");
    int top = lua_gettop(L);
    if (has_json)
        read_json(L, top - 1, response);
    else if (has_text)
        read_text(L, top, response);
    else
        response->content_type = NULL;
    lua_pop(L, 2);
}
