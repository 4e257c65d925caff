/* Results → Lua values. */
#include <limits.h>
#include <string.h>

#include "bind/db.h"
#include "bind/json_encode.h"
#include "bind/support.h"

#define STACK_SPARE 10
#define ROWS_NAME "lexicraft.db.rows"

/* In the registry: by statement, the names of the columns that its last result had. */
static const char key_names;

static void push_array(lua_State *L, struct db_call *call, struct pg_cell *array)
{
    struct err err;
    luaL_checkstack(L, STACK_SPARE, NULL);
    lua_createtable(L, array->element_count, 0);
    bind_json_mark_array(L);
    for (int32_t i = 1; i <= array->element_count; i++) {
        struct pg_cell element;
        if (pg_array_next(array, &call->scratch, &element, &err) != 0)
            support_raise(L, &err);
        db_cell_push(L, call, &element);
        lua_rawseti(L, -2, i);
    }
}

static void push_document(lua_State *L, const struct pg_cell *cell)
{
    static const struct json_limits limits = {.bytes_max = JSON_DECODE_BYTES_MAX,
                                              .depth_max = JSON_DECODE_DEPTH_MAX};
    struct err err;
    luaL_checkstack(L, STACK_SPARE, NULL);
    if (bind_json_parse(L, cell->text, cell->len, &limits, &err) != 0) {
        err_prefix(&err, "a json value that cannot be read (cast it to text)");
        support_raise(L, &err);
    }
}

/* NULL becomes json.null here; as a column it is left out of the row. */
void db_cell_push(lua_State *L, struct db_call *call, struct pg_cell *cell)
{
    switch (cell->kind) {
    case PG_NULL:
        bind_json_push_null(L);
        return;
    case PG_BOOL:
        lua_pushboolean(L, cell->boolean);
        return;
    case PG_INT:
        lua_pushinteger(L, cell->integer);
        return;
    case PG_DOUBLE:
        lua_pushnumber(L, cell->number);
        return;
    case PG_TEXT:
        lua_pushlstring(L, cell->text, cell->len);
        return;
    case PG_JSON:
        push_document(L, cell);
        return;
    case PG_ARRAY:
        push_array(L, call, cell);
        return;
    }
}

/* The names of the columns from first on are at names and after. */
static void push_row(lua_State *L, struct db_call *call, int row, int names, int first, int columns)
{
    struct err err;
    lua_createtable(L, 0, columns - first);
    for (int column = first; column < columns; column++) {
        struct pg_cell cell;
        if (pg_result_cell(call->op->result, row, column, &call->scratch, &cell, &err) != 0)
            support_raise(L, &err);
        if (cell.kind == PG_NULL)
            continue;
        lua_pushvalue(L, names + column - first);
        db_cell_push(L, call, &cell);
        lua_rawset(L, -3);
    }
}

/* Push the list of names kept for a statement. */
static void push_kept(lua_State *L, const struct bind_statement *statement)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &key_names);
    if (lua_rawgetp(L, -1, statement) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, -3, statement);
    }
    lua_remove(L, -2);
}

/* Push the name of a column. To find a string that Lua has already takes it longer than to compare two. */
static void push_name(lua_State *L, int kept, int number, const char *name)
{
    if (lua_rawgeti(L, kept, number) == LUA_TSTRING && strcmp(lua_tostring(L, -1), name) == 0)
        return;
    lua_pop(L, 1);
    lua_pushstring(L, name);
    lua_pushvalue(L, -1);
    lua_rawseti(L, kept, number);
}

/* Returns where the first of them is, with a value of no use below it. */
static int push_names(lua_State *L, const struct db_call *call, int first, int columns)
{
    const struct pg_result *result = call->op->result;
    luaL_checkstack(L, columns + STACK_SPARE, "too many columns");
    if (call->statement != NULL)
        push_kept(L, call->statement);
    else
        lua_newtable(L);
    int kept = lua_gettop(L);
    for (int column = first; column < columns; column++)
        push_name(L, kept, column - first + 1, pg_result_column_name(result, column));
    return kept + 1;
}

struct db_span db_span_of(const struct db_call *call)
{
    const struct pg_op *op = call->op;
    if (!op->is_shared)
        return (struct db_span){.count = pg_result_rows(op->result)};
    if (op->row < 0)
        return (struct db_span){.column = op->first_column};
    return (struct db_span){.row = op->row, .count = 1, .column = op->first_column};
}

void db_rows_push(lua_State *L, struct db_call *call)
{
    struct db_span span = db_span_of(call);
    int columns = pg_result_columns(call->op->result);
    lua_createtable(L, span.count, 0);
    bind_json_mark_array(L);
    int list = lua_gettop(L), names = push_names(L, call, span.column, columns);
    for (int i = 0; i < span.count; i++) {
        push_row(L, call, span.row + i, names, span.column, columns);
        lua_rawseti(L, list, i + 1);
    }
    lua_settop(L, list);
}

int64_t db_affected(const struct db_call *call)
{
    return call->op->is_shared ? db_span_of(call).count : pg_result_affected(call->op->result);
}

struct db_span db_span_of_one(lua_State *L, const struct db_call *call)
{
    struct db_span span = db_span_of(call);
    if (span.count > 1)
        support_fail(L, ERR_INTERNAL, "one row expected, got %d", span.count);
    return span;
}

void db_row_push(lua_State *L, struct db_call *call)
{
    struct db_span span = db_span_of_one(L, call);
    if (span.count == 0) {
        lua_pushnil(L);
        return;
    }
    int columns = pg_result_columns(call->op->result);
    int names = push_names(L, call, span.column, columns);
    push_row(L, call, span.row, names, span.column, columns);
    lua_replace(L, names - 1);
    lua_settop(L, names - 1);
}

/* ---- rows that are read when they are asked for ---- */

void db_list_push(lua_State *L, int index)
{
    lua_pushvalue(L, index);
    luaL_setmetatable(L, ROWS_NAME);
}

static int rows_gc(lua_State *L)
{
    struct db_call *call = lua_touserdata(L, 1);
    db_call_let_go(call);
    buf_release(&call->shown);
    return 0;
}

struct buf *db_rows_shown(lua_State *L, int index)
{
    struct db_call *call = luaL_testudata(L, index, ROWS_NAME);
    return call != NULL && call->op == NULL ? &call->shown : NULL;
}

static struct db_call *check_rows(lua_State *L)
{
    struct db_call *call = luaL_checkudata(L, 1, ROWS_NAME);
    if (call->op == NULL)
        support_fail(L, ERR_INTERNAL, "the rows have been let go by their json");
    return call;
}

static int rows_len(lua_State *L)
{
    const struct db_call *call = check_rows(L);
    lua_pushinteger(L, pg_result_rows(call->op->result));
    return 1;
}

/* A row by its number; the methods are in the table that is the first upvalue. */
static int rows_index(lua_State *L)
{
    luaL_checkudata(L, 1, ROWS_NAME);
    if (!lua_isinteger(L, 2)) {
        lua_pushvalue(L, 2);
        lua_rawget(L, lua_upvalueindex(1));
        return 1;
    }
    struct db_call *call = check_rows(L);
    const struct pg_result *result = call->op->result;
    lua_Integer row = lua_tointeger(L, 2);
    if (row < 1 || row > pg_result_rows(result))
        return 0;
    int columns = pg_result_columns(result);
    push_row(L, call, (int)row - 1, push_names(L, call, 0, columns), 0, columns);
    return 1;
}

/* rows:json(view, most, same). The rows become their own JSON. Lua's collector knows nothing of its memory,
 * so the result is not kept longer than that, and the text until it is written into another one. */
static int rows_json(lua_State *L)
{
    struct db_call *call = check_rows(L);
    lua_Integer most = luaL_checkinteger(L, 3);
    int same = lua_isnoneornil(L, 4) ? 0 : 4;
    if (same != 0)
        luaL_checktype(L, same, LUA_TTABLE);
    buf_clear(&call->shown);
    db_rows_write(L, call, 2, most < 0 ? 0 : most < INT_MAX ? (int)most : INT_MAX, same, &call->shown);
    db_call_let_go(call);
    lua_settop(L, 1);
    return 1;
}

void db_rows_open(lua_State *L)
{
    static const luaL_Reg meta[] = {{"__gc", rows_gc}, {"__len", rows_len}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"json", rows_json}, {NULL, NULL}};
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key_names);
    support_metatable(L, ROWS_NAME, meta, NULL);
    luaL_getmetatable(L, ROWS_NAME);
    luaL_newlib(L, methods);
    lua_pushcclosure(L, rows_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
