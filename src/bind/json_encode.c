/* The JSON encoder: walks Lua values with raw access only, so that it never raises and never runs Lua code.
 */
#include "bind/json_encode.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bind/db.h"
#include "bind/json_view.h"

#define INSERTION_MAX 32
#define MEMBERS_MAX 16 /* for which no memory is taken; more by doubling */

struct member {
    uint64_t prefix; /* the key's first bytes, as a number of the same order */
    const char *key;
    size_t len;
    int value_index;
};

struct encoder {
    lua_State *L;
    struct buf *out;
    struct err *err;
    struct member *members; /* of every object being written, the innermost last */
    size_t count, cap;
    struct member first[MEMBERS_MAX]; /* where they are at first */
};

static int encode_value(struct encoder *e, int index, int depth);

static int compare_members(const void *a, const void *b)
{
    const struct member *left = a, *right = b;
    if (left->prefix != right->prefix)
        return left->prefix < right->prefix ? -1 : 1;
    int order = memcmp(left->key, right->key, left->len < right->len ? left->len : right->len);
    if (order != 0)
        return order;
    return (left->len > right->len) - (left->len < right->len);
}

static uint64_t prefix_of(const char *key, size_t len)
{
    uint64_t first = 0;
    memcpy(&first, key, len < sizeof(first) ? len : sizeof(first));
    return htobe64(first);
}

/* By insertion: objects are small as a rule, and qsort costs more than it does then. */
static void sort_members(struct member *members, size_t count)
{
    if (count > INSERTION_MAX) {
        qsort(members, count, sizeof(*members), compare_members);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct member moved = members[i];
        size_t at = i;
        for (; at > 0 && compare_members(&moved, &members[at - 1]) < 0; at--)
            members[at] = members[at - 1];
        members[at] = moved;
    }
}

static int encode_number(struct encoder *e, int index)
{
    if (lua_isinteger(e->L, index)) {
        json_write_integer(e->out, lua_tointeger(e->L, index));
        return 0;
    }
    double number = lua_tonumber(e->L, index);
    if (!isfinite(number))
        return err_set(e->err, ERR_INVALID, "JSON has no %s", isnan(number) ? "NaN" : "infinity");
    json_write_double(e->out, number);
    return 0;
}

/* True if the table's keys are exactly 1 … count. */
static bool is_sequence(lua_State *L, int index, size_t count)
{
    size_t seen = 0;
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        lua_pop(L, 1);
        lua_Integer key = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
        if (key < 1 || (lua_Unsigned)key > count) {
            lua_pop(L, 1);
            return false;
        }
        seen++;
    }
    return seen == count;
}

static int encode_array(struct encoder *e, int index, int depth)
{
    size_t count = lua_rawlen(e->L, index);
    if (!is_sequence(e->L, index, count))
        return err_set(e->err, ERR_INVALID, "a table with list items has other keys or holes");
    buf_append_char(e->out, '[');
    for (size_t i = 1; i <= count; i++) {
        if (i > 1)
            buf_append_char(e->out, ',');
        lua_rawgeti(e->L, index, (lua_Integer)i);
        int status = encode_value(e, lua_gettop(e->L), depth);
        lua_pop(e->L, 1);
        if (status != 0)
            return -1;
    }
    buf_append_char(e->out, ']');
    return 0;
}

static void add_member(struct encoder *e, struct member member)
{
    if (e->count == e->cap) {
        struct member *old = e->members == e->first ? NULL : e->members;
        e->cap *= 2;
        e->members = x_realloc(old, e->cap * sizeof(*e->members));
        if (old == NULL)
            memcpy(e->members, e->first, sizeof(e->first));
    }
    e->members[e->count++] = member;
}

/* Leave every key and value of the table on the stack, where they keep still, and note them as members. */
static int collect_members(struct encoder *e, int index)
{
    lua_State *L = e->L;
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        if (lua_type(L, -2) != LUA_TSTRING)
            return err_set(e->err, ERR_INVALID, "an object's key is a %s, not a string",
                           luaL_typename(L, -2));
        if (!lua_checkstack(L, 4))
            return err_set(e->err, ERR_LIMIT, "an object has too many members");
        struct member member = {.value_index = lua_gettop(L)};
        member.key = lua_tolstring(L, -2, &member.len);
        member.prefix = prefix_of(member.key, member.len);
        add_member(e, member);
        lua_pushvalue(L, -2);
    }
    return 0;
}

static int write_members(struct encoder *e, size_t first, int depth)
{
    size_t end = e->count;
    sort_members(e->members + first, end - first);
    buf_append_char(e->out, '{');
    for (size_t i = first; i < end; i++) {
        if (i > first)
            buf_append_char(e->out, ',');
        json_write_string(e->out, e->members[i].key, e->members[i].len);
        buf_append_char(e->out, ':');
        if (encode_value(e, e->members[i].value_index, depth) != 0)
            return -1;
    }
    buf_append_char(e->out, '}');
    return 0;
}

static int encode_object(struct encoder *e, int index, int depth)
{
    int top = lua_gettop(e->L);
    size_t first = e->count;
    int status = collect_members(e, index);
    if (status == 0)
        status = e->count == first ? (buf_append_str(e->out, "{}"), 0) : write_members(e, first, depth);
    e->count = first;
    lua_settop(e->L, top);
    return status;
}

/* Before what a table holds is written, also by a view. */
static int check_limits(struct encoder *e, int depth)
{
    if (depth == 0)
        return err_set(e->err, ERR_LIMIT, "deeper than %d tables, or a cycle", JSON_ENCODE_DEPTH_MAX);
    if (e->out->len > JSON_ENCODE_BYTES_MAX)
        return err_set(e->err, ERR_LIMIT, "the JSON is longer than %d bytes", JSON_ENCODE_BYTES_MAX);
    return lua_checkstack(e->L, 8) ? 0 : err_set(e->err, ERR_LIMIT, "no stack left");
}

static int encode_table(struct encoder *e, int index, int depth)
{
    if (check_limits(e, depth) != 0)
        return -1;
    if (bind_json_is_array(e->L, index) || lua_rawlen(e->L, index) > 0)
        return encode_array(e, index, depth - 1);
    return encode_object(e, index, depth - 1);
}

/* What view:of has made; the table of values and the names are on top. */
static int encode_parts(struct encoder *e, const struct json_view *view, int depth)
{
    int names = lua_gettop(e->L), values = names - 1;
    size_t from = 0;
    for (size_t i = 0; i < view->count; i++) {
        size_t at = view->parts[i].at;
        buf_append(e->out, view->text.data + from, at - from);
        from = at + JSON_VIEW_NULL_LEN;
        lua_rawgeti(e->L, names, (lua_Integer)i + 1);
        lua_rawget(e->L, values);
        if (encode_value(e, names + 1, depth) != 0)
            return -1;
        lua_settop(e->L, names);
    }
    buf_append(e->out, view->text.data + from, view->text.len - from);
    return 0;
}

static int encode_shown(struct encoder *e, const struct json_view *view, int depth)
{
    int top = lua_gettop(e->L) - 2, status = check_limits(e, depth);
    if (status == 0 && view->text.data == NULL)
        status = err_set(e->err, ERR_INVALID, "a finalizer shows by a view that has been collected");
    if (status == 0)
        status = encode_parts(e, view, depth - 1);
    lua_settop(e->L, top);
    return status;
}

static int encode_text(struct encoder *e, int index)
{
    size_t len;
    const char *text = bind_json_text(e->L, index, &len);
    struct buf *rows = text == NULL ? db_rows_shown(e->L, index) : NULL;
    if (rows != NULL && rows->data == NULL)
        return err_set(e->err, ERR_INVALID, "the json of these rows has been written already");
    if (text == NULL && rows == NULL)
        return err_set(e->err, ERR_INVALID, "a %s has no JSON form", luaL_typename(e->L, index));
    if (rows == NULL) {
        buf_append(e->out, text, len);
    } else {
        buf_append(e->out, rows->data, rows->len);
        buf_release(rows);
    }
    if (e->out->len > JSON_ENCODE_BYTES_MAX)
        return err_set(e->err, ERR_LIMIT, "the JSON is longer than %d bytes", JSON_ENCODE_BYTES_MAX);
    return 0;
}

static int encode_value(struct encoder *e, int index, int depth)
{
    size_t len;
    const char *text;
    const struct json_view *view;
    switch (lua_type(e->L, index)) {
    case LUA_TNIL:
        buf_append_str(e->out, "null");
        return 0;
    case LUA_TBOOLEAN:
        buf_append_str(e->out, lua_toboolean(e->L, index) ? "true" : "false");
        return 0;
    case LUA_TNUMBER:
        return encode_number(e, index);
    case LUA_TSTRING:
        text = lua_tolstring(e->L, index, &len);
        json_write_string(e->out, text, len);
        return 0;
    case LUA_TTABLE:
        return encode_table(e, index, depth);
    default:
        if (bind_json_is_null(e->L, index)) {
            buf_append_str(e->out, "null");
            return 0;
        }
        view = json_view_shown(e->L, index);
        return view != NULL ? encode_shown(e, view, depth) : encode_text(e, index);
    }
}

int json_encode(lua_State *L, int index, struct buf *out, struct err *err)
{
    struct encoder e UNCLEARED;
    e.L = L;
    e.out = out;
    e.err = err;
    e.members = e.first;
    e.count = 0;
    e.cap = MEMBERS_MAX;
    int top = lua_gettop(L);
    if (!lua_checkstack(L, 8))
        return err_set(err, ERR_LIMIT, "no stack left");
    int status = encode_value(&e, lua_absindex(L, index), JSON_ENCODE_DEPTH_MAX);
    if (e.members != e.first)
        free(e.members);
    lua_settop(L, top);
    return status;
}
