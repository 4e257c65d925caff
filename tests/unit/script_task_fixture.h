/* What the tests of tasks share: a VM with bindings that wait, hold and cancel, and a record of how tasks
 * end. */
#ifndef TESTS_UNIT_SCRIPT_TASK_FIXTURE_H
#define TESTS_UNIT_SCRIPT_TASK_FIXTURE_H

#include "script_fixture.h"

#include "script/task.h"

#define TASKS_MAX 64

/* What the bindings and done callbacks of a test have seen. */
struct seen {
    struct task *waiting[TASKS_MAX];
    int waits;
    int cancels; /* cancel hooks called */
    int ended;
    int status;        /* of the task that ended last */
    char value[700];   /* its result or error */
    lua_Integer order; /* last results as decimal digits, in the order the tasks ended */
};

static struct seen seen;

struct world {
    struct bundle *bundle;
    struct vm *vm;
};

static inline void note_end(struct task *task, lua_State *co, int status, int nresults, void *data)
{
    assert_ptr_equal(data, &seen);
    (void)task;
    seen.ended++;
    seen.status = status;
    seen.value[0] = '\0';
    if (status != LUA_OK) {
        struct err err;
        vm_pop_error(co, &err);
        snprintf(seen.value, sizeof seen.value, "%s", err.text);
    } else if (nresults > 0) {
        assert_true(lua_gettop(co) >= nresults);
        snprintf(seen.value, sizeof seen.value, "%s", lua_tostring(co, -nresults));
        seen.order = seen.order % 100000 * 10 + lua_tointeger(co, -nresults);
    }
}

static inline void let_go(void *data)
{
    (void)data;
    seen.cancels++;
}

static inline int after_wait(lua_State *L, int status, lua_KContext context)
{
    assert_int_equal(status, LUA_YIELD);
    if (lua_toboolean(L, 2))
        return luaL_error(L, "raised after waiting");
    lua_pushinteger(L, (lua_Integer)context);
    return 1;
}

/* wait(n, raises): gives n when woken. */
static inline int wait_here(lua_State *L)
{
    lua_Integer n = luaL_optinteger(L, 1, 0);
    struct task *task = task_of(L);
    assert_true(seen.waits < TASKS_MAX);
    seen.waiting[seen.waits++] = task;
    lua_settop(L, 2);
    lua_newuserdatauv(L, 16, 0);
    task_suspend(task, let_go, NULL);
    return lua_yieldk(L, 0, (lua_KContext)n, after_wait);
}

/* Done before it has been waited for. */
static inline int wait_for_what_is_done(lua_State *L)
{
    struct task *task = task_of(L);
    lua_settop(L, 2);
    task_suspend(task, let_go, NULL);
    task_wake(task);
    return lua_yieldk(L, 0, 5, after_wait);
}

static inline int hold(lua_State *L)
{
    task_hold(task_of(L));
    return 0;
}

static inline int release(lua_State *L)
{
    task_release(task_of(L));
    return 0;
}

static inline int cancel_self(lua_State *L)
{
    task_cancel(task_running(L));
    return 0;
}

static inline int cancel_waiting(lua_State *L)
{
    task_cancel(seen.waiting[luaL_checkinteger(L, 1)]);
    return 0;
}

static inline int in_task(lua_State *L)
{
    lua_pushboolean(L, task_running(L) != NULL);
    return 1;
}

static const luaL_Reg bindings[] = {
    {"wait", wait_here},
    {"wait_done", wait_for_what_is_done},
    {"hold", hold},
    {"release", release},
    {"in_task", in_task},
    {"cancel_self", cancel_self},
    {"cancel_waiting", cancel_waiting},
    {NULL, NULL},
};

static const char prelude[] =
    "closed = 0\n"
    "function opened() return setmetatable({}, {__close = function() closed = closed + 1 end}) end";

static inline struct world world_new(void)
{
    struct err err = {0};
    seen = (struct seen){0};
    struct world w = {.bundle = fixture_bundle("lua/m.lua", "wait(1) return {}", NULL)};
    w.vm = fixture_vm(VM_APP, w.bundle);
    lua_pushglobaltable(w.vm->L);
    luaL_setfuncs(w.vm->L, bindings, 0);
    lua_pop(w.vm->L, 1);
    fixture_function(w.vm, prelude);
    assert_int_equal(0, vm_call(w.vm, 0, 0, &err));
    return w;
}

static inline void world_end(struct world *w)
{
    vm_free(w->vm);
    bundle_unref(w->bundle);
}

static inline struct task *start(struct world *w, const char *text)
{
    struct err err = {0};
    fixture_function(w->vm, text);
    struct task *task = task_start(w->vm, 0, note_end, &seen, &err);
    assert_non_null(task);
    assert_int_equal(lua_gettop(w->vm->L), 0);
    return task;
}

static inline void run_all(struct world *w)
{
    assert_false(vm_run(w->vm, 1000));
}

static inline lua_Integer closed_count(struct world *w)
{
    lua_getglobal(w->vm->L, "closed");
    lua_Integer count = lua_tointeger(w->vm->L, -1);
    lua_pop(w->vm->L, 1);
    return count;
}

static inline void ended_with(int status, const char *text)
{
    assert_int_equal(seen.ended, 1);
    assert_int_equal(seen.status, status);
    if (!strstr(seen.value, text))
        fail_msg("expected \"%s\", got \"%s\"", text, seen.value);
}

#endif
