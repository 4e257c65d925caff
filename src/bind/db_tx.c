/* db.transaction: lease, run fn, commit or roll back, and run fn again when PostgreSQL says that would help.
 *
 * The stack of db.transaction is 1 fn, 2 the transaction, then what fn returned or raised. Each continuation
 * below is one step; they follow one another in the order: begin, run_function, function_ended, commit_ended,
 * retry. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "bind/db.h"
#include "bind/db_pause.h"
#include "bind/support.h"

#define TX_NAME "lexicraft.db.tx"
#define ATTEMPTS_MAX 4 /* the first run of fn and three more */
#define FUNCTION 1
#define TX 2
#define RESULTS 3 /* the first of them */
#define LOCK_MS_MAX 3600000
#define SHARE_BYTES_MAX 100

struct db_tx {
    struct bind_context *context;
    struct pg_pool *pool;
    struct task *task;
    struct pg_tx_options options;
    struct pg_tx *lease;    /* NULL: none */
    struct db_pause *pause; /* the wait before a retry, NULL: none */
    bool is_open;           /* fn is running: statements are taken */
    bool is_committed;
    bool is_held;
    bool had_company;  /* the latest attempt shared a transaction of PostgreSQL with others */
    int attempt;       /* 1, 2 … */
    struct err result; /* of the lease or the commit that was waited for; ERR_NONE: it went well */
    struct err failed; /* first failed statement of this attempt; ERR_NONE: none */
};

/* Registry keys: coroutine → its latest transaction, in the context's database and in another one. */
static const char current, current_other;

static int begin(lua_State *L, struct db_tx *tx);

/* ---- state shared with calls ---- */

static void refuse_if_open(lua_State *L, const void *name)
{
    struct db_tx *tx = support_local_get(L, name) == LUA_TUSERDATA ? lua_touserdata(L, -1) : NULL;
    lua_pop(L, 1);
    if (tx != NULL && tx->lease != NULL)
        support_fail(L, ERR_INTERNAL, "inside a transaction use tx: instead of db., and do not nest");
}

void db_tx_refuse(lua_State *L)
{
    refuse_if_open(L, &current);
}

void db_tx_note_failure(const struct db_call *call)
{
    struct db_tx *tx = call->tx;
    if (tx->attempt != call->attempt || tx->failed.code != ERR_NONE)
        return;
    tx->failed = call->op->err;
    db_call_locate(call, &tx->failed);
}

const struct err *db_tx_failure(const struct db_call *call)
{
    const struct db_tx *tx = call->tx;
    return tx->attempt == call->attempt && tx->failed.code != ERR_NONE ? &tx->failed : NULL;
}

/* ---- the lease ---- */

/* Give the connection back, rolled back unless the commit has gone through. Does not raise. */
static void end_lease(struct db_tx *tx)
{
    tx->is_open = false;
    tx->had_company = tx->lease != NULL && pg_tx_had_company(tx->lease);
    if (tx->lease != NULL)
        pg_tx_free(tx->lease);
    tx->lease = NULL;
    if (tx->is_held) {
        tx->is_held = false;
        task_release(tx->task);
    }
}

/* The cancel hook of every wait of db.transaction itself. */
static void let_go(void *data)
{
    struct db_tx *tx = data;
    if (tx->lease != NULL)
        pg_tx_free(tx->lease);
    tx->lease = NULL;
    db_pause_cancel(tx->pause);
    tx->pause = NULL;
}

/* Also when the task is ended between two steps, where no wait has a hook: others may share its connection.
 */
static int tx_close(lua_State *L)
{
    let_go(lua_touserdata(L, 1));
    return 0;
}

static void step_done(struct pg_tx *lease, const struct err *err, void *data)
{
    struct db_tx *tx = data;
    (void)lease;
    if (err != NULL)
        tx->result = *err;
    task_wake(tx->task);
}

static void pause_done(void *data)
{
    struct db_tx *tx = data;
    tx->pause = NULL;
    task_wake(tx->task);
}

static int wait_for(lua_State *L, struct db_tx *tx, lua_KFunction next)
{
    task_suspend(tx->task, let_go, tx);
    return lua_yieldk(L, 0, 0, next);
}

/* ---- retrying ---- */

/* Serialisation failure, deadlock; a prepared statement a migration has overtaken (the lane has forgotten it
 * by now). */
static bool is_retryable(const struct err *err)
{
    static const char *const states[] = {"40001", "40P01", "0A000", "26000"};
    for (size_t i = 0; err->code == ERR_DB && i < COUNT_OF(states); i++)
        if (strcmp(err->sqlstate, states[i]) == 0)
            return true;
    return false;
}

/* What PostgreSQL refuses in company may succeed alone. */
static bool is_worth_repeating(const struct db_tx *tx, const struct err *err)
{
    if (tx->attempt >= ATTEMPTS_MAX)
        return false;
    return is_retryable(err) || (tx->had_company && err->sqlstate[0] != '\0');
}

static int retry(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    return begin(L, lua_touserdata(L, TX));
}

static int pause_then_retry(lua_State *L, struct db_tx *tx)
{
    lua_settop(L, TX);
    tx->pause = db_pause_start(tx->context->loop, tx->attempt, pause_done, tx);
    return wait_for(L, tx, retry);
}

/* ---- the steps ---- */

static int commit_ended(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    struct db_tx *tx = lua_touserdata(L, TX);
    tx->is_committed = tx->result.code == ERR_NONE;
    end_lease(tx);
    if (tx->is_committed)
        return lua_gettop(L) - TX;
    /* A statement's own failure says more than the commit that could not happen because of it. */
    struct err err = tx->result.code == ERR_DB && tx->failed.code != ERR_NONE ? tx->failed : tx->result;
    if (is_worth_repeating(tx, &err))
        return pause_then_retry(L, tx);
    return support_raise(L, &err);
}

static int function_ended(lua_State *L, int status, lua_KContext context)
{
    (void)context;
    struct db_tx *tx = lua_touserdata(L, TX);
    bool has_raised = status != LUA_OK && status != LUA_YIELD;
    int results = lua_gettop(L) - TX;
    tx->is_open = false;
    if (!has_raised && !(results >= 2 && lua_isnil(L, RESULTS) && !lua_isnil(L, RESULTS + 1))) {
        tx->result = (struct err){.code = ERR_NONE};
        pg_tx_commit(tx->lease, step_done, tx);
        return wait_for(L, tx, commit_ended);
    }
    end_lease(tx);
    if (is_worth_repeating(tx, &tx->failed))
        return pause_then_retry(L, tx);
    return has_raised ? lua_error(L) : results;
}

static int run_function(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    struct db_tx *tx = lua_touserdata(L, TX);
    if (tx->result.code != ERR_NONE) {
        struct err err = tx->result;
        end_lease(tx);
        return support_raise(L, &err);
    }
    task_hold(tx->task);
    tx->is_held = true;
    tx->is_open = true;
    lua_pushvalue(L, FUNCTION);
    lua_pushvalue(L, TX);
    return function_ended(L, lua_pcallk(L, 1, LUA_MULTRET, 0, 0, function_ended), 0);
}

static int begin(lua_State *L, struct db_tx *tx)
{
    /* What was pending in an earlier attempt is forgotten. */
    lua_newtable(L);
    lua_setiuservalue(L, TX, 1);
    tx->attempt++;
    tx->result = tx->failed = (struct err){.code = ERR_NONE};
    tx->lease = pg_tx_open(tx->pool, &tx->options, step_done, tx);
    tx->options.share = NULL; /* a repetition has a transaction to itself */
    lua_settop(L, TX);
    return wait_for(L, tx, run_function);
}

/* ---- options ---- */

static enum pg_isolation read_isolation(lua_State *L, int index)
{
    static const char *const names[] = {"read committed", "repeatable read", "serializable"};
    static const enum pg_isolation values[] = {PG_READ_COMMITTED, PG_REPEATABLE_READ, PG_SERIALIZABLE};
    const char *name = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : "";
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(name, names[i]) == 0)
            return values[i];
    luaL_error(L, "isolation is \"read committed\", \"repeatable read\" or \"serializable\"");
    return PG_READ_COMMITTED;
}

static void read_option(lua_State *L, const char *name, struct pg_tx_options *options)
{
    if (strcmp(name, "isolation") == 0) {
        options->isolation = read_isolation(L, -1);
    } else if (strcmp(name, "read_only") == 0) {
        if (!lua_isboolean(L, -1))
            luaL_error(L, "read_only is a boolean");
        options->read_only = lua_toboolean(L, -1);
    } else if (strcmp(name, "lock_ms") == 0) {
        lua_Integer lock_ms = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
        if (lock_ms < 1 || lock_ms > LOCK_MS_MAX)
            luaL_error(L, "lock_ms is an integer from 1 to %d", LOCK_MS_MAX);
        options->lock_ms = (uint32_t)lock_ms;
    } else if (strcmp(name, "share") == 0) {
        size_t len = 0;
        const char *share = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : "";
        if (len < 1 || len > SHARE_BYTES_MAX || strlen(share) != len)
            luaL_error(L, "share is a string of 1 to %d bytes without NUL", SHARE_BYTES_MAX);
        options->share = share;
    } else {
        luaL_error(L, "a transaction has no option '%s'", name);
    }
}

static void read_options(lua_State *L, int index, struct pg_tx_options *options)
{
    lua_pushnil(L);
    for (; lua_next(L, index) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "options are named");
        read_option(L, lua_tostring(L, -2), options);
    }
    if (options->share != NULL && (options->isolation != PG_READ_COMMITTED || options->read_only))
        luaL_error(L, "only transactions that write and read committed share");
}

int db_transaction_in(lua_State *L, struct pg_pool *pool)
{
    struct bind_context *c = support_running_context(L);
    const void *name = pool == c->pool ? &current : &current_other;
    struct pg_tx_options options = {.isolation = PG_READ_COMMITTED, .lock_ms = c->lock_ms};
    if (!lua_isfunction(L, 1)) {
        luaL_checktype(L, 1, LUA_TTABLE);
        luaL_checktype(L, 2, LUA_TFUNCTION);
        read_options(L, 1, &options);
        lua_settop(L, 2);
        lua_rotate(L, 1, 1);
    } else {
        lua_settop(L, 1);
    }
    struct task *task = task_of(L);
    refuse_if_open(L, name);
    struct db_tx *tx = lua_newuserdatauv(L, sizeof(*tx), 1);
    *tx = (struct db_tx){.context = c, .pool = pool, .task = task, .options = options};
    luaL_setmetatable(L, TX_NAME);
    lua_insert(L, TX); /* before the options: begin still needs their strings */
    lua_toclose(L, TX);
    lua_pushvalue(L, TX);
    support_local_set(L, name);
    return begin(L, tx);
}

int db_transaction(lua_State *L)
{
    return db_transaction_in(L, support_running_context(L)->pool);
}

/* ---- tx and pending ---- */

static struct db_tx *check_open(lua_State *L)
{
    struct db_tx *tx = luaL_checkudata(L, 1, TX_NAME);
    if (!tx->is_open)
        support_fail(L, ERR_INTERNAL, "the transaction is over");
    if (task_of(L) != tx->task)
        support_fail(L, ERR_INTERNAL, "the transaction belongs to another task");
    if (tx->failed.code != ERR_NONE)
        support_raise(L, &tx->failed);
    return tx;
}

static struct db_call *make_call(lua_State *L, struct db_tx *tx, const char *metatable)
{
    struct db_call *call = db_call_push(L, metatable, 2, lua_gettop(L));
    call->tx = tx;
    call->attempt = tx->attempt;
    db_call_gather(call); /* with those that share its transaction */
    return call;
}

static int wait_for_call(lua_State *L, struct db_tx *tx, struct db_call *call, int index,
                         lua_KFunction finish)
{
    call->task = tx->task;
    pg_tx_flush(tx->lease);
    task_suspend(tx->task, db_call_let_go, call);
    return lua_yieldk(L, 0, index, finish);
}

static int run(lua_State *L, bool is_write, lua_KFunction finish)
{
    struct db_tx *tx = check_open(L);
    struct db_call *call = make_call(L, tx, DB_CALL_NAME);
    if (is_write)
        call->op->is_write = true;
    pg_tx_submit(tx->lease, call->op);
    return wait_for_call(L, tx, call, lua_gettop(L), finish);
}

static int tx_query(lua_State *L)
{
    return run(L, false, db_finish_query);
}

static int tx_one(lua_State *L)
{
    return run(L, false, db_finish_one);
}

static int tx_exec(lua_State *L)
{
    return run(L, true, db_finish_exec);
}

/* The transaction keeps what is pending alive, or its failure would go unseen; a pending one keeps its
 * transaction. */
static int tx_later(lua_State *L)
{
    struct db_tx *tx = check_open(L);
    struct db_call *call = make_call(L, tx, DB_PENDING_NAME);
    call->is_pending = true;
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    lua_getiuservalue(L, 1, 1);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
    pg_tx_submit(tx->lease, call->op);
    return 1;
}

/* Read a pending result: at once if it is there (after COMMIT too, with which it may have travelled), else
 * wait. */
static int read_pending(lua_State *L, lua_KFunction finish)
{
    struct db_call *call = luaL_checkudata(L, 1, DB_PENDING_NAME);
    lua_settop(L, 2);
    struct db_tx *tx = call->tx;
    bool is_current = call->attempt == tx->attempt && (tx->is_open || tx->is_committed);
    if (!is_current || call->op == NULL)
        return support_fail(L, ERR_INTERNAL, "the transaction is over");
    if (call->finished)
        return finish(L, LUA_OK, 1);
    struct task *task = task_of(L);
    if (task != tx->task)
        return support_fail(L, ERR_INTERNAL, "the transaction belongs to another task");
    return wait_for_call(L, tx, call, 1, finish);
}

static int finish_affected(lua_State *L, int status, lua_KContext index)
{
    (void)status;
    struct db_call *call = lua_touserdata(L, (int)index);
    db_call_check(L, call);
    lua_pushinteger(L, db_affected(call));
    return 1;
}

static int pending_rows(lua_State *L)
{
    return read_pending(L, db_finish_query);
}

static int pending_one(lua_State *L)
{
    return read_pending(L, db_finish_one);
}

static int finish_json(lua_State *L, int status, lua_KContext index)
{
    (void)status;
    struct db_call *call = lua_touserdata(L, (int)index);
    db_call_check(L, call);
    db_shown_push(L, call, (int)index + 1);
    return 1;
}

static int pending_json(lua_State *L)
{
    luaL_checkany(L, 2);
    return read_pending(L, finish_json);
}

static int pending_affected(lua_State *L)
{
    return read_pending(L, finish_affected);
}

static int pending_gc(lua_State *L)
{
    db_call_let_go(lua_touserdata(L, 1));
    return 0;
}

void db_tx_open(lua_State *L)
{
    static const luaL_Reg tx_meta[] = {{"__gc", tx_close}, {"__close", tx_close}, {NULL, NULL}};
    static const luaL_Reg tx_methods[] = {
        {"query", tx_query}, {"one", tx_one}, {"exec", tx_exec}, {"later", tx_later}, {NULL, NULL}};
    static const luaL_Reg pending_meta[] = {{"__gc", pending_gc}, {NULL, NULL}};
    static const luaL_Reg pending_methods[] = {{"rows", pending_rows},
                                               {"one", pending_one},
                                               {"affected", pending_affected},
                                               {"json", pending_json},
                                               {NULL, NULL}};
    support_metatable(L, TX_NAME, tx_meta, tx_methods);
    support_metatable(L, DB_PENDING_NAME, pending_meta, pending_methods);
    support_local_open(L, &current);
    support_local_open(L, &current_other);
}
