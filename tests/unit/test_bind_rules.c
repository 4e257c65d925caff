/* Lua module rules: a call, its record, and each way it fails. */
#include "bind_fixture.h"

#include "bind_capture.h"

static const char rule[] =
    "local double = {}\n"
    "double.shapes = {\n"
    "  twice = {input = {n = 'integer 0..100'}, result = {n = 'integer 0..100'}},\n"
    "  loop = {input = {}, result = {}},\n"
    "  fail = {input = {}, result = {}},\n"
    "}\n"
    "function double.twice(input) return {n = 2 * input.n} end\n"
    "function double.loop() while true do end end\n"
    "function double.fail() error('broken rule') end\n"
    "function double.examples() return {{call = 'twice', input = {n = 1}, expect = {n = 2}}} end\n"
    "return double\n";

static const char candidate_rule[] =
    "local triple = {parameters = {factor = 3}}\n"
    "triple.shapes = {times = {input = {n = 'integer 0..9'}, result = {n = 'integer 0..27'}}}\n"
    "function triple.times(input) return {n = triple.parameters.factor * input.n} end\n"
    "function triple.examples() return {{call = 'times', input = {n = 1}, expect = {n = 3}}} end\n"
    "return triple\n";

static int set_up(void **state)
{
    struct fixture *f = fixture_new();
    struct sandbox_limits limits = {.cpu_ms = 50, .instructions = 1000000, .memory_bytes = 8 << 20};
    struct err err;
    fixture_write(f, "lua/rules/double.lua", rule);
    fixture_write(f, "lua/checks/double.lua",
                  "return {{name = 'doubles', check = function(call)\n"
                  "  for n = 0, 50 do local got = call('double', 'twice', {n = n}).n\n"
                  "    if got ~= 2 * n then return n .. ' gives ' .. got end end\n"
                  "end}}");
    fixture_write(f, "other/triple.lua", candidate_rule);
    fixture_open(f);
    f->context.rule_limits = limits;
    f->context.rules = sandbox_new(f->vm->bundle, &limits, &err);
    if (f->context.rules == NULL)
        fail_msg("%s", err.text);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    sandbox_free(f->context.rules);
    fixture_free(f);
    return 0;
}

static void returns_result_and_record(void **state)
{
    struct fixture *f = *state;
    fixture_run(f, "local rules = require 'rules'\n"
                   "local result, call = rules.call('double', 'twice', {n = 21})\n"
                   "assert(result.n == 42 and call.rule == 'double.twice')\n"
                   "assert(call.input == '{\"n\":21}' and call.result == '{\"n\":42}')\n"
                   "assert(call.version == ('a'):rep(64) and rules.version() == call.version)\n"
                   "assert(select('#', rules.call('double', 'twice', {n = 1})) == 2)\n");
}

static void failures_are_raised_and_logged(void **state)
{
    struct fixture *f = *state;
    struct capture c;
    capture_begin(&c);
    fixture_run(f, FAILS "local rules = require 'rules'\n"
                         "local e = fails('script', rules.call, 'double', 'fail', {})\n"
                         "assert(e.message:find('^lua/rules/double.lua:9: broken rule'), e.message)\n"
                         "fails('limit', rules.call, 'double', 'loop', {})\n"
                         "fails('script', rules.call, 'double', 'twice', {n = 51})\n"
                         "fails('invalid', rules.call, 'double', 'twice', {n = 101})\n"
                         "fails('invalid', rules.call, 'double', 'twice', {n = 1, m = 1})\n"
                         "fails('invalid', rules.call, 'none', 'twice', {n = 1})\n"
                         "fails('invalid', rules.call, 'double', 'none', {n = 1})\n"
                         "assert(not pcall(rules.call, 'double', 'twice')); assert(not pcall(rules.call))\n"
                         "assert(rules.call('double', 'twice', {n = 4}).n == 8)\n");
    const char *log = capture_end(&c);
    assert_non_null(strstr(log, "\"rule\":\"double.fail\""));
    assert_non_null(strstr(log, "lua/rules/double.lua:9: broken rule"));
}

/* A finalizer runs whenever there is garbage, also while a result is handed over: what it calls is answered
 * or refused, and nothing of it gets into the call that it has interrupted. */
static void finalizers_change_no_call(void **state)
{
    struct fixture *f = *state;
    struct capture c;
    capture_begin(&c); /* each refusal is logged */
    fixture_run(
        f,
        "local rules = require 'rules'\n"
        "local asked, answered, refused = {__gc = function() end}, 0, 0\n"
        "asked.__gc = function()\n"
        "  local ok, result, call = pcall(rules.call, 'double', 'twice', {n = 3})\n"
        "  if not ok then refused = refused + 1; return end\n"
        "  assert(result.n == 6 and call.input == '{\"n\":3}' and call.result == '{\"n\":6}')\n"
        "  answered = answered + 1\n"
        "end\n"
        "collectgarbage('incremental', 100, 100, 6)\n"
        "local i = 0\n"
        "while i < 300 or (answered == 0 or refused == 0) and i < 100000 do\n"
        "  i = i + 1\n"
        "  local n = i % 50; setmetatable({('x'):rep(41 + 7 * i % 997)}, asked)\n"
        "  for _ = 1, i % 7 do local _ = {} end\n"
        "  local result, call = rules.call('double', 'twice', {n = n})\n"
        "  assert(result.n == 2 * n, result.n)\n"
        "  assert(call.input == ('{\"n\":%d}'):format(n) and call.result == ('{\"n\":%d}'):format(2 * n))\n"
        "end\n"
        "assert(answered > 0 and refused > 0, answered .. ' ' .. refused)\n");
    capture_end(&c);
}

static void needs_a_rule_vm(void **state)
{
    struct fixture *f = *state;
    struct sandbox *rules = f->context.rules;
    f->context.rules = NULL;
    fixture_run(f, FAILS "fails('internal', require 'rules'.call, 'double', 'twice', {n = 1})");
    f->context.rules = rules;
}

/* What is live, opened again, is the same version and gives the same. */
static void candidates_of_sources(void **state)
{
    struct fixture *f = *state;
    fixture_run(f, FAILS
                "local rules = require 'rules'\n"
                "local sources = rules.sources()\n"
                "local path = 'lua/rules/double.lua'\n"
                "assert(next(sources) == path and next(sources, path) == nil)\n"
                "local c <close> = assert(rules.open(sources))\n"
                "local result, call = c:call('double', 'twice', {n = 21})\n"
                "assert(result.n == 42 and call.version == c:version() and call.input == '{\"n\":21}')\n"
                "assert(c:sources()[path] == sources[path] and c:parameters().double == nil)\n"
                "assert(c:shapes().double.twice.input.n == 'integer 0..100')\n"
                "fails('script', c.call, c, 'double', 'fail', {})\n"
                "fails('invalid', c.call, c, 'double', 'none', {})\n"
                "sources[path] = sources[path]:gsub('2 %* input.n', 'input.n == 7 and 9 or 2 * input.n')\n"
                "local other <close> = assert(rules.open(sources))\n"
                "assert(other:version() ~= c:version() and other:call('double', 'twice', {n = 7}).n == 9)\n"
                "assert(rules.call('double', 'twice', {n = 7}).n == 14)\n"
                "local faults, examples, properties = c:check()\n"
                "assert(#faults == 2 and examples == -1 and properties == 1, faults[1])\n"
                "assert(faults[1]:find('there is no example of') == #'lua/rules/double.lua:10: ' + 1)\n"
                "faults, examples, properties = other:check()\n"
                "assert(faults[3] == 'lua/rules/double.lua: property \"doubles\": 7 gives 9', faults[3])\n"
                "assert(properties == -1)\n");
}

static void candidates_of_folders(void **state)
{
    struct fixture *f = *state;
    char script[2000];
    snprintf(script, sizeof(script),
             FAILS
             "local rules = require 'rules'\n"
             "local root = '%s'\n"
             "local live = assert(rules.open_directory(root))\n"
             "local again = assert(rules.open(rules.sources()))\n"
             "assert(live:version() == again:version() and #live:version() == 64)\n"
             "local c = assert(rules.open_directory(root .. '/other'))\n"
             "assert(c:call('triple', 'times', {n = 4}).n == 12 and c:parameters().triple.factor == 3)\n"
             "assert(c:sources()['lua/rules/triple.lua'])\n"
             "local faults = c:check()\n"
             "assert(#faults == 1 and faults[1]:find('no such rule file'), faults[1])\n"
             "local none, err = rules.open_directory(root .. '/gone')\n"
             "assert(none == nil and err.code == 'io' and err.message:find('gone'), err.message)\n"
             "none, err = rules.open_directory(root .. '/lua/checks')\n"
             "assert(none == nil and err.code == 'script', err and err.message)\n",
             f->root);
    fixture_run(f, script);
}

static void candidates_that_are_refused(void **state)
{
    struct fixture *f = *state;
    fixture_run(
        f, "local rules = require 'rules'\n"
           "local function refused(sources, reason)\n"
           "  local c, err = rules.open(sources)\n"
           "  assert(c == nil and err.message:find(reason, 1, true), err and err.message)\n"
           "end\n"
           "refused({['lua/rules/a.lua'] = 'return {'}, 'lua/rules/a.lua:1: ')\n"
           "refused({['lua/rules/a.lua'] = '\\n while true do end'}, 'lua/rules/a.lua:2: stopped after')\n"
           "refused({['lua/rules/a.lua'] = 'return 1 & 2'}, 'bitwise operator')\n"
           "refused({['lua/rules/a.lua'] = '\\xff'}, 'not UTF-8')\n"
           "refused({['lua/rules/a.lua'] = ('x'):rep(65537)}, 'larger than 65536 bytes')\n"
           "refused({['lua/app.lua'] = 'return 1'}, 'not the path of a rule file')\n"
           "refused({['lua/rules/.lua'] = 'return 1'}, 'not the path of a rule file')\n"
           "assert(not pcall(rules.open)); assert(not pcall(rules.open, {1}))\n"
           "assert(not pcall(rules.open, {x = 1})); assert(not pcall(rules.open_directory))\n"
           "local c = assert(rules.open({}))\n"
           "assert(next(c:sources()) == nil and next(c:parameters()) == nil)\n"
           "c:close() c:close()\n"
           "for _, name in ipairs({'call', 'check', 'version', 'sources', 'parameters', 'shapes'}) do\n"
           "  local ok, why = pcall(c[name], c, 'a', 'b', {})\n"
           "  assert(not ok and tostring(why):find('closed'), why)\n"
           "end\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(returns_result_and_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_are_raised_and_logged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finalizers_change_no_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(needs_a_rule_vm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(candidates_of_sources, set_up, tear_down),
        cmocka_unit_test_setup_teardown(candidates_of_folders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(candidates_that_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
