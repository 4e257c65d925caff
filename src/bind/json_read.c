/* JSON → Lua values, made straight from a text that has passed the strict check: nothing in it can be wrong
 * here. */
#include <stdlib.h>
#include <string.h>

#include "base/json_check.h"
#include "bind/json_encode.h"

struct reader {
    lua_State *L;
    const char *at, *end;
    const struct json_counts *counts;
    size_t containers; /* begun so far */
};

static void read_value(struct reader *r);

/* There is something else behind it. */
static void skip_space(struct reader *r)
{
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')
        r->at++;
}

/* The cursor is on the opening quote. */
static void read_string(struct reader *r)
{
    const char *text = ++r->at;
    bool has_escapes = false;
    for (; *r->at != '"'; r->at++) {
        if (*r->at == '\\') {
            has_escapes = true;
            r->at++;
        }
    }
    size_t len = (size_t)(r->at++ - text);
    if (!has_escapes) {
        lua_pushlstring(r->L, text, len);
        return;
    }
    luaL_Buffer buffer;
    char *out = luaL_buffinitsize(r->L, &buffer, len);
    luaL_pushresultsize(&buffer, json_unescape(text, len, out));
}

static bool is_of_number(char byte)
{
    return (byte >= '0' && byte <= '9') || byte == '-' || byte == '+' || byte == '.' || byte == 'e' ||
           byte == 'E';
}

static void read_number(struct reader *r)
{
    char copy[JSON_NUMBER_BYTES_MAX + 1];
    size_t len = 0;
    bool is_integer = true;
    for (; r->at < r->end && is_of_number(*r->at) && len < JSON_NUMBER_BYTES_MAX; r->at++) {
        is_integer = is_integer && *r->at != '.' && *r->at != 'e' && *r->at != 'E';
        copy[len++] = *r->at;
    }
    copy[len] = '\0';
    if (is_integer)
        lua_pushinteger(r->L, strtoll(copy, NULL, 10));
    else
        lua_pushnumber(r->L, strtod(copy, NULL));
}

static int count_parts(struct reader *r)
{
    size_t container = r->containers++;
    return container < r->counts->containers ? (int)r->counts->parts[container] : 0;
}

/* The cursor is behind a part of a container: is there another one? */
static bool has_next(struct reader *r)
{
    skip_space(r);
    return *r->at++ == ',';
}

/* The cursor is on the opening bracket, and then behind it or behind the closing one of an empty container.
 */
static bool is_empty(struct reader *r, char closing)
{
    r->at++;
    skip_space(r);
    if (*r->at != closing)
        return false;
    r->at++;
    return true;
}

static void read_array(struct reader *r)
{
    lua_createtable(r->L, count_parts(r), 0);
    bind_json_mark_array(r->L);
    if (is_empty(r, ']'))
        return;
    lua_Integer i = 0;
    do {
        read_value(r);
        lua_rawseti(r->L, -2, ++i);
    } while (has_next(r));
}

static void read_object(struct reader *r)
{
    lua_createtable(r->L, 0, count_parts(r));
    if (is_empty(r, '}'))
        return;
    do {
        skip_space(r);
        read_string(r);
        skip_space(r);
        r->at++; /* the colon */
        read_value(r);
        lua_rawset(r->L, -3);
    } while (has_next(r));
}

/* The cursor is on a word of so many letters. */
static void skip_word(struct reader *r, size_t len)
{
    r->at += len;
}

/* As deep as the text, whose depth the check has bounded. */
static void read_value(struct reader *r)
{
    luaL_checkstack(r->L, 6, "JSON too deep");
    skip_space(r);
    switch (*r->at) {
    case '{':
        read_object(r);
        return;
    case '[':
        read_array(r);
        return;
    case '"':
        read_string(r);
        return;
    case 't':
    case 'f':
        lua_pushboolean(r->L, *r->at == 't');
        skip_word(r, *r->at == 't' ? strlen("true") : strlen("false"));
        return;
    case 'n':
        bind_json_push_null(r->L);
        skip_word(r, strlen("null"));
        return;
    default:
        read_number(r);
    }
}

int bind_json_parse(lua_State *L, const char *text, size_t len, const struct json_limits *limits,
                    struct err *err)
{
    struct json_counts counts;
    if (json_check(text, len, limits, NULL, &counts, err) != 0)
        return -1;
    struct reader reader = {.L = L, .at = text, .end = text + len, .counts = &counts};
    read_value(&reader);
    return 0;
}
