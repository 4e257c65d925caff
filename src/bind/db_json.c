/* Rows → JSON without Lua values in between. */
#include <math.h>
#include <string.h>

#include "bind/db.h"
#include "bind/json_encode.h"
#include "bind/json_view.h"
#include "bind/support.h"

#define VALUE_BYTES_TYPICAL 12

static bool is_named(const struct pg_result *result, int column, const char *name)
{
    return strcmp(pg_result_column_name(result, column), name) == 0;
}

static int find_column(const struct pg_result *result, int columns, const char *name)
{
    for (int column = 0; column < columns; column++)
        if (is_named(result, column, name))
            return column;
    return JSON_VIEW_NO_COLUMN;
}

/* Find the columns of this result. */
static void resolve(struct json_view *view, const struct pg_result *result)
{
    int columns = pg_result_columns(result);
    for (size_t i = 0; i < view->count; i++) {
        struct json_view_part *part = &view->parts[i];
        const char *name = view->names.data + part->name;
        int *last = &part->last[columns % JSON_VIEW_KINDS];
        bool is_there = *last != JSON_VIEW_NO_COLUMN && *last < columns && is_named(result, *last, name);
        if (!is_there)
            *last = find_column(result, columns, name);
        part->column = *last;
    }
}

/* Room for a row, so that most grow no more. */
static void reserve_row(const struct json_view *view, struct buf *out, int rows)
{
    buf_reserve(out, (view->text.len + view->count * VALUE_BYTES_TYPICAL) * (size_t)rows);
}

static void write_cell(lua_State *L, struct db_call *call, struct pg_cell *cell, struct buf *out)
{
    switch (cell->kind) {
    case PG_NULL:
        buf_append(out, "null", 4);
        return;
    case PG_BOOL:
        buf_append_str(out, cell->boolean ? "true" : "false");
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

static void write_row(lua_State *L, struct db_call *call, int row, const struct json_view *view,
                      struct buf *out)
{
    struct err err;
    struct pg_cell cell;
    for (size_t i = 0; i < view->count; i++) {
        const struct json_view_part *part = &view->parts[i];
        cell.kind = PG_NULL;
        buf_append(out, view->text.data + part->before, part->before_len);
        if (part->column != JSON_VIEW_NO_COLUMN &&
            pg_result_cell(call->op->result, row, part->column, &call->scratch, &cell, &err) != 0)
            support_raise(L, &err);
        write_cell(L, call, &cell, out);
    }
    buf_append(out, view->text.data + view->rest, view->text.len - view->rest);
    if (out->len > JSON_ENCODE_BYTES_MAX)
        support_fail(L, ERR_LIMIT, "the JSON is longer than %d bytes", JSON_ENCODE_BYTES_MAX);
}

void db_rows_write(lua_State *L, struct db_call *call, int index, int most, struct buf *out)
{
    struct json_view *view = json_view_check(L, index);
    int rows = pg_result_rows(call->op->result);
    resolve(view, call->op->result);
    reserve_row(view, out, rows < most ? rows : most);
    buf_append_char(out, '[');
    for (int row = 0; row < rows && row < most; row++) {
        if (row > 0)
            buf_append_char(out, ',');
        write_row(L, call, row, view, out);
    }
    buf_append_char(out, ']');
}

void db_shown_push(lua_State *L, struct db_call *call, int index)
{
    struct json_view *view = json_view_check(L, index);
    int rows = pg_result_rows(call->op->result);
    resolve(view, call->op->result);
    lua_createtable(L, rows, 0);
    bind_json_mark_array(L);
    for (int row = 0; row < rows; row++) {
        struct buf *out = support_push_buf(L);
        reserve_row(view, out, 1);
        write_row(L, call, row, view, out);
        bind_json_push_text(L, out);
        lua_rawseti(L, -3, row + 1);
        lua_pop(L, 1);
    }
}
