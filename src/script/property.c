/* Runs the properties of lua/checks/ in a VM of their own. */
#include "script/property.h"

#include <lauxlib.h>
#include <string.h>

#include "script/vm.h"

#define CHECKS_PREFIX "lua/checks/"
#define HOOK_INSTRUCTIONS 1000

struct gate {
    struct sandbox *rules;
    enum property_stage stage;
    const char *file; /* "points.lua" of lua/checks/points.lua */
    void (*failed)(void *data, const char *text);
    void *data;
    int count, faults;
    uint64_t cpu_deadline;
};

static const char key_gate;

static struct gate *gate_of(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &key_gate);
    struct gate *gate = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return gate;
}

static bool is_late(const struct gate *gate)
{
    return thread_cpu_ns() > gate->cpu_deadline;
}

static void report(struct gate *gate, const char *property, const char *text)
{
    struct buf line = BUF_INIT;
    buf_appendf(&line, "lua/rules/%s: property \"%s\": %s", gate->file, property, text);
    gate->faults++;
    gate->failed(gate->data, line.data);
    buf_release(&line);
}

/* The module itself is broken. */
static void report_module(struct gate *gate, const char *text)
{
    struct buf line = BUF_INIT;
    bool is_placed = strncmp(text, CHECKS_PREFIX, strlen(CHECKS_PREFIX)) == 0;
    if (!is_placed)
        buf_appendf(&line, CHECKS_PREFIX "%s:1: ", gate->file);
    buf_append_str(&line, text);
    gate->faults++;
    gate->failed(gate->data, line.data);
    buf_release(&line);
}

/* Both functions a check is given raise texts: they tell file and line themselves. */
static int raise_text(lua_State *L, const struct err *err)
{
    lua_pushstring(L, err->text);
    return lua_error(L);
}

static void check_time(lua_State *L)
{
    if (!is_late(gate_of(L)))
        return;
    lua_pushfstring(L, "stopped: all properties together may take %d ms of CPU time", PROPERTY_CPU_MS_MAX);
    lua_error(L);
}

static void count_hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    check_time(L);
}

static int call(lua_State *L)
{
    const char *rule = luaL_checkstring(L, 1), *function = luaL_checkstring(L, 2);
    luaL_checktype(L, 3, LUA_TTABLE);
    struct err err;
    if (sandbox_call(gate_of(L)->rules, rule, function, L, 3, NULL, NULL, &err) < 0)
        return raise_text(L, &err);
    check_time(L);
    return 1;
}

static int parameters(lua_State *L)
{
    struct err err;
    if (sandbox_push_field(gate_of(L)->rules, luaL_checkstring(L, 1), "parameters", L, &err) < 0)
        return raise_text(L, &err);
    return 1;
}

/* {name = …, check = …} is at index. */
static void run_property(lua_State *L, struct gate *gate, int index)
{
    lua_getfield(L, index, "is_first");
    enum property_stage stage = lua_toboolean(L, -1) ? PROPERTY_FIRST : PROPERTY_REST;
    if (stage != gate->stage)
        return;
    lua_getfield(L, index, "name");
    lua_getfield(L, index, "check");
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
    if (!name || !lua_isfunction(L, -1)) {
        report_module(gate, "an entry of the list is not {name = text, check = function}");
        return;
    }
    lua_pushcfunction(L, call);
    lua_pushcfunction(L, parameters);
    gate->count++;
    if (lua_pcall(L, 2, 1, 0) != LUA_OK) {
        struct err err;
        vm_pop_error(L, &err);
        report(gate, name, err.text);
    } else if (!lua_isnil(L, -1)) {
        report(gate, name,
               lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "the check returns no text");
    }
}

/* Protected: the module's value is argument 1, the gate argument 2. */
static int run_properties(lua_State *L)
{
    struct gate *gate = lua_touserdata(L, 2);
    lua_pushvalue(L, 2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key_gate);
    if (!lua_istable(L, 1)) {
        report_module(gate, "the file does not return a list");
        return 0;
    }
    lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
    for (lua_Integer i = 1; i <= count && !is_late(gate); i++) {
        lua_settop(L, 2);
        if (lua_rawgeti(L, 1, i) == LUA_TTABLE)
            run_property(L, gate, 3);
        else
            report_module(gate, "an entry of the list is no table");
    }
    return 0;
}

/* Append "checks.bonus.phrase" for "lua/checks/bonus/phrase.lua". */
static void append_module_name(struct buf *out, const char *path)
{
    buf_append(out, path + strlen("lua/"), strlen(path) - strlen("lua/") - strlen(".lua"));
    for (char *c = out->data; *c; c++)
        if (*c == '/')
            *c = '.';
}

static void run_module(struct vm *vm, struct gate *gate, const char *path)
{
    struct err err;
    struct buf name = BUF_INIT;
    gate->file = path + strlen(CHECKS_PREFIX);
    append_module_name(&name, path);
    int rc = vm_require(vm, name.data, &err);
    buf_release(&name);
    if (rc == 0) {
        lua_pushcfunction(vm->L, run_properties);
        lua_insert(vm->L, -2);
        lua_pushlightuserdata(vm->L, gate);
        lua_sethook(vm->L, count_hook, LUA_MASKCOUNT, HOOK_INSTRUCTIONS);
        rc = vm_call(vm, 2, 0, &err);
        lua_sethook(vm->L, NULL, 0, 0);
    }
    if (rc < 0)
        report_module(gate, err.text);
}

int property_check(struct bundle *bundle, struct sandbox *s, enum property_stage stage,
                   void (*failed)(void *data, const char *text), void *data)
{
    struct err err;
    struct gate gate = {.rules = s, .stage = stage, .file = "", .failed = failed, .data = data};
    gate.cpu_deadline = thread_cpu_ns() + UINT64_C(1000000) * PROPERTY_CPU_MS_MAX;
    struct vm *vm = vm_new(VM_APP, bundle, PROPERTY_MEMORY_MAX, &err);
    if (!vm) {
        report_module(&gate, err.text);
        return -1;
    }
    for (size_t i = 0; i < bundle->count && !is_late(&gate); i++) {
        if (strncmp(bundle->files[i].path, CHECKS_PREFIX, strlen(CHECKS_PREFIX)) == 0)
            run_module(vm, &gate, bundle->files[i].path);
    }
    if (is_late(&gate) && gate.faults == 0)
        report_module(&gate, "the properties take too long");
    vm_free(vm);
    return gate.faults > 0 ? -1 : gate.count;
}

int property_gate(struct bundle *bundle, struct sandbox *s, struct property_counts *counts,
                  void (*failed)(void *data, const char *text), void *data)
{
    *counts = (struct property_counts){.examples = -1, .properties = -1};
    int first = property_check(bundle, s, PROPERTY_FIRST, failed, data);
    if (first < 0)
        return -1;
    counts->examples = sandbox_check(s, failed, data);
    int rest = property_check(bundle, s, PROPERTY_REST, failed, data);
    if (rest >= 0)
        counts->properties = first + rest;
    return counts->examples < 0 || rest < 0 ? -1 : 0;
}
