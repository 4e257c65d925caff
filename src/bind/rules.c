/* Lua module "rules": calls a rule function in the rule VM and keeps the record of the call; and candidates,
 * rule files that are not live, for tools. */
#include "base/log.h"
#include "bind/support.h"

#include <string.h>

#include "script/property.h"

#define CANDIDATE_NAME "lexicraft.rules"
#define RULES_PREFIX "lua/rules/"

static void set_text(lua_State *L, const char *name, const char *text, size_t len)
{
    lua_pushlstring(L, text, len);
    lua_setfield(L, -2, name);
}

/* ---- calls ---- */

struct rule_call {
    struct sandbox *rules;
    const char *rule, *function, *version;
    int input; /* stack index; rule and function are before it */
};

/* What is recorded of a call, before Lua has it. */
struct record {
    struct buf input, result;
};

#define RECORD_NAME "lexicraft.rules.record"
#define RECORD_KEPT_BYTES (64 << 10) /* from one call to the next */

/* Registry key: the record of the last call, for the next one. */
static const char key_record;

static int record_gc(lua_State *L)
{
    struct record *record = lua_touserdata(L, 1);
    buf_release(&record->input);
    buf_release(&record->result);
    return 0;
}

/* Push the record, which nobody else has until it is given back. */
static struct record *push_record(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &key_record) == LUA_TUSERDATA) {
        lua_pushnil(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &key_record);
        return lua_touserdata(L, -1);
    }
    lua_pop(L, 1);
    struct record *record = lua_newuserdatauv(L, sizeof(*record), 0);
    buf_init(&record->input);
    buf_init(&record->result);
    luaL_setmetatable(L, RECORD_NAME);
    return record;
}

/* One that is not given back is the collector's. */
static void give_back(lua_State *L, int index)
{
    struct record *record = lua_touserdata(L, index);
    if (record->input.cap + record->result.cap > RECORD_KEPT_BYTES)
        return;
    buf_clear(&record->input);
    buf_clear(&record->result);
    lua_pushvalue(L, index);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key_record);
}

/* Of the record on top: "points.award". */
static void set_full_name(lua_State *L, const struct rule_call *call)
{
    lua_pushvalue(L, call->input - 2);
    lua_pushliteral(L, ".");
    lua_pushvalue(L, call->input - 1);
    lua_concat(L, 3);
    lua_setfield(L, -2, "rule");
}

/* Push result and record, or fill err: nothing is pushed then that matters. */
static int run_call(lua_State *L, const struct rule_call *call, struct err *err)
{
    luaL_checkstack(L, 16, NULL);
    struct record *record = push_record(L);
    int index = lua_gettop(L);
    int rc = sandbox_call(call->rules, call->rule, call->function, L, call->input, &record->input,
                          &record->result, err);
    if (rc == 0) {
        lua_createtable(L, 0, 4);
        set_text(L, "input", record->input.data, record->input.len);
        set_text(L, "result", record->result.data, record->result.len);
        set_full_name(L, call);
        lua_pushstring(L, call->version);
        lua_setfield(L, -2, "version");
    }
    give_back(L, index);
    return rc;
}

static int call(lua_State *L)
{
    const char *rule = luaL_checkstring(L, 1), *function = luaL_checkstring(L, 2);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    struct bind_context *c = bind_context_of(L);
    if (c->rules == NULL)
        return support_fail(L, ERR_INTERNAL,
                            "there is no rule VM: modules are loading, or the rule files are broken");
    struct err err;
    const struct rule_call live = {
        .rules = c->rules, .rule = rule, .function = function, .version = c->rule_version, .input = 3};
    if (run_call(L, &live, &err) == 0)
        return 2;
    log_event(LOG_ERROR, "rule call failed", LOG_S("rule", lua_pushfstring(L, "%s.%s", rule, function)),
              LOG_S("code", err_code_name(err.code)), LOG_S("reason", err.text),
              LOG_S("rule_version", c->rule_version), LOG_S("request_id", support_request_id(L)));
    return support_raise(L, &err);
}

static int version(lua_State *L)
{
    lua_pushstring(L, bind_context_of(L)->rule_version);
    return 1;
}

static int push_sources(lua_State *L, const struct bundle *bundle)
{
    lua_newtable(L);
    for (size_t i = 0; i < bundle->count; i++) {
        const struct bundle_file *file = &bundle->files[i];
        if (strncmp(file->path, RULES_PREFIX, strlen(RULES_PREFIX)) == 0)
            set_text(L, file->path, file->bytes, file->len);
    }
    return 1;
}

static int sources(lua_State *L)
{
    return push_sources(L, vm_of(L)->bundle);
}

/* ---- candidates ---- */

struct candidate {
    struct bundle *bundle; /* NULL once closed */
    struct sandbox *rules;
};

static int candidate_close(lua_State *L)
{
    struct candidate *c = luaL_checkudata(L, 1, CANDIDATE_NAME);
    sandbox_free(c->rules);
    bundle_unref(c->bundle);
    *c = (struct candidate){0};
    return 0;
}

static struct candidate *check_candidate(lua_State *L)
{
    struct candidate *c = luaL_checkudata(L, 1, CANDIDATE_NAME);
    luaL_argcheck(L, c->rules != NULL, 1, "these rules are closed");
    return c;
}

/* An empty candidate on top, to be filled at once: what it owns is released by the collector. */
static struct candidate *push_candidate(lua_State *L)
{
    struct candidate *c = lua_newuserdatauv(L, sizeof(*c), 0);
    *c = (struct candidate){0};
    luaL_setmetatable(L, CANDIDATE_NAME);
    return c;
}

static int open_bundle(lua_State *L, struct candidate *c, struct err *err)
{
    if (c->bundle != NULL)
        c->rules = sandbox_new(c->bundle, &bind_context_of(L)->rule_limits, err);
    if (c->rules != NULL)
        return 1;
    return support_push_failure(L, err);
}

static int open_directory(lua_State *L)
{
    const char *folder = luaL_checkstring(L, 1);
    struct err err;
    struct candidate *c = push_candidate(L);
    c->bundle = bundle_read_rules(folder, &err);
    return open_bundle(L, c, &err);
}

/* How many sources the table at 1 holds, all of them texts. */
static size_t count_sources(lua_State *L)
{
    size_t count = 0;
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
            luaL_argerror(L, 1, "sources are texts by path");
        count++;
    }
    return count;
}

static int open_sources(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t count = count_sources(L), i = 0;
    struct bundle_text *texts = lua_newuserdatauv(L, (count + 1) * sizeof(*texts), 0);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) { /* the table keeps the texts alive */
        texts[i].path = lua_tostring(L, -2);
        texts[i].bytes = lua_tolstring(L, -1, &texts[i].len);
        i++;
    }
    struct err err;
    struct candidate *c = push_candidate(L);
    c->bundle = bundle_of_rules(texts, count, &err);
    return open_bundle(L, c, &err);
}

static int candidate_call(lua_State *L)
{
    struct candidate *c = check_candidate(L);
    const char *rule = luaL_checkstring(L, 2), *function = luaL_checkstring(L, 3);
    luaL_checktype(L, 4, LUA_TTABLE);
    lua_settop(L, 4);
    struct err err;
    const struct rule_call candidate = {.rules = c->rules,
                                        .rule = rule,
                                        .function = function,
                                        .version = c->bundle->rule_version,
                                        .input = 4};
    return run_call(L, &candidate, &err) == 0 ? 2 : support_raise(L, &err);
}

static int candidate_version(lua_State *L)
{
    lua_pushstring(L, check_candidate(L)->bundle->rule_version);
    return 1;
}

static int candidate_sources(lua_State *L)
{
    return push_sources(L, check_candidate(L)->bundle);
}

/* Push rule → its field. */
static int push_fields(lua_State *L, const char *field)
{
    struct candidate *c = check_candidate(L);
    const char *rule;
    lua_newtable(L);
    for (size_t i = 0; (rule = sandbox_rule_name(c->rules, i)) != NULL; i++) {
        struct err err;
        if (sandbox_push_field(c->rules, rule, field, L, &err) < 0)
            return support_raise(L, &err);
        lua_setfield(L, -2, rule);
    }
    return 1;
}

static int candidate_parameters(lua_State *L)
{
    return push_fields(L, "parameters");
}

static int candidate_shapes(lua_State *L)
{
    return push_fields(L, "shapes");
}

/* Faults are kept outside of Lua, NUL after each: where they are found no Lua error may be raised. */
static void note_fault(void *data, const char *text)
{
    buf_append(data, text, strlen(text) + 1);
}

static int candidate_check(lua_State *L)
{
    struct candidate *c = check_candidate(L);
    struct buf *faults = support_push_buf(L);
    struct property_counts counts;
    (void)property_gate(vm_of(L)->bundle, c->rules, &counts, note_fault, faults); /* counts and faults tell */
    lua_newtable(L);
    lua_Integer count = 0;
    for (size_t at = 0; at < faults->len; at += strlen(faults->data + at) + 1) {
        lua_pushstring(L, faults->data + at);
        lua_rawseti(L, -2, ++count);
    }
    buf_release(faults);
    lua_pushinteger(L, counts.examples);
    lua_pushinteger(L, counts.properties);
    return 3;
}

int bind_open_rules(lua_State *L)
{
    static const luaL_Reg functions[] = {{"call", call},
                                         {"version", version},
                                         {"sources", sources},
                                         {"open", open_sources},
                                         {"open_directory", open_directory},
                                         {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", candidate_close}, {"__close", candidate_close}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"call", candidate_call},       {"check", candidate_check},
                                       {"close", candidate_close},     {"parameters", candidate_parameters},
                                       {"shapes", candidate_shapes},   {"sources", candidate_sources},
                                       {"version", candidate_version}, {NULL, NULL}};
    static const luaL_Reg record_meta[] = {{"__gc", record_gc}, {NULL, NULL}};
    support_metatable(L, RECORD_NAME, record_meta, NULL);
    support_metatable(L, CANDIDATE_NAME, meta, methods);
    luaL_newlib(L, functions);
    return 1;
}
