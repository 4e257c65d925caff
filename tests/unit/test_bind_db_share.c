/* Lua module db against a real PostgreSQL (DATABASE_URL): transactions that share one. */
#include "bind_db_fixture.h"

#define TASKS 4

static int set_up(void **state)
{
    struct fixture *f = *state = fixture_new();
    fixture_write(
        f, "lua/store/notes.lua",
        "local sql_one = require 'db'.sql_one\n"
        "return {\n"
        "  add = sql_one [[insert into bind_db_notes (who, n) select $1::uuid, $2::int\n"
        "    returning who, n, xid]],\n"
        "  find = sql_one [[select n, n * 2 as twice from bind_db_notes where who = $1::uuid]],\n"
        "  raise = sql_one [[update bind_db_notes set n = n + 10 where who = $1::uuid and n < $2::int\n"
        "    returning who, n]],\n"
        "  view = require 'json'.view { 'n' },\n"
        "}\n");
    if (db_fixture_open(f) != 0)
        return -1;
    fixture_run(
        f, "local db = require 'db'\n"
           "db.exec('drop table if exists bind_db_share')\n"
           "db.exec('create table bind_db_share (n int primary key, xid bigint not null, runs int)')\n"
           "db.exec('drop table if exists bind_db_notes')\n"
           "db.exec('create table bind_db_notes (who uuid, n int, xid bigint default txid_current())')\n");
    return 0;
}

static int tear_down(void **state)
{
    fixture_run(*state, "require 'db'.exec('drop table bind_db_share, bind_db_notes')\n");
    db_fixture_free(*state);
    return 0;
}

/* Start so many tasks with the script, in which n is the number of each, and wait for their ends. */
static void run_together(struct fixture *f, const char *script)
{
    struct fixture_task tasks[TASKS];
    char each[4000];
    for (int i = 0; i < TASKS; i++) {
        snprintf(each, sizeof(each), "local n, runs = %d, 0\n%s", i, script);
        fixture_start(f, &tasks[i], each);
    }
    for (int i = 0; i < TASKS; i++) {
        fixture_finish(f, &tasks[i]);
        if (!tasks[i].ok)
            fail_msg("%d: %s", i, tasks[i].message);
    }
}

#define INSERT "'insert into bind_db_share values ($1, txid_current(), $2)'"

static void all_in_one(void **state)
{
    struct fixture *f = *state;
    run_together(f, "local db = require 'db'\n"
                    "local pending\n"
                    "local result = db.transaction({ share = 'key ' .. n }, function(tx)\n"
                    "  assert(tx:one('select 1 as one').one == 1)\n"
                    "  pending = tx:later(" INSERT " .. ' returning n', n, 1)\n"
                    "  return n\n"
                    "end)\n"
                    "assert(result == n and pending:one().n == n)\n");
    fixture_run(f, "local row = require 'db'.one('select count(*) as rows, count(distinct xid) as xids from "
                   "bind_db_share')\n"
                   "assert(row.rows == 4 and row.xids == 1, row.xids)\n");
}

/* One raises, one is refused by PostgreSQL, one takes nil, err for its answer after it has written: the
 * others, and those that can, succeed in a transaction of their own; nobody's work is done twice. */
static void each_by_itself_when_one_fails(void **state)
{
    struct fixture *f = *state;
    run_together(f, "local db = require 'db'\n"
                    "local ok, result, err = pcall(db.transaction, { share = 'key ' .. n }, function(tx)\n"
                    "  runs = runs + 1\n"
                    "  tx:one('select 1 as one')\n"
                    "  tx:exec(" INSERT ", n, runs)\n"
                    "  if n == 1 then tx:exec('select 1 / 0') end\n"
                    "  if n == 2 then return nil, 'refused' end\n"
                    "  if n == 3 then error('raised', 0) end\n"
                    "  return 'done'\n"
                    "end)\n"
                    "if n == 0 then assert(ok and result == 'done' and runs == 2, runs) end\n"
                    "if n == 1 then assert(not ok and result.sqlstate == '22012' and runs == 2, runs) end\n"
                    "if n == 2 then assert(ok and result == nil and err == 'refused') end\n"
                    "if n == 3 then assert(not ok and tostring(result):find('raised')) end\n");
    fixture_run(f, "local rows = require 'db'.query('select n, runs from bind_db_share')\n"
                   "assert(#rows == 1 and rows[1].n == 0 and rows[1].runs == 2)\n");
}

static void who_changes_nothing_leaves_the_others_alone(void **state)
{
    struct fixture *f = *state;
    run_together(
        f, "local db = require 'db'\n"
           "local result, err = db.transaction({ share = 'key ' .. n }, function(tx)\n"
           "  runs = runs + 1\n"
           "  tx:one('select n from bind_db_share for update')\n"
           "  if n > 1 then return nil, 'not found' end\n"
           "  tx:later(" INSERT ", n, runs)\n"
           "  return 'done'\n"
           "end)\n"
           "assert(runs == 1 and (result == 'done') == (n <= 1) and (err == 'not found') == (n > 1))\n");
    fixture_run(f, "local row = require 'db'.one('select count(*) as rows, count(distinct xid) as xids from "
                   "bind_db_share')\n"
                   "assert(row.rows == 2 and row.xids == 1)\n");
}

/* The answer to COMMIT is lost: it may have been done, so nobody does it again. */
static void none_again_when_in_doubt(void **state)
{
    struct fixture *f = *state;
    fixture_run(
        f, "local db = require 'db'\n"
           "db.exec('create or replace function bind_db_share_dies() returns trigger language plpgsql as '\n"
           "  .. '$$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$')\n"
           "db.exec('create constraint trigger dies after insert on bind_db_share deferrable initially "
           "deferred '\n"
           "  .. 'for each row execute function bind_db_share_dies()')\n");
    run_together(f, "local db = require 'db'\n"
                    "local ok, err = pcall(db.transaction, { share = 'key ' .. n }, function(tx)\n"
                    "  runs = runs + 1\n"
                    "  tx:exec(" INSERT ", n, runs)\n"
                    "end)\n"
                    "assert(not ok and err.code == 'unknown' and runs == 1, tostring(err) .. runs)\n");
}

/* What all of them say is one statement; whichever way it is read, each has its own. The last one's is not
 * raised. */
static void each_reads_its_own(void **state)
{
    struct fixture *f = *state;
    run_together(
        f,
        "local db, json, notes = require 'db', require 'json', require 'store.notes'\n"
        "local who = ('0'):rep(8) .. '-0000-0000-0000-00000000000' .. 9 - n\n"
        "local raised = db.transaction({ share = 'key ' .. n }, function(tx)\n"
        "  runs = runs + 1\n"
        "  local added, found = tx:later(notes.add, who, n), tx:later(notes.find, who)\n"
        "  assert(found:one().twice == n * 2 and found:one().who == nil)\n"
        "  assert(added:one().n == n and added:rows()[1].n == n and #added:rows() == 1)\n"
        "  assert(added:affected() == 1 and json.encode(added:json(notes.view)) == '[{\"n\":' .. n .. '}]')\n"
        "  local count, rows = tx:exec(notes.raise, who, 3)\n"
        "  assert(n == 3 and count == 0 and #rows == 0 or count == 1 and rows[1].n == n + 10)\n"
        "  assert(#tx:query(notes.find, who) == 1)\n"
        "  return tx:later(notes.raise, who, 3)\n"
        "end)\n"
        "assert(runs == 1 and raised:one() == nil and #raised:rows() == 0 and raised:affected() == 0)\n"
        "assert(json.encode(raised:json(notes.view)) == '[]')\n");
    fixture_run(
        f, "local row = require 'db'.one('select count(distinct n) as n, count(distinct xid) as xids, '\n"
           "  .. 'sum(n) as sum from bind_db_notes')\n"
           "assert(row.n == 4 and row.xids == 1 and tonumber(row.sum) == 36)\n");
    struct pg_stats stats;
    pg_pool_flush(f->context.pool);
    pg_pool_stats(f->context.pool, &stats);
    assert_int_equal(stats.share_failures, 0);
}

/* A client leaves when its task has its connection but has not said anything: the other does not wait for it.
 */
static void who_leaves_between_two_steps_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    struct fixture_task tasks[2];
    char script[500];
    for (int i = 0; i < 2; i++) {
        snprintf(script, sizeof(script),
                 "local db, n, runs = require 'db', %d, 0\n"
                 "return db.transaction({ share = 'key ' .. n }, function(tx)\n"
                 "  runs = runs + 1\n"
                 "  tx:exec(" INSERT ", n, runs)\n"
                 "end)",
                 i);
        fixture_start(f, &tasks[i], script);
    }
    vm_run(f->vm, FIXTURE_RESUMES);
    while (list_is_empty(&f->vm->ready)) {
        pg_pool_flush(f->context.pool);
        uv_run(&f->loop, UV_RUN_ONCE);
    }
    task_cancel(tasks[1].task);
    fixture_finish(f, &tasks[0]);
    assert_true(tasks[0].ok);
    fixture_run(f, "local rows = require 'db'.query('select n, runs from bind_db_share')\n"
                   "assert(#rows == 1 and rows[1].n == 0 and rows[1].runs == 1)\n");
}

static void options_are_checked(void **state)
{
    fixture_run(
        *state,
        "local db = require 'db'\n"
        "local function refused(options, reason)\n"
        "  local ok, message = pcall(db.transaction, options, function() end)\n"
        "  assert(not ok and tostring(message):find(reason, 1, true), tostring(message))\n"
        "end\n"
        "refused({ share = '' }, 'share is a string of 1 to 100 bytes')\n"
        "refused({ share = ('x'):rep(101) }, 'share is a string of 1 to 100 bytes')\n"
        "refused({ share = 'a\\0b' }, 'share is a string of 1 to 100 bytes')\n"
        "refused({ share = 7 }, 'share is a string of 1 to 100 bytes')\n"
        "refused({ share = 'a', read_only = true }, 'only transactions that write and read committed "
        "share')\n"
        "refused({ share = 'a', isolation = 'serializable' }, 'read committed share')\n"
        "assert(db.transaction({ share = ('x'):rep(100), lock_ms = 5 }, function() return 1 end) == 1)\n");
}

#define WITH_DATABASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DATABASE(all_in_one),
        WITH_DATABASE(each_by_itself_when_one_fails),
        WITH_DATABASE(who_changes_nothing_leaves_the_others_alone),
        WITH_DATABASE(none_again_when_in_doubt),
        WITH_DATABASE(each_reads_its_own),
        WITH_DATABASE(who_leaves_between_two_steps_is_not_waited_for),
        WITH_DATABASE(options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
