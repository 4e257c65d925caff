/* What rule files declare, handed out as plain data: right, bounded, and whole or not at all. */
#include "script_fixture.h"

#include "script/plain.h"

/* parameters is the expression given; the file r.lua beside it is harmless. */
static struct sandbox *open_rules(const char *parameters)
{
    struct err err = {0};
    struct buf text = BUF_INIT;
    buf_appendf(&text, "local r = {shapes = {}} function r.examples() end\nr.parameters = %s\nreturn r",
                parameters);
    struct bundle *b = fixture_bundle(
        "lua/rules/a.lua", text.data, "lua/rules/b/c.lua",
        "local r = {shapes = {}, parameters = {x = 1}} function r.examples() end return r", NULL);
    struct sandbox *s = sandbox_new(b, &FIXTURE_LIMITS, &err);
    if (s == NULL)
        fail_msg("%s", err.text);
    bundle_unref(b);
    buf_release(&text);
    return s;
}

/* The parameters fulfil this condition on `p`. */
static void gives(const char *parameters, const char *condition)
{
    struct err err = {0};
    struct buf text = BUF_INIT;
    struct bundle *none = fixture_bundle_new();
    struct vm *vm = fixture_vm(VM_TOOL, none);
    struct sandbox *s = open_rules(parameters);
    buf_appendf(&text, "local p = ... assert(%s)", condition);
    fixture_function(vm, text.data);
    if (sandbox_push_field(s, "a", "parameters", vm->L, &err) < 0)
        fail_msg("%s: %s", parameters, err.text);
    assert_int_equal(lua_gettop(vm->L), 2);
    if (vm_call(vm, 1, 0, &err) < 0)
        fail_msg("%s: %s", parameters, err.text);
    buf_release(&text);
    sandbox_free(s);
    vm_free(vm);
    bundle_unref(none);
}

static void refuses(const char *parameters, const char *reason)
{
    struct err err = {0};
    struct bundle *none = fixture_bundle_new();
    struct vm *vm = fixture_vm(VM_TOOL, none);
    struct sandbox *s = open_rules(parameters);
    assert_int_equal(-1, sandbox_push_field(s, "a", "parameters", vm->L, &err));
    if (strstr(err.text, reason) == NULL || strncmp(err.text, "lua/rules/a.lua:", 16) != 0)
        fail_msg("%s: %s", parameters, err.text);
    assert_int_equal(lua_gettop(vm->L), 0);
    assert_int_equal(0, sandbox_push_field(s, "b.c", "parameters", vm->L, &err)); /* as good as ever */
    sandbox_free(s);
    vm_free(vm);
    bundle_unref(none);
}

static void test_plain_data(void **state)
{
    (void)state;
    gives("nil", "p == nil");
    gives("7", "p == 7 and math.type(p) == 'integer'");
    gives("7.0", "math.type(p) == 'float'");
    gives("{true, false, 'x', -1, 0.5}",
          "#p == 5 and p[1] == true and p[2] == false and p[3] == 'x' and p[5] == 0.5");
    gives("{a = {b = {c = 'deep'}}, [-3] = 1}", "p.a.b.c == 'deep' and p[-3] == 1");
    gives("{math.mininteger, math.huge, '', 'a\\0b'}",
          "p[1] == math.mininteger and p[2] == math.huge and p[3] == '' and p[4] == 'a\\0b'");
    gives("{}", "next(p) == nil");
}

static void test_what_is_refused(void **state)
{
    (void)state;
    refuses("{pairs}", "a function is no plain data");
    refuses("{[1.5] = 1}", "a key is a number, neither integer nor text");
    refuses("{[true] = 1}", "a key is a boolean");
    refuses("(function() local t = {} t.t = t return t end)()", "nested more than 16 deep");
    refuses("(function() local t = {} for i = 1, 10001 do t[i] = 1 end return t end)()",
            "more than 10000 values");
    refuses(
        "(function() local s, t = string.rep('x', 60000), {} for i = 1, 10 do t[i] = s end return t end)()",
        "more than 10000 values or 262144 bytes");
}

static void test_names(void **state)
{
    (void)state;
    struct err err = {0};
    struct bundle *none = fixture_bundle_new();
    struct vm *vm = fixture_vm(VM_TOOL, none);
    struct sandbox *s = open_rules("{}");
    assert_string_equal(sandbox_rule_name(s, 0), "a");
    assert_string_equal(sandbox_rule_name(s, 1), "b.c");
    assert_null(sandbox_rule_name(s, 2));
    assert_int_equal(-1, sandbox_push_field(s, "none", "parameters", vm->L, &err));
    assert_string_equal(err.text, "lua/rules/none.lua:1: there is no such rule file");
    sandbox_free(s);
    vm_free(vm);
    bundle_unref(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_data),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
