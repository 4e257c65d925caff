/* Lua module json: what goes out, what comes in, and what happens when the 1st, 2nd, 3rd … allocation fails.
 */
#include "bind/json_encode.h"

#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Allocations until one fails; negative: never. */
struct allocator {
    long left;
    long count;
};

static void *allocate(void *data, void *ptr, size_t osize, size_t nsize)
{
    struct allocator *a = data;
    (void)osize;
    if (nsize == 0) {
        free(ptr);
        return NULL;
    }
    /* Lua relies on shrinking never to fail. */
    if (ptr != NULL && nsize <= osize)
        return realloc(ptr, nsize);
    a->count++;
    if (a->left == 0)
        return NULL;
    a->left -= a->left > 0;
    return realloc(ptr, nsize);
}

static int open_libraries(lua_State *L)
{
    luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
    luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
    luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
    luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 1);
    luaL_requiref(L, "json", bind_open_json, 1);
    return 0;
}

static lua_State *new_state(struct allocator *a)
{
    *a = (struct allocator){.left = -1};
    lua_State *L = lua_newstate(allocate, a);
    assert_non_null(L);
    lua_pushcfunction(L, open_libraries);
    assert_int_equal(LUA_OK, lua_pcall(L, 0, 0, 0));
    return L;
}

static void run_script(lua_State *L, const char *script)
{
    if (luaL_loadstring(L, script) != LUA_OK || lua_pcall(L, 0, 0, 0) != LUA_OK)
        fail_msg("%s", luaL_tolstring(L, -1, NULL));
    assert_int_equal(0, lua_gettop(L));
}

static void check(const char *script)
{
    struct allocator a;
    lua_State *L = new_state(&a);
    run_script(L, script);
    lua_close(L);
}

#define HELPERS                                                                                              \
    "local function is(expected, value)\n"                                                                   \
    "  local text = json.encode(value)\n"                                                                    \
    "  if text ~= expected then error(('%s instead of %s'):format(text, expected), 2) end\n"                 \
    "end\n"                                                                                                  \
    "local function fails(code, f, ...)\n"                                                                   \
    "  local ok, e = pcall(f, ...)\n"                                                                        \
    "  if ok then error('it did not fail', 2) end\n"                                                         \
    "  if type(e) ~= 'table' or e.code ~= code then error('failed with ' .. tostring(e), 2) end\n"           \
    "end\n"

static void encodes_scalars(void **state)
{
    (void)state;
    check(HELPERS "is('null', nil); is('null', json.null); is('true', true); is('false', false)\n"
                  "is('0', 0); is('9223372036854775807', math.maxinteger)\n"
                  "is('-9223372036854775808', math.mininteger)\n"
                  "is('0.1', 0.1); is('1', 1.0); is('1e+300', 1e300); is('-0', -0.0)\n"
                  "is('\"\"', ''); is('\"a\\\\u0000\\\\n\\\\\"\\\\\\\\\"', 'a\\0\\n\"\\\\')\n"
                  "assert(tostring(json.null) == 'null' and json.null ~= nil and json.null == json.null)\n");
}

static void encodes_tables(void **state)
{
    (void)state;
    check(HELPERS
          "is('{}', {}); is('[]', json.array {}); is('[1,2]', {1, 2}); is('[1,2]', json.array {1, 2})\n"
          "is('{\"a\":1,\"aa\":3,\"b\":2}', {b = 2, a = 1, aa = 3})\n"
          "is('{\"same start\":1,\"same start \":2,\"same start a\":3}',\n"
          "  {['same start a'] = 3, ['same start'] = 1, ['same start '] = 2})\n"
          "is('{\"\":1,\"\\\\u0000\":2,\"\\\\u0000\\\\u0000\":3,\"\x7f\":4,\"\xc3\xa4\":5}',\n"
          "  {['\\0\\0'] = 3, ['\\0'] = 2, [''] = 1, ['\\xc3\\xa4'] = 5, ['\\x7f'] = 4})\n"
          "is('{\"a\":{\"b\":[{}]}}', {a = {b = {{}}}})\n"
          "is('[null,1]', {json.null, 1})\n"
          "assert(json.is_array(json.array {}) and not json.is_array({}) and not json.is_array(1))\n"
          "local list = {}; assert(json.array(list) == list and json.array(list) == list)\n"
          "local many = {}; for i = 1, 500 do many[('k%03d'):format(i)] = i end\n"
          "local text = json.encode(many); assert(text:sub(1, 18) == '{\"k001\":1,\"k002\":2')\n"
          "assert(json.encode(json.decode(text)) == text)\n");
}

static void picks_members(void **state)
{
    (void)state;
    check(HELPERS "local from = {a = 1, b = false, c = 'x', d = {}}\n"
                  "local picked = json.pick(from, {'b', 'a', 'e', 'd'})\n"
                  "assert(picked.a == 1 and picked.b == false and picked.c == nil and picked.d == from.d)\n"
                  "assert(picked.e == json.null and from.e == nil)\n"
                  "is('{}', json.pick(from, {})); is('{\"a\":null}', json.pick({}, {'a'}))\n"
                  "assert(not pcall(json.pick, from)); assert(not pcall(json.pick, 'a', {}))\n");
}

static void shows_tables_as_views_say(void **state)
{
    (void)state;
    check(HELPERS
          "local view = json.view {'name', 'on', total = 'sum', deltas = {x = 'dx', y = 'dy'}}\n"
          "local row = {name = 'a\"b', on = false, sum = 1.5, dx = -7, other = print, dy = json.array {}}\n"
          "local text = '{\"deltas\":{\"x\":-7,\"y\":[]},\"name\":\"a\\\\\"b\",\"on\":false,\"total\":1.5}'\n"
          "is(text, view:of(row)); is('[' .. text .. ',' .. text .. ']', {view:of(row), view:of(row)})\n"
          "is('{\"v\":{\"deltas\":{\"x\":null,\"y\":null},\"name\":null,\"on\":null,\"total\":null}}', {v = "
          "view:of {}})\n"
          "local late = {}; local shown = view:of(late); late.name = view:of {on = json.null}\n"
          "assert(json.encode(shown):find('\"name\":{', 1, true) and json.encode(json.view({}):of {}) == "
          "'{}')\n"
          "setmetatable(late, {__index = error}); assert(json.encode(view:of(late)))\n"
          "fails('invalid', json.encode, view:of {name = print}); fails('invalid', json.encode, {view:of {on "
          "= 0/0}})\n"
          "late.name = shown; fails('limit', json.encode, shown)\n"
          "assert(not pcall(view.of, view, 1)); assert(not pcall(view.of, {}, {}))\n");
}

/* A view is collected as well: whoever is later still finds something to write, or is refused. */
static void shows_after_the_view_is_collected(void **state)
{
    (void)state;
    check("local late = setmetatable({}, {__gc = function(t) pcall(json.encode, t.shown) end})\n"
          "late.shown = json.view({'a', deltas = {x = 'dx'}}):of {a = 1}\n");
}

static void limits_what_views_show(void **state)
{
    (void)state;
    check(HELPERS "local view, text = json.view {'text'}, ('x'):rep(1 << 20)\n"
                  "local shown, tables = {}, {}\n"
                  "for i = 1, 20 do shown[i], tables[i] = view:of {text = text}, {text = text} end\n"
                  "fails('limit', json.encode, tables); fails('limit', json.encode, shown)\n");
}

static void refuses_what_has_no_form(void **state)
{
    (void)state;
    check(HELPERS
          "fails('invalid', json.encode, print); fails('invalid', json.encode, {a = {print}})\n"
          "fails('invalid', json.encode, 0/0); fails('invalid', json.encode, {1/0})\n"
          "fails('invalid', json.encode, {1, a = 2}); fails('invalid', json.encode, {[1] = 1, [3] = 3})\n"
          "fails('invalid', json.encode, {[2] = 1}); fails('invalid', json.encode, {[true] = 1})\n"
          "fails('invalid', json.encode, {[1.5] = 1}); fails('invalid', json.encode, json.array {a = 1})\n"
          "local loop = {}; loop[1] = loop; fails('limit', json.encode, loop)\n"
          "local loop = {}; loop.a = {b = loop}; fails('limit', json.encode, loop)\n"
          "local function nest(n) local t = {} for _ = 2, n do t = {t} end return t end\n"
          "assert(#json.encode(nest(64)) == 128); fails('limit', json.encode, nest(65))\n"
          "local big = {('x'):rep(1 << 20)}; for i = 2, 20 do big[i] = {big[1]} end\n"
          "fails('limit', json.encode, big)\n"
          "assert(not pcall(json.encode)); assert(not pcall(json.array, setmetatable({}, {})))\n");
}

/* Neither __index, __pairs, __len nor __tostring may run: a hostile or broken metatable changes nothing. */
static void ignores_metamethods(void **state)
{
    (void)state;
    check(HELPERS "local mt = setmetatable({}, {__index = function() error('ran') end})\n"
                  "for _, name in ipairs {'__pairs', '__len', '__tostring', '__eq'} do\n"
                  "  mt[name] = function() error('ran') end\n"
                  "end\n"
                  "is('{\"a\":1}', setmetatable({a = 1}, mt)); is('[1]', setmetatable({1}, mt))\n");
}

static void decodes(void **state)
{
    (void)state;
    check(HELPERS
          "local v = json.decode('{\"a\":[1,2.5,\"x\",true,null,{}],\"e\":[]}')\n"
          "assert(math.type(v.a[1]) == 'integer' and v.a[2] == 2.5 and v.a[3] == 'x' and v.a[4] == true)\n"
          "assert(v.a[5] == json.null and next(v.a[6]) == nil)\n"
          "assert(json.is_array(v.a) and json.is_array(v.e) and not json.is_array(v.a[6]))\n"
          "assert(json.encode(v) == '{\"a\":[1,2.5,\"x\",true,null,{}],\"e\":[]}')\n"
          "assert(json.decode('null') == json.null and json.decode('7') == 7)\n"
          "for _, bad in ipairs {'', '{', '[1,]', '{\"a\":1,\"a\":2}', '\"\\\\u0000\"', '1 2', '\\xff',\n"
          "                      '9007199254740993', 'nul'} do\n"
          "  local value, e = json.decode(bad)\n"
          "  assert(value == nil and e.code == 'invalid' and #e.message > 0, bad)\n"
          "end\n"
          "local deep = ('['):rep(64) .. (']'):rep(64); assert(json.encode(json.decode(deep)) == deep)\n"
          "local value, e = json.decode('[' .. deep .. ']'); assert(value == nil and e)\n");
}

static const char *const sweeps[] = {
    "local v = json.decode('{\"a\":[1,{\"b\":[]},\"text\",2.5],\"long key, longer than forty bytes in "
    "all\":null}')\n"
    "assert(json.encode(v) == '{\"a\":[1,{\"b\":[]},\"text\",2.5],\"long key, longer than forty bytes in "
    "all\":null}')",
    "local view = json.view {'a', 'b'} assert(json.encode({view:of {a = {1}}}) == "
    "'[{\"a\":[1],\"b\":null}]')",
    "local v, e = json.decode('{\"a\":[1,{\"b\":[]},') assert(v == nil and e.code == 'invalid')",
    "local ok, e = pcall(json.encode, {a = {b = {print}}}) assert(type(e) == 'table', e)",
    "local t = {} for i = 1, 50 do t['key ' .. i] = {i, {i}} end assert(#json.encode(t) > 500)",
};

/* A failed allocation is a Lua error, nothing leaks (AddressSanitizer looks), and the state is usable
 * afterwards. */
static void survives_every_failed_allocation(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sweeps); i++) {
        bool has_run = false;
        int failures = 0;
        for (long fail_at = 0; !has_run; fail_at++) {
            struct allocator a;
            lua_State *L = new_state(&a);
            assert_int_equal(LUA_OK, luaL_loadstring(L, sweeps[i]));
            a.left = fail_at;
            int status = lua_pcall(L, 0, 0, 0);
            a.left = -1;
            has_run = status == LUA_OK;
            if (!has_run)
                failures++;
            lua_settop(L, 0);
            run_script(L, "assert(json.encode(json.decode('[{}]')) == '[{}]')");
            lua_close(L);
            assert_true(fail_at < 100000);
        }
        assert_true(failures > 3);
    }
}

static int first_value(lua_State *L)
{
    struct buf out = BUF_INIT;
    struct err err;
    int top = lua_gettop(L);
    int status = json_encode(L, 1, &out, &err);
    assert_int_equal(top, lua_gettop(L));
    buf_release(&out);
    lua_pushboolean(L, status == 0);
    return 1;
}

/* The encoder itself never raises: it is called where nothing may be thrown. */
static void encoder_never_raises(void **state)
{
    (void)state;
    struct allocator a;
    lua_State *L = new_state(&a);
    lua_pushcfunction(L, first_value);
    lua_setglobal(L, "try");
    assert_int_equal(LUA_OK, luaL_loadstring(L, "wide = {} for i = 1, 3000 do wide['k' .. i] = {i} end\n"
                                                "deep = {} for i = 1, 60 do deep = {a = deep} end"));
    assert_int_equal(LUA_OK, lua_pcall(L, 0, 0, 0));
    for (long fail_at = 0; fail_at < 30; fail_at++) {
        const char *const names[] = {"wide", "deep"};
        for (size_t i = 0; i < COUNT_OF(names); i++) {
            lua_getglobal(L, "try");
            lua_getglobal(L, names[i]);
            a.left = fail_at;
            int status = lua_pcall(L, 1, 1, 0);
            a.left = -1;
            assert_int_equal(LUA_OK, status);
            lua_pop(L, 1);
        }
    }
    lua_close(L);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_scalars),
        cmocka_unit_test(encodes_tables),
        cmocka_unit_test(picks_members),
        cmocka_unit_test(shows_tables_as_views_say),
        cmocka_unit_test(shows_after_the_view_is_collected),
        cmocka_unit_test(limits_what_views_show),
        cmocka_unit_test(refuses_what_has_no_form),
        cmocka_unit_test(ignores_metamethods),
        cmocka_unit_test(decodes),
        cmocka_unit_test(survives_every_failed_allocation),
        cmocka_unit_test(encoder_never_raises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
