/* script/sandbox.h against rules that mean harm: each is stopped within its budget, and leaves no trace. */
#include "script_fixture.h"

#include "script/sandbox_private.h" /* limits are made tighter between two calls */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SLOW true
#define HELD_MS_MAX                                                                                          \
    150 /* TSan looks at every byte that a sort compares, ASan at every one that is given back */
#else
#define IS_SLOW false
#define HELD_MS_MAX 60 /* a worker: the budget, and throwing the state away */
#endif
#define MEMORY_SLACK_BYTES (96u << 10) /* garbage of good calls, not collected yet */

struct hostile {
    const char *name;
    enum err_code code; /* ERR_LIMIT: stopped; ERR_SCRIPT: refused */
    const char *text;   /* part of err.text, or NULL */
    const char *body;   /* of function bad(input) */
};

static const struct hostile rules[] = {
    /* time */
    {"loop", ERR_LIMIT, ":6: stopped after 1000000 instructions", "while true do end"},
    {"goto loop", ERR_LIMIT, "instructions", "::again:: goto again"},
    {"for over integers to the end", ERR_LIMIT, "instructions", "for i = 1, math.maxinteger do end"},
    {"for with a float step", ERR_LIMIT, "instructions", "for x = 0.0, 1.0, 1e-300 do end"},
    {"for that overflows", ERR_LIMIT, "instructions", "for i = math.mininteger, math.maxinteger do end"},
    {"repeat with an overflowing integer", ERR_LIMIT, "instructions",
     "local i = 0 repeat i = i + math.maxinteger until false"},
    {"pcall loop", ERR_LIMIT, "stopped after", "while true do pcall(error) end"},
    {"pcall around an endless loop", ERR_LIMIT, "instructions",
     "while true do pcall(function() while true do end end) end"},
    {"pcall nested in itself", ERR_LIMIT, NULL, "local function f() pcall(f) pcall(f) return f() end f()"},
    {"pcall of pcall", ERR_LIMIT, NULL, "while true do pcall(pcall, pcall, pcall, error, 'x') end"},
    {"kill swallowed and another result", ERR_LIMIT, "instructions",
     "pcall(function() while true do end end) return {n = 9}"},
    {"endless recursion by tail calls", ERR_LIMIT, "instructions",
     "local function f() return f() end return f()"},
    {"ping-pong of tail calls", ERR_LIMIT, "instructions",
     "local g local function f() return g() end g = function() return f() end return f()"},
    {"endless iterator", ERR_LIMIT, "instructions", "for _ in function() return 1 end do end"},
    {"sort with an endless comparator", ERR_LIMIT, "instructions",
     "table.sort({3, 2, 1}, function() while true do end end)"},
    {"sort with a lying comparator, for ever", ERR_LIMIT, NULL,
     "local t = {} for i = 1, 1000 do t[i] = i end while true do table.sort(t, function() return true end) "
     "end"},
    {"sort of long equal strings", ERR_LIMIT, "instructions",
     "local a = string.rep('a', 60000) local b, c = a .. 'b', a .. 'c' "
     "local t = {} for i = 1, 9000 do t[i] = i % 2 == 0 and b or c end table.sort(t)"},
    {"sort of long equal strings, by a comparator", ERR_LIMIT, NULL,
     "local a = string.rep('a', 60000) local b, c = a .. 'b', a .. 'c' "
     "local t = {} for i = 1, 9000 do t[i] = i % 2 == 0 and b or c end "
     "while true do table.sort(t, function(x, y) return x < y end) end"},
    {"comparing long strings", ERR_LIMIT, NULL,
     "local a, b = string.rep('a', 60000) .. 'x', string.rep('a', 60000) .. 'y' local n = 0 while true do if "
     "a < b then n = n + 1 end end"},
    {"equality of long strings", ERR_LIMIT, NULL,
     "local a, b = string.rep('a', 60000) .. 'x', string.rep('a', 60000) .. 'y' while true do if a == b then "
     "return {n = 1} end end"},
    {"comparing strings of NULs", ERR_LIMIT, NULL,
     "local a, b = string.rep('\\0', 65000) .. 'b', string.rep('\\0', 65000) .. 'c' "
     "while true do local x = a < b x = a < b x = a < b x = a < b x = a < b x = a < b end"},
    {"tonumber of long texts", ERR_LIMIT, NULL,
     "local s = '0x.' .. string.rep('f', 65000) .. 'p-300' while true do tonumber(s) math.abs(s) end"},
    {"a search that nearly succeeds", ERR_LIMIT, NULL,
     "local s = string.rep('ab', 32000) local w = string.rep('ab', 100) .. 'aa' while true do s:find(w) end"},
    {"string.rep in a loop", ERR_LIMIT, NULL, "while true do local s = string.rep('x', 65000) end"},
    {"string.upper in a loop", ERR_LIMIT, NULL,
     "local s = string.rep('x', 65000) while true do s = s:upper():lower():reverse() end"},
    {"string.find in a loop", ERR_LIMIT, NULL,
     "local s = string.rep('a', 65000) while true do s:find(string.rep('a', 32000) .. 'b') end"},
    {"string.byte of everything", ERR_LIMIT, NULL,
     "local s = string.rep('x', 65000) while true do local t = {s:byte(1, -1)} end"},
    {"table.concat in a loop", ERR_LIMIT, NULL,
     "local t = {} for i = 1, 6000 do t[i] = 'xxxxxxxxxx' end while true do table.concat(t) end"},
    {"table.insert at the front", ERR_LIMIT, NULL,
     "local t = {} for i = 1, 9000 do t[i] = i end while true do table.insert(t, 1, 0) table.remove(t, 1) "
     "end"},
    {"next over and over", ERR_LIMIT, NULL,
     "local t = {} for i = 1, 8000 do t['k' .. i] = i end local k while true do k = next(t, k) end"},
    {"pairs over and over", ERR_LIMIT, NULL,
     "local t = {} for i = 1, 8000 do t['k' .. i] = i end while true do for k in pairs(t) do break end end"},
    {"colliding keys", ERR_LIMIT, NULL,
     "local t = {} for i = 1, 100000 do t[i * 8191 * 16383 * 32767] = i end"},
    {"tostring in a loop", ERR_LIMIT, NULL,
     "local i = 0.1 while true do i = tonumber(tostring(i)) + 1e300 end"},
    {"string.format in a loop", ERR_LIMIT, NULL,
     "while true do string.format('%.14f%.14f%.14f', 1e308, 1e308, 1e308) end"},
    {"require in a loop", ERR_LIMIT, NULL, "while true do require 'other' end"},
    {"loop in a required file", ERR_LIMIT, "lua/rules/endless.lua:3: stopped", "require('endless').run({})"},
    {"loop in a required file, swallowed", ERR_LIMIT, "lua/rules/endless.lua:3: stopped",
     "pcall(require('endless').run, {}) return {n = 1}"},
    /* memory */
    {"growing table", ERR_LIMIT, NULL, "local t = {} while true do t[#t + 1] = {} end"},
    {"growing table of strings", ERR_LIMIT, "bad.lua:6: stopped",
     "local t = {} for i = 1, 1e9 do t[i % 16000] = string.rep('x', 4000) .. i end"},
    {"linked list", ERR_LIMIT, "memory", "local l while true do l = {l, 1, 2, 3, 4, 5, 6, 7, 8} end"},
    {"closures", ERR_LIMIT, "memory",
     "local f = function() end while true do local g, a, b, c = f, 1, 2, 3 f = function() return g, a, b, c "
     "end end"},
    {"concatenation doubling", ERR_LIMIT, "a string of more than 65536 bytes",
     "local s = 'x' while true do s = s .. s end"},
    {"one huge concatenation", ERR_LIMIT, "a string of more than",
     "local s = string.rep('x', 60000) return {n = #(s .. s .. s .. s)}"},
    {"memory swallowed by pcall", ERR_LIMIT, NULL,
     "while true do pcall(function() local l while true do l = {l, 1, 2, 3, 4, 5, 6, 7, 8} end end) end"},
    {"garbage at the brim", ERR_LIMIT, NULL,
     "local keep for i = 1, 1e9 do local ok = pcall(function() keep = {keep, {}, {}, {}} end) if not ok then "
     "keep = keep[1] end end"},
    {"deep recursion", ERR_LIMIT, NULL, "local function f(n) return 1 + f(n + 1) end return {n = f(1)}"},
    {"deep recursion, swallowed", ERR_LIMIT, NULL,
     "local function f(n) return 1 + f(n + 1) end while true do pcall(f, 1) end"},
    {"recursion through sort", ERR_LIMIT, NULL,
     "local function f() table.sort({1, 2, 3}, function() return f() end) end while true do pcall(f) end"},
    {"recursion through sort, not swallowed", ERR_SCRIPT, "C stack overflow",
     "local function f() table.sort({1, 2, 3}, function() return f() end) end f()"},
    {"table with a giant array", ERR_LIMIT, NULL, "local t = {} for i = 1, 1e8 do t[i] = i end"},
    {"sparse table", ERR_LIMIT, NULL, "local t = {} for i = 1, 1e8 do t[i * 1000003] = i end"},
    {"many arguments", ERR_LIMIT, NULL,
     "local function f(...) return f(0, 0, 0, 0, 0, 0, 0, 0, ...) end return f()"},
    {"globals", ERR_LIMIT, NULL, "for i = 1, 1e8 do _ENV['g' .. i] = {} end"},
    {"much to throw away", ERR_LIMIT, NULL,
     "local l for i = 1, 70000 do l = {l} end while true do pcall(error) end"},
    {"closures to throw away", ERR_LIMIT, NULL,
     "local f = function() end for i = 1, 75000 do local g = f f = function() return g end end "
     "while true do pcall(function() local a = {} end) end"},
    {"garbage at the brim, never kept", ERR_LIMIT, NULL,
     "local l for i = 1, 88000 do l = {l} end while true do local x = {{}, {}, {}} end"},
    {"upvalues at the brim", ERR_LIMIT, NULL,
     "local l for i = 1, 1e9 do local a, b, c = i, i, i local g = l local ok, x = pcall(function() return "
     "function() a = a + 1 b = b + 1 c = c + 1 return g end end) if ok then l = x end end"},
    {"garbage of every size", ERR_LIMIT, NULL,
     "while true do for size = 1, 30 do local l for i = 1, 4000000 // (16 * size + 60) do "
     "local t = {} for k = 1, size do t[k] = k end l = {l, t} end end end"},
    /* bounded library functions refuse, and pcall may see that */
    {"string.rep of the impossible", ERR_SCRIPT, "string.rep would make",
     "return {n = #string.rep('x', 1e15)}"},
    {"string.rep with a separator", ERR_SCRIPT, "string.rep would make",
     "return {n = #string.rep('', math.maxinteger, 'yy')}"},
    {"rep by the string metatable", ERR_SCRIPT, "string.rep would make",
     "return {n = #('x'):rep(math.maxinteger)}"},
    {"table.concat of the impossible", ERR_SCRIPT, "elements",
     "return {n = #table.concat({}, 'x', math.mininteger, math.maxinteger)}"},
    {"table.concat too long", ERR_SCRIPT, "table.concat would make",
     "local t = {} for i = 1, 100 do t[i] = string.rep('x', 1000) end return {n = #table.concat(t)}"},
    {"table.unpack of too much", ERR_SCRIPT, "more than 200 elements",
     "return {n = select('#', table.unpack({}, 1, 1e7))}"},
    {"table.unpack wrapping round", ERR_SCRIPT, "more than 200 elements",
     "table.unpack({}, math.mininteger, math.maxinteger)"},
    {"a list too long for table.sort", ERR_SCRIPT, "more than 10000 elements",
     "local t = {} for i = 1, 10001 do t[i] = i end table.sort(t)"},
    {"sort without an order", ERR_SCRIPT, "no order", "table.sort({{}, {}})"},
    {"sort of mixed elements", ERR_SCRIPT, "not all numbers or all strings", "table.sort({1, 'a', 2})"},
    {"sort with a failing comparator", ERR_SCRIPT, ":6: no",
     "table.sort({2, 1}, function() error('no') end)"},
    {"pairs over tables as keys", ERR_SCRIPT, "has no order",
     "for k in pairs({[{}] = 1, [print or 1] = 2}) do end"},
    {"string.format with a width", ERR_SCRIPT, "string.format knows only", "string.format('%999999d', 1)"},
    {"string.format of an address", ERR_SCRIPT, "string.format knows only", "string.format('%p', {})"},
    {"string.format ending early", ERR_SCRIPT, "string.format knows only", "string.format('%')"},
    {"tostring of a table", ERR_SCRIPT, "has no text", "return {n = #tostring({})}"},
    {"tostring of a function", ERR_SCRIPT, "has no text", "return {n = #tostring(pairs)}"},
    {"%s of a table", ERR_SCRIPT, "has no text", "return {n = #string.format('%s', {})}"},
    /* what must not be there */
    {"load", ERR_SCRIPT, "global 'load'", "return load('return {n = 1}')()"},
    {"coroutine", ERR_SCRIPT, "global 'coroutine'", "return coroutine.wrap(function() return {n = 1} end)()"},
    {"setmetatable", ERR_SCRIPT, "global 'setmetatable'",
     "return setmetatable({n = 1}, {__gc = function() while true do end end})"},
    {"getmetatable", ERR_SCRIPT, "global 'getmetatable'", "getmetatable('').__index = nil"},
    {"string.dump", ERR_SCRIPT, "field 'dump'", "string.dump(function() end)"},
    {"gsub", ERR_SCRIPT, "field 'gsub'", "string.gsub('x', 'x', 'y')"},
    {"patterns by methods", ERR_SCRIPT, "method 'match'", "return {n = #('x'):match('.-.-.-.-x')}"},
    {"table.move", ERR_SCRIPT, "field 'move'", "table.move({}, 1, 1099511627776, 2)"},
    {"random", ERR_SCRIPT, "field 'random'", "return {n = math.random(10)}"},
    {"clock", ERR_SCRIPT, "global 'os'", "return {n = os.time()}"},
    {"debug", ERR_SCRIPT, "global 'debug'", "debug.sethook()"},
    {"files", ERR_SCRIPT, "global 'io'", "io.open('/etc/passwd')"},
    {"collectgarbage", ERR_SCRIPT, "global 'collectgarbage'", "collectgarbage('stop')"},
    {"_G", ERR_SCRIPT, "global '_G'", "_G.pcall = nil"},
    {"require of the app", ERR_SCRIPT, "no rule file", "require 'app'"},
    {"require out of the folder", ERR_SCRIPT, "no rule file", "require '../app'"},
    /* leaving something behind */
    {"change string", ERR_SCRIPT, "cannot be changed", "string.rep = nil"},
    {"change math", ERR_SCRIPT, "cannot be changed", "math.floor = function() return 7 end"},
    {"change a library by table.insert", ERR_SCRIPT, "cannot be changed", "table.insert(string, 1)"},
    {"change a library by table.sort", ERR_SCRIPT, "cannot be changed", "table.sort(math)"},
    {"change a string's methods", ERR_SCRIPT, "attempt to index a string value", "('').rep = 1"},
    /* errors of every kind */
    {"error with a table", ERR_SCRIPT, ":6: error with a table", "error({})"},
    {"error with itself", ERR_SCRIPT, "error with a table", "local t = {} t[1] = t error(t)"},
    {"error with nil", ERR_SCRIPT, "error with a nil", "error()"},
    {"error with a function", ERR_SCRIPT, "error with a function", "error(pairs)"},
    {"error without a place", ERR_SCRIPT, "lua/rules/bad.lua:6: nowhere", "error('nowhere', 0)"},
    {"error with a number", ERR_SCRIPT, "error with a number", "error(42)"},
    {"error with a long text", ERR_SCRIPT, ":6: xxxx", "error(string.rep('x', 60000))"},
    {"assert", ERR_SCRIPT, "assertion failed", "assert(false)"},
    {"index nil", ERR_SCRIPT, "lua/rules/bad.lua:6: attempt to index a nil value", "local x return x.y"},
    {"arithmetic on a string", ERR_SCRIPT, "attempt to perform arithmetic", "return {n = '1' + 1}"},
    /* results that are none */
    {"no result", ERR_SCRIPT, "result is missing", "return"},
    {"a number for a table", ERR_SCRIPT, "result is a number", "return 1"},
    {"a missing field", ERR_SCRIPT, "result.n is missing", "return {}"},
    {"an unknown field", ERR_SCRIPT, "unknown field \"m\"", "return {n = 1, m = 2}"},
    {"a numbered field", ERR_SCRIPT, "no field name", "return {n = 1, 2}"},
    {"a field with NUL", ERR_SCRIPT, "unknown field", "return {['n\\0'] = 1}"},
    {"too large", ERR_SCRIPT, "result.n is 11, allowed are 0..10", "return {n = 11}"},
    {"negative", ERR_SCRIPT, "result.n is -1", "return {n = -1}"},
    {"overflowed", ERR_SCRIPT, "result.n is -9223372036854775808", "return {n = math.maxinteger + 1}"},
    {"a fraction", ERR_SCRIPT, "result.n is 1.5", "return {n = 1.5}"},
    {"a whole float", ERR_SCRIPT, "result.n is 2, a float", "return {n = 4 / 2}"},
    {"NaN", ERR_SCRIPT, "a float", "return {n = 0 / 0}"},
    {"infinity", ERR_SCRIPT, "a float", "return {n = 1 / 0}"},
    {"NaN where numbers are allowed", ERR_SCRIPT, "result.x is", "return {n = 1, x = 0 / 0}"},
    {"infinity where numbers are allowed", ERR_SCRIPT, "result.x is inf", "return {n = 1, x = math.huge}"},
    {"a number as text", ERR_SCRIPT, "result.n is a string", "return {n = '1'}"},
    {"a function", ERR_SCRIPT, "result.n is a function", "return {n = pairs}"},
    {"itself", ERR_SCRIPT, "result.n is a table", "local t = {} t.n = t return t"},
    {"a circle in a list", ERR_SCRIPT, "result.list[1] is a table",
     "local t = {n = 1, list = {}} t.list[1] = t.list return t"},
    {"a long list", ERR_SCRIPT, "result.list has more than 3 elements",
     "return {n = 1, list = {1, 2, 3, 4}}"},
    {"a list with a hole", ERR_SCRIPT, "result.list", "return {n = 1, list = {1, nil, 3}}"},
    {"a list with names", ERR_SCRIPT, "is not a list", "return {n = 1, list = {1, x = 2}}"},
    {"a huge list", ERR_SCRIPT, "more than 3 elements",
     "local t = {} for i = 1, 9000 do t[i] = 1 end return {n = 1, list = t}"},
    {"a long text", ERR_SCRIPT, "longer than 1000 bytes", "return {n = 1, s = string.rep('x', 1001)}"},
    {"text that is not UTF-8", ERR_SCRIPT, "not UTF-8", "return {n = 1, s = '\\xff'}"},
    {"text with NUL", ERR_SCRIPT, "not UTF-8 without NUL", "return {n = 1, s = 'a\\0b'}"},
    {"deep inside", ERR_SCRIPT, "result.deep.inner[2].x is 7, allowed are 0..1",
     "return {n = 1, deep = {inner = {{x = 0}, {x = 7}}}}"},
    {"changed input", ERR_SCRIPT, "result is a function", "input.x = 1 return pairs"},
};

static const char before[] =
    "local r = {}\n"
    "local shape = {n = 'integer 0..10', x = 'number -5..5?', s = 'text?', b = 'boolean?',\n"
    "  list = {list = 'integer 0..9', max = 3, optional = true}, deep = {optional = true,\n"
    "  record = {inner = {list = {record = {x = 'integer 0..1'}}, max = 2}}}}\n"
    "r.shapes = {bad = {input = {}, result = shape}, good = {input = {a = 'integer 0..9'}, result = shape}}\n"
    "function r.bad(input) ";
static const char after[] =
    " end\n"
    "function r.good(input)\n"
    "  assert(seen == nil) seen = true\n"
    "  local t = {'c', 'a', 'b'} table.sort(t)\n"
    "  assert(table.concat(t, '-') == 'a-b-c' and ('x'):rep(3) == 'xxx' and math.floor(2.5) == 2)\n"
    "  assert(string.format('%d %s %.2f%%', 3, 'x', 1.005) == '3 x 1.00%' and (' a'):find('a') == 2)\n"
    "  assert(pcall(error) == false and next({}) == nil and require 'other'.count == 1)\n"
    "  return {n = input.a + 1}\n"
    "end\n"
    "function r.examples() return {{call = 'good', input = {a = 1}, expect = {n = 2}}} end\n"
    "return r\n";

static const char other[] = "local r = {count = 1} r.shapes = {} function r.examples() end return r";
static const char endless[] = "local r = {} r.shapes = {run = {input = {}, result = {}}}\n"
                              "function r.examples() end\n"
                              "function r.run(input) while true do end end return r";

static struct bundle *hostile_bundle(const char *body)
{
    struct buf text = BUF_INIT;
    buf_append_str(&text, before);
    buf_append_str(&text, body);
    buf_append_str(&text, after);
    struct bundle *b = fixture_bundle("lua/rules/bad.lua", text.data, "lua/rules/other.lua", other,
                                      "lua/rules/endless.lua", endless, NULL);
    buf_release(&text);
    return b;
}

static void good_call_is_right(struct sandbox *s, lua_State *L, const char *name)
{
    struct err err = {0};
    struct buf result = BUF_INIT;
    for (lua_Integer a = 0; a < 3; a++) {
        buf_clear(&result);
        lua_createtable(L, 0, 1);
        lua_pushinteger(L, a);
        lua_setfield(L, -2, "a");
        if (sandbox_call(s, "bad", "good", L, -1, NULL, &result, &err) < 0)
            fail_msg("after \"%s\": %s", name, err.text);
        char expected[32];
        snprintf(expected, sizeof expected, "{\"n\":%d}", (int)a + 1);
        assert_string_equal(result.data, expected);
        lua_settop(L, 0);
    }
    buf_release(&result);
}

static void bad_call_is_stopped(struct sandbox *s, lua_State *L, const struct hostile *rule)
{
    struct err err = {0};
    lua_createtable(L, 0, 0);
    uint64_t begun = thread_cpu_ns();
    int rc = sandbox_call(s, "bad", "bad", L, 1, NULL, NULL, &err);
    uint64_t used_ms = (thread_cpu_ns() - begun) / 1000000;
    if (rc == 0)
        fail_msg("\"%s\" got through", rule->name);
    assert_int_equal(lua_gettop(L), 1);
    lua_settop(L, 0);
    if (used_ms > HELD_MS_MAX)
        fail_msg("\"%s\" used %d ms: %s", rule->name, (int)used_ms, err.text);
    /* On a slow machine the CPU clock may stop a rule before it gets to its own end. */
    bool is_out_of_time = IS_SLOW && err.code == ERR_LIMIT && strstr(err.text, ": stopped after 50 ms");
    if (!is_out_of_time && (err.code != rule->code || (rule->text && !strstr(err.text, rule->text))))
        fail_msg("\"%s\": %s: %s", rule->name, err_code_name(err.code), err.text);
    if (strncmp(err.text, "lua/rules/", 10) != 0)
        fail_msg("\"%s\": no place in: %s", rule->name, err.text);
}

static void try_rule(struct vm *vm, const struct hostile *rule)
{
    struct err err = {0};
    struct bundle *b = hostile_bundle(rule->body);
    struct sandbox *s = sandbox_new(b, &FIXTURE_LIMITS, &err);
    if (s == NULL)
        fail_msg("\"%s\": %s", rule->name, err.text);
    good_call_is_right(s, vm->L, rule->name);
    size_t base = sandbox_memory(s);
    for (int round = 0; round < 2; round++) {
        bad_call_is_stopped(s, vm->L, rule);
        assert_true(sandbox_memory(s) <= base + MEMORY_SLACK_BYTES);
        good_call_is_right(s, vm->L, rule->name);
        if (sandbox_memory(s) > base + MEMORY_SLACK_BYTES)
            fail_msg("\"%s\" left %zu bytes", rule->name, sandbox_memory(s) - base);
    }
    sandbox_free(s);
    bundle_unref(b);
}

static void test_every_hostile_rule(void **state)
{
    (void)state;
    struct bundle *none = fixture_bundle_new();
    struct vm *vm = fixture_vm(VM_APP, none);
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        try_rule(vm, &rules[i]);
    vm_free(vm);
    bundle_unref(none);
}

/* A hundred kills in one sandbox: nothing piles up. */
static void test_many_kills_leave_memory_flat(void **state)
{
    (void)state;
    struct err err = {0};
    struct hostile bomb = {"bomb", ERR_LIMIT, NULL, "local l while true do l = {l, l, l, l, l} end"};
    struct bundle *b = hostile_bundle(bomb.body);
    struct vm *vm = fixture_vm(VM_APP, b);
    struct sandbox_limits small = {.cpu_ms = 50, .instructions = 1000000, .memory_bytes = 256u << 10};
    struct sandbox *s = sandbox_new(b, &small, &err);
    assert_non_null(s);
    good_call_is_right(s, vm->L, bomb.name);
    size_t base = sandbox_memory(s);
    for (int i = 0; i < 100; i++)
        bad_call_is_stopped(s, vm->L, &bomb);
    good_call_is_right(s, vm->L, bomb.name);
    assert_true(sandbox_memory(s) <= base + MEMORY_SLACK_BYTES);
    sandbox_free(s);
    vm_free(vm);
    bundle_unref(b);
}

/* Memory runs out at every possible place of a call; each time the call fails whole, and the next one is
 * right. */
static void test_memory_running_out_anywhere(void **state)
{
    (void)state;
    struct err err = {0};
    struct bundle *b = hostile_bundle(
        "local t = {} for i = 1, 20 do t[i] = {'k' .. i, i} end\n"
        "pcall(function() for k in pairs({a = 1, b = 2}) do t[k] = string.format('%d %s', k == 'a' and 1 or "
        "2, k) end end)\n"
        "pcall(table.sort, t, function(x, y) return x[2] > y[2] end)\n"
        "return {n = 7, s = table.concat({'a', 'b', 'c'}, string.rep('-', 20)), list = {1, 2, 3}}");
    struct vm *vm = fixture_vm(VM_APP, b);
    struct sandbox *s = sandbox_new(b, &FIXTURE_LIMITS, &err);
    assert_non_null(s);
    int failures = 0, rc = -1;
    for (size_t bytes = 0; rc < 0; bytes += 24) {
        struct sandbox_limits limits = FIXTURE_LIMITS;
        limits.memory_bytes = bytes;
        s->limits = limits;
        lua_createtable(vm->L, 0, 0);
        rc = sandbox_call(s, "bad", "bad", vm->L, 1, NULL, NULL, &err);
        if (rc < 0) {
            assert_int_equal(err.code, ERR_LIMIT);
            assert_non_null(strstr(err.text, "memory"));
            assert_int_equal(lua_gettop(vm->L), 1);
            failures++;
        }
        lua_settop(vm->L, 0);
        assert_true(bytes < FIXTURE_LIMITS.memory_bytes);
    }
    assert_true(failures > 50);
    s->limits = FIXTURE_LIMITS;
    good_call_is_right(s, vm->L, "memory running out");
    sandbox_free(s);
    vm_free(vm);
    bundle_unref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_hostile_rule),
        cmocka_unit_test(test_many_kills_leave_memory_flat),
        cmocka_unit_test(test_memory_running_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
