/* Calls rule functions: input in, checked; budgeted run; result out, checked. */
#include "script/sandbox.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "script/lint.h"
#include "script/sandbox_private.h"

#define RULES_PREFIX "lua/rules/"

/* One run of one function, handed to the protected body. */
struct run {
    struct rule *rule;
    const struct rule_function *function;
    const struct shape_data *input;
    struct shape_data *result;
    bool is_result_bad;
    struct err *err;
};

/* "lua/rules/bonus/phrase.lua" is the rule "bonus.phrase". */
static char *rule_name(const char *path)
{
    const char *start = path + strlen(RULES_PREFIX);
    char *name = x_strndup(start, strlen(start) - strlen(".lua"));
    for (char *c = name; *c; c++)
        if (*c == '/')
            *c = '.';
    return name;
}

static void add_rules(struct sandbox *s)
{
    s->rules = x_calloc(s->bundle->count, sizeof *s->rules);
    for (size_t i = 0; i < s->bundle->count; i++) {
        const struct bundle_file *file = &s->bundle->files[i];
        if (strncmp(file->path, RULES_PREFIX, strlen(RULES_PREFIX)) == 0)
            s->rules[s->rule_count++] = (struct rule){.name = rule_name(file->path), .file = file};
    }
}

static int check_sources(const struct sandbox *s, struct err *err)
{
    for (size_t i = 0; i < s->rule_count; i++) {
        const struct bundle_file *file = s->rules[i].file;
        if (file->len > BUNDLE_RULE_BYTES_MAX)
            return err_set(err, ERR_LIMIT, "%s:1: larger than %u bytes", file->path, BUNDLE_RULE_BYTES_MAX);
        if (lint_source(file, err) < 0)
            return -1;
    }
    return 0;
}

struct sandbox *sandbox_new(struct bundle *bundle, const struct sandbox_limits *limits, struct err *err)
{
    struct sandbox *s = x_calloc(1, sizeof *s);
    arena_init(&s->arena);
    s->bundle = bundle_ref(bundle);
    s->limits = *limits;
    shape_data_init(&s->input);
    shape_data_init(&s->result);
    add_rules(s);
    if (check_sources(s, err) < 0 || sandbox_inspect(s, err) < 0 || sandbox_keep(s, err) < 0) {
        sandbox_free(s);
        return NULL;
    }
    return s;
}

static void free_rule(struct rule *rule)
{
    for (size_t i = 0; i < rule->function_count; i++) {
        free(rule->functions[i].name);
        shape_free(rule->functions[i].input);
        shape_free(rule->functions[i].result);
    }
    free(rule->functions);
    free(rule->guarded);
    free(rule->name);
}

void sandbox_free(struct sandbox *s)
{
    if (!s)
        return;
    sandbox_discard(s);
    for (size_t i = 0; i < s->rule_count; i++)
        free_rule(&s->rules[i]);
    free(s->rules);
    shape_data_release(&s->input);
    shape_data_release(&s->result);
    bundle_unref(s->bundle);
    free(s);
}

static int run_function(lua_State *L)
{
    struct run *run = lua_touserdata(L, 1);
    sandbox_push_module(L, run->rule);
    lua_getfield(L, -1, run->function->name);
    shape_push(run->function->input, run->input, L);
    lua_call(L, 1, 1);
    run->is_result_bad = shape_take(run->function->result, L, -1, "result", run->result, run->err) < 0;
    return 0;
}

int sandbox_run(struct sandbox *s, struct rule *rule, const struct rule_function *function,
                const struct shape_data *input, struct shape_data *result, struct err *err)
{
    struct run run = {.rule = rule, .function = function, .input = input, .result = result, .err = err};
    if (sandbox_enter(s, run_function, &run, rule->file, err) < 0)
        return -1;
    if (!run.is_result_bad)
        return 0;
    sandbox_discard(s);
    if (err)
        err->code = ERR_SCRIPT;
    return err_prefix(err, "%s:%d", rule->file->path, function->line);
}

struct handing_over {
    const struct shape *shape;
    const struct shape_data *data;
};

static int push_result(lua_State *L)
{
    const struct handing_over *handing = lua_touserdata(L, 1);
    shape_push(handing->shape, handing->data, L);
    return 1;
}

static int hand_over(const struct shape *shape, const struct shape_data *data, lua_State *to, struct err *err)
{
    struct handing_over handing = {.shape = shape, .data = data};
    if (!lua_checkstack(to, 3))
        return err_set(err, ERR_LIMIT, "no room for the result of a rule: the Lua stack is full");
    lua_pushcfunction(to, push_result);
    lua_pushlightuserdata(to, &handing);
    if (lua_pcall(to, 1, 1, 0) == LUA_OK)
        return 0;
    lua_pop(to, 1);
    return err_set(err, ERR_LIMIT, "no memory for the result of a rule");
}

int sandbox_call(struct sandbox *s, const char *rule_named, const char *function_named, lua_State *from,
                 int input_index, struct buf *input_json, struct buf *result_json, struct err *err)
{
    if (s->is_handing_over)
        return err_set(err, ERR_INTERNAL, "a finalizer calls a rule while a result is handed over");
    struct rule *rule = sandbox_find_rule(s, rule_named);
    if (!rule)
        return err_set(err, ERR_INVALID, "lua/rules/%s.lua:1: there is no such rule file", rule_named);
    const struct rule_function *function = sandbox_find_function(rule, function_named);
    if (!function)
        return err_set(err, ERR_INVALID, "%s:1: there is no function %s", rule->file->path, function_named);
    if (shape_take(function->input, from, input_index, "input", &s->input, err) < 0)
        return err_prefix(err, "%s:%d", rule->file->path, function->line);
    if (sandbox_run(s, rule, function, &s->input, &s->result, err) < 0)
        return -1;
    if (input_json)
        shape_write_json(function->input, &s->input, input_json);
    if (result_json)
        shape_write_json(function->result, &s->result, result_json);
    s->is_handing_over = true;
    int rc = hand_over(function->result, &s->result, from, err);
    s->is_handing_over = false;
    return rc < 0 ? err_prefix(err, "%s:%d", rule->file->path, function->line) : 0;
}
