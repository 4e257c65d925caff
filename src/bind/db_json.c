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

/* Find the columns of this result, from first on. */
static void resolve(struct json_view *view, const struct pg_result *result, int first)
{
    int columns = pg_result_columns(result);
    for (size_t i = 0; i < view->count; i++) {
        struct json_view_part *part = &view->parts[i];
        const char *name = view->names.data + part->name;
        int *last = &part->last[columns % JSON_VIEW_KINDS];
        bool is_there = *last >= first && *last < columns && is_named(result, *last, name);
        if (!is_there)
            *last = find_column(result, first, columns, name);
        if (*last != JSON_VIEW_NO_COLUMN)
            part->column = pg_result_column(result, *last);
        else
            part->column.number = JSON_VIEW_NO_COLUMN;
    }
}

/* What writes the rows of a result. */
struct writing {
    lua_State *L;
    struct db_call *call;
    const struct json_view *view;
    struct buf *out;
    struct err err; /* once for all rows: it is large */
};

static struct writing begin(lua_State *L, struct db_call *call, int index, int first)
{
    struct json_view *view = json_view_check(L, index);
    resolve(view, call->op->result, first);
    return (struct writing){.L = L, .call = call, .view = view};
}

/* Room for rows, so that most grow no more. */
static void reserve_rows(const struct writing *w, int rows)
{
    size_t row = w->view->text.len + w->view->count * VALUE_BYTES_TYPICAL;
    buf_reserve(w->out, row * (size_t)rows);
}

static void write_cell(lua_State *L, struct db_call *call, struct pg_cell *cell, struct buf *out)
{
    switch (cell->kind) {
    case PG_BOOL:
        if (cell->boolean)
            buf_append_str(out, "true");
        else
            buf_append_str(out, "false");
        return;
    case PG_INT:
        json_write_integer(out, cell->integer);
        return;
    case PG_DOUBLE:
        if (!isfinite(cell->number))
            support_fail(L, ERR_INVALID, "JSON has no %s", isnan(cell->number) ? "NaN" : "infinity");
        json_write_double(out, cell->number);
        return;
    case PG_TEXT:
        if (cell->is_plain)
            json_write_plain(out, cell->text, cell->len);
        else
            json_write_string(out, cell->text, cell->len);
        return;
    default: /* what may have no JSON form, or members that have an order */
        db_cell_push(L, call, cell);
        bind_json_encode(L, lua_gettop(L), out);
        lua_pop(L, 1);
    }
}

/* Write the view's text with the row's values in the places of its nulls. */
static void write_row(struct writing *w, int row)
{
    const struct json_view *view = w->view;
    const struct pg_result *result = w->call->op->result;
    struct pg_cell cell;
    size_t from = 0;
    for (size_t i = 0; i < view->count; i++) {
        const struct json_view_part *part = &view->parts[i];
        if (part->column.number == JSON_VIEW_NO_COLUMN)
            continue;
        if (pg_column_cell(result, row, &part->column, &w->call->scratch, &cell, &w->err) != 0)
            support_raise(w->L, &w->err);
        if (cell.kind == PG_NULL)
            continue;
        buf_append(w->out, view->text.data + from, part->at - from);
        write_cell(w->L, w->call, &cell, w->out);
        from = part->at + JSON_VIEW_NULL_LEN;
    }
    buf_append(w->out, view->text.data + from, view->text.len - from);
    if (w->out->len > JSON_ENCODE_BYTES_MAX)
        support_fail(w->L, ERR_LIMIT, "the JSON is longer than %d bytes", JSON_ENCODE_BYTES_MAX);
}

void db_rows_write(lua_State *L, struct db_call *call, int index, int most, struct buf *out)
{
    struct writing w = begin(L, call, index, 0);
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
    reserve_rows(w, 1);
    write_row(w, row);
    bind_json_push_text(w->L, w->out);
}

void db_shown_push(lua_State *L, struct db_call *call, int index)
{
    struct writing w = begin(L, call, index, 0);
    int rows = pg_result_rows(call->op->result);
    lua_createtable(L, rows, 0);
    bind_json_mark_array(L);
    for (int row = 0; row < rows; row++) {
        push_shown(&w, row);
        lua_rawseti(L, -2, row + 1);
    }
}

void db_row_show(lua_State *L, struct db_call *call, int index)
{
    int first, row = db_only_row(L, call, &first);
    if (row < 0) {
        lua_pushnil(L);
        return;
    }
    struct writing w = begin(L, call, index, first);
    push_shown(&w, row);
}
