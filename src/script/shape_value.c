/* Moves checked values: Lua state → C data → Lua state or canonical JSON. */
#include <inttypes.h>
#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "script/frozen.h"
#include "script/shape_private.h"

/* The way to the value being read, for error texts: "result.steps[3].day". */
struct path {
    const struct path *up;
    const char *name; /* NULL: an element of a list */
    size_t index;
};

struct taking {
    lua_State *L;
    struct shape_data *data;
    struct err *err;
};

static void write_path(const struct path *path, struct buf *out)
{
    if (path->up)
        write_path(path->up, out);
    if (!path->name)
        buf_appendf(out, "[%zu]", path->index);
    else
        buf_appendf(out, "%s%s", path->up ? "." : "", path->name);
}

static int fault(const struct taking *t, const struct path *path, const char *format, ...) PRINTF(3, 4);
static int fault(const struct taking *t, const struct path *path, const char *format, ...)
{
    struct buf where = BUF_INIT;
    write_path(path, &where);
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)err_set(t->err, ERR_INVALID, "%s %s", where.data, text);
    buf_release(&where);
    return -1;
}

static int wrong_type(const struct taking *t, const struct path *path, int index, const char *declared)
{
    int type = lua_type(t->L, index);
    if (type == LUA_TNIL)
        return fault(t, path, "is missing");
    return fault(t, path, "is a %s, declared is %s", lua_typename(t->L, type), declared);
}

/* Room for count values next to each other; their index, or SIZE_MAX. */
static size_t reserve(struct shape_data *data, size_t count)
{
    if (count > SHAPE_VALUES_MAX - data->count)
        return SIZE_MAX;
    if (data->count + count > data->cap) {
        data->cap = (data->count + count) * 2;
        data->items = x_realloc(data->items, data->cap * sizeof *data->items);
    }
    size_t first = data->count;
    for (size_t i = 0; i < count; i++)
        data->items[first + i] = (struct shape_value){.type = VALUE_ABSENT};
    data->count += count;
    return first;
}

static int take_integer(const struct taking *t, const struct shape *shape, int index, const struct path *path,
                        struct shape_value *value)
{
    if (lua_type(t->L, index) != LUA_TNUMBER)
        return wrong_type(t, path, index, "an integer");
    if (!lua_isinteger(t->L, index))
        return fault(t, path, "is %.14g, a float where an integer is declared (whole division is //)",
                     lua_tonumber(t->L, index));
    int64_t number = lua_tointeger(t->L, index);
    if (number < shape->min.integer || number > shape->max.integer)
        return fault(t, path, "is %" PRId64 ", allowed are %" PRId64 "..%" PRId64, number, shape->min.integer,
                     shape->max.integer);
    *value = (struct shape_value){.type = VALUE_INTEGER, .as.integer = number};
    return 0;
}

static int take_number(const struct taking *t, const struct shape *shape, int index, const struct path *path,
                       struct shape_value *value)
{
    if (lua_type(t->L, index) != LUA_TNUMBER)
        return wrong_type(t, path, index, "a number");
    double number = lua_tonumber(t->L, index);
    /* Written so that NaN is refused. */
    if (!(number >= shape->min.number && number <= shape->max.number))
        return fault(t, path, "is %.14g, allowed are %.14g..%.14g", number, shape->min.number,
                     shape->max.number);
    if (lua_isinteger(t->L, index))
        *value = (struct shape_value){.type = VALUE_INTEGER, .as.integer = lua_tointeger(t->L, index)};
    else
        *value = (struct shape_value){.type = VALUE_DOUBLE, .as.number = number};
    return 0;
}

static int take_text(const struct taking *t, int index, const struct path *path, struct shape_value *value)
{
    if (lua_type(t->L, index) != LUA_TSTRING)
        return wrong_type(t, path, index, "text");
    size_t len;
    const char *text = lua_tolstring(t->L, index, &len);
    if (len > SHAPE_TEXT_BYTES_MAX)
        return fault(t, path, "is longer than %d bytes", SHAPE_TEXT_BYTES_MAX);
    if (memchr(text, '\0', len) || !utf8_is_valid(text, len))
        return fault(t, path, "is not UTF-8 without NUL");
    *value = (struct shape_value){.type = VALUE_TEXT, .as.text = {t->data->text.len, len}};
    buf_append(&t->data->text, text, len);
    return 0;
}

static int take(const struct taking *t, const struct shape *shape, int index, const struct path *path,
                size_t slot);

static int take_list(const struct taking *t, const struct shape *shape, int index, const struct path *path,
                     size_t slot)
{
    lua_State *L = t->L;
    size_t count = (size_t)lua_rawlen(L, index), keys = 0;
    if (count > (size_t)shape->max.integer)
        return fault(t, path, "has more than %" PRId64 " elements", shape->max.integer);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        if (++keys > count) {
            lua_pop(L, 2);
            return fault(t, path, "is not a list: it has other keys than 1..%zu", count);
        }
    size_t first = reserve(t->data, count);
    if (first == SIZE_MAX)
        return fault(t, path, "makes more than %d values in all", SHAPE_VALUES_MAX);
    t->data->items[slot] = (struct shape_value){.type = VALUE_LIST, .as.parts = {first, count}};
    for (size_t i = 0; i < count; i++) {
        struct path step = {.up = path, .index = i + 1};
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        int rc = take(t, shape->element, lua_gettop(L), &step, first + i);
        lua_pop(L, 1);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* The field named by the key at index, or -1. */
static int find_field(const struct shape *shape, lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TSTRING)
        return -1;
    const char *name = lua_tostring(L, index);
    size_t low = 0, high = shape->field_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, shape->fields[middle].name);
        if (order == 0)
            return lua_rawlen(L, index) == shape->fields[middle].len ? (int)middle : -1;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

static int unknown_key(const struct taking *t, const struct path *path, int index)
{
    if (lua_type(t->L, index) != LUA_TSTRING)
        return fault(t, path, "has a key that is no field name");
    return fault(t, path, "has an unknown field \"%.64s\"", lua_tostring(t->L, index));
}

static int take_fields(const struct taking *t, const struct shape *shape, int index, const struct path *path,
                       size_t first)
{
    lua_State *L = t->L;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        int found = find_field(shape, L, -2);
        int rc;
        if (found < 0) {
            rc = unknown_key(t, path, -2);
        } else {
            const struct shape_field *field = &shape->fields[found];
            struct path step = {.up = path, .name = field->name};
            rc = take(t, field->shape, lua_gettop(L), &step, first + (size_t)found);
        }
        if (rc < 0) {
            lua_pop(L, 2);
            return -1;
        }
    }
    return 0;
}

static int take_record(const struct taking *t, const struct shape *shape, int index, const struct path *path,
                       size_t slot)
{
    size_t first = reserve(t->data, shape->field_count);
    if (first == SIZE_MAX)
        return fault(t, path, "makes more than %d values in all", SHAPE_VALUES_MAX);
    t->data->items[slot] =
        (struct shape_value){.type = VALUE_RECORD, .as.parts = {first, shape->field_count}};
    if (take_fields(t, shape, index, path, first) < 0)
        return -1;
    for (size_t i = 0; i < shape->field_count; i++) {
        struct path step = {.up = path, .name = shape->fields[i].name};
        if (!shape->fields[i].shape->optional && t->data->items[first + i].type == VALUE_ABSENT)
            return fault(t, &step, "is missing");
    }
    return 0;
}

static int take_table(const struct taking *t, const struct shape *shape, int index, const struct path *path,
                      size_t slot)
{
    bool is_list = shape->kind == SHAPE_LIST;
    if (!lua_checkstack(t->L, 8))
        return fault(t, path, "cannot be read: the Lua stack is full");
    if (!lua_istable(t->L, index))
        return wrong_type(t, path, index, is_list ? "a list" : "a table");
    int top = lua_gettop(t->L), content = frozen_content(t->L, index);
    int rc = is_list ? take_list(t, shape, content, path, slot) : take_record(t, shape, content, path, slot);
    lua_settop(t->L, top);
    return rc;
}

/* index is absolute. Reading a key with lua_next never finds nil, so nothing here has to allow for absence.
 */
static int take(const struct taking *t, const struct shape *shape, int index, const struct path *path,
                size_t slot)
{
    struct shape_value value = {.type = VALUE_ABSENT};
    int rc;
    switch (shape->kind) {
    case SHAPE_LIST:
    case SHAPE_RECORD:
        return take_table(t, shape, index, path, slot);
    case SHAPE_INTEGER:
        rc = take_integer(t, shape, index, path, &value);
        break;
    case SHAPE_NUMBER:
        rc = take_number(t, shape, index, path, &value);
        break;
    case SHAPE_TEXT:
        rc = take_text(t, index, path, &value);
        break;
    default:
        rc = lua_isboolean(t->L, index) ? 0 : wrong_type(t, path, index, "a boolean");
        value = (struct shape_value){.type = VALUE_BOOLEAN, .as.boolean = lua_toboolean(t->L, index)};
        break;
    }
    if (rc == 0)
        t->data->items[slot] = value;
    return rc;
}

void shape_data_init(struct shape_data *data)
{
    *data = (struct shape_data){0};
    buf_init(&data->text);
}

void shape_data_release(struct shape_data *data)
{
    free(data->items);
    buf_release(&data->text);
    shape_data_init(data);
}

int shape_take(const struct shape *shape, lua_State *L, int index, const char *what, struct shape_data *data,
               struct err *err)
{
    struct taking t = {.L = L, .data = data, .err = err};
    struct path root = {.name = what};
    data->count = 0;
    buf_clear(&data->text);
    size_t slot = reserve(data, 1);
    return take(&t, shape, lua_absindex(L, index), &root, slot);
}

static void push(const struct shape *shape, const struct shape_data *data, size_t slot, lua_State *L)
{
    const struct shape_value *value = &data->items[slot];
    switch (value->type) {
    case VALUE_INTEGER:
        lua_pushinteger(L, value->as.integer);
        break;
    case VALUE_DOUBLE:
        lua_pushnumber(L, value->as.number);
        break;
    case VALUE_BOOLEAN:
        lua_pushboolean(L, value->as.boolean);
        break;
    case VALUE_TEXT:
        lua_pushlstring(L, data->text.data + value->as.text.start, value->as.text.len);
        break;
    case VALUE_LIST:
        luaL_checkstack(L, 4, NULL);
        lua_createtable(L, (int)value->as.parts.count, 0);
        for (size_t i = 0; i < value->as.parts.count; i++) {
            push(shape->element, data, value->as.parts.first + i, L);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        break;
    case VALUE_RECORD:
        luaL_checkstack(L, 4, NULL);
        lua_createtable(L, 0, (int)value->as.parts.count);
        for (size_t i = 0; i < value->as.parts.count; i++) {
            if (data->items[value->as.parts.first + i].type == VALUE_ABSENT)
                continue;
            push(shape->fields[i].shape, data, value->as.parts.first + i, L);
            lua_setfield(L, -2, shape->fields[i].name); /* the state knows the name by its address */
        }
        break;
    default:
        lua_pushnil(L);
        break;
    }
}

void shape_push(const struct shape *shape, const struct shape_data *data, lua_State *L)
{
    push(shape, data, 0, L);
}

static void write_json(const struct shape *shape, const struct shape_data *data, size_t slot, struct buf *out)
{
    const struct shape_value *value = &data->items[slot];
    bool is_record = value->type == VALUE_RECORD, is_first = true;
    switch (value->type) {
    case VALUE_INTEGER:
        json_write_integer(out, value->as.integer);
        return;
    case VALUE_DOUBLE:
        json_write_double(out, value->as.number);
        return;
    case VALUE_BOOLEAN:
        buf_append_str(out, value->as.boolean ? "true" : "false");
        return;
    case VALUE_TEXT:
        json_write_string(out, data->text.data + value->as.text.start, value->as.text.len);
        return;
    case VALUE_LIST:
    case VALUE_RECORD:
        break;
    default:
        buf_append_str(out, "null");
        return;
    }
    buf_append_char(out, is_record ? '{' : '[');
    for (size_t i = 0; i < value->as.parts.count; i++) {
        size_t part = value->as.parts.first + i;
        if (data->items[part].type == VALUE_ABSENT)
            continue;
        if (!is_first)
            buf_append_char(out, ',');
        is_first = false;
        if (is_record) {
            json_write_string(out, shape->fields[i].name, shape->fields[i].len);
            buf_append_char(out, ':');
        }
        write_json(is_record ? shape->fields[i].shape : shape->element, data, part, out);
    }
    buf_append_char(out, is_record ? '}' : ']');
}

void shape_write_json(const struct shape *shape, const struct shape_data *data, struct buf *out)
{
    write_json(shape, data, 0, out);
}

static bool equal(const struct shape_data *a, size_t slot_a, const struct shape_data *b, size_t slot_b)
{
    const struct shape_value *x = &a->items[slot_a], *y = &b->items[slot_b];
    if (x->type != y->type)
        return false;
    switch (x->type) {
    case VALUE_INTEGER:
        return x->as.integer == y->as.integer;
    case VALUE_DOUBLE:
        return x->as.number == y->as.number;
    case VALUE_BOOLEAN:
        return x->as.boolean == y->as.boolean;
    case VALUE_TEXT:
        return x->as.text.len == y->as.text.len &&
               (x->as.text.len == 0 || memcmp(a->text.data + x->as.text.start,
                                              b->text.data + y->as.text.start, x->as.text.len) == 0);
    case VALUE_LIST:
    case VALUE_RECORD:
        if (x->as.parts.count != y->as.parts.count)
            return false;
        for (size_t i = 0; i < x->as.parts.count; i++)
            if (!equal(a, x->as.parts.first + i, b, y->as.parts.first + i))
                return false;
        return true;
    default:
        return true;
    }
}

bool shape_equal(const struct shape_data *a, const struct shape_data *b)
{
    return equal(a, 0, b, 0);
}
