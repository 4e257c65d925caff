/* Everything that has an order in rules: pairs and next by sorted keys, and a stable table.sort. The same on
 * every machine and in every run, unlike the order of Lua's hash tables. */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "script/frozen.h"
#include "script/sandbox_private.h"

/* Bytes of text compared for the price of one instruction. */
#define BYTES_PER_INSTRUCTION 64

enum item_kind { ITEM_NUMBER, ITEM_STRING, ITEM_BOOLEAN };

/* A number, string or boolean that can be put in order; numbers before strings before booleans. Small, so
 * that those of the longest list fit into one block. */
struct item {
    int32_t index; /* its place before sorting, from 1 */
    uint8_t kind;
    bool is_integer;
    union {
        int64_t integer;
        double number;
        struct {
            const char *bytes;
            size_t len;
        } text;
        int boolean;
    } as;
};

static_assert(sizeof(struct item) * SANDBOX_TABLE_KEYS_MAX <= SANDBOX_BLOCK_BYTES_MAX,
              "the longest list can be sorted");

/* Read the value at stack position at, which must stay alive as long as the item. */
static void read_item(lua_State *L, int at, const char *what, struct item *item)
{
    switch (lua_type(L, at)) {
    case LUA_TNUMBER:
        item->kind = ITEM_NUMBER;
        item->is_integer = lua_isinteger(L, at);
        if (item->is_integer)
            item->as.integer = lua_tointeger(L, at);
        else
            item->as.number = lua_tonumber(L, at);
        return;
    case LUA_TSTRING:
        item->kind = ITEM_STRING;
        item->as.text.bytes = lua_tolstring(L, at, &item->as.text.len);
        return;
    case LUA_TBOOLEAN:
        item->kind = ITEM_BOOLEAN;
        item->as.boolean = lua_toboolean(L, at);
        return;
    default:
        luaL_error(L, "%s: a %s has no order", what, luaL_typename(L, at));
    }
}

/* Exact: converting the integer would round it. */
static int compare_mixed(int64_t integer, double number)
{
    if (number >= 0x1p63)
        return -1;
    if (number < -0x1p63)
        return 1;
    int64_t whole = (int64_t)number;
    if (integer != whole)
        return integer < whole ? -1 : 1;
    double rest = number - (double)whole;
    return (rest < 0) - (rest > 0);
}

static int compare_numbers(const struct item *a, const struct item *b)
{
    if (a->is_integer && b->is_integer)
        return (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
    if (a->is_integer)
        return compare_mixed(a->as.integer, b->as.number);
    if (b->is_integer)
        return -compare_mixed(b->as.integer, a->as.number);
    return (a->as.number > b->as.number) - (a->as.number < b->as.number);
}

static int compare_items(const struct item *a, const struct item *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->kind == ITEM_NUMBER)
        return compare_numbers(a, b);
    if (a->kind == ITEM_BOOLEAN)
        return a->as.boolean - b->as.boolean;
    size_t common = a->as.text.len < b->as.text.len ? a->as.text.len : b->as.text.len;
    int order = common ? memcmp(a->as.text.bytes, b->as.text.bytes, common) : 0;
    return order ? order : (a->as.text.len > b->as.text.len) - (a->as.text.len < b->as.text.len);
}

static int by_order(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int order = compare_items(x, y);
    return order ? order : x->index - y->index;
}

/* Pay for sorting before it begins, since it cannot be interrupted. */
static void charge_sort(lua_State *L, const struct item *items, size_t count)
{
    uint64_t cost = 0, rounds = 1;
    for (size_t n = count; n > 1; n /= 2)
        rounds++;
    for (size_t i = 0; i < count; i++)
        cost += 1 + (items[i].kind == ITEM_STRING ? items[i].as.text.len / BYTES_PER_INSTRUCTION : 0);
    sandbox_charge(L, cost * rounds);
}

static size_t count_keys(lua_State *L)
{
    size_t count = 0;
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1))
        if (++count > SANDBOX_TABLE_KEYS_MAX)
            luaL_error(L, "the table has more than %d keys", SANDBOX_TABLE_KEYS_MAX);
    return count;
}

/* Upvalues: the table, its keys as they came, the sorted items, the number of items done. Keys removed
 * meanwhile are left out; keys added are not seen. */
static int pairs_step(lua_State *L)
{
    const struct item *items = lua_touserdata(L, lua_upvalueindex(3));
    size_t count = lua_rawlen(L, lua_upvalueindex(3)) / sizeof *items;
    size_t done = (size_t)lua_tointeger(L, lua_upvalueindex(4));
    lua_settop(L, 0);
    for (; done < count; lua_settop(L, 0)) {
        lua_rawgeti(L, lua_upvalueindex(2), items[done++].index);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL)
            continue;
        lua_pushinteger(L, (lua_Integer)done);
        lua_replace(L, lua_upvalueindex(4));
        return 2;
    }
    lua_pushinteger(L, (lua_Integer)done);
    lua_replace(L, lua_upvalueindex(4));
    lua_pushnil(L);
    return 1;
}

int sandbox_pairs(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_pushvalue(L, 1); /* what the rule may hold of it, at 2 */
    if (frozen_content(L, 1) != 1)
        lua_replace(L, 1);
    size_t count = count_keys(L), filled = 0;
    lua_pushvalue(L, 1);
    lua_createtable(L, (int)count, 0);
    struct item *items = lua_newuserdatauv(L, count * sizeof *items, 0);
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        items[filled].index = (int)filled + 1;
        read_item(L, -1, "pairs", &items[filled]);
        filled++;
        lua_pushvalue(L, -1);
        lua_rawseti(L, 4, (lua_Integer)filled);
    }
    charge_sort(L, items, count);
    if (count > 1)
        qsort(items, count, sizeof *items, by_order);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, pairs_step, 4);
    lua_pushvalue(L, 2);
    lua_pushnil(L);
    return 3;
}

/* The smallest key above the given one. Walks all keys each time: rules ask next(t) whether t is empty. */
int sandbox_next(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (frozen_content(L, 1) != 1)
        lua_replace(L, 1);
    bool has_after = !lua_isnil(L, 2), has_best = false;
    struct item after, best, key;
    if (has_after)
        read_item(L, 2, "next", &after);
    sandbox_charge(L, count_keys(L));
    lua_pushnil(L); /* the best key so far, at 3 */
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        read_item(L, -1, "next", &key);
        sandbox_charge(L, key.kind == ITEM_STRING ? key.as.text.len / BYTES_PER_INSTRUCTION : 0);
        if ((has_after && compare_items(&key, &after) <= 0) || (has_best && compare_items(&key, &best) >= 0))
            continue;
        best = key;
        has_best = true;
        lua_copy(L, -1, 3);
    }
    lua_settop(L, 3);
    if (!has_best)
        return 1;
    lua_pushvalue(L, 3);
    lua_rawget(L, 1);
    return 2;
}

/* Does the comparator (argument 2) put element a of the list at 3 before element b? */
static bool is_before(lua_State *L, int a, int b)
{
    lua_pushvalue(L, 2);
    lua_rawgeti(L, 3, a);
    lua_rawgeti(L, 3, b);
    lua_call(L, 2, 1);
    bool before = lua_toboolean(L, -1);
    lua_pop(L, 1);
    sandbox_charge(L, 1);
    return before;
}

/* Merge from[start..middle) and from[middle..end) into to. Any answers of the comparator are safe; the work
 * is fixed. */
static void merge(lua_State *L, const int *from, int *to, int start, int middle, int end)
{
    int left = start, right = middle;
    for (int i = start; i < end; i++) {
        bool take_right = left == middle || (right < end && is_before(L, from[right], from[left]));
        to[i] = take_right ? from[right++] : from[left++];
    }
}

/* Returns the order: numbers of elements of the list at 3. */
static const int *merge_sort(lua_State *L, int count)
{
    int *from = lua_newuserdatauv(L, (size_t)count * 2 * sizeof *from, 0);
    int *to = from + count;
    for (int i = 0; i < count; i++)
        from[i] = i + 1;
    for (int width = 1; width < count; width *= 2) {
        for (int start = 0; start < count; start += 2 * width) {
            int middle = start + width < count ? start + width : count;
            int end = start + 2 * width < count ? start + 2 * width : count;
            merge(L, from, to, start, middle, end);
        }
        int *swapped = from;
        from = to;
        to = swapped;
    }
    return from;
}

static const int *natural_sort(lua_State *L, int count)
{
    struct item *items = lua_newuserdatauv(L, (size_t)count * sizeof *items, 0);
    int *order = lua_newuserdatauv(L, (size_t)count * sizeof *order, 0);
    for (int i = 0; i < count; i++) {
        lua_rawgeti(L, 3, i + 1);
        items[i].index = i + 1;
        read_item(L, -1, "table.sort", &items[i]);
        if (items[i].kind == ITEM_BOOLEAN || items[i].kind != items[0].kind)
            luaL_error(L, "table.sort: the elements are not all numbers or all strings");
        if (items[i].kind == ITEM_NUMBER && !items[i].is_integer && isnan(items[i].as.number))
            luaL_error(L, "table.sort: a NaN has no order");
        lua_pop(L, 1);
    }
    charge_sort(L, items, (size_t)count);
    qsort(items, (size_t)count, sizeof *items, by_order);
    for (int i = 0; i < count; i++)
        order[i] = items[i].index;
    return order;
}

int sandbox_sort(lua_State *L)
{
    int count = (int)sandbox_check_list(L, SANDBOX_WRITES);
    lua_settop(L, 2);
    bool has_comparator = !lua_isnil(L, 2);
    if (has_comparator)
        luaL_checktype(L, 2, LUA_TFUNCTION);
    if (count < 2)
        return 0;
    lua_createtable(L, count, 0); /* a copy at 3: a comparator may change the list */
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, 1, i);
        lua_rawseti(L, 3, i);
    }
    const int *order = has_comparator ? merge_sort(L, count) : natural_sort(L, count);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, 3, order[i - 1]);
        lua_rawseti(L, 1, i);
    }
    return 0;
}
