/* Lua module "db": registered statements, and single statements on the pipelined lane. */
#include "bind/db.h"

#include <stdlib.h>
#include <string.h>

#include "bind/json_view.h"
#include "bind/support.h"
#include "pg/gather.h"

#define STATEMENT_NAME "lexicraft.db.statement"
#define SQL_BYTES_MAX 65536

/* ---- registering ---- */

/* A call's line is where its name stands; the text may begin further down. Look for it in the bundle, from
 * that line on: a long string stands there as it is. A text written with escapes keeps the line of the call.
 */
static int line_of_text(const struct bundle *bundle, const char *path, const char *text, size_t len,
                        int call_line)
{
    const struct bundle_file *file = bundle_find(bundle, path);
    if (file == NULL || len == 0)
        return call_line;
    const char *at = file->bytes, *end = file->bytes + file->len;
    for (int line = 1; line < call_line; line++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (at == NULL)
            return call_line;
        at++;
    }
    const char *found = memmem(at, (size_t)(end - at), text, len);
    if (found == NULL)
        return call_line;
    int line = call_line;
    for (; at < found; at++)
        line += *at == '\n';
    return line;
}

static struct bind_statement *statement_new(const char *text, const char *source, int line)
{
    struct bind_statement *s = x_calloc(1, sizeof(*s));
    s->text = x_strdup(text);
    s->source = x_strdup(source);
    s->line = line;
    pg_statement_init(&s->statement, s->text);
    return s;
}

static void keep_statement(struct bind_context *c, struct bind_statement *s)
{
    c->statements = x_realloc(c->statements, (c->statement_count + 1) * sizeof(struct bind_statement *));
    c->statements[c->statement_count++] = s;
}

static const char *check_text(lua_State *L, int index, size_t *len)
{
    const char *text = luaL_checklstring(L, index, len);
    luaL_argcheck(L, *len > 0 && *len <= SQL_BYTES_MAX, index, "SQL of 1 to 65,536 bytes expected");
    luaL_argcheck(L, strlen(text) == *len, index, "SQL without NUL bytes expected");
    return text;
}

/* Register the statement at 1 and push it. */
static struct bind_statement *register_statement(lua_State *L)
{
    size_t len;
    const char *text = check_text(L, 1, &len);
    struct bind_context *c = bind_context_of(L);
    if (!c->loading)
        luaL_error(L, "statements are registered at the top level of modules only, while they load");
    lua_Debug caller = {.currentline = 0};
    const char *source = "?";
    if (lua_getstack(L, 1, &caller) && lua_getinfo(L, "Sl", &caller))
        source = caller.source[0] == '@' ? caller.source + 1 : caller.short_src;
    int line = line_of_text(vm_of(L)->bundle, source, text, len, caller.currentline);

    const struct bind_statement **slot = lua_newuserdatauv(L, sizeof(*slot), 0);
    luaL_setmetatable(L, STATEMENT_NAME);
    struct bind_statement *s = statement_new(text, source, line);
    *slot = s;
    keep_statement(c, s);
    return s;
}

static int sql(lua_State *L)
{
    register_statement(L);
    return 1;
}

/* Its form for many is registered too: it is checked as every other, and its lines are those of the text. */
static int sql_one(lua_State *L)
{
    struct bind_statement *s = register_statement(L);
    struct buf together = BUF_INIT;
    struct err err;
    if (pg_gather_text(s->text, &together, &err) != 0) {
        err_prefix(&err, "%s:%d", s->source, s->line);
        support_raise(L, &err);
    }
    struct bind_statement *form = statement_new(together.data, s->source, s->line);
    buf_release(&together);
    keep_statement(bind_context_of(L), form);
    s->together = form;
    return 1;
}

static int statement_tostring(lua_State *L)
{
    const struct bind_statement **slot = luaL_checkudata(L, 1, STATEMENT_NAME);
    lua_pushfstring(L, "statement %s:%d", (*slot)->source, (*slot)->line);
    return 1;
}

/* ---- calls ---- */

void db_call_let_go(void *data)
{
    struct db_call *call = data;
    pg_op_free(call->op);
    call->op = NULL;
    buf_release(&call->scratch);
}

static int call_gc(lua_State *L)
{
    db_call_let_go(lua_touserdata(L, 1));
    return 0;
}

static void call_done(struct pg_op *op, void *data)
{
    struct db_call *call = data;
    call->finished = true;
    if (!op->ok && call->tx != NULL)
        db_tx_note_failure(call);
    if (call->task != NULL)
        task_wake(call->task);
    call->task = NULL;
}

struct db_call *db_call_push(lua_State *L, const char *metatable, int index, int last)
{
    const struct bind_statement *registered = NULL;
    struct pg_statement plain;
    const struct bind_statement **slot = luaL_testudata(L, index, STATEMENT_NAME);
    if (slot != NULL) {
        registered = *slot;
    } else {
        size_t len;
        if (lua_type(L, index) != LUA_TSTRING)
            luaL_typeerror(L, index, "statement");
        pg_statement_init(&plain, check_text(L, index, &len));
    }
    struct db_call *call = lua_newuserdatauv(L, sizeof(*call), 1);
    *call = (struct db_call){.statement = registered};
    buf_init(&call->scratch);
    luaL_setmetatable(L, metatable);
    call->op = pg_op_new(registered != NULL ? &registered->statement : &plain);
    call->op->done = call_done;
    call->op->data = call;
    db_params_read(L, index + 1, last, call);
    return call;
}

void db_call_locate(const struct db_call *call, struct err *err)
{
    if (err->code == ERR_DB && call->statement != NULL)
        err_prefix(err, "%s:%d", call->statement->source, call->statement->line);
}

void db_call_check(lua_State *L, struct db_call *call)
{
    assert(call->finished);
    if (call->op->ok)
        return;
    const struct err *first = call->tx != NULL ? db_tx_failure(call) : NULL;
    struct err err = first != NULL ? *first : call->op->err;
    if (first == NULL)
        db_call_locate(call, &err);
    support_raise(L, &err);
}

/* A result is let go as soon as it is Lua's: the collector knows nothing of its memory. */
static void call_is_read(struct db_call *call)
{
    if (!call->is_pending)
        db_call_let_go(call);
}

int db_finish_query(lua_State *L, int status, lua_KContext index)
{
    (void)status;
    struct db_call *call = lua_touserdata(L, (int)index);
    db_call_check(L, call);
    db_rows_push(L, call);
    call_is_read(call);
    return 1;
}

int db_finish_one(lua_State *L, int status, lua_KContext index)
{
    (void)status;
    struct db_call *call = lua_touserdata(L, (int)index);
    db_call_check(L, call);
    db_row_push(L, call);
    call_is_read(call);
    return 1;
}

static int finish_one_json(lua_State *L, int status, lua_KContext index)
{
    (void)status;
    struct db_call *call = lua_touserdata(L, (int)index);
    db_call_check(L, call);
    db_row_show(L, call, 1);
    call_is_read(call);
    return 1;
}

int db_finish_exec(lua_State *L, int status, lua_KContext index)
{
    (void)status;
    struct db_call *call = lua_touserdata(L, (int)index);
    db_call_check(L, call);
    lua_pushinteger(L, db_affected(call));
    db_rows_push(L, call);
    call_is_read(call);
    return 2;
}

static int finish_rows(lua_State *L, int status, lua_KContext index)
{
    (void)status;
    db_call_check(L, lua_touserdata(L, (int)index));
    db_list_push(L, (int)index);
    return 1;
}

/* The statement is at index, and its parameters after it. */
static struct db_call *make_call(lua_State *L, int index)
{
    support_running_context(L);
    db_tx_refuse(L);
    return db_call_push(L, DB_CALL_NAME, index, lua_gettop(L));
}

static int run(lua_State *L, struct db_call *call, lua_KFunction finish)
{
    call->task = task_of(L);
    pg_pool_submit(bind_context_of(L)->pool, call->op);
    task_suspend(call->task, db_call_let_go, call);
    return lua_yieldk(L, 0, lua_gettop(L), finish);
}

static int query(lua_State *L)
{
    return run(L, make_call(L, 1), db_finish_query);
}

static int rows(lua_State *L)
{
    return run(L, make_call(L, 1), finish_rows);
}

void db_call_gather(struct db_call *call)
{
    if (call->statement != NULL && call->statement->together != NULL)
        call->op->together = &call->statement->together->statement;
}

/* The call for at most one row, which may be asked for with others'. */
static struct db_call *make_call_of_one(lua_State *L, int index)
{
    struct db_call *call = make_call(L, index);
    db_call_gather(call);
    return call;
}

static int one(lua_State *L)
{
    return run(L, make_call_of_one(L, 1), db_finish_one);
}

static int one_json(lua_State *L)
{
    json_view_check(L, 1);
    return run(L, make_call_of_one(L, 2), finish_one_json);
}

static int exec(lua_State *L)
{
    struct db_call *call = make_call(L, 1);
    call->op->is_write = true;
    return run(L, call, db_finish_exec);
}

int bind_open_db(lua_State *L)
{
    static const luaL_Reg functions[] = {{"sql", sql},
                                         {"sql_one", sql_one},
                                         {"query", query},
                                         {"rows", rows},
                                         {"one", one},
                                         {"one_json", one_json},
                                         {"exec", exec},
                                         {"array", db_array},
                                         {"json", db_json},
                                         {"transaction", db_transaction},
                                         {"connect", db_connect},
                                         {NULL, NULL}};
    static const luaL_Reg statement_meta[] = {{"__tostring", statement_tostring}, {NULL, NULL}};
    static const luaL_Reg call_meta[] = {{"__gc", call_gc}, {NULL, NULL}};
    support_metatable(L, STATEMENT_NAME, statement_meta, NULL);
    support_metatable(L, DB_CALL_NAME, call_meta, NULL);
    db_param_open(L);
    db_rows_open(L);
    db_tx_open(L);
    db_connect_open(L);
    luaL_newlib(L, functions);
    return 1;
}
