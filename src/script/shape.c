/* Compiles declared shapes. */
#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/shape_private.h"

#define NUMBER_TEXT_BYTES 32 /* of a declared bound, with its NUL */

static struct shape *read_at(lua_State *L, int index, const char *what, int depth, struct err *err);

static struct shape *new_shape(enum shape_kind kind)
{
    struct shape *shape = x_calloc(1, sizeof *shape);
    shape->kind = kind;
    return shape;
}

void shape_free(struct shape *shape)
{
    if (!shape)
        return;
    for (size_t i = 0; i < shape->field_count; i++) {
        free(shape->fields[i].name);
        shape_free(shape->fields[i].shape);
    }
    free(shape->fields);
    shape_free(shape->element);
    free(shape);
}

static bool parse_integer(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0)
        return false;
    *out = value;
    return true;
}

static bool parse_number(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*out);
}

/* "MIN..MAX" into two texts; strtod alone would read the "1." of "1..5". */
static bool split_range(const char *range, char low[NUMBER_TEXT_BYTES], char high[NUMBER_TEXT_BYTES])
{
    const char *dots = strstr(range, "..");
    if (!dots || (size_t)(dots - range) > NUMBER_TEXT_BYTES - 1 || strlen(dots + 2) > NUMBER_TEXT_BYTES - 1)
        return false;
    if (strspn(range, "+-.0123456789eE") != strlen(range))
        return false;
    snprintf(low, NUMBER_TEXT_BYTES, "%.*s", (int)(dots - range), range);
    snprintf(high, NUMBER_TEXT_BYTES, "%s", dots + 2);
    return true;
}

static bool parse_range(struct shape *shape, const char *range)
{
    char low[NUMBER_TEXT_BYTES], high[NUMBER_TEXT_BYTES];
    if (!split_range(range, low, high))
        return false;
    if (shape->kind == SHAPE_INTEGER)
        return parse_integer(low, &shape->min.integer) && parse_integer(high, &shape->max.integer) &&
               shape->min.integer <= shape->max.integer;
    return parse_number(low, &shape->min.number) && parse_number(high, &shape->max.number) &&
           shape->min.number <= shape->max.number;
}

/* "integer 1..7?" */
static struct shape *read_text(const char *declared, const char *what, struct err *err)
{
    char text[128];
    size_t len = strlen(declared);
    if (len == 0 || len >= sizeof text) {
        (void)err_set(err, ERR_INVALID, "%s: empty or too long", what);
        return NULL;
    }
    memcpy(text, declared, len + 1);
    bool optional = text[len - 1] == '?';
    if (optional)
        text[len - 1] = '\0';
    struct shape *shape = NULL;
    bool good = true;
    if (strcmp(text, "boolean") == 0) {
        shape = new_shape(SHAPE_BOOLEAN);
    } else if (strcmp(text, "text") == 0) {
        shape = new_shape(SHAPE_TEXT);
    } else if (strncmp(text, "integer ", 8) == 0) {
        shape = new_shape(SHAPE_INTEGER);
        good = parse_range(shape, text + 8);
    } else if (strncmp(text, "number ", 7) == 0) {
        shape = new_shape(SHAPE_NUMBER);
        good = parse_range(shape, text + 7);
    }
    if (!shape || !good) {
        shape_free(shape);
        (void)err_set(err, ERR_INVALID,
                      "%s: \"%s\" is not \"integer MIN..MAX\", \"number MIN..MAX\", \"boolean\" or \"text\"",
                      what, declared);
        return NULL;
    }
    shape->optional = optional;
    return shape;
}

static bool is_name(const char *text, size_t len)
{
    if (len == 0 || len > SHAPE_NAME_BYTES_MAX || (text[0] >= '0' && text[0] <= '9'))
        return false;
    return strspn(text, "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == len;
}

static int by_name(const void *a, const void *b)
{
    const struct shape_field *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* The key is at -2 and the declaration at -1. */
static int read_field(lua_State *L, struct shape *record, const char *what, int depth, struct err *err)
{
    size_t len = 0;
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &len) : NULL;
    if (!name || !is_name(name, len))
        return err_set(err, ERR_INVALID, "%s: a field name is not a word of at most %d letters", what,
                       SHAPE_NAME_BYTES_MAX);
    if (record->field_count == SHAPE_FIELDS_MAX)
        return err_set(err, ERR_LIMIT, "%s: more than %d fields", what, SHAPE_FIELDS_MAX);
    struct buf path = BUF_INIT;
    buf_appendf(&path, "%s.%s", what, name);
    struct shape *shape = read_at(L, lua_gettop(L), path.data, depth, err);
    buf_release(&path);
    if (!shape)
        return -1;
    record->fields = x_realloc(record->fields, (record->field_count + 1) * sizeof *record->fields);
    record->fields[record->field_count++] =
        (struct shape_field){.name = x_strndup(name, len), .len = len, .shape = shape};
    return 0;
}

/* index: the table of fields. Sorted by name, which is also the order of canonical JSON. */
static struct shape *read_record(lua_State *L, int index, const char *what, int depth, struct err *err)
{
    struct shape *shape = new_shape(SHAPE_RECORD);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        if (read_field(L, shape, what, depth, err) < 0) {
            lua_pop(L, 2);
            shape_free(shape);
            return NULL;
        }
        lua_pop(L, 1);
    }
    if (shape->field_count > 0)
        qsort(shape->fields, shape->field_count, sizeof *shape->fields, by_name);
    return shape;
}

/* What the table form may hold, found by walking it. Values left on the stack: the list's or record's
 * declaration. */
struct table_form {
    int inner; /* stack index of the declaration inside */
    bool is_list, is_record, optional, bad;
    int64_t max;
};

static struct table_form read_table_form(lua_State *L, int index)
{
    struct table_form form = {0};
    lua_pushnil(L); /* place for the declaration inside */
    form.inner = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        if (strcmp(key, "list") == 0 || strcmp(key, "record") == 0) {
            form.is_list = form.is_list || key[0] == 'l';
            form.is_record = form.is_record || key[0] == 'r';
            lua_copy(L, -1, form.inner);
        } else if (strcmp(key, "max") == 0 && lua_isinteger(L, -1)) {
            form.max = lua_tointeger(L, -1);
        } else if (strcmp(key, "optional") == 0 && lua_isboolean(L, -1)) {
            form.optional = lua_toboolean(L, -1);
        } else {
            form.bad = true;
        }
        lua_pop(L, 1);
    }
    if (form.is_list == form.is_record || (form.is_record && (form.max != 0 || !lua_istable(L, form.inner))))
        form.bad = true;
    return form;
}

static struct shape *read_table(lua_State *L, int index, const char *what, int depth, struct err *err)
{
    if (depth == 0) {
        (void)err_set(err, ERR_LIMIT, "%s: nested more than %d deep", what, SHAPE_DEPTH_MAX);
        return NULL;
    }
    struct table_form form = read_table_form(L, index);
    struct shape *shape = NULL;
    if (form.bad) {
        (void)err_set(err, ERR_INVALID, "%s: not {list = shape, max = N} or {record = {…}}", what);
    } else if (form.is_list && (form.max < 1 || form.max > SHAPE_LIST_MAX)) {
        (void)err_set(err, ERR_INVALID, "%s: a list needs max = 1..%d", what, SHAPE_LIST_MAX);
    } else if (form.is_list) {
        struct shape *element = read_at(L, form.inner, what, depth - 1, err);
        if (element && element->optional) {
            (void)err_set(err, ERR_INVALID, "%s: elements of a list cannot be optional", what);
            shape_free(element);
        } else if (element) {
            shape = new_shape(SHAPE_LIST);
            shape->element = element;
            shape->max.integer = form.max;
        }
    } else {
        shape = read_record(L, form.inner, what, depth - 1, err);
    }
    if (shape)
        shape->optional = form.optional;
    lua_settop(L, form.inner - 1);
    return shape;
}

static struct shape *read_at(lua_State *L, int index, const char *what, int depth, struct err *err)
{
    if (!lua_checkstack(L, 8)) {
        (void)err_set(err, ERR_LIMIT, "%s: the Lua stack is full", what);
        return NULL;
    }
    if (lua_type(L, index) == LUA_TSTRING)
        return read_text(lua_tostring(L, index), what, err);
    if (lua_istable(L, index))
        return read_table(L, index, what, depth, err);
    (void)err_set(err, ERR_INVALID, "%s: a %s is no shape", what, luaL_typename(L, index));
    return NULL;
}

struct shape *shape_read(lua_State *L, int index, const char *what, struct err *err)
{
    index = lua_absindex(L, index);
    if (!lua_checkstack(L, 8) || !lua_istable(L, index)) {
        (void)err_set(err, ERR_INVALID, "%s: not a table of fields", what);
        return NULL;
    }
    return read_record(L, index, what, SHAPE_DEPTH_MAX - 1, err);
}
