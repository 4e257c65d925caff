/* Reads what a rule file declares: its functions with their shapes, and where its examples are. */
#include <ctype.h>
#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/sandbox_private.h"

struct inspection {
    struct rule *rule;
    bool is_bad; /* err is filled */
    struct err *err;
};

const struct rule_function *sandbox_find_function(const struct rule *rule, const char *name)
{
    for (size_t i = 0; i < rule->function_count; i++)
        if (strcmp(rule->functions[i].name, name) == 0)
            return &rule->functions[i];
    return NULL;
}

/* Is there `word =` at text, as a whole word? */
static bool is_assignment(const char *source, const char *at, size_t len)
{
    if (at > source && (isalnum((unsigned char)at[-1]) || at[-1] == '_'))
        return false;
    at += len;
    at += strspn(at, " \t");
    return at[0] == '=' && at[1] != '=';
}

int sandbox_find_line(const struct bundle_file *file, const char *word, int first_line, size_t n,
                      size_t total)
{
    int line = 1, found = 0;
    size_t seen = 0, len = strlen(word);
    for (const char *at = file->bytes; *at; at++) {
        if (*at == '\n')
            line++;
        if (line < first_line || strncmp(at, word, len) != 0 || !is_assignment(file->bytes, at, len))
            continue;
        if (++seen == n)
            found = line;
    }
    return total == 0 || seen == total ? found : 0;
}

static int fault(struct inspection *in, int line, const char *format, ...) PRINTF(3, 4);
static int fault(struct inspection *in, int line, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    in->is_bad = true;
    return err_set(in->err, ERR_SCRIPT, "%s:%d: %s", in->rule->file->path, line > 0 ? line : 1, text);
}

static int shapes_line(const struct inspection *in, const char *name)
{
    int line = sandbox_find_line(in->rule->file, "shapes", 1, 1, 0);
    int precise = name && line > 0 ? sandbox_find_line(in->rule->file, name, line, 1, 0) : 0;
    return precise > 0 ? precise : line;
}

/* The line where the Lua function on top begins, 0 if it is no Lua function; pops it. */
static int line_of_function(lua_State *L)
{
    if (!lua_isfunction(L, -1) || lua_iscfunction(L, -1)) {
        lua_pop(L, 1);
        return 0;
    }
    lua_Debug ar;
    lua_getinfo(L, ">S", &ar);
    return ar.linedefined;
}

/* {input = {…}, result = {…}} is on top. */
static int read_pair(struct inspection *in, lua_State *L, struct rule_function *function)
{
    int pair = lua_gettop(L), line = shapes_line(in, function->name);
    if (!lua_istable(L, pair))
        return fault(in, line, "shapes.%s is not {input = {…}, result = {…}}", function->name);
    for (lua_pushnil(L); lua_next(L, pair); lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        struct shape **shape = strcmp(key, "input") == 0    ? &function->input
                               : strcmp(key, "result") == 0 ? &function->result
                                                            : NULL;
        if (!shape)
            return fault(in, line, "shapes.%s has something else than input and result", function->name);
        char what[200];
        snprintf(what, sizeof what, "shapes.%.120s.%s", function->name, key);
        *shape = shape_read(L, -1, what, in->err);
        if (!*shape) {
            in->is_bad = true;
            return err_prefix(in->err, "%s:%d", in->rule->file->path, line > 0 ? line : 1);
        }
    }
    if (!function->input || !function->result)
        return fault(in, line, "shapes.%s lacks input or result", function->name);
    return 0;
}

/* The module is at module; a name at -2 and its pair of shapes on top. */
static int read_function(struct inspection *in, lua_State *L, int module)
{
    struct rule *rule = in->rule;
    if (lua_type(L, -2) != LUA_TSTRING || strcmp(lua_tostring(L, -2), "examples") == 0)
        return fault(in, shapes_line(in, NULL), "shapes has a key that is no function's name");
    rule->functions = x_realloc(rule->functions, (rule->function_count + 1) * sizeof *rule->functions);
    struct rule_function *function = &rule->functions[rule->function_count++];
    *function = (struct rule_function){.name = x_strdup(lua_tostring(L, -2))};
    if (read_pair(in, L, function) < 0)
        return -1;
    lua_pushstring(L, function->name);
    lua_rawget(L, module);
    function->line = line_of_function(L);
    if (function->line == 0)
        return fault(in, shapes_line(in, function->name), "shapes.%s has no function of that name",
                     function->name);
    return 0;
}

static int check_all_declared(struct inspection *in, lua_State *L, int module)
{
    for (lua_pushnil(L); lua_next(L, module); lua_pop(L, 1)) {
        if (!lua_isfunction(L, -1))
            continue;
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "(a key that is no text)";
        if (strcmp(name, "examples") == 0 || sandbox_find_function(in->rule, name))
            continue;
        return fault(in, line_of_function(L), "function %.100s has no declared shape (or make it local)",
                     name);
    }
    return 0;
}

static void inspect_module(struct inspection *in, lua_State *L, int module)
{
    lua_pushliteral(L, "examples");
    lua_rawget(L, module);
    in->rule->examples_line = line_of_function(L);
    if (in->rule->examples_line == 0) {
        (void)fault(in, 1, "there is no function examples");
        return;
    }
    lua_pushliteral(L, "shapes");
    lua_rawget(L, module);
    int shapes = lua_gettop(L);
    if (!lua_istable(L, shapes)) {
        (void)fault(in, shapes_line(in, NULL), "there is no table shapes");
        return;
    }
    for (lua_pushnil(L); lua_next(L, shapes); lua_pop(L, 1))
        if (read_function(in, L, module) < 0)
            return;
    (void)check_all_declared(in, L, module);
}

static int inspect(lua_State *L)
{
    struct inspection *in = lua_touserdata(L, 1);
    sandbox_push_module(L, in->rule);
    inspect_module(in, L, lua_gettop(L));
    return 0;
}

int sandbox_inspect(struct sandbox *s, struct err *err)
{
    for (size_t i = 0; i < s->rule_count; i++) {
        struct inspection in = {.rule = &s->rules[i], .err = err};
        if (sandbox_enter(s, inspect, &in, s->rules[i].file, err) < 0 || in.is_bad)
            return -1;
    }
    return 0;
}
