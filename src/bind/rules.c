/* Lua module "rules": calls a rule function in the rule VM and keeps the record of the call. */
#include "base/log.h"
#include "bind/support.h"

static void set_text(lua_State *L, const char *name, const char *text, size_t len)
{
    lua_pushlstring(L, text, len);
    lua_setfield(L, -2, name);
}

static int call(lua_State *L)
{
    const char *rule = luaL_checkstring(L, 1), *name = luaL_checkstring(L, 2);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    struct bind_context *c = bind_context_of(L);
    if (c->rules == NULL)
        return support_fail(L, ERR_INTERNAL, "not while loading: rules.call needs the rule VM");
    const char *full_name = lua_pushfstring(L, "%s.%s", rule, name);
    struct buf *input = support_push_buf(L), *result = support_push_buf(L);
    luaL_checkstack(L, 16, NULL);

    struct err err;
    if (sandbox_call(c->rules, rule, name, L, 3, input, result, &err) != 0) {
        buf_release(input);
        buf_release(result);
        log_event(LOG_ERROR, "rule call failed", LOG_S("rule", full_name),
                  LOG_S("code", err_code_name(err.code)), LOG_S("reason", err.text),
                  LOG_S("rule_version", c->rule_version), LOG_S("request_id", support_request_id(L)));
        return support_raise(L, &err);
    }
    lua_createtable(L, 0, 4);
    set_text(L, "input", input->data, input->len);
    set_text(L, "result", result->data, result->len);
    buf_release(input);
    buf_release(result);
    lua_pushvalue(L, 4);
    lua_setfield(L, -2, "rule");
    lua_pushstring(L, c->rule_version);
    lua_setfield(L, -2, "version");
    return 2;
}

static int version(lua_State *L)
{
    lua_pushstring(L, bind_context_of(L)->rule_version);
    return 1;
}

int bind_open_rules(lua_State *L)
{
    static const luaL_Reg functions[] = {{"call", call}, {"version", version}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
