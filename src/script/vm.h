/* One Lua state with a memory cap, its modules and its ready queue.
 *
 * An app VM is trusted (base without load, loadfile and dofile; string, table, math, utf8, coroutine,
 * os.time/date/clock/ difftime, debug.traceback and the bindings; no io, no package.loadlib) and loads its
 * modules from the bundle only: require "store.users" is lua/store/users.lua, require "app" is lua/app.lua.
 * Rule files are refused there: they run in a sandbox. A tool VM (lexicraft lua) has every standard library,
 * and looks into the bundle before the standard paths. Built on one thread, handed to a worker, used there
 * alone. Lua errors never leave the functions declared here.
 */
#ifndef SCRIPT_VM_H
#define SCRIPT_VM_H

#include <lua.h>

#include "base/err.h"
#include "base/list.h"
#include "script/arena.h"
#include "script/bundle.h"
#include "script/noreturn.h"

#define VM_SPARE_TASKS_MAX 64

enum vm_kind { VM_APP, VM_TOOL };

struct vm {
    lua_State *L;
    size_t memory_used; /* bytes; written by the owner thread, read by others through vm_memory */
    size_t memory_max;  /* 0: no cap */
    struct arena arena; /* where they are */
    struct list ready;  /* tasks to resume in the next vm_run */
    struct list tasks;  /* every live task */
    unsigned task_count;
    struct task *running;    /* the task being resumed, or NULL */
    unsigned resumes_left;   /* of task_begin, until the next vm_run */
    uint64_t begin_until_ns; /* mono_ns: task_begin leaves what comes later to vm_run */
    struct list spare;       /* tasks that have ended well, to be used again with their coroutines */
    unsigned spare_count;
    enum vm_kind kind;
    bool closing; /* vm_free has begun: no new tasks */
    struct bundle *bundle;
    void *context; /* struct bind_context, owned by the host */
};

struct vm *vm_new(enum vm_kind kind, struct bundle *bundle, size_t memory_max, struct err *err) MUSTCHECK;
/* Cancels and closes every task, then the state. */
void vm_free(struct vm *vm);
/* The VM a state or coroutine belongs to. */
struct vm *vm_of(lua_State *L);
/* Bytes that Lua uses; any thread. */
size_t vm_memory(const struct vm *vm);
/* Bytes taken from the machine for them. */
size_t vm_held(const struct vm *vm);

/* Resume every task that is ready, including those that become ready meanwhile, at most budget resumes; as
 * many may follow by task_begin. Returns true if some are left. */
bool vm_run(struct vm *vm, unsigned budget);

/* Load chunk text only ("t"), named "@path"; a first line that begins with '#' is skipped. Files below lua/
 * are checked by lint_source. On success the function is on the stack; on error err->text is "lua/x.lua:12:
 * reason" and the stack is as before. */
int vm_load(struct vm *vm, const struct bundle_file *file, struct err *err) MUSTCHECK;
/* pcall with a traceback handler: on error err->text is the message (file:line: reason) and the log is given
 * the traceback (not the message, which may hold data). The function and nargs arguments are popped in any
 * case. */
int vm_call(struct vm *vm, int nargs, int nresults, struct err *err) MUSTCHECK;
/* require(name), result left on the stack. */
int vm_require(struct vm *vm, const char *name, struct err *err) MUSTCHECK;

/* Fill err from the error value on top of the stack of L without calling metamethods, and pop it. A table
 * made by vm_push_err is read back field by field. */
void vm_pop_error(lua_State *L, struct err *err);
/* Push {code=…, sqlstate=…, constraint=…, message=…} with a __tostring. May raise (memory): call from
 * bindings only. */
void vm_push_err(lua_State *L, const struct err *err);

#endif
