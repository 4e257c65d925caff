/* What the tests of the bindings share: a folder with Lua files, a VM with the bindings over it, a loop, and
 * running a script as one task until it has ended. */
#ifndef TESTS_UNIT_BIND_FIXTURE_H
#define TESTS_UNIT_BIND_FIXTURE_H

#include "bind/bind.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FIXTURE_FILES_MAX 16
#define FIXTURE_RESUMES 100
#define FIXTURE_DEADLINE_NS UINT64_C(60000000000)

struct fixture {
    char root[64];
    char *files[FIXTURE_FILES_MAX]; /* written, to be removed */
    size_t file_count;
    uv_loop_t loop;
    struct vm *vm;
    struct bind_context context;
};

static inline struct fixture *fixture_new(void)
{
    struct fixture *f = x_calloc(1, sizeof(*f));
    snprintf(f->root, sizeof(f->root), "/tmp/lexicraft-bind-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    assert_int_equal(0, uv_loop_init(&f->loop));
    return f;
}

static inline void fixture_write(struct fixture *f, const char *path, const char *text)
{
    char full[256];
    snprintf(full, sizeof(full), "%s/%s", f->root, path);
    for (char *slash = strchr(full + strlen(f->root) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        assert_true(mkdir(full, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(0, fclose(file));
    assert_true(f->file_count < FIXTURE_FILES_MAX);
    f->files[f->file_count++] = x_strdup(full);
}

/* The VM over the files written so far. */
static inline void fixture_open(struct fixture *f)
{
    struct err err;
    fixture_write(f, "config.lua", "return {}\n");
    struct bundle *bundle = bundle_read(f->root, &err);
    if (bundle == NULL)
        fail_msg("%s", err.text);
    f->vm = vm_new(VM_APP, bundle, 0, &err);
    bundle_unref(bundle);
    assert_non_null(f->vm);
    f->context = (struct bind_context){.loading = true, .json = {1 << 20, 32}, .lock_ms = 2000};
    memset(f->context.rule_version, 'a', 64);
    f->vm->context = &f->context;
    if (bind_open(f->vm, &err) != 0)
        fail_msg("%s", err.text);
}

static inline void fixture_close_vm(struct fixture *f)
{
    vm_free(f->vm);
    f->vm = NULL;
    bind_context_release(&f->context);
}

static inline void fixture_free(struct fixture *f)
{
    if (f->vm != NULL)
        fixture_close_vm(f);
    while (uv_run(&f->loop, UV_RUN_DEFAULT) != 0)
        ;
    assert_int_equal(0, uv_loop_close(&f->loop));
    while (f->file_count > 0) {
        char *path = f->files[--f->file_count];
        unlink(path);
        for (char *slash = strrchr(path, '/'); slash != NULL && slash > path + strlen(f->root) - 1;
             slash = strrchr(path, '/')) {
            *slash = '\0';
            rmdir(path);
        }
        free(path);
    }
    free(f);
}

struct fixture_task {
    struct task *task; /* NULL when it has ended */
    bool has_ended, ok;
    char message[4096];
};

/* The error of a failed coroutine with its traceback. */
static inline int fixture_describe(lua_State *L)
{
    lua_State *co = lua_touserdata(L, 1);
    lua_pushvalue(co, -1);
    lua_xmove(co, L, 1);
    luaL_traceback(L, co, luaL_tolstring(L, -1, NULL), 0);
    return 1;
}

static inline void fixture_task_ended(struct task *task, lua_State *co, int status, int nresults, void *data)
{
    struct fixture_task *t = data;
    (void)task;
    (void)nresults;
    t->task = NULL;
    t->has_ended = true;
    t->ok = status == LUA_OK;
    if (t->ok)
        return;
    /* Protected, because the task may have ended for want of memory. */
    lua_State *L = vm_of(co)->L;
    lua_pushcfunction(L, fixture_describe);
    lua_pushlightuserdata(L, co);
    snprintf(t->message, sizeof(t->message), "%s",
             lua_pcall(L, 1, 1, 0) == LUA_OK ? lua_tostring(L, -1) : "?");
    lua_pop(L, 1);
}

static inline void fixture_start(struct fixture *f, struct fixture_task *t, const char *script)
{
    struct err err;
    *t = (struct fixture_task){.ok = false};
    if (luaL_loadbuffer(f->vm->L, script, strlen(script), "=script") != LUA_OK)
        fail_msg("%s", lua_tostring(f->vm->L, -1));
    t->task = task_start(f->vm, 0, fixture_task_ended, t, &err);
    assert_non_null(t->task);
}

/* One turn as a worker does it: wait for what comes unless a task is ready, resume, send. */
static inline void fixture_turn(struct fixture *f)
{
    uv_run(&f->loop, list_is_empty(&f->vm->ready) ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    vm_run(f->vm, FIXTURE_RESUMES);
    if (f->context.pool != NULL)
        pg_pool_flush(f->context.pool);
}

static inline void fixture_finish(struct fixture *f, struct fixture_task *t)
{
    uint64_t begin_ns = mono_ns();
    while (!t->has_ended) {
        fixture_turn(f);
        assert_true(mono_ns() - begin_ns < FIXTURE_DEADLINE_NS);
    }
}

/* Run the script as a task; its error is the test's. */
static inline void fixture_run(struct fixture *f, const char *script)
{
    struct fixture_task t;
    fixture_start(f, &t, script);
    fixture_finish(f, &t);
    if (!t.ok)
        fail_msg("%s", t.message);
}

/* For scripts: an error of this code must be raised by f(...). Returns the error. */
#define FAILS                                                                                                \
    "local function fails(code, f, ...)\n"                                                                   \
    "  local ok, e = pcall(f, ...)\n"                                                                        \
    "  if ok then error('it did not fail', 2) end\n"                                                         \
    "  if type(e) ~= 'table' or e.code ~= code then error('failed with ' .. tostring(e), 2) end\n"           \
    "  return e\n"                                                                                           \
    "end\n"

#endif
