/* script/sandbox.h: what good rules may rely on, and what a broken rule file is told. */
#include "script_fixture.h"

static const char points_rule[] = "local points = {}\n"
                                  "points.parameters = { by_level = { 10, 25, 50 } }\n"
                                  "points.shapes = {\n"
                                  "  award = {\n"
                                  "    input = { level = 'integer 1..3', note = 'text?' },\n"
                                  "    result = { amount = 'integer 0..500', share = 'number 0..1?' },\n"
                                  "  },\n"
                                  "}\n"
                                  "function points.award(input)\n"
                                  "  return { amount = points.parameters.by_level[input.level] }\n"
                                  "end\n"
                                  "function points.examples()\n"
                                  "  return {\n"
                                  "    { call = 'award', input = { level = 1 }, expect = { amount = 10 } },\n"
                                  "    { call = 'award', input = { level = 2 }, expect = { amount = 25 } },\n"
                                  "  }\n"
                                  "end\n"
                                  "return points\n";

struct world {
    struct bundle *bundle;
    struct vm *vm;
    struct sandbox *sandbox;
};

static struct world world_of(struct bundle *bundle)
{
    struct err err = {0};
    struct world w = {.bundle = bundle, .vm = fixture_vm(VM_APP, bundle)};
    w.sandbox = sandbox_new(bundle, &FIXTURE_LIMITS, &err);
    if (w.sandbox == NULL)
        fail_msg("%s", err.text);
    return w;
}

static void world_end(struct world *w)
{
    sandbox_free(w->sandbox);
    vm_free(w->vm);
    bundle_unref(w->bundle);
}

/* A rule f that takes the input {v = any shape} and gives {v = any shape}. */
static struct world world_with(const char *shape, const char *body)
{
    struct buf text = BUF_INIT;
    buf_appendf(&text, "local r = {} local s = %s r.shapes = {f = {input = {v = s}, result = {v = s}}}\n",
                shape);
    buf_appendf(&text, "function r.f(input) %s end function r.examples() return {} end return r", body);
    struct world w = world_of(fixture_bundle("lua/rules/r.lua", text.data, NULL));
    buf_release(&text);
    return w;
}

/* Call with the input a Lua expression gives; the result stays on the stack. -1 and *err if refused. */
static int call(struct world *w, const char *rule, const char *function, const char *input, struct buf *in,
                struct buf *out, struct err *err)
{
    struct buf text = BUF_INIT;
    buf_appendf(&text, "return %s", input);
    lua_settop(w->vm->L, 0);
    fixture_function(w->vm, text.data);
    buf_release(&text);
    assert_int_equal(0, vm_call(w->vm, 0, 1, err));
    return sandbox_call(w->sandbox, rule, function, w->vm->L, 1, in, out, err);
}

/* Call r.f and compare the canonical JSON of its result. */
static void gives(struct world *w, const char *input, const char *expected)
{
    struct err err = {0};
    struct buf out = BUF_INIT;
    if (call(w, "r", "f", input, NULL, &out, &err) < 0)
        fail_msg("%s: %s", input, err.text);
    assert_string_equal(out.data, expected);
    buf_release(&out);
}

static void refuses(struct world *w, const char *input, const char *text)
{
    struct err err = {0};
    if (call(w, "r", "f", input, NULL, NULL, &err) == 0)
        fail_msg("%s was let through", input);
    assert_int_equal(err.code, ERR_INVALID);
    if (!strstr(err.text, text) || strncmp(err.text, "lua/rules/r.lua:2: ", 19) != 0)
        fail_msg("%s: %s", input, err.text);
    assert_int_equal(lua_gettop(w->vm->L), 1);
}

static void test_calls_with_record_and_result(void **state)
{
    (void)state;
    struct world w = world_of(fixture_bundle("lua/rules/points.lua", points_rule, NULL));
    struct err err = {0};
    struct buf in = BUF_INIT, out = BUF_INIT;
    assert_int_equal(0, call(&w, "points", "award", "{note = 'a\\n', level = 3}", &in, &out, &err));
    assert_string_equal(in.data, "{\"level\":3,\"note\":\"a\\n\"}");
    assert_string_equal(out.data, "{\"amount\":50}");
    assert_int_equal(lua_gettop(w.vm->L), 2);
    lua_getfield(w.vm->L, 2, "amount");
    assert_true(lua_isinteger(w.vm->L, -1));
    assert_int_equal(lua_tointeger(w.vm->L, -1), 50);
    buf_release(&in);
    buf_release(&out);
    world_end(&w);
}

static void test_unknown_rule_and_function(void **state)
{
    (void)state;
    struct world w = world_of(fixture_bundle("lua/rules/points.lua", points_rule, NULL));
    struct err err = {0};
    assert_int_equal(-1, call(&w, "gone", "award", "{}", NULL, NULL, &err));
    assert_string_equal(err.text, "lua/rules/gone.lua:1: there is no such rule file");
    assert_int_equal(-1, call(&w, "points", "examples", "{}", NULL, NULL, &err));
    assert_string_equal(err.text, "lua/rules/points.lua:1: there is no function examples");
    world_end(&w);
}

static void test_input_is_checked(void **state)
{
    (void)state;
    struct world w = world_with("'integer 1..7'", "return input");
    gives(&w, "{v = 7}", "{\"v\":7}");
    refuses(&w, "{v = 8}", "input.v is 8, allowed are 1..7");
    refuses(&w, "{v = 0}", "input.v is 0");
    refuses(&w, "{v = 1.0}", "a float where an integer is declared");
    refuses(&w, "{v = '1'}", "input.v is a string, declared is an integer");
    refuses(&w, "{}", "input.v is missing");
    refuses(&w, "{v = 1, w = 2}", "unknown field \"w\"");
    refuses(&w, "{v = 1, 2}", "no field name");
    refuses(&w, "nil", "input is missing");
    refuses(&w, "7", "input is a number, declared is a table");
    refuses(&w, "setmetatable({}, {__index = function() return 1 end})", "input.v is missing");
    world_end(&w);
}

static void test_integers_are_exact(void **state)
{
    (void)state;
    struct world w =
        world_with("'integer -9223372036854775808..9223372036854775807'", "return {v = input.v}");
    gives(&w, "{v = math.maxinteger}", "{\"v\":9223372036854775807}");
    gives(&w, "{v = math.mininteger}", "{\"v\":-9223372036854775808}");
    world_end(&w);
}

static void test_numbers(void **state)
{
    (void)state;
    struct world w = world_with("'number -1.5..2'", "return {v = input.v}");
    gives(&w, "{v = 0.1}", "{\"v\":0.1}");
    gives(&w, "{v = 1}", "{\"v\":1}");
    gives(&w, "{v = -1.5}", "{\"v\":-1.5}");
    refuses(&w, "{v = 2.0000001}", "allowed are -1.5..2");
    refuses(&w, "{v = 0/0}", "allowed are -1.5..2");
    refuses(&w, "{v = math.huge}", "allowed are -1.5..2");
    world_end(&w);
}

static void test_texts_lists_and_records(void **state)
{
    (void)state;
    struct world w =
        world_with("{list = {record = {t = 'text', b = 'boolean?', l = {list = 'integer 0..9', max = 2, "
                   "optional = true}}}, max = 2}",
                   "return {v = input.v}");
    gives(&w, "{v = {}}", "{\"v\":[]}");
    gives(&w, "{v = {{t = 'é', b = false}, {t = '', l = {1, 2}}}}",
          "{\"v\":[{\"b\":false,\"t\":\"é\"},{\"l\":[1,2],\"t\":\"\"}]}");
    refuses(&w, "{v = {{t = 'a'}, {t = 'b'}, {t = 'c'}}}", "input.v has more than 2 elements");
    refuses(&w, "{v = {{t = 'a'}, {t = 1}}}", "input.v[2].t is a number, declared is text");
    refuses(&w, "{v = {{t = 'a', l = {10}}}}", "input.v[1].l[1] is 10");
    refuses(&w, "{v = {{t = 'a', b = 1}}}", "input.v[1].b is a number, declared is a boolean");
    refuses(&w, "{v = {{t = '\\xC3'}}}", "not UTF-8");
    refuses(&w, "{v = {n = 1}}", "is not a list");
    world_end(&w);
}

static void test_input_is_a_copy(void **state)
{
    (void)state;
    struct world w = world_with("{list = 'integer 0..9', max = 3}", "input.v[1] = 9 return {v = {}}");
    gives(&w, "{v = {1}}", "{\"v\":[]}");
    lua_getfield(w.vm->L, 1, "v");
    lua_rawgeti(w.vm->L, -1, 1);
    assert_int_equal(lua_tointeger(w.vm->L, -1), 1);
    world_end(&w);
}

static void test_nothing_survives_a_call(void **state)
{
    (void)state;
    struct world w = world_with("'integer 0..9'", "count = (count or 0) + 1 r.n = (r.n or 0) + 1 "
                                                  "return {v = count + r.n}");
    for (int i = 0; i < 3; i++)
        gives(&w, "{v = 1}", "{\"v\":2}");
    world_end(&w);
}

static void test_required_files_are_fresh_and_shared_within_a_call(void **state)
{
    (void)state;
    static const char base[] =
        "local base = {n = 0} base.shapes = {} function base.examples() end return base";
    static const char rule[] =
        "local r = {} local base = require 'deep.base'\n"
        "r.shapes = {f = {input = {v = 'integer 0..9'}, result = {v = 'integer 0..9'}}}\n"
        "function r.f(input) base.n = base.n + input.v return {v = require('deep.base').n} end\n"
        "function r.examples() end return r";
    struct world w = world_of(fixture_bundle("lua/rules/deep/base.lua", base, "lua/rules/r.lua", rule, NULL));
    gives(&w, "{v = 3}", "{\"v\":3}");
    gives(&w, "{v = 4}", "{\"v\":4}");
    world_end(&w);
}

static void test_pairs_walks_sorted_keys(void **state)
{
    (void)state;
    struct world w =
        world_with("'text'", "local t = {z = 1, a = 2, ab = 3, [10] = 4, [9] = 5, [-1] = 6, [2.5] = 7, "
                             "[true] = 8, [9007199254740993] = 9, [2^60] = 10, B = 11, [''] = 12}\n"
                             "local seen = {} for k, v in pairs(t) do table.insert(seen, tostring(k)) end\n"
                             "return {v = table.concat(seen, ' ')}");
    gives(&w, "{v = ''}", "{\"v\":\"-1 2.5 9 10 9007199254740993 1152921504606846976  B a ab z true\"}");
    world_end(&w);
}

static void test_pairs_while_the_table_changes(void **state)
{
    (void)state;
    struct world w = world_with("'text'", "local t = {a = 1, b = 2, c = 3} local seen = ''\n"
                                          "for k in pairs(t) do seen = seen .. k t.b = nil t.d = 1 end\n"
                                          "return {v = seen}");
    gives(&w, "{v = ''}", "{\"v\":\"ac\"}");
    world_end(&w);
}

static void test_next_is_sorted_too(void **state)
{
    (void)state;
    struct world w =
        world_with("'text'", "local t, seen, k = {b = 1, a = 2, [1] = 3}, '', nil\n"
                             "repeat k = next(t, k) seen = seen .. tostring(k) .. ' ' until k == nil\n"
                             "local _, v = next({x = 5}) return {v = seen .. v}");
    gives(&w, "{v = ''}", "{\"v\":\"1 a b nil 5\"}");
    world_end(&w);
}

static void test_sort(void **state)
{
    (void)state;
    struct world w = world_with(
        "'text'", "local words = {'b', 'a', 'B', 'aa', ''} table.sort(words)\n"
                  "local numbers = {3, 1.5, -2, 2^53, 9007199254740993} table.sort(numbers)\n"
                  "local down = {1, 3, 2} table.sort(down, function(a, b) return a > b end)\n"
                  "local pairs_ = {} for i = 1, 200 do pairs_[i] = {i % 3, i} end\n"
                  "table.sort(pairs_, function(a, b) return a[1] < b[1] end)\n"
                  "for i = 2, 200 do local a, b = pairs_[i - 1], pairs_[i]\n"
                  "  assert(a[1] < b[1] or (a[1] == b[1] and a[2] < b[2])) end\n"
                  "assert(numbers[5] == 9007199254740993)\n"
                  "return {v = table.concat(words, ',') .. ' ' .. numbers[1] .. ' ' .. numbers[2] .. ' ' .. "
                  "table.concat(down)}");
    gives(&w, "{v = ''}", "{\"v\":\",B,a,aa,b -2 1.5 321\"}");
    world_end(&w);
}

static void test_table_library(void **state)
{
    (void)state;
    struct world w = world_with(
        "'text'", "local t = {1, 2, 3} table.insert(t, 4) table.insert(t, 1, 0)\n"
                  "assert(table.remove(t) == 4 and table.remove(t, 1) == 0 and #t == 3)\n"
                  "assert(table.remove({}) == nil)\n"
                  "assert(not pcall(table.insert, t, 5, 1) and not pcall(table.insert, t, 0, 1))\n"
                  "assert(not pcall(table.remove, t, 4) and not pcall(table.insert, t))\n"
                  "assert(not pcall(table.concat, {{}}))\n"
                  "local a, b = table.unpack({7, 8}) assert(a == 7 and b == 8)\n"
                  "assert(select('#', table.unpack({}, 1, 3)) == 3)\n"
                  "assert(select('#', table.unpack({}, 5, 1)) == 0)\n"
                  "assert(table.concat({1, 2, 3}, '-', 2, 3) == '2-3' and table.concat({}) == '')\n"
                  "return {v = table.concat(t, ' ')}");
    gives(&w, "{v = ''}", "{\"v\":\"1 2 3\"}");
    world_end(&w);
}

static void test_string_library(void **state)
{
    (void)state;
    struct world w = world_with(
        "'text'",
        "assert(('a.b'):find('.') == 2 and ('abc'):find('b', 3) == nil and ('abab'):find('ab', -2) == 3)\n"
        "assert(('abc'):find('') == 1 and (''):find('') == 1 and (''):find('', 2) == nil)\n"
        "assert(('x'):rep(0) == '' and ('x'):rep(-1) == '' and ('x'):rep(3, ',') == 'x,x,x')\n"
        "assert((''):rep(math.maxinteger) == '' and ('abc'):sub(2) == 'bc' and #'abc' == 3)\n"
        "assert(string.char(('A'):byte()) == 'A' and ('aB'):upper():lower() == 'ab')\n"
        "assert(tostring(1) == '1' and tostring(nil) == 'nil' and tostring(true) == 'true')\n"
        "assert(tonumber('0x10') == 16 and tonumber('z', 36) == 35 and math.type(tonumber('1.0')) == "
        "'float')\n"
        "assert(not pcall(string.format, '%d', 1.5) and not pcall(string.format, '%s'))\n"
        "return {v = string.format('%d|%s|%.2f|%.0f|%%', 3.0, true, 1 / 3, 2.5)}");
    gives(&w, "{v = ''}", "{\"v\":\"3|true|0.33|2|%\"}");
    world_end(&w);
}

static void test_pcall_catches_what_is_no_kill(void **state)
{
    (void)state;
    struct world w = world_with(
        "'text'", "local ok, e = pcall(error, {code = 'x'}) assert(ok == false and e.code == 'x')\n"
                  "local ok2, a, b = pcall(function(...) return ... end, 1, 2) assert(ok2 and b == 2)\n"
                  "local ok3, e3 = pcall(function() local x = nil return x.y end) assert(not ok3)\n"
                  "local ok4 = pcall(pcall) assert(not ok4)\n"
                  "return {v = e3}");
    gives(&w, "{v = ''}", "{\"v\":\"lua/rules/r.lua:4: attempt to index a nil value (local 'x')\"}");
    world_end(&w);
}

/* A chunk with more than 256 constants computes as any other. */
static void test_many_constants(void **state)
{
    (void)state;
    struct buf body = BUF_INIT;
    buf_append_str(&body, "local t = {");
    for (int i = 0; i < 300; i++)
        buf_appendf(&body, "%d.5, 'k%d', ", i, i);
    buf_append_str(
        &body, "} local sum = 0 for i = 1, #t, 2 do sum = sum + t[i] end\n"
               "return {v = (sum == 45000.0 and t[600] == 'k299' and 7 % 4 == 3 and 2^3 == 8.0) and 1 or 0}");
    struct world w = world_with("'integer 0..9'", body.data);
    gives(&w, "{v = 1}", "{\"v\":1}");
    buf_release(&body);
    world_end(&w);
}

/* The caller's VM is full: the result does not fit, and the caller's stack is as before. */
static void test_caller_without_memory(void **state)
{
    (void)state;
    struct world w =
        world_with("{list = 'text', max = 100}", "local t = {} for i = 1, 100 do t[i] = 'word' .. i end "
                                                 "return {v = t}");
    struct err err = {0};
    assert_int_equal(0, call(&w, "r", "f", "{v = {}}", NULL, NULL, &err));
    lua_settop(w.vm->L, 1);
    lua_gc(w.vm->L, LUA_GCCOLLECT);
    w.vm->memory_max = vm_memory(w.vm) + 256;
    assert_int_equal(-1, sandbox_call(w.sandbox, "r", "f", w.vm->L, 1, NULL, NULL, &err));
    w.vm->memory_max = 0;
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(lua_gettop(w.vm->L), 1);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_with_record_and_result),
        cmocka_unit_test(test_unknown_rule_and_function),
        cmocka_unit_test(test_input_is_checked),
        cmocka_unit_test(test_integers_are_exact),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_texts_lists_and_records),
        cmocka_unit_test(test_input_is_a_copy),
        cmocka_unit_test(test_nothing_survives_a_call),
        cmocka_unit_test(test_required_files_are_fresh_and_shared_within_a_call),
        cmocka_unit_test(test_pairs_walks_sorted_keys),
        cmocka_unit_test(test_pairs_while_the_table_changes),
        cmocka_unit_test(test_next_is_sorted_too),
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_table_library),
        cmocka_unit_test(test_string_library),
        cmocka_unit_test(test_pcall_catches_what_is_no_kill),
        cmocka_unit_test(test_many_constants),
        cmocka_unit_test(test_caller_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
