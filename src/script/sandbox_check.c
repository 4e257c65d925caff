/* Runs the examples that rule files give of themselves. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "script/frozen.h"
#include "script/sandbox_private.h"

#define EXAMPLES_MAX 1000 /* of one file */

/* One example, taken out of the rule VM because running it may throw that VM away. */
struct example {
    const struct rule_function *function;
    struct shape_data input, expect;
    char *fault; /* why it cannot be run, or NULL */
};

struct examples {
    struct rule *rule;
    struct example *items;
    size_t count;
};

struct reporter {
    void (*failed)(void *data, const char *text);
    void *data;
    bool any;
    uint64_t cpu_deadline;
};

static bool is_late(const struct reporter *to)
{
    return thread_cpu_ns() > to->cpu_deadline;
}

static void report(struct reporter *to, const struct buf *text)
{
    to->any = true;
    to->failed(to->data, text->data);
}

static void free_examples(struct examples *list)
{
    for (size_t i = 0; i < list->count; i++) {
        shape_data_release(&list->items[i].input);
        shape_data_release(&list->items[i].expect);
        free(list->items[i].fault);
    }
    free(list->items);
    list->items = NULL;
    list->count = 0;
}

static char *unknown_field(lua_State *L, int index)
{
    int content = frozen_content(L, index);
    for (lua_pushnil(L); lua_next(L, content); lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        if (strcmp(key, "call") != 0 && strcmp(key, "input") != 0 && strcmp(key, "expect") != 0) {
            lua_pop(L, 2);
            return x_strdup("an example has call, input and expect, and nothing else");
        }
    }
    return NULL;
}

/* The example is at index. */
static char *read_example(lua_State *L, int index, const struct rule *rule, struct example *example)
{
    if (!lua_istable(L, index))
        return x_strdup("not a table");
    lua_getfield(L, index, "call");
    const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    example->function = sandbox_find_function(rule, name);
    if (!example->function)
        return x_strdup("call does not name a function with a shape");
    char *unknown = unknown_field(L, index);
    if (unknown)
        return unknown;
    struct err err;
    lua_getfield(L, index, "input");
    if (shape_take(example->function->input, L, -1, "input", &example->input, &err) < 0)
        return x_strdup(err.text);
    lua_getfield(L, index, "expect");
    if (shape_take(example->function->result, L, -1, "expect", &example->expect, &err) < 0)
        return x_strdup(err.text);
    return NULL;
}

static int read_examples(lua_State *L)
{
    struct examples *list = lua_touserdata(L, 1);
    free_examples(list);
    sandbox_push_module(L, list->rule);
    lua_getfield(L, -1, "examples");
    lua_call(L, 0, 1);
    int table = frozen_content(L, lua_gettop(L));
    if (!lua_istable(L, table))
        return luaL_error(L, "%s:%d: examples() does not return a list", list->rule->file->path,
                          list->rule->examples_line);
    size_t count = (size_t)lua_rawlen(L, table);
    if (count == 0 || count > EXAMPLES_MAX)
        return luaL_error(L, "%s:%d: examples() returns %d examples, allowed are 1..%d",
                          list->rule->file->path, list->rule->examples_line, (int)count, EXAMPLES_MAX);
    list->items = x_calloc(count, sizeof *list->items);
    list->count = count;
    for (size_t i = 0; i < count; i++) {
        lua_settop(L, table);
        lua_rawgeti(L, table, (lua_Integer)i + 1);
        list->items[i].fault = read_example(L, table + 1, list->rule, &list->items[i]);
    }
    return 0;
}

static void begin_text(struct buf *text, const struct examples *list, size_t i)
{
    const struct rule *rule = list->rule;
    const struct example *example = &list->items[i];
    int line = sandbox_find_line(rule->file, "call", rule->examples_line, i + 1, list->count);
    buf_appendf(text, "%s:%d: example %zu", rule->file->path, line > 0 ? line : rule->examples_line, i + 1);
    if (example->function)
        buf_appendf(text, " (%s)", example->function->name);
    buf_append_str(text, ": ");
}

static void write_difference(const struct shape *shape, const struct shape_data *expected,
                             const struct shape_data *got, struct buf *out)
{
    struct buf left = BUF_INIT, right = BUF_INIT;
    shape_write_json(shape, expected, &left);
    shape_write_json(shape, got, &right);
    buf_appendf(out, "expected %s, got %s", left.data, right.data);
    if (strcmp(left.data, right.data) == 0)
        buf_append_str(out, " (one has an integer where the other has a float)");
    buf_release(&left);
    buf_release(&right);
}

static void run_example(struct sandbox *s, const struct examples *list, size_t i, struct reporter *to)
{
    const struct example *example = &list->items[i];
    struct err err;
    struct buf text = BUF_INIT;
    begin_text(&text, list, i);
    if (example->fault) {
        buf_append_str(&text, example->fault);
        report(to, &text);
    } else if (sandbox_run(s, list->rule, example->function, &example->input, &s->result, &err) < 0) {
        buf_append_str(&text, err.text);
        report(to, &text);
    } else if (!shape_equal(&example->expect, &s->result)) {
        write_difference(example->function->result, &example->expect, &s->result, &text);
        report(to, &text);
    }
    buf_release(&text);
}

static void check_coverage(const struct examples *list, struct reporter *to)
{
    const struct rule *rule = list->rule;
    for (size_t f = 0; f < rule->function_count; f++) {
        bool called = false;
        for (size_t i = 0; i < list->count; i++)
            called = called || list->items[i].function == &rule->functions[f];
        if (called)
            continue;
        struct buf text = BUF_INIT;
        buf_appendf(&text, "%s:%d: there is no example of %s", rule->file->path, rule->examples_line,
                    rule->functions[f].name);
        report(to, &text);
        buf_release(&text);
    }
}

static size_t check_rule(struct sandbox *s, struct rule *rule, struct reporter *to)
{
    struct examples list = {.rule = rule};
    struct err err;
    if (sandbox_enter(s, read_examples, &list, rule->file, &err) < 0) {
        struct buf text = BUF_INIT;
        buf_append_str(&text, err.text);
        report(to, &text);
        buf_release(&text);
        free_examples(&list);
        return 0;
    }
    for (size_t i = 0; i < list.count && !is_late(to); i++)
        run_example(s, &list, i, to);
    check_coverage(&list, to);
    size_t count = list.count;
    free_examples(&list);
    return count;
}

static void report_late(const struct rule *rule, struct reporter *to)
{
    struct buf text = BUF_INIT;
    buf_appendf(&text, "%s:%d: stopped: all examples together may take %d ms of CPU time", rule->file->path,
                rule->examples_line, SANDBOX_CHECK_CPU_MS_MAX);
    report(to, &text);
    buf_release(&text);
}

int sandbox_check(struct sandbox *s, void (*failed)(void *data, const char *text), void *data)
{
    struct reporter to = {.failed = failed, .data = data};
    to.cpu_deadline = thread_cpu_ns() + UINT64_C(1000000) * SANDBOX_CHECK_CPU_MS_MAX;
    size_t count = 0;
    for (size_t i = 0; i < s->rule_count && !is_late(&to); i++) {
        count += check_rule(s, &s->rules[i], &to);
        if (is_late(&to))
            report_late(&s->rules[i], &to);
    }
    return to.any ? -1 : (int)count;
}
