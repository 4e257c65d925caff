/* A task: one coroutine of a VM doing one job (a request, a tool script), resumed only from vm_run, the first
 * time from task_begin too. Tasks that ended well are used again, with their coroutines, for later ones.
 *
 * A binding that must wait checks its arguments, creates what it waits for as a userdata on the coroutine's
 * stack, calls task_suspend and returns lua_yieldk with a continuation; whoever completes the work calls
 * task_wake, and the continuation, run inside the coroutine by the next vm_run, pushes the results (it may
 * raise). Nothing else resumes Lua but task_begin. Loop thread of the VM's worker only.
 */
#ifndef SCRIPT_TASK_H
#define SCRIPT_TASK_H

#include "script/vm.h"

struct task;

/* Called once when the coroutine has ended, from vm_run (or task_begin, vm_free, task_cancel). co has
 * nresults values on top if status is LUA_OK, else the error value ("cancelled" if it was). After this
 * returns the coroutine's <close> variables run, it is dropped, and task is no longer valid. */
typedef void (*task_done_fn)(struct task *task, lua_State *co, int status, int nresults, void *data);

/* Function and nargs arguments are on top of vm->L and are moved (popped on failure too). The task is queued,
 * not run. NULL without memory or while the VM closes. */
struct task *task_start(struct vm *vm, int nargs, task_done_fn done, void *data, struct err *err) MUSTCHECK;
/* Resume a task that has just been started, for one that may well be over before it waits for anything. May
 * end the task: done is then called from here. Not from inside another task. Does nothing when the budget of
 * the last vm_run is used up, or after vm->begin_until_ns: the task is resumed by the next. */
void task_begin(struct task *task);
/* The task running in L, for a binding that is about to wait: call it before anything is begun. Raises a Lua
 * error where waiting is impossible: outside a task, in a nested coroutine, inside a C call (require,
 * table.sort, gsub), and in the <close> variables of a task that has ended. */
struct task *task_of(lua_State *L);
/* The task that L works for, in nested coroutines too; NULL outside of any. For bindings that do not wait.
 * Never raises. */
struct task *task_running(lua_State *L);
/* What the task was started with, if done is its end; else, and without a task, NULL. */
void *task_data(const struct task *task, task_done_fn done);

/* Before lua_yieldk: cancel(data) (NULL allowed) is called if the task is cancelled while it waits; it must
 * let go of what was begun, and may not wake the task. The binding must then yield. */
void task_suspend(struct task *task, void (*cancel)(void *data), void *data);
/* Make a suspended task ready; between task_suspend and the yield too. Not from another thread. */
void task_wake(struct task *task);
/* The client has left: close the coroutine (its <close> variables run) unless the task is held. A held task
 * runs on, and is cancelled when it is released. A running task is cancelled when it next waits; if it ends
 * before, it has ended. */
void task_cancel(struct task *task);
bool task_is_cancelled(const struct task *task);
/* Held while a transaction is open: cancelling waits until the count is back at 0. */
void task_hold(struct task *task);
void task_release(struct task *task);

/* For vm_new: make coroutine.yield raise where a task would wait for nothing. */
void task_guard_yield(lua_State *L);
/* For vm_free: cancel every task, held or not, and forget those kept for later. */
void task_cancel_all(struct vm *vm);

#endif
