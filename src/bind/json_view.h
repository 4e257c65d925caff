/* What json.view makes: how a row of a database is shown as a JSON object. Loop thread of the VM's worker;
 * may raise. */
#ifndef BIND_JSON_VIEW_H
#define BIND_JSON_VIEW_H

#include "bind/bind.h"
#include "pg/json.h"

#define JSON_VIEW_NO_COLUMN (-1)
#define JSON_VIEW_NULL_LEN 4 /* null */
#define JSON_VIEW_KINDS 4

/* A value: its place, and the column it is from. */
struct json_view_part {
    size_t at;   /* of the null in the view's text whose place it takes */
    size_t name; /* of the column, in the view's names */
    /* Where it was in the last result of as many columns (modulo kinds), and whose result that was. */
    int last[JSON_VIEW_KINDS];
    const struct bind_statement *statement[JSON_VIEW_KINDS];
};

struct json_view {
    struct json_view_part *parts;
    size_t count;
    struct pg_json_column *columns; /* room for what is there of them in a result */
    struct buf text;                /* a row of NULLs */
    struct buf names;
    struct buf planned; /* a row without its values, for the result being written */
    uint64_t uses;      /* a finalizer may use the view while a result is written */
};

void json_view_open(lua_State *L);
/* json.view */
int json_view_make(lua_State *L);
/* The view at index, or an error. */
struct json_view *json_view_check(lua_State *L, int index);
/* Of what view:of has made: the view, which that keeps, and pushed the table of values and the names of the
 * parts. NULL, and nothing pushed, for any other value. Does not raise; needs three free stack slots. */
const struct json_view *json_view_shown(lua_State *L, int index);

#endif
