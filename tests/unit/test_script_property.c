/* script/property.h: properties that hold and that do not, and checks that are broken themselves. */
#include "script_fixture.h"

#include "script/property.h"

/* double(n) is wrong for 13; loop never ends. */
static const char rule[] =
    "local r = {parameters = {factor = 2, days = {1, 3, 7}, names = {[4] = 'four', x = true}}}\n"
    "r.shapes = {\n"
    "  double = {input = {n = 'integer 0..100'}, result = {n = 'integer 0..150'}},\n"
    "  loop = {input = {}, result = {}},\n"
    "}\n"
    "function r.double(input) return {n = input.n == 13 and 27 or r.parameters.factor * input.n} end\n"
    "function r.loop() while true do end end\n"
    "function r.examples() return {{call = 'double', input = {n = 1}, expect = {n = 2}}} end\n"
    "return r\n";

static void collect(void *data, const char *text)
{
    buf_appendf(data, "%s\n", text);
}

/* The number of properties, or -1 and the faults, of lua/checks/deep/r.lua. */
static int run_stage(const char *check, enum property_stage stage, struct buf *faults)
{
    struct err err = {0};
    struct bundle *b = fixture_bundle("lua/rules/r.lua", rule, "lua/checks/deep/r.lua", check, NULL);
    struct sandbox *s = sandbox_new(b, &FIXTURE_LIMITS, &err);
    if (s == NULL)
        fail_msg("%s", err.text);
    int count = property_check(b, s, stage, collect, faults);
    sandbox_free(s);
    bundle_unref(b);
    return count;
}

static int run(const char *check, struct buf *faults)
{
    return run_stage(check, PROPERTY_REST, faults);
}

static void holds(const char *check, int count)
{
    struct buf faults = BUF_INIT;
    int found = run(check, &faults);
    if (found != count)
        fail_msg("%d: %s", found, faults.data ? faults.data : "");
    assert_null(faults.data);
}

static void fails(const char *check, const char *wanted)
{
    struct buf faults = BUF_INIT;
    assert_int_equal(-1, run(check, &faults));
    if (strcmp(faults.data, wanted) != 0)
        fail_msg("expected: %s\nbut got: %s", wanted, faults.data);
    buf_release(&faults);
}

static void test_properties_that_hold(void **state)
{
    (void)state;
    holds("return {}", 0);
    holds("return {{name = 'doubles', check = function(call)\n"
          "  for n = 20, 70 do assert(call('r', 'double', {n = n}).n == 2 * n) end\n"
          "end}, {name = 'empty', check = function() end}}",
          2);
    holds(
        "return {{name = 'parameters', check = function(_, parameters)\n"
        "  local p = parameters('r')\n"
        "  assert(p.factor == 2 and #p.days == 3 and p.days[3] == 7 and p.names[4] == 'four' and p.names.x)\n"
        "  p.factor = 3 assert(parameters('r').factor == 2)\n"
        "end}}",
        1);
}

static void test_properties_that_do_not(void **state)
{
    (void)state;
    fails("return {{name = 'doubles', check = function(call)\n"
          "  for n = 0, 50 do local got = call('r', 'double', {n = n}).n\n"
          "    if got ~= 2 * n then return ('%d gives %d'):format(n, got) end end\n"
          "end}, {name = 'never', check = function() return 'no' end}}",
          "lua/rules/deep/r.lua: property \"doubles\": 13 gives 27\n"
          "lua/rules/deep/r.lua: property \"never\": no\n");
    fails("return {{name = 'x', check = function(call) call('r', 'double', {n = 76}) end}}",
          "lua/rules/deep/r.lua: property \"x\": lua/rules/r.lua:6: result.n is 152, allowed are 0..150\n");
    fails("return {{name = 'x', check = function(call) call('r', 'loop', {}) end}}",
          "lua/rules/deep/r.lua: property \"x\": lua/rules/r.lua:7: stopped after 1000000 instructions\n");
    fails("return {{name = 'x', check = function(call) call('r', 'double', {n = 101}) end}}",
          "lua/rules/deep/r.lua: property \"x\": lua/rules/r.lua:6: input.n is 101, allowed are 0..100\n");
    fails("return {{name = 'x', check = function(call) call('gone', 'double', {n = 1}) end}}",
          "lua/rules/deep/r.lua: property \"x\": lua/rules/gone.lua:1: there is no such rule file\n");
    fails("return {{name = 'x', check = function(_, parameters) parameters('gone') end}}",
          "lua/rules/deep/r.lua: property \"x\": lua/rules/gone.lua:1: there is no such rule file\n");
}

static void test_broken_checks(void **state)
{
    (void)state;
    fails("return 7", "lua/checks/deep/r.lua:1: the file does not return a list\n");
    fails("return {7}", "lua/checks/deep/r.lua:1: an entry of the list is no table\n");
    fails("return {{name = 'x'}}",
          "lua/checks/deep/r.lua:1: an entry of the list is not {name = text, check = function}\n");
    fails("return {{name = 'x', check = function() return 7 end}}",
          "lua/rules/deep/r.lua: property \"x\": the check returns no text\n");
    fails("return {{name = 'x', check = function()\nlocal a = nil + 1 end}}",
          "lua/rules/deep/r.lua: property \"x\": lua/checks/deep/r.lua:2: attempt to perform arithmetic on a "
          "nil "
          "value\n");
    fails("return {", "lua/checks/deep/r.lua:1: unexpected symbol near <eof>\n");
}

/* However slow, and whether the check or the rule is: the gate ends. */
static void test_the_whole_gate_is_bounded(void **state)
{
    (void)state;
    uint64_t begun = thread_cpu_ns();
    char wanted[160];
    snprintf(
        wanted, sizeof wanted,
        "lua/rules/deep/r.lua: property \"x\": stopped: all properties together may take %d ms of CPU time\n",
        PROPERTY_CPU_MS_MAX);
    fails("return {{name = 'x', check = function(call) while true do pcall(call, 'r', 'loop', {}) end end},\n"
          "  {name = 'y', check = function() return 'not run any more' end}}",
          wanted);
    assert_true(thread_cpu_ns() - begun < UINT64_C(1600000) * PROPERTY_CPU_MS_MAX);
}

/* The first properties, then the examples, then the others; all of it stops when a first one does not hold.
 */
static void gate(const char *first, const char *rest, struct property_counts wanted,
                 const char *wanted_faults)
{
    struct err err = {0};
    struct buf check = BUF_INIT, faults = BUF_INIT;
    buf_appendf(&check, "return {{name = 'rest', check = function() %s end},\n", rest);
    buf_appendf(&check, "{name = 'first', is_first = true, check = function() %s end}}", first);
    struct bundle *b = fixture_bundle("lua/rules/r.lua", rule, "lua/checks/r.lua", check.data, NULL);
    struct sandbox *s = sandbox_new(b, &FIXTURE_LIMITS, &err);
    if (s == NULL)
        fail_msg("%s", err.text);
    struct property_counts counts;
    assert_int_equal(-1, property_gate(b, s, &counts, collect, &faults)); /* loop has no example */
    assert_int_equal(wanted.examples, counts.examples);
    assert_int_equal(wanted.properties, counts.properties);
    assert_string_equal(wanted_faults, faults.data);
    sandbox_free(s);
    bundle_unref(b);
    buf_release(&check);
    buf_release(&faults);
}

#define NO_EXAMPLE "lua/rules/r.lua:8: there is no example of loop\n"

static void test_the_gate_in_order(void **state)
{
    (void)state;
    gate("", "", (struct property_counts){-1, 2}, NO_EXAMPLE);
    gate("", "return 'no'", (struct property_counts){-1, -1},
         NO_EXAMPLE "lua/rules/r.lua: property \"rest\": no\n");
    gate("return 'never'", "return 'no'", (struct property_counts){-1, -1},
         "lua/rules/r.lua: property \"first\": never\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_properties_that_hold), cmocka_unit_test(test_properties_that_do_not),
        cmocka_unit_test(test_broken_checks),        cmocka_unit_test(test_the_whole_gate_is_bounded),
        cmocka_unit_test(test_the_gate_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
