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

static int set_up(void **state)
{
    struct fixture *f = fixture_new();
    struct sandbox_limits limits = {.cpu_ms = 50, .instructions = 1000000, .memory_bytes = 8 << 20};
    struct err err;
    fixture_write(f, "lua/rules/double.lua", rule);
    fixture_open(f);
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

static void needs_a_rule_vm(void **state)
{
    struct fixture *f = *state;
    struct sandbox *rules = f->context.rules;
    f->context.rules = NULL;
    fixture_run(f, FAILS "fails('internal', require 'rules'.call, 'double', 'twice', {n = 1})");
    f->context.rules = rules;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(returns_result_and_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_are_raised_and_logged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(needs_a_rule_vm, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
