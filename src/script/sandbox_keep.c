/* Keeps what rule files have returned from one call to the next, as long as no call leaves a trace in it.
 *
 * All files are run once when a state is built. What a call can reach of that afterwards are tables, which
 * are frozen, so that every write is noted; functions, whose variables (upvalues) are compared after every
 * call, and before and after every file is run, with what they were; and values that never change. A call
 * that has left a trace, even one that has failed, may have seen that it wrote to what is kept: it is done
 * once more, and from then on all files are run anew for each call. So it is from the start with files that
 * hold anything else (an iterator of pairs), write to one another, or require one another in a circle: what
 * becomes of those depends on who comes first.
 */
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>

#include "script/frozen.h"
#include "script/sandbox_private.h"

/* Stack of the walk over all that a module reaches: objects met, those of them still to be walked, guards. */
enum { SEEN = 2, QUEUE, GUARDS };

#define ITERATOR_KEPT "an iterator is kept, which counts"

/* In the table of guards: a function, the value of one of its variables; which one, is in the rule. Each
 * variable is there once. */
#define GUARD_PARTS 2

static void note(struct sandbox *s, const char *place, const char *what)
{
    if (!s->has_trace)
        snprintf(s->trace, sizeof s->trace, "%s%s%s", place, place[0] ? ": " : "", what);
    s->has_trace = true;
}

void sandbox_note_trace(struct sandbox *s, const char *what)
{
    char place[160] = "";
    if (!s->has_trace)
        sandbox_note_place(s, place, sizeof place);
    note(s, place, what);
}

/* __newindex of what is kept: table, key, value. */
static int write_kept(lua_State *L)
{
    sandbox_note_trace(sandbox_of(L), SANDBOX_KEPT_WRITTEN);
    int content = frozen_content(L, 1);
    if (lua_isnil(L, 2))
        return luaL_error(L, "table index is nil");
    if (lua_type(L, 2) == LUA_TNUMBER && isnan(lua_tonumber(L, 2)))
        return luaL_error(L, "table index is NaN");
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_rawset(L, content);
    return 0;
}

/* Has the object on top, a pointer or what can be pointed to, been seen before? */
static bool is_seen(lua_State *L)
{
    lua_pushvalue(L, -1);
    bool seen = lua_rawget(L, SEEN) != LUA_TNIL;
    lua_pop(L, 1);
    if (!seen) {
        lua_pushvalue(L, -1);
        lua_pushboolean(L, 1);
        lua_rawset(L, SEEN);
    }
    return seen;
}

/* Pop a value; if it leads to others, it is walked later. */
static void meet(lua_State *L, const struct rule *rule)
{
    int type = lua_type(L, -1);
    if (type == LUA_TUSERDATA || type == LUA_TLIGHTUSERDATA || type == LUA_TTHREAD)
        note(sandbox_of(L), rule->file->path, ITERATOR_KEPT); /* nothing else holds such a thing */
    if ((type == LUA_TTABLE || type == LUA_TFUNCTION) && !is_seen(L))
        lua_rawseti(L, QUEUE, (lua_Integer)lua_rawlen(L, QUEUE) + 1);
    else
        lua_pop(L, 1);
}

/* A table with another metatable than those known here is the library, which cannot be changed. */
static void walk_table(lua_State *L, int table, const struct rule *rule)
{
    int content = frozen_content(L, table);
    if (content == table) {
        if (lua_getmetatable(L, table) && !sandbox_is_environment(L))
            return;
        if (!frozen_make(L, table, write_kept))
            note(sandbox_of(L), rule->file->path, "a list with holes cannot be kept");
        content = frozen_content(L, table);
    }
    for (lua_pushnil(L); lua_next(L, content);) {
        sandbox_charge(L, 1);
        lua_pushvalue(L, -2);
        meet(L, rule);
        meet(L, rule);
    }
}

/* Watch variable n of the function from now on. */
static void guard(lua_State *L, int function, int n, struct rule *rule)
{
    lua_pushlightuserdata(L, lua_upvalueid(L, function, n));
    bool seen = is_seen(L);
    lua_pop(L, 1);
    if (seen)
        return;
    lua_Integer first = GUARD_PARTS * (lua_Integer)rule->guard_count;
    lua_pushvalue(L, function);
    lua_rawseti(L, GUARDS, first + 1);
    lua_getupvalue(L, function, n);
    lua_rawseti(L, GUARDS, first + 2);
    rule->guarded = x_realloc(rule->guarded, (rule->guard_count + 1) * sizeof *rule->guarded);
    rule->guarded[rule->guard_count++] = (uint8_t)n;
}

static void walk_function(lua_State *L, int function, struct rule *rule)
{
    for (int n = 1; lua_getupvalue(L, function, n); n++) {
        sandbox_charge(L, 1);
        meet(L, rule);
        if (lua_iscfunction(L, function))
            note(sandbox_of(L), rule->file->path, ITERATOR_KEPT);
        else
            guard(L, function, n, rule);
    }
}

/* The module; its rule. Returns the guards. */
static int walk(lua_State *L)
{
    struct rule *rule = lua_touserdata(L, 2);
    lua_settop(L, 1);
    luaL_checkstack(L, 16, NULL);
    for (int i = SEEN; i <= GUARDS; i++)
        lua_createtable(L, 0, 0);
    rule->guard_count = 0;
    lua_pushvalue(L, 1);
    meet(L, rule);
    for (lua_Integer next = 1; lua_rawgeti(L, QUEUE, next) != LUA_TNIL; next++) {
        if (lua_istable(L, -1))
            walk_table(L, GUARDS + 1, rule);
        else
            walk_function(L, GUARDS + 1, rule);
        lua_settop(L, GUARDS);
    }
    lua_settop(L, GUARDS);
    return 1;
}

void sandbox_keep_module(lua_State *L, struct rule *rule)
{
    struct sandbox *s = sandbox_of(L);
    lua_pushcfunction(L, walk);
    lua_pushvalue(L, -2);
    lua_pushlightuserdata(L, rule);
    lua_call(L, 2, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->guards);
    lua_insert(L, -2);
    lua_rawseti(L, -2, rule - s->rules + 1);
    lua_pop(L, 1);
}

/* Are the values at -1 and -2 the same, for every program? 1 and 1.0, 0.0 and -0.0 are not, a NaN and itself
 * are. */
static bool is_same(lua_State *L)
{
    int type = lua_type(L, -1);
    if (type != lua_type(L, -2) || type != LUA_TNUMBER)
        return lua_rawequal(L, -1, -2);
    if (lua_isinteger(L, -1) || lua_isinteger(L, -2))
        return lua_isinteger(L, -1) && lua_isinteger(L, -2) && lua_rawequal(L, -1, -2);
    lua_Number a = lua_tonumber(L, -1), b = lua_tonumber(L, -2);
    return (a == b || (isnan(a) && isnan(b))) && !signbit(a) == !signbit(b);
}

/* Compare a variable with what it was. The guards are on top, at index guards. */
static void compare_guarded(lua_State *L, int guards, const struct rule *rule, size_t i)
{
    lua_Integer first = GUARD_PARTS * (lua_Integer)i;
    lua_rawgeti(L, guards, first + 1);
    lua_rawgeti(L, guards, first + 2);
    const char *name = lua_getupvalue(L, guards + 1, rule->guarded[i]);
    if (!is_same(L)) {
        char place[160], what[160];
        lua_Debug ar;
        lua_pushvalue(L, guards + 1);
        lua_getinfo(L, ">S", &ar);
        snprintf(place, sizeof place, "%s:%d", ar.short_src, ar.linedefined);
        snprintf(what, sizeof what, "the variable %s of this function is changed", name);
        note(sandbox_of(L), place, what);
    }
    lua_settop(L, guards);
}

void sandbox_compare_kept(lua_State *L, bool only_touched)
{
    struct sandbox *s = sandbox_of(L);
    int top = lua_gettop(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->guards);
    for (size_t r = 0; r < s->rule_count && !s->has_trace; r++) {
        const struct rule *rule = &s->rules[r];
        if (rule->progress != RULE_LOADED || (only_touched && !rule->touched))
            continue;
        lua_rawgeti(L, top + 1, (lua_Integer)r + 1);
        for (size_t i = 0; i < rule->guard_count; i++)
            compare_guarded(L, top + 2, rule, i);
        lua_settop(L, top + 1);
    }
    lua_settop(L, top);
}
