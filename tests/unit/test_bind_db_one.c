/* Lua module db against a real PostgreSQL (DATABASE_URL): rows that many
 * tasks ask for at once. */
#include "bind_db_fixture.h"

#define TASKS 40

static int set_up(void **state)
{
    struct fixture *f = *state = fixture_new();
    fixture_write(
        f, "lua/store/rows.lua",
        "return { twice = require 'db'.sql_one [[\n"
        "  select s.n * 2 as twice, case when s.n > 5 then 'x' || s.n end as text, jsonb_build_array("
        "s.n) as list\n"
        "  from generate_series(1, 100) as s (n) where s.n = $1::int or (s.n = $2::int and $1::int = 3)]],\n"
        "  view = require 'json'.view { 'twice', 'text', 'list', 'n' } }\n");
    return db_fixture_open(f);
}

static int tear_down(void **state)
{
    db_fixture_free(*state);
    return 0;
}

#define REQUIRES "local db, json, rows = require 'db', require 'json', require 'store.rows'\n" FAILS

/* What a task does with n: 3 has two rows, those from 30 on are no numbers, the others have one or none. */
#define ASKS                                                                                                 \
    REQUIRES "local n = %d\n"                                                                                \
             "if n >= 30 then\n"                                                                             \
             "  local e = fails('db', db.one, rows.twice, 'n' .. n, nil)\n"                                  \
             "  assert(e.sqlstate == '22P02' and e.message:find('n' .. n, 1, true), e.message)\n"            \
             "  assert(e.message:find('^lua/store/rows.lua:%%d+: '), e.message)\n"                           \
             "elseif n == 3 then\n"                                                                          \
             "  local e = fails('internal', db.one, rows.twice, n, 4)\n"                                     \
             "  assert(e.message:find('one row expected, got 2'), e.message)\n"                              \
             "  fails('internal', db.one_json, rows.view, rows.twice, n, 4)\n"                               \
             "elseif n == 0 then\n"                                                                          \
             "  assert(db.one(rows.twice, n, nil) == nil)\n"                                                 \
             "  assert(db.one_json(rows.view, rows.twice, n, nil) == nil)\n"                                 \
             "else\n"                                                                                        \
             "  local row = db.one(rows.twice, n, nil)\n"                                                    \
             "  assert(row.twice == n * 2 and row.list[1] == n and #row.list == 1)\n"                        \
             "  assert(row.text == (n > 5 and 'x' .. n or nil) and row.n == nil)\n"                          \
             "  local shown = json.decode(json.encode(db.one_json(rows.view, rows.twice, n, nil)))\n"        \
             "  assert(shown.twice == n * 2 and shown.list[1] == n and #shown.list == 1)\n"                  \
             "  assert(shown.text == (n > 5 and 'x' .. n or json.null) and shown.n == json.null)\n"          \
             "end\n"

static void everybody_has_its_own_row(void **state)
{
    struct fixture *f = *state;
    struct fixture_task tasks[TASKS];
    fixture_run(f, "require 'store.rows'\n");
    assert_int_equal(f->context.statement_count, 2);
    f->context.loading = false;
    char script[2000];
    for (int i = 0; i < TASKS; i++) {
        snprintf(script, sizeof(script), ASKS, i);
        fixture_start(f, &tasks[i], script);
    }
    /* Some leave while they wait. */
    fixture_turn(f);
    for (int i = 10; i < 15; i++)
        task_cancel(tasks[i].task);
    int calls = 0;
    for (int i = 0; i < TASKS; i++) {
        bool leaves = i >= 10 && i < 15;
        calls += leaves || i >= 30 ? 1 : 2;
        fixture_finish(f, &tasks[i]);
        if (!tasks[i].ok && !leaves)
            fail_msg("%d: %s", i, tasks[i].message);
    }
    struct pg_stats stats;
    pg_pool_flush(f->context.pool);
    pg_pool_stats(f->context.pool, &stats);
    /* Who asks together with one that fails asks once more; how many do is up to the moment. */
    assert_in_range(stats.statements, 2, calls - 1);
}

static void it_is_a_statement_as_any_other(void **state)
{
    fixture_run(
        *state, REQUIRES
        "local shown = json.encode(db.one_json(rows.view, 'select 1 as n where $1::int = 2', 2))\n"
        "assert(json.decode(shown).n == 1 and json.decode(shown).twice == json.null)\n"
        "assert(not pcall(db.one_json, 'no view', rows.twice, 1, nil))\n"
        "assert(db.query(rows.twice, 3, 4)[2].twice == 8 and #db.rows(rows.twice, 1, nil) == 1)\n"
        "db.transaction(function(tx)\n"
        "  assert(tx:one(rows.twice, 7, nil).text == 'x7' and tx:query(rows.twice, 8, nil)[1].twice == "
        "16)\n"
        "  local pending = tx:later(rows.twice, 9, nil)\n"
        "  assert(pending:one().twice == 18 and tx:one(rows.twice, 0, nil) == nil)\n"
        "end)\n"
        "assert(tostring(rows.twice):find('^statement lua/store/rows.lua:%d$'))\n");
}

static void what_cannot_be_gathered_is_refused(void **state)
{
    fixture_run(*state, REQUIRES
                "local e = fails('invalid', db.sql_one, 'select $1')\n"
                "assert(e.message:find('write the type of $1 wherever it stands, as in "
                "$1::uuid', 1, true), e.message)\n"
                "e = fails('invalid', db.sql_one, 'delete from t where n = $1::int')\n"
                "assert(e.message:find('only what reads, locks, inserts or updates', 1, true), e.message)\n");
}

#define WITH_DATABASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DATABASE(everybody_has_its_own_row),
        WITH_DATABASE(it_is_a_statement_as_any_other),
        WITH_DATABASE(what_cannot_be_gathered_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
