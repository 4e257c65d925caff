/* Rows → JSON without Lua values in between. */
#include <math.h>
#include <string.h>

#include "bind/db.h"
#include "bind/json_encode.h"
#include "bind/json_view.h"
#include "bind/support.h"

#define VALUE_BYTES_TYPICAL 8 /* more than a null has */

static bool is_named(const struct pg_result *result, int column, const char *name)
{
    return strcmp(pg_result_column_name(result, column), name) == 0;
}

static int find_column(const struct pg_result *result, int first, int columns, const char *name)
{
    for (int column = first; column < columns; column++)
        if (is_named(result, column, name))
            return column;
    return JSON_VIEW_NO_COLUMN;
}

/* Where the result of a call has the column of a part, from first on. What a statement had not the last time
 * it has not now. */
static int column_of(const struct json_view *view, struct json_view_part *part, const struct db_call *call,
                     int first)
{
    const struct pg_result *result = call->op->result;
    int columns = pg_result_columns(result), kind = columns % JSON_VIEW_KINDS;
    const char *name = view->names.data + part->name;
    int last = part->last[kind];
    if (last == JSON_VIEW_NO_COLUMN && call->statement != NULL && part->statement[kind] == call->statement)
        return last;
    bool is_there = last >= first && last < columns && is_named(result, last, name);
    if (!is_there)
        part->last[kind] = find_column(result, first, columns, name);
    part->statement[kind] = call->statement;
    return part->last[kind];
}

/* Push what the table at index says of a part that is no column; false, and nothing, if there is no table or
 * it says nothing. */
static bool push_same(lua_State *L, int same, const struct json_view *view, const struct json_view_part *part)
{
    if (same == 0)
        return false;
    lua_pushstring(L, view->names.data + part->name);
    if (lua_rawget(L, same) != LUA_TNIL)
        return true;
    lua_pop(L, 1);
    return false;
}

/* Plan the rows of a call: their values take the places of the nulls in the view's text, and so does what the
 * table at `same` (0: none) says of all rows. */
static struct pg_json_rows resolve(lua_State *L, struct json_view *view, const struct db_call *call,
                                   int first, int same)
{
    struct pg_json_rows rows = {.columns = view->columns};
    struct buf *text = &view->planned;
    size_t from = 0, begun = 0;
    buf_clear(text);
    for (size_t i = 0; i < view->count; i++) {
        struct json_view_part *part = &view->parts[i];
        int column = column_of(view, part, call, first);
        if (column == JSON_VIEW_NO_COLUMN && !push_same(L, same, view, part))
            continue;
        buf_append(text, view->text.data + from, part->at - from);
        from = part->at + JSON_VIEW_NULL_LEN;
        if (column == JSON_VIEW_NO_COLUMN) {
            bind_json_encode(L, lua_gettop(L), text);
            lua_pop(L, 1);
        } else {
            rows.columns[rows.count++] = pg_json_column(call->op->result, column, text->len - begun);
            begun = text->len;
        }
    }
    buf_append(text, view->text.data + from, view->text.len - from);
    rows.after_len = text->len - begun;
    pg_json_plan(&rows, text->data);
    return rows;
}

/* What writes the rows of a result. */
struct writing {
    lua_State *L;
    struct db_call *call;
    const struct json_view *view;
    uint64_t use; /* of the view: the plan is gone once there is another */
    struct pg_json_rows rows;
    struct buf *out;
};

static void write_other(void *data, int row, const struct pg_column *column);

/* After whatever may have run the collector. */
static void check_use(const struct writing *w)
{
    if (w->view->uses != w->use || w->call->op == NULL)
        support_fail(w->L, ERR_INTERNAL, "a finalizer has used the view or the rows that are being written");
}

static void begin(struct writing *w, lua_State *L, struct db_call *call, int index, int first, int same)
{
    struct json_view *view = json_view_check(L, index);
    w->L = L;
    w->call = call;
    w->view = view;
    w->use = ++view->uses;
    w->rows = resolve(L, view, call, first, same);
    check_use(w);
    w->rows.other = write_other;
    w->rows.data = w;
}

/* Room for rows, so that most grow no more. */
static void reserve_rows(const struct writing *w, int rows)
{
    size_t row = w->view->text.len + w->view->count * VALUE_BYTES_TYPICAL;
    buf_reserve(w->out, row * (size_t)rows);
}

static void write_cell(lua_State *L, struct db_call *call, struct pg_cell *cell, struct buf *out)
{
    if (cell->kind == PG_TEXT) {
        json_write_string(out, cell->text, cell->len);
        return;
    }
    if (cell->kind == PG_DOUBLE && !isfinite(cell->number))
        support_fail(L, ERR_INVALID, "JSON has no %s", isnan(cell->number) ? "NaN" : "infinity");
    db_cell_push(L, call, cell); /* members have an order */
    bind_json_encode(L, lua_gettop(L), out);
    lua_pop(L, 1);
}

/* A value that pg/json leaves to others. */
static void write_other(void *data, int row, const struct pg_column *column)
{
    struct writing *w = data;
    struct pg_cell cell;
    struct err err;
    if (pg_column_cell(w->call->op->result, row, column, &w->call->scratch, &cell, &err) != 0)
        support_raise(w->L, &err);
    write_cell(w->L, w->call, &cell, w->out);
    check_use(w);
}

static void write_row(struct writing *w, int row)
{
    pg_json_row(&w->rows, w->call->op->result, row, w->out);
    if (w->out->len > JSON_ENCODE_BYTES_MAX)
        support_fail(w->L, ERR_LIMIT, "the JSON is longer than %d bytes", JSON_ENCODE_BYTES_MAX);
}

void db_rows_write(lua_State *L, struct db_call *call, int index, int most, int same, struct buf *out)
{
    struct writing w;
    begin(&w, L, call, index, 0, same);
    int rows = pg_result_rows(call->op->result);
    if (rows > most)
        rows = most;
    w.out = out;
    reserve_rows(&w, rows);
    buf_append_char(out, '[');
    for (int row = 0; row < rows; row++) {
        if (row > 0)
            buf_append_char(out, ',');
        write_row(&w, row);
    }
    buf_append_char(out, ']');
}

static void push_shown(struct writing *w, int row)
{
    w->out = support_scratch(w->L);
    check_use(w);
    pg_json_forget(&w->rows);
    reserve_rows(w, 1);
    write_row(w, row);
    bind_json_push_text(w->L, w->out);
}

void db_shown_push(lua_State *L, struct db_call *call, int index)
{
    struct writing w;
    struct db_span span = db_span_of(call);
    begin(&w, L, call, index, span.column, 0);
    lua_createtable(L, span.count, 0);
    bind_json_mark_array(L);
    for (int i = 0; i < span.count; i++) {
        push_shown(&w, span.row + i);
        lua_rawseti(L, -2, i + 1);
    }
}

void db_row_show(lua_State *L, struct db_call *call, int index)
{
    struct db_span span = db_span_of_one(L, call);
    if (span.count == 0) {
        lua_pushnil(L);
        return;
    }
    struct writing w;
    begin(&w, L, call, index, span.column, 0);
    push_shown(&w, span.row);
}
