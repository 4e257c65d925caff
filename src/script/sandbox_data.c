/* Hands out what rule files declare besides functions: their parameters and shapes, as copies. */
#include <lauxlib.h>

#include "script/plain.h"
#include "script/sandbox_private.h"

struct reading {
    struct rule *rule;
    const char *field;
    struct buf *data;
    bool is_bad; /* err is filled */
    struct err *err;
};

static int read_field(lua_State *L)
{
    struct reading *r = lua_touserdata(L, 1);
    sandbox_push_module(L, r->rule);
    lua_getfield(L, -1, r->field);
    buf_clear(r->data);
    r->is_bad = plain_take(L, -1, r->field, r->data, r->err) < 0;
    return 0;
}

static int push_field(lua_State *L)
{
    plain_push(lua_touserdata(L, 1), L);
    return 1;
}

static int hand_over(struct buf *data, lua_State *to, struct err *err)
{
    if (!lua_checkstack(to, 3))
        return err_set(err, ERR_LIMIT, "the Lua stack is full");
    lua_pushcfunction(to, push_field);
    lua_pushlightuserdata(to, data);
    if (lua_pcall(to, 1, 1, 0) == LUA_OK)
        return 0;
    lua_pop(to, 1);
    return err_set(err, ERR_LIMIT, "no memory for what a rule file declares");
}

int sandbox_push_field(struct sandbox *s, const char *rule_named, const char *field, lua_State *to,
                       struct err *err)
{
    struct rule *rule = sandbox_find_rule(s, rule_named);
    if (!rule)
        return err_set(err, ERR_INVALID, "lua/rules/%s.lua:1: there is no such rule file", rule_named);
    struct buf data = BUF_INIT;
    struct reading reading = {.rule = rule, .field = field, .data = &data, .err = err};
    int rc = sandbox_enter(s, read_field, &reading, rule->file, err);
    if (rc == 0 && reading.is_bad)
        rc = err_prefix(err, "%s:%d", rule->file->path, 1);
    if (rc == 0)
        rc = hand_over(&data, to, err);
    buf_release(&data);
    return rc;
}

const char *sandbox_rule_name(const struct sandbox *s, size_t index)
{
    return index < s->rule_count ? s->rules[index].name : NULL;
}
