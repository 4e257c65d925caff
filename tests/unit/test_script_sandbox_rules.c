/* script/sandbox.h: rule files that are refused when they are loaded, and examples that do not hold. */
#include "script_fixture.h"

#define RULE "lua/rules/r.lua"

struct refusal {
    const char *text;   /* of lua/rules/r.lua */
    const char *reason; /* how err.text begins */
};

static const struct refusal refusals[] = {
    {"local r = {\nreturn r", RULE ":2: "},
    {"return {", RULE ":1: "},
    {"", RULE ":1: the file does not return a table"},
    {"return 7", RULE ":1: the file does not return a table"},
    {"local r = {}\nerror('broken')\nreturn r", RULE ":2: broken"},
    {"local r = {}\nlocal x = r.a.b", RULE ":2: attempt to index a nil value (field 'a')"},
    {"error({})", RULE ":1: error with a table"},
    {"\nwhile true do end", RULE ":2: stopped after 1000000 instructions"},
    {"local s = 'x'\nwhile true do s = s .. s end", RULE ":2: stopped: a string"},
    {"local r = {}\nreturn r", RULE ":1: there is no function examples"},
    {"local r = {} r.examples = {}\nreturn r", RULE ":1: there is no function examples"},
    {"local r = {} r.examples = pairs\nreturn r", RULE ":1: there is no function examples"},
    {"local r = {} function r.examples() end\nreturn r", RULE ":1: there is no table shapes"},
    {"local r = {} function r.examples() end\nr.shapes = 7\nreturn r", RULE ":2: there is no table shapes"},
    {"local r = {shapes = {}} function r.examples() end\nfunction r.f() end return r",
     RULE ":2: function f has no declared shape"},
    {"local r = {shapes = {}} function r.examples() end\nr[1] = function() end return r",
     RULE ":2: function (a key that is no text) has no declared shape"},
    {"local r = {} function r.examples() end\nr.shapes = {\n  f = {input = {}, result = {}}} return r",
     RULE ":3: shapes.f has no function of that name"},
    {"local r = {} function r.examples() end\nr.f = pairs r.shapes = {f = {input = {}, result = {}}} return "
     "r",
     RULE ":2: shapes.f has no function of that name"},
    {"local r = {} function r.examples() end\nr.shapes = {function() end} return r",
     RULE ":2: shapes has a key that is no function's name"},
    {"local r = {} function r.examples() end function r.f() end\nr.shapes = {f = 7} return r",
     RULE ":2: shapes.f is not {input = {…}, result = {…}}"},
    {"local r = {} function r.examples() end function r.f() end\nr.shapes = {f = {input = {}}} return r",
     RULE ":2: shapes.f lacks input or result"},
    {"local r = {} function r.examples() end function r.f() end\nr.shapes = {f = {input = {}, result = {}, x "
     "= 1}} "
     "return r",
     RULE ":2: shapes.f has something else than input and result"},
    {"return 1 & 2", RULE ":1: bitwise operator '&'"},
    {"require 'r'", RULE ":1: rule files require one another in a circle: r"},
    {"\x1bLua binary", RULE ":1: attempt to load a binary chunk"},
};

static void is_refused(struct bundle *b, const char *reason)
{
    struct err err = {0};
    struct sandbox *s = sandbox_new(b, &FIXTURE_LIMITS, &err);
    if (s != NULL)
        fail_msg("let through; expected: %s", reason);
    if (strncmp(err.text, reason, strlen(reason)) != 0)
        fail_msg("expected: %s\nbut got: %s", reason, err.text);
    bundle_unref(b);
}

static void test_broken_files_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        is_refused(fixture_bundle(RULE, refusals[i].text, NULL), refusals[i].reason);
}

/* Every declaration that is not understood, as the input of f on line 2. */
static const struct refusal bad_shapes[] = {
    {"{v = 'integer'}", "shapes.f.input.v: \"integer\" is not"},
    {"{v = 'integer 1'}", "shapes.f.input.v: \"integer 1\" is not"},
    {"{v = 'integer 1..'}", "shapes.f.input.v: "},
    {"{v = 'integer ..1'}", "shapes.f.input.v: "},
    {"{v = 'integer 2..1'}", "shapes.f.input.v: "},
    {"{v = 'integer 1...2'}", "shapes.f.input.v: "},
    {"{v = 'integer 1..2.5'}", "shapes.f.input.v: "},
    {"{v = 'integer 1..99999999999999999999'}", "shapes.f.input.v: "},
    {"{v = 'integer  1..2'}", NULL},
    {"{v = 'number 1..inf'}", "shapes.f.input.v: "},
    {"{v = 'number nan..1'}", "shapes.f.input.v: "},
    {"{v = 'number 0x1..0x2'}", "shapes.f.input.v: "},
    {"{v = 'number 1e999..2'}", "shapes.f.input.v: "},
    {"{v = 'money'}", "shapes.f.input.v: \"money\" is not"},
    {"{v = '?'}", "shapes.f.input.v: "},
    {"{v = ''}", "shapes.f.input.v: "},
    {"{v = 'text? ?'}", "shapes.f.input.v: "},
    {"{v = 7}", "shapes.f.input.v: a number is no shape"},
    {"{v = {}}", "shapes.f.input.v: not {list = shape, max = N} or {record = {…}}"},
    {"{v = {list = 'text'}}", "shapes.f.input.v: a list needs max = 1..1000"},
    {"{v = {list = 'text', max = 1001}}", "shapes.f.input.v: a list needs max"},
    {"{v = {list = 'text?', max = 1}}", "shapes.f.input.v: elements of a list cannot be optional"},
    {"{v = {list = 'text', max = 1, min = 1}}", "shapes.f.input.v: not {list"},
    {"{v = {list = 'text', record = {}, max = 1}}", "shapes.f.input.v: not {list"},
    {"{v = {record = 'text'}}", "shapes.f.input.v: not {list"},
    {"{v = {record = {a = 'x'}}}", "shapes.f.input.v.a: \"x\" is not"},
    {"{['a b'] = 'text'}", "shapes.f.input: a field name is not a word"},
    {"{['1a'] = 'text'}", "shapes.f.input: a field name is not a word"},
    {"{'text'}", "shapes.f.input: a field name is not a word"},
    {"{v = {record = {v = {record = {v = {record = {v = {record = {}}}}}}}}}",
     "shapes.f.input.v.v.v.v: nested more than"},
    {"7", "shapes.f.input: not a table of fields"},
};

static void test_unknown_shapes_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad_shapes); i++) {
        if (bad_shapes[i].reason == NULL)
            continue;
        struct buf text = BUF_INIT;
        buf_appendf(
            &text,
            "local r = {} function r.examples() end function r.f() end\nr.shapes = {f = {input = %s, result "
            "= {}}} return r",
            bad_shapes[i].text);
        char reason[200];
        snprintf(reason, sizeof reason, "%s:2: %s", RULE, bad_shapes[i].reason);
        is_refused(fixture_bundle(RULE, text.data, NULL), reason);
        buf_release(&text);
    }
}

static void test_a_shape_that_names_itself(void **state)
{
    (void)state;
    is_refused(fixture_bundle(
                   RULE,
                   "local r = {} function r.examples() end function r.f() end\n"
                   "local s = {record = {}} s.record.v = s r.shapes = {f = {input = {v = s}, result = {}}} "
                   "return r",
                   NULL),
               RULE ":2: shapes.f.input.v.v.v.v: nested more than 4 deep");
}

static void test_a_circle_of_files(void **state)
{
    (void)state;
    is_refused(fixture_bundle("lua/rules/a.lua", "return require 'b'", "lua/rules/b.lua",
                              "return require 'a'", NULL),
               "lua/rules/b.lua:1: rule files require one another in a circle: a");
}

static void test_too_large_and_binary(void **state)
{
    (void)state;
    struct buf text = BUF_INIT;
    buf_append_str(&text, "--");
    while (text.len <= BUNDLE_RULE_BYTES_MAX)
        buf_append_char(&text, 'x');
    is_refused(fixture_bundle(RULE, text.data, NULL), RULE ":1: larger than 65536 bytes");
    buf_release(&text);
}

static void test_no_rules_at_all(void **state)
{
    (void)state;
    struct err err = {0};
    struct bundle *b = fixture_bundle("lua/app.lua", "return {}", NULL);
    struct sandbox *s = sandbox_new(b, &FIXTURE_LIMITS, &err);
    assert_non_null(s);
    assert_int_equal(0, sandbox_check(s, NULL, NULL));
    sandbox_free(s);
    bundle_unref(b);
}

/* ---- examples ---- */

static void collect(void *data, const char *text)
{
    struct buf *all = data;
    buf_appendf(all, "%s\n", text);
}

static int check(const char *examples, struct buf *faults)
{
    struct err err = {0};
    struct buf text = BUF_INIT;
    buf_appendf(
        &text,
        "local r = {}\n"
        "r.shapes = {f = {input = {a = 'integer 0..9'}, result = {n = 'number 0..20'}}}\n"
        "function r.f(input) if input.a == 9 then while true do end end return {n = input.a * 2} end\n"
        "function r.examples()\n%s\nend\nreturn r\n",
        examples);
    struct bundle *b = fixture_bundle(RULE, text.data, NULL);
    struct sandbox *s = sandbox_new(b, &FIXTURE_LIMITS, &err);
    if (s == NULL)
        fail_msg("%s", err.text);
    int count = sandbox_check(s, collect, faults);
    sandbox_free(s);
    bundle_unref(b);
    buf_release(&text);
    return count;
}

static void test_examples_that_hold(void **state)
{
    (void)state;
    struct buf faults = BUF_INIT;
    assert_int_equal(2, check("return {{call = 'f', input = {a = 1}, expect = {n = 2}},\n"
                              "{call = 'f', input = {a = 2}, expect = {n = 4}}}",
                              &faults));
    assert_null(faults.data);
}

static void test_examples_that_do_not(void **state)
{
    (void)state;
    static const struct {
        const char *examples, *faults;
    } cases[] = {
        {"return {\n{call = 'f', input = {a = 1}, expect = {n = 2}},\n{call = 'f', input = {a = 2}, expect = "
         "{n = 5}}}",
         RULE ":7: example 2 (f): expected {\"n\":5}, got {\"n\":4}\n"},
        {"return {{call = 'f', input = {a = 1}, expect = {n = 2.0}}}",
         RULE ":5: example 1 (f): expected {\"n\":2}, got {\"n\":2} (one has an integer where the other "
              "has a float)\n"},
        {"local t = {} for i = 1, 3 do t[i] =\n{call = 'f', input = {a = i}, expect = {n = 4}} end return t",
         RULE ":4: example 1 (f): expected {\"n\":4}, got {\"n\":2}\n" RULE
              ":4: example 3 (f): expected {\"n\":4}, got {\"n\":6}\n"},
        {"return {{call = 'f', input = {a = 10}, expect = {n = 2}}}",
         RULE ":5: example 1 (f): input.a is 10, allowed are 0..9\n"},
        {"return {{call = 'f', input = {a = 1}, expect = {n = 21}}}",
         RULE ":5: example 1 (f): expect.n is 21, allowed are 0..20\n"},
        {"return {{call = 'f', input = {a = 1}}}", RULE ":5: example 1 (f): expect is missing\n"},
        {"return {{call = 'f', input = {a = 9}, expect = {n = 2}}}",
         RULE ":5: example 1 (f): " RULE ":3: stopped after 1000000 instructions\n"},
        {"return {{call = 'g', input = {}, expect = {}}, {call = 'f', input = {a = 1}, expect = {n = 2}}}",
         RULE ":5: example 1: call does not name a function with a shape\n"},
        {"return {{call = 'f', input = {a = 1}, expect = {n = 2}, name = 'x'}}",
         RULE ":5: example 1 (f): an example has call, input and expect, and nothing else\n"},
        {"return {7, {call = 'f', input = {a = 1}, expect = {n = 2}}}", RULE ":4: example 1: not a table\n"},
        {"return {}", RULE ":4: examples() returns 0 examples, allowed are 1..1000\n"},
        {"return 7", RULE ":4: examples() does not return a list\n"},
        {"error('broken')", RULE ":5: broken\n"},
        {"while true do end", RULE ":5: stopped after 1000000 instructions\n"},
        {"return {{call = 'f', input = {a = 1}, expect = {n = 2}}}, 7", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf faults = BUF_INIT;
        int count = check(cases[i].examples, &faults);
        if (cases[i].faults == NULL) {
            assert_int_equal(count, 1);
            assert_null(faults.data);
        } else {
            assert_int_equal(count, -1);
            assert_string_equal(faults.data, cases[i].faults);
        }
        buf_release(&faults);
    }
}

static void test_every_function_needs_an_example(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf faults = BUF_INIT;
    struct bundle *b =
        fixture_bundle(RULE,
                       "local r = {} local any = {input = {}, result = {}} r.shapes = {f = any, g = any}\n"
                       "function r.f() return {} end function r.g() return {} end\n"
                       "function r.examples() return {{call = 'f', input = {}, expect = {}}} end return r",
                       NULL);
    struct sandbox *s = sandbox_new(b, &FIXTURE_LIMITS, &err);
    assert_non_null(s);
    assert_int_equal(-1, sandbox_check(s, collect, &faults));
    assert_string_equal(faults.data, RULE ":3: there is no example of g\n");
    buf_release(&faults);
    sandbox_free(s);
    bundle_unref(b);
}

/* A thousand examples that each use their whole budget do not hold a reload up. */
static void test_all_examples_together_are_bounded(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf faults = BUF_INIT;
    struct bundle *b = fixture_bundle(
        RULE,
        "local r = {shapes = {f = {input = {}, result = {}}}}\nfunction r.f() while true do end end\n"
        "function r.examples() local t = {}\n"
        "  for i = 1, 1000 do t[i] = {call = 'f', input = {}, expect = {}} end return t\nend return r",
        NULL);
    struct sandbox_limits limits = FIXTURE_LIMITS;
    limits.instructions =
        UINT32_MAX; /* each ends by its time, so that all need more than they may on any machine */
    struct sandbox *s = sandbox_new(b, &limits, &err);
    assert_non_null(s);
    uint64_t begun = thread_cpu_ns();
    assert_int_equal(-1, sandbox_check(s, collect, &faults));
    assert_true(thread_cpu_ns() - begun < UINT64_C(1500000) * SANDBOX_CHECK_CPU_MS_MAX);
    char wanted[160];
    snprintf(wanted, sizeof wanted, RULE ":3: stopped: all examples together may take %d ms of CPU time\n",
             SANDBOX_CHECK_CPU_MS_MAX);
    assert_non_null(strstr(faults.data, wanted));
    buf_release(&faults);
    sandbox_free(s);
    bundle_unref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_files_are_refused),
        cmocka_unit_test(test_unknown_shapes_are_refused),
        cmocka_unit_test(test_a_shape_that_names_itself),
        cmocka_unit_test(test_a_circle_of_files),
        cmocka_unit_test(test_too_large_and_binary),
        cmocka_unit_test(test_no_rules_at_all),
        cmocka_unit_test(test_examples_that_hold),
        cmocka_unit_test(test_examples_that_do_not),
        cmocka_unit_test(test_every_function_needs_an_example),
        cmocka_unit_test(test_all_examples_together_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
