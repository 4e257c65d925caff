/* Runs coroutines: one resume at a time, each ended exactly once, waiting ones cancellable. */
#include "script/task.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>

/* READY: in vm->ready. RUNNING: being resumed. WAITING: between its yield and task_wake. ENDED: done has been
 * called. */
enum task_state { TASK_READY, TASK_RUNNING, TASK_WAITING, TASK_ENDED };

struct task {
    struct list in_ready, in_tasks;
    struct vm *vm;
    lua_State *co;
    int anchor; /* registry reference that keeps co alive */
    int nargs;  /* arguments on co for the first resume */
    enum task_state state;
    bool suspending; /* task_suspend was called and the yield has not come yet */
    bool woken;      /* task_wake came before the yield */
    bool cancelled;
    unsigned holds;
    void (*cancel)(void *data);
    void *cancel_data;
    task_done_fn done;
    void *data;
};

/* The error value made beforehand, because ending a task must not fail for want of memory. Key in the
 * registry.
 */
static const char key_cancelled;

static int create_coroutine(lua_State *L)
{
    struct task *task = lua_touserdata(L, 1);
    lua_pushliteral(L, "cancelled");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key_cancelled);
    task->co = lua_newthread(L);
    task->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

/* A task with a coroutine, of which nothing else is set. */
static struct task *take_task(struct vm *vm, struct err *err)
{
    struct list *node = list_pop(&vm->spare);
    if (node != NULL) {
        vm->spare_count--;
        return CONTAINER_OF(node, struct task, in_tasks);
    }
    struct task *task = x_malloc(sizeof *task);
    lua_pushcfunction(vm->L, create_coroutine);
    lua_pushlightuserdata(vm->L, task);
    if (lua_pcall(vm->L, 1, 0, 0) == LUA_OK)
        return task;
    vm_pop_error(vm->L, err);
    free(task);
    return NULL;
}

static void free_task(struct task *task)
{
    luaL_unref(task->vm->L, LUA_REGISTRYINDEX, task->anchor);
    free(task);
}

/* Keep the task and its coroutine for another one. */
static void keep_task(struct task *task)
{
    struct vm *vm = task->vm;
    lua_settop(task->co, 0);
    list_prepend(&vm->spare, &task->in_tasks);
    vm->spare_count++;
}

struct task *task_start(struct vm *vm, int nargs, task_done_fn done, void *data, struct err *err)
{
    lua_State *L = vm->L;
    assert(lua_gettop(L) > nargs);
    if (vm->closing || !lua_checkstack(L, 4)) {
        lua_pop(L, nargs + 1);
        (void)err_set(err, vm->closing ? ERR_CANCELLED : ERR_LIMIT, "no new task: %s",
                      vm->closing ? "the VM is closing" : "the Lua stack is full");
        return NULL;
    }
    struct task *task = take_task(vm, err);
    if (task == NULL) {
        lua_pop(L, nargs + 1);
        return NULL;
    }
    *task = (struct task){
        .vm = vm, .co = task->co, .anchor = task->anchor, .nargs = nargs, .done = done, .data = data};
    if (!lua_checkstack(task->co, nargs + 4)) {
        lua_pop(L, nargs + 1);
        free_task(task);
        (void)err_set(err, ERR_LIMIT, "no memory for a coroutine");
        return NULL;
    }
    lua_xmove(L, task->co, nargs + 1);
    list_append(&vm->ready, &task->in_ready);
    list_append(&vm->tasks, &task->in_tasks);
    vm->task_count++;
    return task;
}

/* Report the end, run what the coroutine still has to close, and forget it. */
static void finish(struct task *task, int status, int nresults)
{
    struct vm *vm = task->vm;
    assert(task->state != TASK_ENDED);
    task->state = TASK_ENDED;
    list_remove(&task->in_tasks);
    if (list_is_linked(&task->in_ready))
        list_remove(&task->in_ready);
    vm->task_count--;
    /* Code in <close> variables belongs to no task any more: it cannot wait. */
    struct task *interrupted = vm->running;
    vm->running = NULL;
    task->done(task, task->co, status, nresults, task->data);
    /* The value of a failed <close> has nobody left to go to. */
    if (status != LUA_OK)
        (void)lua_resetthread(task->co);
    vm->running = interrupted;
    /* The coroutine of one that has failed may be in any state. */
    if (status == LUA_OK && vm->spare_count < VM_SPARE_TASKS_MAX)
        keep_task(task);
    else
        free_task(task);
}

/* Let go of what a waiting task has begun. */
static void abandon_wait(struct task *task)
{
    if (task->state != TASK_WAITING)
        return;
    void (*cancel)(void *data) = task->cancel;
    task->cancel = NULL;
    if (cancel)
        cancel(task->cancel_data);
}

static void finish_cancelled(struct task *task)
{
    abandon_wait(task);
    (void)lua_checkstack(task->co, 1); /* if that fails, there still are Lua's spare slots for error values */
    lua_rawgetp(task->co, LUA_REGISTRYINDEX, &key_cancelled);
    finish(task, LUA_ERRRUN, 1);
}

static void after_yield(struct task *task)
{
    assert(task->suspending);
    task->suspending = false;
    task->state = TASK_WAITING;
    if (task->cancelled && task->holds == 0) {
        if (task->woken)
            task->cancel = NULL; /* nothing is under way any more */
        finish_cancelled(task);
    } else if (task->woken) {
        task->woken = false;
        task_wake(task);
    }
}

static void resume(struct task *task)
{
    struct vm *vm = task->vm;
    if (task->cancelled && task->holds == 0) {
        finish_cancelled(task);
        return;
    }
    int nargs = task->nargs, nresults = 0;
    task->nargs = 0;
    task->state = TASK_RUNNING;
    vm->running = task;
    int status = lua_resume(task->co, vm->L, nargs, &nresults);
    vm->running = NULL;
    if (status == LUA_YIELD) {
        lua_pop(task->co, nresults);
        after_yield(task);
    } else {
        finish(task, status, nresults);
    }
}

bool vm_run(struct vm *vm, unsigned budget)
{
    assert(!vm->running);
    vm->resumes_left = budget;
    for (; budget > 0 && !list_is_empty(&vm->ready); budget--)
        resume(CONTAINER_OF(list_pop(&vm->ready), struct task, in_ready));
    return !list_is_empty(&vm->ready);
}

void task_begin(struct task *task)
{
    struct vm *vm = task->vm;
    assert(!vm->running && task->state == TASK_READY);
    if (vm->resumes_left == 0 || mono_ns() >= vm->begin_until_ns)
        return;
    vm->resumes_left--;
    list_remove(&task->in_ready);
    resume(task);
}

struct task *task_running(lua_State *L)
{
    return vm_of(L)->running;
}

void *task_data(const struct task *task, task_done_fn done)
{
    return task != NULL && task->done == done ? task->data : NULL;
}

struct task *task_of(lua_State *L)
{
    struct task *task = task_running(L);
    if (!task)
        luaL_error(L, "cannot wait here: not inside a task");
    if (task->co != L)
        luaL_error(L, "cannot wait here: inside a coroutine of its own");
    if (!lua_isyieldable(L))
        luaL_error(L, "cannot wait here: inside a C call, such as require, table.sort or string.gsub");
    return task;
}

/* Whoever yields without having begun to wait is never woken, and what it has opened (a transaction and its
 * locks) would stay open: so it is an error, in the place where it stands. */
static int yield(lua_State *L)
{
    const struct task *task = task_running(L);
    if (task && task->co == L)
        return luaL_error(L, "coroutine.yield outside a coroutine made with coroutine.create");
    return lua_yield(L, lua_gettop(L));
}

void task_guard_yield(lua_State *L)
{
    lua_getglobal(L, LUA_COLIBNAME);
    lua_pushcfunction(L, yield);
    lua_setfield(L, -2, "yield");
    lua_pop(L, 1);
}

void task_suspend(struct task *task, void (*cancel)(void *data), void *data)
{
    assert(task->state == TASK_RUNNING && !task->suspending);
    task->suspending = true;
    task->woken = false;
    task->cancel = cancel;
    task->cancel_data = data;
}

void task_wake(struct task *task)
{
    if (task->state == TASK_RUNNING) {
        assert(task->suspending && !task->woken);
        task->woken = true;
        return;
    }
    assert(task->state == TASK_WAITING);
    task->cancel = NULL;
    task->state = TASK_READY;
    list_append(&task->vm->ready, &task->in_ready);
}

void task_cancel(struct task *task)
{
    assert(task->state != TASK_ENDED);
    if (task->cancelled)
        return;
    task->cancelled = true;
    if (task->holds == 0 && task->state != TASK_RUNNING)
        finish_cancelled(task);
}

bool task_is_cancelled(const struct task *task)
{
    return task->cancelled;
}

void task_hold(struct task *task)
{
    task->holds++;
}

void task_release(struct task *task)
{
    assert(task->holds > 0);
    task->holds--;
    /* A ready task is ended by vm_run, a running one at its next wait. */
    if (task->holds == 0 && task->cancelled && task->state == TASK_WAITING) {
        abandon_wait(task);
        task_wake(task);
    }
}

void task_cancel_all(struct vm *vm)
{
    assert(!vm->running);
    for (struct list *node; (node = list_pop(&vm->tasks)) != NULL;) {
        struct task *task = CONTAINER_OF(node, struct task, in_tasks);
        task->cancelled = true;
        finish_cancelled(task);
    }
    for (struct list *node; (node = list_pop(&vm->spare)) != NULL;)
        free(CONTAINER_OF(node, struct task, in_tasks));
}
