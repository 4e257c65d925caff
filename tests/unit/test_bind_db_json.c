/* Lua module db against a real PostgreSQL (DATABASE_URL): rows as JSON.
 */
#include "bind_db_fixture.h"

#define REQUIRES "local db, json = require 'db', require 'json'\n" FAILS

static int set_up(void **state)
{
    struct fixture *f = *state = fixture_new();
    return db_fixture_open(f);
}

static int tear_down(void **state)
{
    db_fixture_free(*state);
    return 0;
}

static void writes_rows_as_json(void **state)
{
    fixture_run(
        *state, REQUIRES
        "local text = [[select n as id, n % 2 = 0 as even, n * 1000000000000 as i, n / 4.0::float8 as f,\n"
        "  'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as u, n::numeric / 8 as d, 'x\"' || n || 'ä' as t,\n"
        "  date '2026-11-22' + n as day, timestamptz '2026-11-22 14:39:00.123456+08' as at,\n"
        "  nullif(n, 2) as maybe, jsonb_build_object('b', 1, 'a', array[n, null]) as j, array[n, 3] as list\n"
        "  from generate_series(1, 3) as n order by n]]\n"
        "local names = {'id', 'u', 'even', 'i', 'f', 'd', 't', 'day', 'at', 'maybe', 'j', 'list', 'other'}\n"
        "local plain, rows = db.query(text), db.rows(text)\n"
        "assert(#rows == 3 and rows[0] == nil and rows[4] == nil and rows.id == nil and rows[2].maybe == "
        "nil)\n"
        "local shown = {}\n"
        "for i, row in ipairs(rows) do\n"
        "  assert(json.encode(row) == json.encode(plain[i]))\n"
        "  shown[i] = json.pick(row, names)\n"
        "end\n"
        "local view = json.view(names)\n"
        "assert(#shown == 3 and not pcall(rows.json, rows, names, 1) and not pcall(rows.json, rows, view))\n"
        "assert(not pcall(rows.json, {}, view, 1) and not pcall(function() rows[1] = {} end))\n"
        "local done = rows:json(view, 3)\n"
        "collectgarbage()\n"
        "assert(json.encode(done) == json.encode(shown))\n"
        "fails('invalid', json.encode, done)\n"
        "for _, ask in ipairs {function() return #rows end, function() return rows[1] end,\n"
        "                      function() return rows:json(view, 1) end} do fails('internal', ask) end\n"
        "local nested = {a = db.rows(text):json(view, 9), b = 1}\n"
        "assert(json.encode(nested) == json.encode {a = shown, b = 1})\n"
        "assert(json.encode(db.rows(text):json(json.view {'id'}, 2)) == '[{\"id\":1},{\"id\":2}]')\n"
        "assert(json.encode(db.rows(text):json(json.view {}, 1)) == '[{}]')\n"
        "local none = db.rows [[select 1 as id where false]]\n"
        "assert(#none == 0 and none[1] == nil and json.encode(none:json(json.view {'id'}, 5)) == '[]')\n"
        "local odd = db.rows [[select 'NaN'::float8 as f, point(1,2) as p]]\n"
        "fails('invalid', odd.json, odd, json.view {'f'}, 1)\n"
        "fails('invalid', odd.json, odd, json.view {'p'}, 1)\n"
        "fails('db', db.rows, 'select nothing')\n");
}

/* What is the same as in the row above is copied from there. */
static void repeats_the_row_above(void **state)
{
    fixture_run(
        *state, REQUIRES
        "local text = [[select n / 3 as a, case when n % 4 < 2 then n / 8 end as b, n % 5 = 0 as c,\n"
        "  case when n % 7 < 3 then jsonb_build_array(n / 2) end as d, 'same' as e, n as f, (n / 5)::int8 as "
        "g,\n"
        "  case when n % 3 > 0 then timestamptz 'epoch' + n / 6 * interval '1 day' end as h,\n"
        "  lpad((n / 4)::text, 32, '0')::uuid as i, (n / 9)::numeric as j, date '2026-11-22' + n / 10 as k,\n"
        "  repeat('x', n % 10) as l, (n / 4)::float8 / 8 as m, nullif(n / 6, 3)::int2 as n, null::int8 as o\n"
        "  from generate_series(1, 60) as n order by n]]\n"
        "local names = {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p'}\n"
        "local function expect(names)\n"
        "  local shown = {}\n"
        "  for i, row in ipairs(db.query(text)) do shown[i] = json.pick(row, names) end\n"
        "  return json.encode(shown)\n"
        "end\n"
        "for first = 1, #names do\n"
        "  local some = table.move(names, first, #names, 1, {})\n"
        "  assert(json.encode(db.rows(text):json(json.view(some), 99)) == expect(some))\n"
        "end\n"
        "local rows, same = db.rows 'select n from generate_series(1, 2) as n', {a = 'ä', n = 9, z = false, "
        "l = {1}}\n"
        "local done = rows:json(json.view {'a', 'n', 'b', 'l', 'z'}, 9, same)\n"
        "assert(json.encode(done) == '[{\"a\":\"ä\",\"b\":null,\"l\":[1],\"n\":1,\"z\":false},'\n"
        "  .. '{\"a\":\"ä\",\"b\":null,\"l\":[1],\"n\":2,\"z\":false}]')\n"
        "assert(not pcall(rows.json, db.rows 'select 1 as n', json.view {'n'}, 9, 'same'))\n"
        "local nan = db.rows 'select 1 as n'\n"
        "fails('invalid', nan.json, nan, json.view {'n', 'a'}, 9, {a = 0 / 0})\n"
        "assert(json.encode(nan:json(json.view {'n', 'a'}, 9, {a = json.null})) == "
        "'[{\"a\":null,\"n\":1}]')\n"
        "local one_by_one = db.transaction(function(tx) return tx:later(text) end):json(json.view(names))\n"
        "assert(json.encode(one_by_one) == expect(names))\n");
}

static void views_rename_and_nest(void **state)
{
    fixture_run(
        *state, REQUIRES
        "local view = json.view {'b', 'a', z = 'a', inner = {'a', q = 'b', more = {'b', none = 'gone'}, void "
        "= "
        "{}}}\n"
        "local text = json.encode(db.rows [[select 1 as a, 'x' as b]]:json(view, 1))\n"
        "assert(text == "
        "'[{\"a\":1,\"b\":\"x\",\"inner\":{\"a\":1,\"more\":{\"b\":\"x\",\"none\":null},\"q\":\"x\",'\n"
        "  .. '\"void\":{}},\"z\":1}]', text)\n"
        "local other = json.encode(db.rows [[select 'y' as b, 0 as c, 2 as a]]:json(view, 1))\n"
        "assert(other == text:gsub('1', '2'):gsub('x', 'y'), other)\n"
        "local fewer = json.encode(db.rows [[select 3 as a]]:json(json.view {'a', 'b'}, 1))\n"
        "assert(fewer == '[{\"a\":3,\"b\":null}]')\n"
        "local again = json.encode(db.rows [[select 'y' as b, 0 as c, 2 as a]]:json(view, 1))\n"
        "assert(again == other)\n"
        "local quoted = json.view {['\"\\n'] = 'a'}\n"
        "assert(json.encode(db.rows [[select 'ä\"' as a]]:json(quoted, 1)) == "
        "'[{\"\\\\\"\\\\n\":\"ä\\\\\"\"}]')\n"
        "local cycle = {}; cycle.again = cycle\n"
        "for _, bad in ipairs {{1}, {{'a'}}, {a = 1}, {a = true}, {[{}] = 'a', 1}, cycle} do\n"
        "  assert(not pcall(json.view, bad))\n"
        "end\n"
        "assert(not pcall(json.view) and not pcall(json.view, 'a'))\n");
}

static void pending_rows_are_shown(void **state)
{
    fixture_run(
        *state, REQUIRES
        "local view = json.view {'n'}\n"
        "local three, none = db.transaction(function(tx)\n"
        "  local early = tx:later [[select 7 as n]]\n"
        "  assert(json.encode(early:json(view)) == '[{\"n\":7}]' and early:one().n == 7)\n"
        "  assert(not pcall(early.json, early) and not pcall(early.json, early, {'n'}))\n"
        "  return tx:later [[select n from generate_series(1, 3) as n]], tx:later [[select 1 as n where "
        "false]]\n"
        "end)\n"
        "local shown = three:json(view)\n"
        "assert(#shown == 3 and json.encode(shown[2]) == '{\"n\":2}' and three:rows()[3].n == 3)\n"
        "assert(json.encode(shown) == '[{\"n\":1},{\"n\":2},{\"n\":3}]' and json.encode(three:json(view)) == "
        "json.encode(shown))\n"
        "assert(#none:json(view) == 0 and json.encode(none:json(view)) == '[]')\n");
}

/* A finalizer may run wherever memory is taken. */
static void finalizers_do_not_disturb_rows(void **state)
{
    fixture_run(*state,
                REQUIRES "local text = 'select array[g, g] as b, g as a from generate_series(1, 400) g'\n"
                         "local view, hold = json.view {'a', 'b', 'x'}, {}\n"
                         "for i = 1, 20 do hold[i] = db.rows [[select 8 as a]] end\n"
                         "local rows = db.rows(text)\n"
                         "for _ = 1, 20 do setmetatable({}, {__gc = function()\n"
                         "  local held = table.remove(hold); held:json(view, 9, {x = ('y'):rep(20000 * (21 - "
                         "#hold))}) end}) end\n"
                         "collectgarbage('incremental', 1, 10000)\n"
                         "fails('internal', rows.json, rows, view, 999)\n"
                         "assert(json.encode(db.rows('select 1 as a'):json(view, 9)) == "
                         "'[{\"a\":1,\"b\":null,\"x\":null}]')\n");
}

static void views_may_be_wide(void **state)
{
    fixture_run(*state, REQUIRES "for count = 1, 400, 7 do\n"
                                 "  local names = {}\n"
                                 "  for i = 1, count do names[i] = 'c' .. i end\n"
                                 "  json.view(names)\n"
                                 "end\n");
}

#define WITH_DATABASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DATABASE(writes_rows_as_json),
        WITH_DATABASE(repeats_the_row_above),
        WITH_DATABASE(finalizers_do_not_disturb_rows),
        WITH_DATABASE(views_may_be_wide),
        WITH_DATABASE(views_rename_and_nest),
        WITH_DATABASE(pending_rows_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
