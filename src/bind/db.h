/* What the parts of the db binding share. Loop thread of the VM's worker; every function may raise a Lua
 * error unless its comment says otherwise.
 *
 * db.c        module, registered statements, single statements
 * db_param.c  Lua values → parameters
 * db_rows.c   result → Lua values
 * db_json.c   result → JSON, as a view says
 * db_tx.c     transactions
 * db_connect.c  other databases
 */
#ifndef BIND_DB_H
#define BIND_DB_H

#include "bind/bind.h"

struct db_tx;

/* One statement on its way: a userdata (as it is, a call; with methods, a db.pending), so that nothing leaks.
 */
struct db_call {
    struct pg_op *op;  /* NULL before it is made and after it was let go */
    struct task *task; /* woken when it is finished; NULL: nobody waits */
    struct db_tx *tx;  /* NULL: pipelined lane; else kept alive by the stack or a user value */
    const struct bind_statement *statement; /* NULL: plain text */
    bool finished;
    bool is_pending; /* its result may be asked for again */
    int attempt;     /* of tx */
    struct buf scratch;
    struct buf shown; /* of rows: their JSON, until it is written somewhere */
};

#define DB_PENDING_NAME "lexicraft.db.pending"

/* Metatables of parameters, of rows not read yet, of transactions and what is pending in them, of other
 * databases. */
void db_param_open(lua_State *L);
void db_rows_open(lua_State *L);
void db_tx_open(lua_State *L);
void db_connect_open(lua_State *L);

/* Push a new db_call with the metatable of this name and fill its op from the statement at index and the
 * parameters index+1 … last. */
struct db_call *db_call_push(lua_State *L, const char *metatable, int index, int last);
#define DB_CALL_NAME "lexicraft.db.call"
/* Have it asked together with others', if its statement has a form for that. */
void db_call_gather(struct db_call *call);
/* Drop what was begun: the cancel hook, and what __gc does. Does not raise. */
void db_call_let_go(void *data);
/* Put "lua/store/x.lua:12: " before what PostgreSQL says of the call's statement. Does not raise. */
void db_call_locate(const struct db_call *call, struct err *err);
/* Raise the failure of a finished call, else return. */
void db_call_check(lua_State *L, struct db_call *call);

/* Make the values first … last the parameters of the call. */
void db_params_read(lua_State *L, int first, int last, struct db_call *call);
/* db.array, db.json */
int db_array(lua_State *L);
int db_json(lua_State *L);

/* Push the rows of a finished call as a marked list. */
void db_rows_push(lua_State *L, struct db_call *call);
/* Push the only row or nil; raise if there are more. */
void db_row_push(lua_State *L, struct db_call *call);
/* Likewise as finished JSON, as the view at index shows it. */
void db_row_show(lua_State *L, struct db_call *call, int index);
/* What of its result a finished call has: rows from row on, and of these the columns from column on. */
struct db_span {
    int row, count, column;
};
struct db_span db_span_of(const struct db_call *call);
/* Raise if there are more rows than one. */
struct db_span db_span_of_one(lua_State *L, const struct db_call *call);
/* Rows inserted, updated or deleted; of what reads, found. */
int64_t db_affected(const struct db_call *call);

/* Push the Lua value of a cell, NULL as json.null. */
void db_cell_push(lua_State *L, struct db_call *call, struct pg_cell *cell);

/* Append the first rows of a finished call, at most so many, as an array of what the view at index shows;
 * what is no column has the value that the table at `same` gives it (0: there is none). */
void db_rows_write(lua_State *L, struct db_call *call, int index, int most, int same, struct buf *out);
/* Push a marked list with the finished JSON of each row. */
void db_shown_push(lua_State *L, struct db_call *call, int index);

/* Push the call itself as a db.rows: its rows are read when they are asked for. */
void db_list_push(lua_State *L, int index);
/* The JSON that the db.rows at index became, empty if it was written already; NULL for any other value. Does
 * not raise; needs two free stack slots. */
struct buf *db_rows_shown(lua_State *L, int index);

/* Raise if the running task has a transaction open. */
void db_tx_refuse(lua_State *L);
/* The finished call of a transaction has failed: remember the first of the attempt. Does not raise. */
void db_tx_note_failure(const struct db_call *call);
/* The first failure in the attempt that call belongs to, NULL if there is none. Does not raise. */
const struct err *db_tx_failure(const struct db_call *call);
/* db.transaction */
int db_transaction(lua_State *L);
/* The same in this pool, which need not be the context's. */
int db_transaction_in(lua_State *L, struct pg_pool *pool);
/* db.connect */
int db_connect(lua_State *L);

/* Continuations that push what query, one and exec return; the context is the index of the db_call. */
int db_finish_query(lua_State *L, int status, lua_KContext index);
int db_finish_one(lua_State *L, int status, lua_KContext index);
int db_finish_exec(lua_State *L, int status, lua_KContext index);

#endif
