/* Runs a Lua script as one task that drives a loop of its own. */
#include "host/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <uv.h>

#include "host/environment.h"
#include "host/generation.h"

#define RATE_BUCKETS_MAX 1024
#define RESUMES_MAX 512 /* of coroutines in one turn of the loop */
/* A script may look at whole tables, and nobody waits for its answer but who started it. */
#define STATEMENT_MS_MIN (10 * 60 * 1000)
#define POOLS_MAX 4 /* our database, and those a script connects to */

struct tool {
    uv_loop_t loop;
    uv_prepare_t turn;
    uv_idle_t again;
    struct vm *vm;
    lua_State *script; /* the coroutine of the script */
    struct bind_context context;
    struct pg_settings pg;
    struct pg_pool *pools[POOLS_MAX];
    unsigned pool_count;
    bool over;
    int exit_code;
};

/* ---- os.exit ---- */

static int exit_code_of(lua_State *L)
{
    if (lua_isboolean(L, 1))
        return lua_toboolean(L, 1) ? 0 : 1;
    return (int)(luaL_optinteger(L, 1, 0) & 0xff);
}

/* Ends the task by never waking it again: unlike an error a wait cannot be caught by the script. Where
 * waiting is impossible (a coroutine of the script's own, a callback of table.sort) the process ends at once.
 */
static int tool_exit(lua_State *L)
{
    struct tool *tool = lua_touserdata(L, lua_upvalueindex(1));
    struct task *task = task_running(L);
    int code = exit_code_of(L);
    if (task == NULL || !lua_isyieldable(L) || tool->script != L)
        exit(code);
    tool->exit_code = code;
    tool->over = true;
    task_suspend(task, NULL, NULL);
    return lua_yield(L, 0);
}

/* ---- the script ---- */

/* Protected: light userdata tool, argc, light userdata argv. Sets the globals arg and os.exit. */
static int set_globals(lua_State *L)
{
    int argc = (int)lua_tointeger(L, 2);
    char **argv = lua_touserdata(L, 3);
    lua_getglobal(L, "os");
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, tool_exit, 1);
    lua_setfield(L, -2, "exit");
    lua_createtable(L, argc, 1);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i);
    }
    lua_setglobal(L, "arg");
    return 0;
}

static int prepare_globals(struct tool *tool, int argc, char **argv, struct err *err)
{
    lua_pushcfunction(tool->vm->L, set_globals);
    lua_pushlightuserdata(tool->vm->L, tool);
    lua_pushinteger(tool->vm->L, argc);
    lua_pushlightuserdata(tool->vm->L, argv);
    return vm_call(tool->vm, 3, 0, err);
}

/* Protected: push the traceback of the coroutine given as a light userdata. */
static int push_traceback(lua_State *L)
{
    luaL_traceback(L, lua_touserdata(L, 1), NULL, 0);
    return 1;
}

static void script_over(struct task *task, lua_State *co, int status, int nresults, void *data)
{
    struct tool *tool = data;
    lua_State *L = tool->vm->L;
    struct err err;
    (void)task;
    (void)nresults;
    if (tool->over)
        return; /* cancelled after os.exit */
    tool->over = true;
    tool->exit_code = status == LUA_OK ? 0 : 1;
    if (status == LUA_OK)
        return;
    vm_pop_error(co, &err);
    fprintf(stderr, "lexicraft: %s\n", err.text);
    lua_pushcfunction(L, push_traceback);
    lua_pushlightuserdata(L, co);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TSTRING)
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
    lua_pop(L, 1);
}

static int script_returned(lua_State *L, int status, lua_KContext context)
{
    (void)L;
    (void)status;
    (void)context;
    return 0;
}

/* The body of the task: the script with its arguments is on the stack. */
static int run_script(lua_State *L)
{
    struct tool *tool = lua_touserdata(L, lua_upvalueindex(1));
    tool->script = L;
    lua_callk(L, lua_gettop(L) - 1, 0, 0, script_returned);
    return 0;
}

static int load_file(struct vm *vm, char *path, struct err *err)
{
    struct buf text = BUF_INIT;
    int rc = environment_read_file(".", path, BUNDLE_FILE_BYTES_MAX, &text, err);
    if (rc == 1)
        rc = err_set(err, ERR_IO, "%s: no such file", path);
    if (rc == 0) {
        struct bundle_file file = {.path = path, .bytes = text.data, .len = text.len};
        rc = vm_load(vm, &file, err);
    }
    buf_release(&text);
    return rc;
}

static int load_bundled(struct vm *vm, const char *path, struct err *err)
{
    const struct bundle_file *file = bundle_find(vm->bundle, path);
    return file != NULL ? vm_load(vm, file, err) : err_set(err, ERR_IO, "%s: no such file", path);
}

static int start_script(struct tool *tool, bool is_bundled, int argc, char **argv, struct err *err)
{
    lua_State *L = tool->vm->L;
    lua_pushlightuserdata(L, tool);
    lua_pushcclosure(L, run_script, 1);
    int rc = is_bundled ? load_bundled(tool->vm, argv[0], err) : load_file(tool->vm, argv[0], err);
    if (rc != 0)
        return -1;
    if (!lua_checkstack(L, argc))
        return err_set(err, ERR_LIMIT, "too many arguments");
    for (int i = 1; i < argc; i++)
        lua_pushstring(L, argv[i]);
    return task_start(tool->vm, argc, script_over, tool, err) == NULL ? -1 : 0;
}

/* ---- the loop ---- */

static void stay_awake(uv_idle_t *again)
{
    (void)again;
}

static void turn(uv_prepare_t *prepare)
{
    struct tool *tool = prepare->data;
    bool more = vm_run(tool->vm, RESUMES_MAX);
    for (unsigned i = 0; i < tool->pool_count; i++)
        pg_pool_flush(tool->pools[i]);
    if (more || tool->over)
        uv_idle_start(&tool->again, stay_awake);
    else
        uv_idle_stop(&tool->again);
}

static struct pg_pool *open_pool(struct tool *tool, const struct pg_settings *pg)
{
    return tool->pools[tool->pool_count++] = pg_pool_new(&tool->loop, pg);
}

/* Whatever pooler is before the other database, and however long the script is busy with ours meanwhile. */
static struct pg_pool *connect_other(void *data, const char *url)
{
    struct tool *tool = data;
    struct pg_settings pg = tool->pg;
    pg.url = url;
    pg.prepared_statements = false;
    pg.pipelined = pg.exclusive = 1;
    pg.share_max = 1;
    pg.idle_transaction_ms = STATEMENT_MS_MIN;
    return tool->pool_count < POOLS_MAX ? open_pool(tool, &pg) : NULL;
}

static void open_loop(struct tool *tool, const struct config *config)
{
    struct hasher_settings hasher = generation_hasher_settings(config);
    uv_prepare_init(&tool->loop, &tool->turn);
    uv_idle_init(&tool->loop, &tool->again);
    tool->turn.data = tool;
    uv_prepare_start(&tool->turn, turn);
    tool->context.loop = &tool->loop;
    tool->context.hasher = hasher_new(&hasher);
    tool->context.rates = rate_table_new(RATE_BUCKETS_MAX);
    tool->pg = generation_pg_settings(config, 0, 1);
    if (tool->pg.statement_ms < STATEMENT_MS_MIN)
        tool->pg.statement_ms = STATEMENT_MS_MIN;
    tool->context.connect = connect_other;
    tool->context.connect_data = tool;
    if (config->database.url[0] != '\0')
        tool->context.pool = open_pool(tool, &tool->pg);
}

static void pool_closed(void *data)
{
    (void)data; /* uv_run returns when nothing is open any more */
}

static void close_loop(struct tool *tool)
{
    uv_close((uv_handle_t *)&tool->turn, NULL);
    uv_close((uv_handle_t *)&tool->again, NULL);
    for (unsigned i = 0; i < tool->pool_count; i++)
        pg_pool_close(tool->pools[i], pool_closed, tool);
    uv_run(&tool->loop, UV_RUN_DEFAULT);
    for (unsigned i = 0; i < tool->pool_count; i++)
        pg_pool_free(tool->pools[i]);
    hasher_free(tool->context.hasher);
    rate_table_free(tool->context.rates);
}

/* ---- the VM ---- */

static int open_vm(struct tool *tool, enum vm_kind kind, struct bundle *bundle, struct config *config,
                   struct err *err)
{
    tool->vm = vm_new(kind, bundle, 0, err);
    if (tool->vm == NULL)
        return -1;
    tool->vm->context = &tool->context;
    generation_fill_context(&tool->context, config, bundle);
    if (bind_open(tool->vm, err) != 0)
        return -1;
    return generation_preload_config(tool->vm, config, err);
}

static void close_vm(struct tool *tool)
{
    vm_free(tool->vm);
    tool->vm = NULL;
    sandbox_free(tool->context.rules);
    bind_context_release(&tool->context);
}

static int run(bool is_bundled, struct bundle *bundle, struct config *config, int argc, char **argv,
               struct err *err)
{
    struct tool tool = {0};
    if (uv_loop_init(&tool.loop) != 0)
        return err_set(err, ERR_IO, "no event loop");
    open_loop(&tool, config);
    int rc = open_vm(&tool, VM_TOOL, bundle, config, err);
    if (rc == 0) {
        tool.context.rules = generation_open_rules(bundle, config, err);
        rc = tool.context.rules == NULL && !is_bundled ? -1 : 0;
    }
    if (rc == 0)
        rc = prepare_globals(&tool, argc, argv, err);
    if (rc == 0)
        rc = start_script(&tool, is_bundled, argc, argv, err);
    while (rc == 0 && !tool.over)
        uv_run(&tool.loop, UV_RUN_ONCE);
    uv_prepare_stop(&tool.turn);
    close_vm(&tool);
    close_loop(&tool);
    uv_loop_close(&tool.loop);
    return rc == 0 ? tool.exit_code : -1;
}

int tool_run(struct bundle *bundle, struct config *config, int argc, char **argv, struct err *err)
{
    return run(false, bundle, config, argc, argv, err);
}

int tool_run_bundled(struct bundle *bundle, struct config *config, int argc, char **argv, struct err *err)
{
    return run(true, bundle, config, argc, argv, err);
}

/* ---- tokens ---- */

static int call_issue_token(struct tool *tool, const char *role, const char *sub, int64_t ttl_s,
                            struct err *err)
{
    static char source[] = "return require(\"tools.token\")(...)\n";
    static char path[] = "lexicraft token";
    struct bundle_file file = {.path = path, .bytes = source, .len = sizeof(source) - 1};
    if (vm_load(tool->vm, &file, err) != 0)
        return -1;
    lua_pushstring(tool->vm->L, role);
    lua_pushstring(tool->vm->L, sub);
    lua_pushinteger(tool->vm->L, ttl_s);
    if (vm_call(tool->vm, 3, 2, err) != 0)
        return -1;
    if (lua_type(tool->vm->L, -2) != LUA_TSTRING)
        return err_set(err, ERR_INVALID, "%s", lua_tostring(tool->vm->L, -1));
    lua_pop(tool->vm->L, 1);
    return 0;
}

int tool_issue_token(struct bundle *bundle, struct config *config, const char *role, const char *sub,
                     int64_t ttl_s, struct buf *out, struct err *err)
{
    struct tool tool = {0};
    int rc = open_vm(&tool, VM_APP, bundle, config, err);
    if (rc == 0)
        rc = call_issue_token(&tool, role, sub, ttl_s, err);
    if (rc == 0)
        buf_append_str(out, lua_tostring(tool.vm->L, -1));
    close_vm(&tool);
    return rc;
}
