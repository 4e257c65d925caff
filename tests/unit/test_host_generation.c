/* Building a generation: what is refused and how it is told, what counts as unchanged, what reaches the
 * database. */
#include "host_app.h"

#include "host/generation.h"

struct told {
    char text[8][1024];
    unsigned count;
};

static void note(void *data, const char *text)
{
    struct told *t = data;
    if (t->count < COUNT_OF(t->text))
        snprintf(t->text[t->count], sizeof(t->text[0]), "%s", text);
    t->count++;
}

struct outcome {
    int rc;
    bool unchanged;
    struct generation *g;
    struct told told;
    struct err err;
};

static void build(struct outcome *o, enum generation_database database, const char *skip_hash)
{
    struct generation_options options = {.root = fixture_root,
                                         .workers = 2,
                                         .skip_hash = skip_hash,
                                         .need_secrets = true,
                                         .database = database};
    *o = (struct outcome){0};
    o->rc = generation_build(&options, &o->g, &o->unchanged, note, &o->told, &o->err);
    assert_true(o->rc == 0 || o->g == NULL);
    assert_true(o->rc == 0 || o->told.count > 0);
}

static void expect_good(struct outcome *o)
{
    if (o->rc != 0)
        fail_msg("%s", o->err.text);
    assert_int_equal(o->told.count, 0);
}

static bool was_told(const struct outcome *o, const char *part)
{
    for (unsigned i = 0; i < o->told.count && i < COUNT_OF(o->told.text); i++) {
        if (strstr(o->told.text[i], part) != NULL)
            return true;
    }
    return false;
}

static void test_a_sound_application_gives_a_program_for_every_worker(void **state)
{
    (void)state;
    struct outcome o;
    struct http_match match;
    build(&o, GENERATION_NO_DATABASE, NULL);
    expect_good(&o);
    assert_non_null(o.g);
    assert_int_equal(o.g->count, 2);
    struct program *p = generation_take(o.g, 1);
    assert_null(o.g->programs[1]);
    assert_int_equal(http_router_match(p->router, "GET", "/hello", &match, NULL, 0), HTTP_MATCH_OK);
    assert_string_equal(p->context.rule_version, o.g->bundle->rule_version);
    assert_int_equal(p->context.keys.current_len, strlen(KEY_A));
    generation_unref(o.g);
    /* The program keeps its generation alive. */
    assert_string_equal(p->generation->bundle->files[0].path, "config.lua");
    program_retire(p);
    assert_null(p->app);
    assert_int_equal(http_router_match(p->router, "GET", "/hello", &match, NULL, 0), HTTP_MATCH_OK);
    program_free(p);
}

static void test_the_same_bytes_and_settings_are_unchanged(void **state)
{
    (void)state;
    struct outcome first, again;
    build(&first, GENERATION_NO_DATABASE, NULL);
    expect_good(&first);
    build(&again, GENERATION_NO_DATABASE, first.g->hash);
    expect_good(&again);
    assert_true(again.unchanged);
    assert_null(again.g);
    /* A key alone is a change, too. */
    setenv("LEXICRAFT_AUTH_KEY", KEY_B, 1);
    build(&again, GENERATION_NO_DATABASE, first.g->hash);
    unsetenv("LEXICRAFT_AUTH_KEY");
    expect_good(&again);
    assert_false(again.unchanged);
    generation_unref(again.g);
    root_write("lua/rules/a.lua", GOOD_RULE "-- note\n");
    build(&again, GENERATION_NO_DATABASE, first.g->hash);
    expect_good(&again);
    assert_false(again.unchanged);
    assert_string_not_equal(again.g->bundle->rule_version, first.g->bundle->rule_version);
    generation_unref(again.g);
    generation_unref(first.g);
}

static void test_faults_name_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *path, *text, *good, *expected;
    } cases[] = {
        {"config.lua", "return { http = { drain_ms = -1 } }", "return {}",
         "config.lua:1: http.drain_ms must be"},
        {"lua/app.lua", "local x = = 1", GOOD_APP, "lua/app.lua:1: "},
        {"lua/app.lua", "\nlocal x = nil + 1", GOOD_APP, "lua/app.lua:2: attempt to perform arithmetic"},
        {"lua/app.lua", "return 1", GOOD_APP, "lua/app.lua"},
        {"lua/app.lua", "return { { method = 'GET', path = '/{x:colour}', handler = print } }", GOOD_APP,
         "lua/app.lua"},
        {"lua/app.lua", "return require 'missing.module'", GOOD_APP,
         "lua/app.lua:1: module 'missing.module' not found"},
        {"lua/unused.lua", "local x = 1\nx()", "return 1", "lua/unused.lua:2: attempt to call"},
        {"lua/rules/a.lua", "local a = {} retrun a", GOOD_RULE, "lua/rules/a.lua:1: "},
        {"lua/rules/a.lua", "local a = {}\nfunction a.examples() return {} end\nreturn a", GOOD_RULE,
         "lua/rules/a.lua"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct outcome o;
        root_write(cases[i].path, cases[i].text);
        build(&o, GENERATION_NO_DATABASE, NULL);
        if (o.rc == 0 || !was_told(&o, cases[i].expected))
            fail_msg("%s: \"%s\" was not told but \"%s\"", cases[i].text, cases[i].expected, o.told.text[0]);
        assert_int_not_equal(o.err.code, ERR_UNAVAILABLE);
        root_write(cases[i].path, cases[i].good);
    }
}

static void test_all_faults_are_told_at_once(void **state)
{
    (void)state;
    struct outcome o;
    root_write("lua/rules/a.lua", "local a = {}\nretrun a\n");
    root_write("lua/store/things.lua", "local x = = 1");
    root_write("lua/extra.lua", "\n\nlocal y = = 1");
    build(&o, GENERATION_NO_DATABASE, NULL);
    assert_int_equal(o.told.count, 3);
    assert_true(was_told(&o, "lua/rules/a.lua:2: "));
    assert_true(was_told(&o, "lua/store/things.lua:1: "));
    assert_true(was_told(&o, "lua/extra.lua:3: "));
}

static void test_a_failing_example_is_told(void **state)
{
    (void)state;
    struct outcome o;
    struct buf rule = BUF_INIT;
    buf_append_str(&rule, GOOD_RULE);
    *strstr(rule.data, "* 2") = '+';
    root_write("lua/rules/a.lua", rule.data);
    buf_release(&rule);
    build(&o, GENERATION_NO_DATABASE, NULL);
    assert_int_equal(o.rc, 0); /* 2 + 2 is 4 as well */
    generation_unref(o.g);
    root_write("lua/rules/a.lua",
               "local a = {}\n"
               "a.shapes = { f = { input = { n = 'integer 0..9' }, result = { n = 'integer 0..9' } } }\n"
               "function a.f(input) return { n = input.n } end\n"
               "function a.examples() return { { call = 'f', input = { n = 1 }, expect = { n = 2 } } } end\n"
               "return a\n");
    build(&o, GENERATION_NO_DATABASE, NULL);
    assert_int_equal(o.rc, -1);
    assert_true(was_told(&o, "lua/rules/a.lua"));
}

static void test_loading_must_end(void **state)
{
    (void)state;
    struct outcome o;
    root_write("config.lua", "return { reload = { deadline_ms = 100 } }");
    root_write("lua/app.lua", "\nwhile true do pcall(error) end");
    build(&o, GENERATION_NO_DATABASE, NULL);
    assert_int_equal(o.rc, -1);
    assert_true(was_told(&o, "lua/app.lua:2: loading takes longer than reload.deadline_ms"));
}

static void test_broken_sql_is_told_with_its_line(void **state)
{
    (void)state;
    struct outcome o;
    root_write("lua/store/things.lua",
               "local db = require 'db'\nlocal good = db.sql [[select 1]]\nlocal bad = db.sql [[\n"
               "  select 1,\n    'ü',\n    nonsense\n]]\nlocal worse = db.sql('selec')\nreturn {}\n");
    root_write("lua/store/unused.lua", "require 'db'.sql 'select also_nonsense'\nreturn {}\n");
    root_write("lua/store/gathered.lua",
               "local db = require 'db'\nlocal good = db.sql_one 'select $1::int as n'\n"
               "local bad = db.sql_one [[\n  select $1::int,\n    more_nonsense\n]]\n"
               "local alone = db.sql_one 'select $1::int offset 0'\n"
               "local ended = db.sql_one 'select $1::int;'\nreturn {}\n");
    build(&o, GENERATION_NO_DATABASE, NULL);
    expect_good(&o);
    generation_unref(o.g);
    build(&o, GENERATION_CHECK_SQL, NULL);
    assert_int_equal(o.rc, -1);
    assert_int_equal(o.told.count, 6);
    assert_true(was_told(&o, "lua/store/unused.lua:1: "));
    assert_true(was_told(&o, "lua/store/gathered.lua:5: column \"more_nonsense\" does not exist"));
    assert_true(was_told(&o, "lua/store/gathered.lua:7: syntax error at or near \"offset\","
                             " in the form of db.sql_one that asks for many"));
    assert_true(was_told(&o, "lua/store/gathered.lua:8: syntax error at or near \";\","
                             " in the form of db.sql_one that asks for many"));
    assert_true(was_told(&o, "lua/store/things.lua:6: column \"nonsense\" does not exist"));
    assert_true(was_told(&o, "lua/store/things.lua:8: "));
    assert_int_not_equal(o.err.code, ERR_UNAVAILABLE);
}

/* What only goes wrong when many ask is found as well. */
static void test_forms_that_answer_otherwise_are_told(void **state)
{
    (void)state;
    struct outcome o;
    app_sql("create table notes (who uuid, n int)");
    root_write("lua/store/gathered.lua",
               "local sql_one = require 'db'.sql_one\n"
               "sql_one 'select $1::uuid'\n"
               "sql_one 'select $1::uuid as id, rolname from pg_roles where rolname = $2::name'\n"
               "sql_one 'update notes set who = $1::uuid where who = $1::uuid returning n, who'\n"
               "sql_one 'update notes set who = $1::uuid where who = $1::uuid returning *'\n"
               "sql_one 'update notes set who = $1::uuid where who = $1::uuid returning notes.*'\n"
               "sql_one 'insert into notes (who) select $1::uuid returning who, nothing'\n"
               "return {}\n");
    build(&o, GENERATION_CHECK_SQL, NULL);
    assert_int_equal(o.rc, -1);
    assert_int_equal(o.told.count, 4);
    assert_true(was_told(&o, "lua/store/gathered.lua:2: column \"uuid\" is \"p1\": name it, in the form of"));
    assert_true(
        was_told(&o, "lua/store/gathered.lua:4: the first column is no uuid, so not $1, in the form of"));
    assert_true(was_told(&o, "lua/store/gathered.lua:5: there are other columns: name those that are meant"));
    assert_true(was_told(&o, "lua/store/gathered.lua:7: column \"nothing\" does not exist"));
}

static void test_the_rule_version_is_stored_once(void **state)
{
    (void)state;
    struct outcome o;
    build(&o, GENERATION_CHECK_SQL, NULL);
    expect_good(&o);
    generation_unref(o.g);
    assert_int_equal(app_count("select count(*) from rule_versions"), 0);
    for (int i = 0; i < 2; i++) {
        build(&o, GENERATION_COMMIT, NULL);
        expect_good(&o);
        assert_int_equal(o.g->migrations_pending, 0);
        generation_unref(o.g);
    }
    assert_int_equal(app_count("select count(*) from rule_versions"), 1);
    assert_int_equal(
        app_count(
            "select count(*) from rule_versions where sources ? 'lua/rules/a.lua' and length(version) = 64"
            " and sources->>'lua/rules/a.lua' like 'local a%'"),
        1);
}

static void test_a_database_that_is_away_is_no_fault_of_the_files(void **state)
{
    (void)state;
    struct outcome o;
    setenv("DATABASE_URL", "postgresql:///x?host=/nonexistent", 1);
    build(&o, GENERATION_COMMIT, NULL);
    assert_int_equal(o.rc, -1);
    assert_int_equal(o.err.code, ERR_UNAVAILABLE);
    root_write("lua/app.lua", "return 1 +");
    build(&o, GENERATION_COMMIT, NULL);
    unsetenv("DATABASE_URL");
    assert_int_not_equal(o.err.code, ERR_UNAVAILABLE);
    assert_true(was_told(&o, "lua/app.lua:1: "));
}

static void test_missing_migrations_are_named(void **state)
{
    (void)state;
    struct outcome o;
    root_write("migrations/0001_things.sql", "create table things (id int);\n");
    root_write("lua/store/things.lua",
               "local db = require 'db'\nlocal a, b = db.sql 'select id from things', db.sql 'select "
               "id + 1 from things'\nreturn {}\n");
    build(&o, GENERATION_COMMIT, NULL);
    assert_int_equal(o.rc, -1);
    assert_int_equal(o.err.code, ERR_UNAVAILABLE);
    assert_int_equal(o.told.count, 1);
    assert_true(was_told(&o, "1 migrations are not applied"));
    app_sql("create table things (id int)");
    build(&o, GENERATION_COMMIT, NULL);
    expect_good(&o);
    assert_int_equal(o.g->migrations_pending, 1);
    generation_unref(o.g);
}

static void test_a_share_of_every_total(void **state)
{
    (void)state;
    struct outcome o;
    unsigned exclusive = 0, pipelined = 0;
    build(&o, GENERATION_NO_DATABASE, NULL);
    expect_good(&o);
    for (unsigned i = 0; i < 4; i++) {
        struct pg_settings pg = generation_pg_settings(o.g->config, i, 4);
        assert_true(pg.exclusive >= 1 && pg.pipelined >= 1);
        exclusive += pg.exclusive;
        pipelined += pg.pipelined;
    }
    assert_int_equal(exclusive, o.g->config->database.exclusive_connections);
    assert_int_equal(pipelined, 4); /* one each, though two were asked for */
    assert_int_equal(generation_http_settings(o.g->config, 0, 4).connections_max, 2500);
    generation_unref(o.g);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, app_setup, app_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_sound_application_gives_a_program_for_every_worker),
        TEST(test_the_same_bytes_and_settings_are_unchanged),
        TEST(test_faults_name_file_and_line),
        TEST(test_all_faults_are_told_at_once),
        TEST(test_a_failing_example_is_told),
        TEST(test_loading_must_end),
        TEST(test_broken_sql_is_told_with_its_line),
        TEST(test_forms_that_answer_otherwise_are_told),
        TEST(test_the_rule_version_is_stored_once),
        TEST(test_a_database_that_is_away_is_no_fault_of_the_files),
        TEST(test_missing_migrations_are_named),
        TEST(test_a_share_of_every_total),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
