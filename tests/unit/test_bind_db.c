/* Lua module db against a real PostgreSQL (DATABASE_URL): values,
 * statements, transactions, retries, cancelling. */
#include "bind_db_fixture.h"

#define REQUIRES "local db, json = require 'db', require 'json'\n" FAILS
static int set_up(void **state)
{
    struct fixture *f = *state = fixture_new();
    fixture_write(f, "lua/store/words.lua",
                  "local db = require 'db'\n"
                  "return {\n"
                  "  short = db.sql 'select 1 as one',\n"
                  "  long = db.sql [[\n"
                  "    select $1::int\n"
                  "      as n\n"
                  "  ]],\n"
                  "  named = db.sql('select 1 as one, \"\\97\"'),\n"
                  "  broken = db.sql [[select nothing from nowhere]],\n"
                  "}\n");
    fixture_write(f, "lua/eager.lua", "return require 'db'.query 'select 1'\n");
    if (db_fixture_open(f) != 0)
        return -1;
    /* One table for each process, so that runs at the same time do not meet. */
    char script[512];
    snprintf(script, sizeof(script),
             "T = 'bind_db_%d'\n"
             "require 'db'.exec('drop table if exists ' .. T)\n"
             "require 'db'.exec('create table ' .. T .. "
             "' (id int constraint bind_db_pk_%d primary key, n bigint not null default 0)')\n",
             (int)getpid(), (int)getpid());
    fixture_run(f, script);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->vm != NULL)
        fixture_run(f, "require 'db'.exec('drop table ' .. T)");
    db_fixture_free(f);
    return 0;
}

/* ---- values ---- */

static void reads_every_type(void **state)
{
    fixture_run(
        *state, REQUIRES
        "local r = db.one [[select true as b, false as c, 9223372036854775807::int8 as i, (-5)::int2 as s, "
        "0.5::float8 as f,\n"
        "  'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as u, 12345678901234567890.50::numeric as d, "
        "'x'::text as t,\n"
        "  date '2026-11-22' as day, timestamptz '2026-11-22 14:39:00.123456+08' as at, null::int as none,\n"
        "  '{\"a\":[1,null]}'::jsonb as j, 'null'::jsonb as jn, array[1,null,3] as list, '{}'::text[] as "
        "empty,\n"
        "  array['a,\"b\\c','null'] as texts]]\n"
        "assert(r.b == true and r.c == false and r.i == math.maxinteger and r.s == -5 and r.f == 0.5)\n"
        "assert(r.u == 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' and r.d == '12345678901234567890.50' and r.t "
        "== 'x')\n"
        "assert(r.day == '2026-11-22' and r.at == '2026-11-22T06:39:00.123456Z' and r.none == nil)\n"
        "assert(r.j.a[1] == 1 and r.j.a[2] == json.null and r.jn == json.null)\n"
        "assert(#r.list == 3 and r.list[2] == json.null and r.list[3] == 3 and json.encode(r.empty) == "
        "'[]')\n"
        "assert(r.texts[1] == 'a,\"b\\\\c' and r.texts[2] == 'null')\n"
        "local e = fails('invalid', db.query, [[select point(1,2) as p]])\n"
        "assert(e.message:find('cast it to text'), e.message)\n"
        "fails('invalid', db.one, [[select '9007199254740993'::jsonb as j]])\n"
        "assert(db.one [[select 7 as n]].n == 7)\n");
}

static void sends_every_type(void **state)
{
    fixture_run(
        *state, REQUIRES
        "local function back(type, v) return db.one('select $1::' .. type .. ' as v', v).v end\n"
        "assert(back('int8', math.mininteger) == math.mininteger and back('int8', nil) == nil)\n"
        "assert(back('int8', json.null) == nil and back('bool', true) == true and back('bool', false) == "
        "false)\n"
        "assert(back('float8', 0.1) == 0.1 and back('float8', 5e-324) == 5e-324 and back('int8', 3.0) == 3)\n"
        "assert(back('text', '') == '' and back('text', 'ä\"\\'\\\\') == 'ä\"\\'\\\\')\n"
        "local list = back('text[]', db.array {'a', '', 'NULL', 'x\"y\\\\', json.null, 'b,c', '{}'})\n"
        "assert(json.encode(list) == [==[[\"a\",\"\",\"NULL\",\"x\\\"y\\\\\",null,\"b,c\",\"{}\"]]==], "
        "json.encode(list))\n"
        "assert(#back('int8[]', db.array {}) == 0 and back('int8[]', db.array {1, 2})[2] == 2)\n"
        "assert(back('bool[]', db.array {true, false})[2] == false)\n"
        "local doc = back('jsonb', db.json {a = {1, 'x', json.null}})\n"
        "local once = db.json {b = {2}}; assert(db.json(once) == once and back('jsonb', once).b[1] == 2)\n"
        "assert(doc.a[1] == 1 and doc.a[3] == json.null)\n"
        "assert(db.one('select $1::text is null as n, $2::text is null as m', nil, nil).n == true)\n");
}

static void refuses_bad_parameters(void **state)
{
    fixture_run(
        *state, REQUIRES
        "fails('invalid', db.query, 'select $1::text', 'a\\0b')\n"
        "fails('invalid', db.query, 'select $1::float8', 0/0)\n"
        "fails('invalid', db.query, 'select $1::float8', 1/0)\n"
        "fails('invalid', db.query, 'select $1::float8', {})\n"
        "fails('invalid', db.query, 'select $1::float8', print)\n"
        "fails('invalid', db.array, {{}}); fails('invalid', db.array, {'\\0'}); fails('invalid', db.json, "
        "print)\n"
        "assert(not pcall(db.query)); assert(not pcall(db.query, 1)); assert(not pcall(db.query, ''))\n"
        "assert(not pcall(db.query, 'select 1\\0'))\n"
        "local many = {} for i = 1, 1001 do many[i] = i end\n"
        "fails('limit', db.query, 'select 1', table.unpack(many))\n"
        "assert(db.one('select 1 as n').n == 1)\n");
}

/* ---- single statements ---- */

static void queries(void **state)
{
    fixture_run(
        *state, REQUIRES
        "local rows = db.query('select g as n from generate_series(1, 500) g')\n"
        "assert(#rows == 500 and rows[500].n == 500 and json.is_array(rows))\n"
        "assert(json.encode(db.query('select 1 as n where false')) == '[]')\n"
        "assert(db.one('select 1 as n where false') == nil)\n"
        "assert(fails('internal', db.one, 'select 1 from generate_series(1, 2)').message:find('got 2'))\n"
        "local n, rows = db.exec('insert into ' .. T .. ' values (1, 10), (2, 20)')\n"
        "assert(n == 2 and #rows == 0)\n"
        "local n, rows = db.exec('update ' .. T .. ' set n = n + 1 where id = $1 returning n', 2)\n"
        "assert(n == 1 and rows[1].n == 21)\n"
        "local e = fails('db', db.exec, 'insert into ' .. T .. ' values (1)')\n"
        "assert(e.sqlstate == '23505' and e.constraint:find('^bind_db_pk_'))\n"
        "assert(fails('db', db.query, 'selec').sqlstate == '42601')\n");
}

static void registers_statements_with_their_place(void **state)
{
    struct fixture *f = *state;
    fixture_run(f, REQUIRES
                "words = require 'store.words'\n"
                "assert(db.one(words.short).one == 1 and db.one(words.long, 5).n == 5)\n"
                "local e = fails('db', db.query, words.broken)\n"
                "assert(e.message:find('^lua/store/words.lua:9: ') and e.sqlstate == '42P01', e.message)\n"
                "assert(tostring(words.broken) == 'statement lua/store/words.lua:9')\n");
    assert_int_equal(4, f->context.statement_count);
    const int lines[] = {3, 5, 8, 9};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        assert_string_equal("lua/store/words.lua", f->context.statements[i]->source);
        assert_int_equal(lines[i], f->context.statements[i]->line);
    }
    f->context.loading = false;
    fixture_run(
        f, "local ok, e = pcall(require 'db'.sql, 'select 2'); assert(not ok and e:find('while they load'))");
}

static void waits_only_in_tasks(void **state)
{
    struct fixture *f = *state;
    fixture_run(
        f, "local ok, e = pcall(require, 'eager'); assert(not ok and e:find('cannot wait here'), e)\n"
           "local ok, e = coroutine.resume(coroutine.create(function() require 'db'.query 'select 1' end))\n"
           "assert(not ok and e:find('coroutine'), e)\n");
    struct pg_pool *pool = f->context.pool;
    f->context.pool = NULL;
    fixture_run(f, FAILS "local e = fails('internal', require 'db'.query, 'select 1')\n"
                         "assert(e.message:find('not while loading'))\n"
                         "fails('internal', require 'db'.transaction, function() end)\n");
    f->context.pool = pool;
}

static void slow_statements_time_out(void **state)
{
    struct fixture *f = *state;
    struct pg_settings settings = db_fixture_settings();
    settings.statement_ms = 100;
    pg_pool_configure(f->context.pool, &settings);
    fixture_run(f, REQUIRES
                "fails('timeout', db.query, 'select pg_sleep(60)')\n"
                "fails('timeout', db.transaction, function(tx) tx:query('select pg_sleep(60)') end)\n");
    settings.statement_ms = DB_FIXTURE_STATEMENT_MS;
    pg_pool_configure(f->context.pool, &settings);
    fixture_run(f, REQUIRES "assert(db.one('select 1 as n').n == 1)");
}

/* ---- transactions ---- */

static void commits_and_rolls_back(void **state)
{
    fixture_run(
        *state, REQUIRES
        "local function count() return db.one('select count(*)::int as n from ' .. T).n end\n"
        "local insert = 'insert into ' .. T .. ' values ($1)'\n"
        "local a, b, c = db.transaction(function(tx) tx:exec(insert, 1); return 'x', nil, 3 end)\n"
        "assert(a == 'x' and b == nil and c == 3 and count() == 1)\n"
        "assert(select('#', db.transaction(function(tx) tx:exec(insert, 2) end)) == 0 and count() == 2)\n"
        "assert(select('#', db.transaction(function(tx) tx:exec(insert, 3); return nil end)) == 1)\n"
        "assert(count() == 3)\n"
        "local reason = {code = 'too_early'}\n"
        "local none, e = db.transaction(function(tx) tx:exec(insert, 4); return nil, reason end)\n"
        "assert(none == nil and e == reason and count() == 3)\n"
        "local ok, e = pcall(db.transaction, function(tx) tx:exec(insert, 4); error(reason) end)\n"
        "assert(not ok and e == reason and count() == 3)\n"
        "local ok, e = pcall(db.transaction, function(tx) tx:exec(insert, 4); error() end)\n"
        "assert(not ok and e == nil and count() == 3)\n"
        "local e = fails('db', db.transaction, function(tx) tx:exec(insert, 4); tx:exec(insert, 1) end)\n"
        "assert(e.sqlstate == '23505' and count() == 3)\n"
        "local none, e = db.transaction(function(tx)\n"
        "  local ok, e = pcall(tx.exec, tx, insert, 1)\n"
        "  assert(not ok and e.sqlstate == '23505')\n"
        "  local ok, again = pcall(tx.query, tx, 'select 1')\n"
        "  assert(not ok and again.sqlstate == '23505')\n"
        "  return nil, {code = 'taken'}\n"
        "end)\n"
        "assert(none == nil and e.code == 'taken')\n"
        "fails('db', db.transaction, function(tx) pcall(tx.exec, tx, insert, 1) end)\n"
        "assert(count() == 3)\n");
}

static void options_are_honoured(void **state)
{
    fixture_run(*state, REQUIRES
                "local o = {isolation = 'serializable', read_only = true, lock_ms = 1234}\n"
                "db.transaction(o, function(tx)\n"
                "  local r = tx:one([[select current_setting('transaction_isolation') as i,\n"
                "    current_setting('transaction_read_only') as r, current_setting('lock_timeout') as l]])\n"
                "  assert(r.i == 'serializable' and r.r == 'on' and r.l == '1234ms', r.l)\n"
                "end)\n"
                "db.transaction(function(tx)\n"
                "  local r = tx:one([[select current_setting('transaction_isolation') as i,\n"
                "    current_setting('lock_timeout') as l]])\n"
                "  assert(r.i == 'read committed' and r.l == '2s')\n"
                "end)\n"
                "local f = function() error('ran') end\n"
                "for _, bad in ipairs {{isolation = 'none'}, {isolation = 1}, {read_only = 1}, {lock_ms = "
                "0}, {lock_ms = 1.5},\n"
                "                      {other = 1}, {1}} do\n"
                "  local ok, e = pcall(db.transaction, bad, f); assert(not ok and e ~= 'ran')\n"
                "end\n"
                "assert(not pcall(db.transaction)); assert(not pcall(db.transaction, {}))\n");
}

static void misuse_is_refused(void **state)
{
    fixture_run(
        *state, REQUIRES
        "local kept, pending\n"
        "db.transaction(function(tx)\n"
        "  kept, pending = tx, tx:later('select 1 as n')\n"
        "  fails('internal', db.query, 'select 1'); fails('internal', db.exec, 'select 1')\n"
        "  fails('internal', db.transaction, function() end)\n"
        "  local ok, e = pcall(coroutine.wrap(function() tx:query('select 1') end))\n"
        "  assert(not ok and tx:one('select 2 as n').n == 2)\n"
        "end)\n"
        "fails('internal', kept.query, kept, 'select 1'); fails('internal', kept.later, kept, 'select 1')\n"
        "assert(pending:one().n == 1, 'what travelled with the transaction may be read after it')\n"
        "local lost\n"
        "db.transaction(function(tx) lost = tx:later('select 1 as n'); return nil, 'no' end)\n"
        "fails('internal', lost.one, lost)\n"
        "assert(db.one('select 3 as n').n == 3)\n");
}

static void pending_statements_travel_together(void **state)
{
    fixture_run(*state, REQUIRES "local insert = 'insert into ' .. T .. ' values ($1, $2) returning n'\n"
                                 "local a, b\n"
                                 "db.transaction(function(tx)\n"
                                 "  a, b = tx:later(insert, 1, 10), tx:later(insert, 2, 20)\n"
                                 "  assert(tx:one('select sum(n)::int as n from ' .. T).n == 30)\n"
                                 "  assert(a:one().n == 10 and a:rows()[1].n == 10 and b:affected() == 1)\n"
                                 "  b = tx:later(insert, 3, 30); assert(b:one().n == 30)\n"
                                 "  a = tx:later(insert, 4, 40)\n"
                                 "end)\n"
                                 "assert(a:affected() == 1 and a:one().n == 40)\n"
                                 "local e = fails('db', db.transaction, function(tx)\n"
                                 "  tx:later(insert, 1, 0); collectgarbage(); collectgarbage()\n"
                                 "  tx:query('select 1'); error('not reached')\n"
                                 "end)\n"
                                 "assert(e.sqlstate == '23505')\n"
                                 "local e = fails('db', db.transaction, function(tx) tx:later(insert, 1, 0); "
                                 "tx:later(insert, 9, 0) end)\n"
                                 "assert(e.sqlstate == '23505' and e.constraint ~= nil)\n"
                                 "local e = fails('db', db.transaction, function(tx)\n"
                                 "  local p, q = tx:later(insert, 1, 0), tx:later(insert, 9, 0); q:one()\n"
                                 "end)\n"
                                 "assert(e.sqlstate == '23505')\n"
                                 "assert(db.one('select count(*)::int as n from ' .. T).n == 4)\n");
}

static void what_may_succeed_is_run_again(void **state)
{
    fixture_run(
        *state, REQUIRES
        "local function attempts(state, good_at)\n"
        "  local runs = 0\n"
        "  local ok, e = pcall(db.transaction, function(tx)\n"
        "    runs = runs + 1\n"
        "    tx:exec('insert into ' .. T .. ' values (1)')\n"
        "    if runs ~= good_at then tx:exec(\"do $$ begin raise sqlstate '\" .. state .. \"'; end $$\") "
        "end\n"
        "    return 'done'\n"
        "  end)\n"
        "  db.exec('delete from ' .. T)\n"
        "  return runs, ok, e\n"
        "end\n"
        "for _, state in ipairs {'40001', '40P01', '0A000', '26000'} do\n"
        "  local runs, ok, e = attempts(state, 3); assert(runs == 3 and ok and e == 'done', state)\n"
        "end\n"
        "local runs, ok, e = attempts('40001'); assert(runs == 4 and not ok and e.sqlstate == '40001')\n"
        "local runs, ok, e = attempts('22012'); assert(runs == 1 and not ok and e.sqlstate == '22012')\n"
        "local runs = 0\n"
        "fails('db', db.transaction, function(tx)\n"
        "  runs = runs + 1; tx:later(\"do $$ begin raise sqlstate '40001'; end $$\")\n"
        "end)\n"
        "assert(runs == 4)\n"
        "local runs = 0\n"
        "assert(not pcall(db.transaction, function() runs = runs + 1; error('mine') end) and runs == 1)\n");
}

/* Two serializable tasks read the same row before either writes: one of them has to be run again. */
static void colliding_transactions_both_succeed(void **state)
{
    struct fixture *f = *state;
    static const char script[] =
        REQUIRES "runs, reads = runs or 0, reads or 0\n"
                 "local stop = os.time() + 30\n"
                 "db.transaction({isolation = 'serializable'}, function(tx)\n"
                 "  runs = runs + 1\n"
                 "  local n = tx:one('select n from ' .. T .. ' where id = 1').n\n"
                 "  reads = reads + 1\n"
                 "  while reads < 2 and os.time() < stop do tx:query('select 1') end\n"
                 "  tx:exec('update ' .. T .. ' set n = $1 where id = 1', n + 1)\n"
                 "end)\n";
    fixture_run(f, "require 'db'.exec('insert into ' .. T .. ' values (1, 0)')");
    struct fixture_task tasks[2];
    fixture_start(f, &tasks[0], script);
    fixture_start(f, &tasks[1], script);
    for (size_t i = 0; i < COUNT_OF(tasks); i++) {
        fixture_finish(f, &tasks[i]);
        if (!tasks[i].ok)
            fail_msg("%s", tasks[i].message);
    }
    fixture_run(f, "assert(require 'db'.one('select n from ' .. T).n == 2 and runs >= 3, runs)");
}

static void a_lost_connection_is_unavailable(void **state)
{
    fixture_run(*state,
                REQUIRES "fails('unavailable', db.transaction, function(tx)\n"
                         "  tx:query('select 1'); tx:query('select pg_terminate_backend(pg_backend_pid())')\n"
                         "end)\n"
                         "db.transaction(function(tx) assert(tx:one('select 1 as n').n == 1) end)\n");
}

/* The connection is cut by what travels with COMMIT: whether it happened cannot be known. */
static void a_lost_answer_to_commit_is_unknown(void **state)
{
    fixture_run(*state, REQUIRES "local runs = 0\n"
                                 "fails('unknown', db.transaction, function(tx)\n"
                                 "  runs = runs + 1; tx:query('select 1')\n"
                                 "  tx:later('select pg_terminate_backend(pg_backend_pid())')\n"
                                 "end)\n"
                                 "assert(runs == 1)\n");
}

/* ---- leaving ---- */

static void a_cancelled_task_leaves_the_lanes_usable(void **state)
{
    struct fixture *f = *state;
    struct fixture_task single, leasing;
    fixture_start(f, &single, "require 'db'.query('select pg_sleep(0.1)')");
    fixture_start(f, &leasing, "require 'db'.transaction(function() end)");
    vm_run(f->vm, FIXTURE_RESUMES);
    pg_pool_flush(f->context.pool);
    task_cancel(single.task);
    task_cancel(leasing.task);
    assert_true(single.has_ended && leasing.has_ended);
    fixture_run(f, REQUIRES "assert(db.one('select 5 as n').n == 5)\n"
                            "for i = 1, 5 do assert(db.transaction(function(tx) return tx:one('select 6 as "
                            "n').n end) == 6) end\n");
}

/* With a transaction open the client's leaving waits: what was begun is committed, then the task ends. */
static void a_cancelled_transaction_ends_first(void **state)
{
    struct fixture *f = *state;
    struct fixture_task t;
    fixture_start(f, &t,
                  "require 'db'.transaction(function(tx) inside = true\n"
                  "  tx:exec('insert into ' .. T .. ' values (7)')\n"
                  "  for _ = 1, 5 do tx:query('select 1') end end)\n"
                  "require 'db'.query('select 1'); went_on = true\n");
    uint64_t begin_ns = mono_ns();
    for (bool inside = false; !inside; lua_pop(f->vm->L, 1)) {
        fixture_turn(f);
        lua_getglobal(f->vm->L, "inside");
        inside = lua_toboolean(f->vm->L, -1);
        assert_true(mono_ns() - begin_ns < FIXTURE_DEADLINE_NS);
    }
    task_cancel(t.task);
    assert_false(t.has_ended);
    fixture_finish(f, &t);
    assert_false(t.ok);
    fixture_run(f, "assert(not went_on and require 'db'.one('select id from ' .. T).id == 7)");
}

/* Another transaction gets the row at once: nothing waits for idle_transaction_ms or the collector. */
static void a_stray_yield_rolls_back_at_once(void **state)
{
    struct fixture *f = *state;
    fixture_run(
        f, REQUIRES
        "db.exec('insert into ' .. T .. ' values (1)')\n"
        "local ok, e = pcall(db.transaction, function(tx)\n"
        "  tx:exec('update ' .. T .. ' set id = 2'); coroutine.yield() end)\n"
        "assert(not ok and e:find('coroutine.yield outside'), e)\n"
        "db.transaction({lock_ms = 500}, function(tx) tx:exec('update ' .. T .. ' set id = id + 10') end)\n"
        "assert(db.one('select id from ' .. T).id == 11)\n");
    struct fixture_task t;
    fixture_start(f, &t,
                  "require 'db'.transaction(function(tx) tx:exec('update ' .. T .. ' set id = 2')\n"
                  "  coroutine.yield() end)");
    fixture_finish(f, &t);
    assert_false(t.ok);
    fixture_run(
        f, REQUIRES
        "db.transaction({lock_ms = 500}, function(tx) tx:exec('update ' .. T .. ' set id = id + 10') end)\n"
        "assert(db.one('select id from ' .. T).id == 21)\n");
}

static void a_closing_vm_rolls_back(void **state)
{
    struct fixture *f = *state;
    static const char *const scripts[] = {
        "require 'db'.query('select pg_sleep(0.05)')",
        "require 'db'.transaction(function(tx) inside = true; kept = tx:later('select 1')\n"
        "  tx:query('select pg_sleep(0.05)') end)",
        "require 'db'.transaction(function(tx) tx:query('select 1'); tx:query('select 2') end)",
        "require 'db'.transaction(function(tx) tx:exec(\"do $$ begin raise sqlstate '40001'; end $$\") end)",
    };
    struct fixture_task tasks[COUNT_OF(scripts)];
    fixture_run(f, "require 'db'.exec('drop table ' .. T)");
    for (size_t i = 0; i < COUNT_OF(scripts); i++)
        fixture_start(f, &tasks[i], scripts[i]);
    uint64_t begin_ns = mono_ns();
    for (bool inside = false; !inside; lua_pop(f->vm->L, 1)) {
        fixture_turn(f);
        lua_getglobal(f->vm->L, "inside");
        inside = lua_toboolean(f->vm->L, -1);
        assert_true(mono_ns() - begin_ns < FIXTURE_DEADLINE_NS);
    }
    fixture_close_vm(f);
    for (size_t i = 0; i < COUNT_OF(tasks); i++)
        assert_true(tasks[i].has_ended);
}

/* Whatever allocation of Lua fails: the task ends, nothing leaks (AddressSanitizer looks), no lease is lost.
 */
static void every_want_of_memory_is_survived(void **state)
{
    struct fixture *f = *state;
    static const char script[] = "local db = require 'db'\n"
                                 "local r = db.one([[select array['a', null] as list, '{\"a\":[1]}'::jsonb "
                                 "as j, $1::text[] as t, $2::jsonb as d]],\n"
                                 "  db.array {'x', 'y'}, db.json {a = {1}})\n"
                                 "local p\n"
                                 "db.transaction({read_only = true}, function(tx)\n"
                                 "  p = tx:later('select g as n from generate_series(1, 20) g')\n"
                                 "  assert(tx:one('select 1 as n').n == 1)\n"
                                 "end)\n"
                                 "assert(#p:rows() == 20 and r.d.a[1] == 1)\n";
    int failures = 0, successes = 0;
    for (size_t spare = 0; successes < 3; spare += 256) {
        struct fixture_task t;
        fixture_start(f, &t, script);
        lua_gc(f->vm->L, LUA_GCCOLLECT);
        f->vm->memory_max = f->vm->memory_used + spare;
        uint64_t begin_ns = mono_ns();
        while (!t.has_ended) {
            fixture_turn(f);
            assert_true(mono_ns() - begin_ns < FIXTURE_DEADLINE_NS);
        }
        f->vm->memory_max = 0;
        failures += !t.ok;
        successes += t.ok;
        assert_int_equal(0, lua_gettop(f->vm->L));
    }
    assert_true(failures > 5);
    fixture_run(
        f, REQUIRES
        "for i = 1, 5 do db.transaction(function(tx) assert(tx:one('select 1 as n').n == 1) end) end");
}

#define WITH_DATABASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DATABASE(reads_every_type),
        WITH_DATABASE(sends_every_type),
        WITH_DATABASE(refuses_bad_parameters),
        WITH_DATABASE(queries),
        WITH_DATABASE(registers_statements_with_their_place),
        WITH_DATABASE(waits_only_in_tasks),
        WITH_DATABASE(slow_statements_time_out),
        WITH_DATABASE(commits_and_rolls_back),
        WITH_DATABASE(options_are_honoured),
        WITH_DATABASE(misuse_is_refused),
        WITH_DATABASE(pending_statements_travel_together),
        WITH_DATABASE(what_may_succeed_is_run_again),
        WITH_DATABASE(colliding_transactions_both_succeed),
        WITH_DATABASE(a_lost_connection_is_unavailable),
        WITH_DATABASE(a_lost_answer_to_commit_is_unknown),
        WITH_DATABASE(a_cancelled_task_leaves_the_lanes_usable),
        WITH_DATABASE(a_cancelled_transaction_ends_first),
        WITH_DATABASE(a_stray_yield_rolls_back_at_once),
        WITH_DATABASE(a_closing_vm_rolls_back),
        WITH_DATABASE(every_want_of_memory_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
