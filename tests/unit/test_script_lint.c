/* script/lint.h: bitwise operators are found, and nothing else is taken for one. */
#include "script_fixture.h"

#include "script/lint.h"

static int lint(const char *text, struct err *err)
{
    struct bundle_file file = {
        .path = (char *)(uintptr_t) "lua/x.lua", .bytes = (char *)(uintptr_t)text, .len = strlen(text)};
    *err = (struct err){0};
    return lint_source(&file, err);
}

static void test_operators_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *source, *place;
    } cases[] = {
        {"return 1 & 2", "lua/x.lua:1: bitwise operator '&'"},
        {"\nreturn 1 | 2", "lua/x.lua:2: bitwise operator '|'"},
        {"return ~1", "lua/x.lua:1: bitwise operator '~'"},
        {"return 1 ~ 2", "lua/x.lua:1: bitwise operator '~'"},
        {"return 1 << 2", "lua/x.lua:1: bitwise operator '<<'"},
        {"return 1 >> 2", "lua/x.lua:1: bitwise operator '>>'"},
        {"local s = 'a\\'' return 1&2", "lua/x.lua:1: bitwise operator '&'"},
        {"local s = \"\\\\\" return 1|2", "lua/x.lua:1: bitwise operator '|'"},
        {"local s = [[\n\n]] return 1|2", "lua/x.lua:3: bitwise operator '|'"},
        {"local s = [==[ ]] ]=] ]==] return 1|2", "lua/x.lua:1: bitwise operator '|'"},
        {"--[[\n]] x = 1|2", "lua/x.lua:2: bitwise operator '|'"},
        {"-- note\nx = 1|2", "lua/x.lua:2: bitwise operator '|'"},
        {"--[ note\nx = 1|2", "lua/x.lua:2: bitwise operator '|'"},
        {"local s = 'a\\\nb' x = 1|2", "lua/x.lua:2: bitwise operator '|'"},
        {"x = t[t[1]|2]", "lua/x.lua:1: bitwise operator '|'"},
        {"#!/usr/bin/lua a|b\nx = 1|2", "lua/x.lua:2: bitwise operator '|'"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err;
        assert_int_equal(-1, lint(cases[i].source, &err));
        if (strncmp(err.text, cases[i].place, strlen(cases[i].place)) != 0)
            fail_msg("%s: %s", cases[i].source, err.text);
    }
}

static void test_all_else_passes(void **state)
{
    (void)state;
    static const char *const sources[] = {
        "",
        "return 1 ~= 2 and 3 // 2 <= 4 >= 5 < 6 > 7",
        "return '1 & 2 | 3 << 4' .. \"~\" .. [[ >> ]] .. [=[ | ]] ]=]",
        "-- a | b & c",
        "--[[ a | b\n & ]]",
        "--[==[ a | b ]] & ]==]",
        "local x <const>, y <close> = 1, nil goto done ::done::",
        "return t[t[1]] -- ~",
        "return 'unfinished | ",
        "return [[ unfinished | ",
        "--[[ unfinished |",
        "return 'a\\z\n  | b'",
        "return 5 - -1",
        "#!/usr/bin/env lua | &",
        "return #t, a.b:c'|'",
        "\\",
    };
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        struct err err;
        if (lint(sources[i], &err) != 0)
            fail_msg("%s: %s", sources[i], err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators_are_refused),
        cmocka_unit_test(test_all_else_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
