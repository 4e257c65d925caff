/* The Lua state of a sandbox: its allocator and count hook, which keep the budget; how it is entered, killed
 * and rebuilt. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "script/sandbox_private.h"

/* Keys in the registry. */
static const char key_killed, key_environment;

struct sandbox *sandbox_of(lua_State *L)
{
    return *(struct sandbox **)lua_getextraspace(L);
}

static int panic(lua_State *L)
{
    (void)L;
    log_event(LOG_ERROR, "a Lua error left a rule's protected call");
    abort();
}

void sandbox_note_place(const struct sandbox *s, char *out, size_t size)
{
    lua_Debug ar;
    for (int level = 0; lua_getstack(s->L, level, &ar); level++) {
        lua_getinfo(s->L, "Sl", &ar);
        if (ar.currentline > 0) {
            snprintf(out, size, "%s:%d", ar.short_src, ar.currentline);
            return;
        }
    }
}

/* The allocator may call it. */
static void note_where(struct sandbox *s)
{
    sandbox_note_place(s, s->where, sizeof s->where);
}

static void count_hook(lua_State *L, lua_Debug *ar);

/* Final: from here every instruction raises, and pcall passes it on. */
static void stop(struct sandbox *s, enum sandbox_kill reason)
{
    if (s->killed != SANDBOX_ALIVE)
        return;
    s->killed = reason;
    note_where(s);
    lua_sethook(s->L, count_hook, LUA_MASKCOUNT, 1);
}

static int raise_killed(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &key_killed);
    return lua_error(L);
}

/* The thread's CPU clock is read only when enough real time has passed for it to matter: most calls are over
 * before the kernel has to be asked. What was used until the first look is taken for the time between two. */
static void check_time(struct sandbox *s)
{
    uint64_t now = mono_ns();
    if (now - s->time_checked < SANDBOX_TIME_CHECK_NS)
        return;
    s->time_checked = now;
    if (s->cpu_deadline == 0)
        s->cpu_deadline = thread_cpu_ns() + (uint64_t)s->limits.cpu_ms * 1000000u - SANDBOX_TIME_CHECK_NS;
    if (thread_cpu_ns() > s->cpu_deadline)
        stop(s, SANDBOX_KILL_TIME);
}

static void check_budget(struct sandbox *s)
{
    if (s->instructions >= s->limits.instructions)
        stop(s, SANDBOX_KILL_INSTRUCTIONS);
    check_time(s);
}

static void count_hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    struct sandbox *s = sandbox_of(L);
    if (!s->armed)
        return;
    s->instructions += SANDBOX_HOOK_INSTRUCTIONS;
    check_budget(s);
    if (s->killed != SANDBOX_ALIVE)
        raise_killed(L);
}

void sandbox_charge(lua_State *L, uint64_t instructions)
{
    struct sandbox *s = sandbox_of(L);
    if (!s->armed)
        return;
    uint64_t left = UINT64_MAX - s->instructions;
    s->instructions += instructions < left ? instructions : left;
    check_budget(s);
    if (s->killed != SANDBOX_ALIVE)
        raise_killed(L);
}

/* Bytes over the base. Files that hold more than a call may are not kept, so need not be made up for. */
static size_t allowed(const struct sandbox *s)
{
    size_t limit = s->limits.memory_bytes;
    return limit + (s->loaded < limit ? s->loaded : limit) + (s->is_loading ? limit : 0);
}

/* May a block grow from old to size bytes? type: Lua's type tag of a new object, 0 for anything else. */
static bool may_grow(struct sandbox *s, size_t type, size_t old, size_t size)
{
    size_t used = s->used - old + size;
    if (!s->armed)
        return used <= SANDBOX_LOAD_BYTES_MAX;
    s->unchecked += size;
    if (s->unchecked >= SANDBOX_TIME_CHECK_BYTES || s->refused) {
        s->unchecked = 0;
        check_time(s);
    }
    if (s->killed != SANDBOX_ALIVE)
        return false;
    bool is_string = (type & 15) == LUA_TSTRING;
    if (size > SANDBOX_BLOCK_BYTES_MAX || (is_string && size > SANDBOX_STRING_BYTES_MAX + 64)) {
        stop(s, SANDBOX_KILL_SIZE);
        return false;
    }
    size_t more = allowed(s), held_max = s->base_held + more + SANDBOX_IDLE_BYTES_MAX;
    bool has_room = s->arena.held + ARENA_COST_MAX(size) <= held_max ||
                    s->arena.held + arena_cost(&s->arena, size) <= held_max;
    if (used <= s->base + more && has_room) {
        s->refused = false;
        return true;
    }
    /* Refused once, Lua collects all garbage and asks again; refused twice, there is no memory. */
    if (s->refused)
        stop(s, SANDBOX_KILL_MEMORY);
    else
        note_where(s); /* some callers give up at once */
    s->refused = true;
    return false;
}

/* ptr is NULL for a new block, and osize then holds a type tag instead of a size. */
static void *allocate(void *data, void *ptr, size_t osize, size_t nsize)
{
    struct sandbox *s = data;
    size_t old = ptr ? osize : 0;
    if (nsize > old && !may_grow(s, ptr ? 0 : osize, old, nsize))
        return NULL;
    void *block = arena_resize(&s->arena, ptr, old, nsize);
    if (block || nsize == 0)
        __atomic_store_n(&s->used, s->used - old + nsize, __ATOMIC_RELAXED);
    return block;
}

size_t sandbox_memory(const struct sandbox *s)
{
    return __atomic_load_n(&s->used, __ATOMIC_RELAXED);
}

int sandbox_pcall(lua_State *L)
{
    struct sandbox *s = sandbox_of(L);
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
    if (status == LUA_OK)
        return lua_gettop(L);
    if (status == LUA_ERRMEM)
        stop(s, SANDBOX_KILL_MEMORY);
    if (s->killed != SANDBOX_ALIVE)
        return raise_killed(L);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

struct rule *sandbox_find_rule(struct sandbox *s, const char *name)
{
    for (size_t i = 0; i < s->rule_count; i++)
        if (strcmp(s->rules[i].name, name) == 0)
            return &s->rules[i];
    return NULL;
}

bool sandbox_is_environment(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &key_environment);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
    return same;
}

/* Run the compiled file in an environment that is empty but for what lies behind it. Its instructions are not
 * those of the call, which would otherwise have more of them left where files are kept. */
static void run_chunk(lua_State *L, struct rule *rule)
{
    struct sandbox *s = sandbox_of(L);
    uint64_t instructions = s->instructions;
    s->instructions = 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, rule->chunk);
    lua_createtable(L, 0, 0);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &key_environment);
    lua_setmetatable(L, -2);
    lua_setupvalue(L, -2, 1);
    lua_call(L, 0, 1);
    if (!lua_istable(L, -1))
        luaL_error(L, "%s:1: the file does not return a table", rule->file->path);
    s->instructions = instructions;
}

/* What is reachable, but for what is known to be held by files. */
static size_t measure(lua_State *L)
{
    lua_gc(L, LUA_GCCOLLECT);
    return sandbox_of(L)->used - sandbox_of(L)->loaded;
}

/* Run the file for this call only. Its memory is not the call's either: how much it holds shows the very
 * first time, and after that there is room for what it needs to be run beside what the call has. */
static void run_anew(lua_State *L, struct rule *rule)
{
    struct sandbox *s = sandbox_of(L);
    bool is_loading = s->is_loading;
    s->is_loading = rule->is_measured;
    size_t before = rule->is_measured ? 0 : measure(L);
    run_chunk(L, rule);
    if (!rule->is_measured) {
        size_t after = measure(L);
        rule->held = after > before ? after - before : 0;
        rule->is_measured = true;
    }
    s->loaded += rule->held;
    s->is_loading = is_loading;
}

/* What the file finds in others is what it would find if nobody had been there before it: neither those run
 * before it nor itself have changed any of that. */
static void run_to_keep(lua_State *L, struct rule *rule)
{
    sandbox_compare_kept(L, false);
    run_chunk(L, rule);
    sandbox_compare_kept(L, false);
    sandbox_keep_module(L, rule);
}

void sandbox_push_module(lua_State *L, struct rule *rule)
{
    struct sandbox *s = sandbox_of(L);
    lua_Integer index = rule - s->rules + 1;
    luaL_checkstack(L, 12, NULL);
    if (rule->progress == RULE_LOADING) {
        sandbox_note_trace(s, "rule files require one another in a circle");
        luaL_error(L, "rule files require one another in a circle: %s", rule->name);
    }
    rule->touched = true;
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->modules);
    if (rule->progress == RULE_LOADED) {
        lua_rawgeti(L, -1, index);
    } else {
        rule->progress = RULE_LOADING;
        if (s->keeps)
            run_to_keep(L, rule);
        else
            run_anew(L, rule);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, index);
        rule->progress = RULE_LOADED;
    }
    lua_remove(L, -2);
}

/* Let go of environments and modules, so that nothing of this call is reachable in the next. Cannot fail. */
static void forget_modules(struct sandbox *s)
{
    lua_State *L = s->L;
    s->loaded = 0;
    lua_settop(L, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->modules);
    for (size_t i = 0; i < s->rule_count; i++) {
        if (s->rules[i].progress == RULE_UNUSED)
            continue;
        s->rules[i].progress = RULE_UNUSED;
        lua_pushnil(L);
        lua_rawseti(L, 1, (lua_Integer)i + 1);
        lua_rawgeti(L, LUA_REGISTRYINDEX, s->rules[i].chunk);
        lua_pushnil(L);
        lua_setupvalue(L, -2, 1);
        lua_settop(L, 1);
    }
    lua_settop(L, 0);
}

/* The state is not closed object by object, which may take long: nothing in it owns anything but memory. */
void sandbox_discard(struct sandbox *s)
{
    arena_release(&s->arena);
    __atomic_store_n(&s->used, 0, __ATOMIC_RELAXED);
    s->L = NULL;
    s->loaded = 0;
    for (size_t i = 0; i < s->rule_count; i++)
        s->rules[i].progress = RULE_UNUSED;
}

static void compile_rules(lua_State *L, struct sandbox *s)
{
    for (size_t i = 0; i < s->rule_count; i++) {
        struct rule *rule = &s->rules[i];
        const char *name = lua_pushfstring(L, "@%s", rule->file->path);
        if (luaL_loadbufferx(L, rule->file->bytes, rule->file->len, name, "t") != LUA_OK) {
            const char *text = lua_tostring(L, -1);
            bool is_placed = strncmp(text, rule->file->path, strlen(rule->file->path)) == 0;
            luaL_error(L, "%s%s%s", is_placed ? "" : rule->file->path, is_placed ? "" : ":1: ", text);
        }
        rule->chunk = luaL_ref(L, LUA_REGISTRYINDEX);
        lua_pop(L, 1);
    }
}

/* All that Lua opens by itself is dropped again; rules reach only the table behind their environment. */
static int build_state(lua_State *L)
{
    struct sandbox *s = sandbox_of(L);
    lua_pushliteral(L, "stopped");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key_killed);
    lua_createtable(L, 0, 1);
    sandbox_push_globals(L);
    lua_setfield(L, -2, "__index");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key_environment);
    lua_createtable(L, 0, 0);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_createtable(L, (int)s->rule_count, 0);
    s->modules = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_createtable(L, (int)s->rule_count, 0);
    s->guards = luaL_ref(L, LUA_REGISTRYINDEX);
    compile_rules(L, s);
    return 0;
}

static void arm(struct sandbox *s)
{
    s->killed = SANDBOX_ALIVE;
    s->refused = false;
    s->unchecked = 0;
    s->instructions = 0;
    s->is_loading = false;
    s->where[0] = '\0';
    s->trace[0] = '\0';
    s->has_trace = false;
    for (size_t i = 0; i < s->rule_count; i++)
        s->rules[i].touched = false;
    s->time_checked = mono_ns();
    s->cpu_deadline = 0;
    lua_sethook(s->L, count_hook, LUA_MASKCOUNT, SANDBOX_HOOK_INSTRUCTIONS);
    s->armed = true;
}

static void disarm(struct sandbox *s)
{
    s->armed = false;
    lua_sethook(s->L, NULL, 0, 0);
}

/* What is there now is what a call may use its memory on top of. */
static void measure_base(struct sandbox *s)
{
    lua_gc(s->L, LUA_GCCOLLECT);
    s->base = s->used;
    s->base_held = s->arena.held;
}

static int build_empty(struct sandbox *s, struct err *err)
{
    s->armed = false;
    s->L = lua_newstate(allocate, s);
    if (!s->L)
        return err_set(err, ERR_LIMIT, "no memory for a rule VM");
    lua_atpanic(s->L, panic);
    *(struct sandbox **)lua_getextraspace(s->L) = s;
    if (!lua_checkstack(s->L, SANDBOX_STACK_SLOTS)) {
        sandbox_discard(s);
        return err_set(err, ERR_LIMIT, "no memory for the stack of a rule VM");
    }
    lua_pushcfunction(s->L, build_state);
    if (lua_pcall(s->L, 0, 0, 0) != LUA_OK) {
        const char *text =
            lua_type(s->L, -1) == LUA_TSTRING ? lua_tostring(s->L, -1) : "cannot build a rule VM";
        (void)err_set(err, ERR_SCRIPT, "%s", text);
        sandbox_discard(s);
        return -1;
    }
    measure_base(s);
    return 0;
}

/* Message handler: the stack is still there. The value is left alone, whatever it is. */
static int note_error(lua_State *L)
{
    struct sandbox *s = sandbox_of(L);
    if (s->killed == SANDBOX_ALIVE)
        note_where(s);
    return 1;
}

static int explain_kill(const struct sandbox *s, const char *where, struct err *err)
{
    switch (s->killed) {
    case SANDBOX_KILL_TIME:
        return err_set(err, ERR_LIMIT, "%s: stopped after %u ms of CPU time", where, s->limits.cpu_ms);
    case SANDBOX_KILL_INSTRUCTIONS:
        return err_set(err, ERR_LIMIT, "%s: stopped after %llu instructions", where,
                       (unsigned long long)s->limits.instructions);
    case SANDBOX_KILL_SIZE:
        return err_set(
            err, ERR_LIMIT,
            "%s: stopped: a string of more than %u bytes, or a table or call stack of more than %u bytes",
            where, SANDBOX_STRING_BYTES_MAX, SANDBOX_BLOCK_BYTES_MAX);
    default:
        return err_set(err, ERR_LIMIT, "%s: stopped: more than %zu bytes of memory", where,
                       s->limits.memory_bytes);
    }
}

/* The error value is on top. Only strings are looked at: anything else could be made to misbehave. */
static void explain(const struct sandbox *s, int status, const struct bundle_file *file, struct err *err)
{
    char where[sizeof s->where + 256];
    if (s->where[0])
        snprintf(where, sizeof where, "%s", s->where);
    else
        snprintf(where, sizeof where, "%s:1", file->path);
    if (s->killed != SANDBOX_ALIVE || status == LUA_ERRMEM) {
        (void)explain_kill(s, where, err);
        return;
    }
    if (lua_type(s->L, -1) != LUA_TSTRING) {
        (void)err_set(err, ERR_SCRIPT, "%s: error with a %s", where, luaL_typename(s->L, -1));
        return;
    }
    const char *text = lua_tostring(s->L, -1);
    bool is_placed = strncmp(text, "lua/rules/", strlen("lua/rules/")) == 0;
    (void)err_set(err, ERR_SCRIPT, "%s%s%s", is_placed ? "" : where, is_placed ? "" : ": ", text);
}

/* Call body(L) within the budget. */
static bool run(struct sandbox *s, lua_CFunction body, void *argument, const struct bundle_file *file,
                struct err *err)
{
    lua_State *L = s->L;
    lua_pushcfunction(L, note_error);
    lua_pushcfunction(L, body);
    lua_pushlightuserdata(L, argument);
    arm(s);
    int status = lua_pcall(L, 1, 0, 1);
    disarm(s);
    bool succeeded = status == LUA_OK && s->killed == SANDBOX_ALIVE;
    if (!succeeded)
        explain(s, status, file, err);
    lua_settop(L, 0);
    return succeeded;
}

static int run_file(lua_State *L)
{
    sandbox_push_module(L, lua_touserdata(L, 1));
    return 0;
}

/* Run all files, each within a budget of its own, in an order that is always the same. False: one cannot be
 * kept. */
static bool run_files(struct sandbox *s)
{
    for (size_t i = 0; i < s->rule_count; i++) {
        struct err err;
        if (!run(s, run_file, &s->rules[i], s->rules[i].file, &err)) {
            if (!s->has_trace)
                snprintf(s->trace, sizeof s->trace, "%s", err.text);
            return false;
        }
        if (s->has_trace)
            return false;
    }
    measure_base(s);
    return true;
}

/* From now on nothing outlives a call but the compiled files. */
static void stop_keeping(struct sandbox *s)
{
    log_event(LOG_INFO, "rule files are run anew for each call from now on", LOG_S("because", s->trace));
    s->keeps = false;
    sandbox_discard(s);
}

static int build(struct sandbox *s, struct err *err)
{
    if (build_empty(s, err) < 0)
        return -1;
    if (!s->keeps || run_files(s))
        return 0;
    stop_keeping(s);
    return build_empty(s, err);
}

int sandbox_keep(struct sandbox *s, struct err *err)
{
    sandbox_discard(s);
    s->keeps = true;
    return build(s, err);
}

static bool left_trace(struct sandbox *s)
{
    sandbox_compare_kept(s->L, true);
    return s->has_trace;
}

int sandbox_enter(struct sandbox *s, lua_CFunction body, void *argument, const struct bundle_file *file,
                  struct err *err)
{
    if (!s->L && build(s, err) < 0)
        return -1;
    bool succeeded = run(s, body, argument, file, err);
    if (s->keeps && left_trace(s)) {
        stop_keeping(s);
        return sandbox_enter(s, body, argument, file, err);
    }
    if (!succeeded) {
        sandbox_discard(s);
        return -1;
    }
    if (!s->keeps)
        forget_modules(s);
    if (s->arena.held > s->base_held + SANDBOX_IDLE_BYTES_MAX)
        sandbox_discard(s);
    return 0;
}
