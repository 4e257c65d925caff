/* A task: one coroutine of a VM doing one job (a request, a tool script), resumed only from vm_run.
 *
 * A binding that must wait checks its arguments, creates what it waits for as a userdata on the coroutine's stack, calls
 * task_suspend and returns lua_yieldk with a continuation; whoever completes the work calls task_wake, and the
 * continuation, run inside the coroutine by the next vm_run, pushes the results (it may raise). Nothing else resumes Lua.
 * Loop thread of the VM's worker only.
 */
#ifndef SCRIPT_TASK_H
#define SCRIPT_TASK_H

#include "script/vm.h"

struct task;

/* Called once when the coroutine has ended, from vm_run (or vm_free, task_cancel). co has nresults values on top if
 * status is LUA_OK, else the error value. The coroutine is reset and dropped after this returns. */
typedef void (*task_done_fn)(struct task *task, lua_State *co, int status, int nresults, void *data);

/* Function and nargs arguments are on top of vm->L and are moved. The task is queued, not run. -1 without memory. */
struct task *task_start(struct vm *vm, int nargs, task_done_fn done, void *data, struct err *err) MUSTCHECK;
/* The task running in L. Raises a Lua error when L is not a task's own coroutine (a nested coroutine.create). */
struct task *task_of(lua_State *L);
struct vm *task_vm(struct task *task);
void *task_data(struct task *task);

/* Before lua_yieldk: cancel(data) is called if the task is cancelled while it waits; it must let go of what was begun. */
void task_suspend(struct task *task, void (*cancel)(void *data), void *data);
/* Make a suspended task ready. Not from another thread. */
void task_wake(struct task *task);
/* The client has left: close the coroutine (its <close> variables run) unless the task is held. A held task runs on and
 * its answer is dropped. */
void task_cancel(struct task *task);
/* Held while a transaction is open: cancelling waits until the count is back at 0. */
void task_hold(struct task *task);
void task_release(struct task *task);

#endif
