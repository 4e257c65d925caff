/* script/task.h: tasks run only in vm_run, end once, wait and wake, and close what they opened however they
 * end. */
#include "script_task_fixture.h"

/* ---- running ---- */

static void test_runs_only_in_vm_run(void **state)
{
    (void)state;
    struct world w = world_new();
    start(&w, "ran = true return 'result'");
    lua_getglobal(w.vm->L, "ran");
    assert_true(lua_isnil(w.vm->L, -1));
    lua_pop(w.vm->L, 1);
    assert_int_equal(seen.ended, 0);
    assert_int_equal(w.vm->task_count, 1);
    run_all(&w);
    ended_with(LUA_OK, "result");
    assert_int_equal(w.vm->task_count, 0);
    world_end(&w);
    assert_int_equal(seen.ended, 1);
}

static void test_arguments_are_moved(void **state)
{
    (void)state;
    struct world w = world_new();
    struct err err = {0};
    lua_pushinteger(w.vm->L, 99);
    fixture_function(w.vm, "local a, b = ... return a .. b");
    lua_pushliteral(w.vm->L, "x");
    lua_pushliteral(w.vm->L, "y");
    assert_non_null(task_start(w.vm, 2, note_end, &seen, &err));
    assert_int_equal(lua_gettop(w.vm->L), 1);
    lua_pop(w.vm->L, 1);
    run_all(&w);
    ended_with(LUA_OK, "xy");
    world_end(&w);
}

static void test_runs_in_order_within_budget(void **state)
{
    (void)state;
    struct world w = world_new();
    for (int i = 1; i <= 5; i++) {
        char text[32];
        snprintf(text, sizeof text, "return %d", i);
        start(&w, text);
    }
    assert_true(vm_run(w.vm, 2));
    assert_int_equal(seen.order, 12);
    assert_true(vm_run(w.vm, 2));
    assert_false(vm_run(w.vm, 2));
    assert_int_equal(seen.order, 12345);
    world_end(&w);
}

static void start_another(struct task *task, lua_State *co, int status, int nresults, void *data)
{
    struct world *w = data;
    (void)task;
    (void)co;
    (void)nresults;
    assert_int_equal(status, LUA_OK);
    start(w, "return 'second'");
}

static void test_a_task_started_by_the_end_of_another(void **state)
{
    (void)state;
    struct world w = world_new();
    struct err err = {0};
    fixture_function(w.vm, "return 1");
    assert_non_null(task_start(w.vm, 0, start_another, &w, &err));
    run_all(&w);
    ended_with(LUA_OK, "second");
    world_end(&w);
}

static void test_begins_at_once_within_budget(void **state)
{
    (void)state;
    struct world w = world_new();
    vm_run(w.vm, 2);
    task_begin(start(&w, "return 1"));
    ended_with(LUA_OK, "1");
    task_begin(start(&w, "wait() return 2"));
    assert_int_equal(seen.waits, 1);
    task_begin(start(&w, "return 3"));
    assert_int_equal(seen.ended, 1);
    task_wake(seen.waiting[0]);
    run_all(&w);
    assert_int_equal(seen.order, 132);
    world_end(&w);
}

/* Who takes long must not keep the answers of the database waiting. */
static void test_begins_at_once_in_time(void **state)
{
    (void)state;
    struct world w = world_new();
    vm_run(w.vm, 10);
    w.vm->begin_until_ns = mono_ns();
    task_begin(start(&w, "return 1"));
    assert_int_equal(seen.ended, 0);
    w.vm->begin_until_ns = UINT64_MAX;
    task_begin(start(&w, "return 2"));
    run_all(&w);
    assert_int_equal(seen.order, 21);
    world_end(&w);
}

/* ---- coroutines used again ---- */

static int same_coroutine(lua_State *L)
{
    static lua_State *first;
    if (lua_toboolean(L, 1))
        first = L;
    lua_pushboolean(L, L == first);
    return 1;
}

static void run_and_end(struct world *w, const char *text, int status, const char *value)
{
    seen.ended = 0;
    start(w, text);
    run_all(w);
    ended_with(status, value);
}

static void test_coroutines_are_used_again(void **state)
{
    (void)state;
    struct world w = world_new();
    lua_register(w.vm->L, "is_same", same_coroutine);
    run_and_end(&w, "is_same(true) return 'x'", LUA_OK, "x");
    run_and_end(&w, "local a, b = ... return tostring(is_same() and not a and not b)", LUA_OK, "true");
    /* Whoever kept it would hold another request in its hands later. */
    run_and_end(&w, "return tostring(coroutine.running)", LUA_OK, "nil");
    run_and_end(&w, "error('bad', 0)", LUA_ERRRUN, "bad");
    run_and_end(&w, "return tostring(is_same())", LUA_OK, "false");
    world_end(&w);
}

static void test_few_coroutines_are_kept(void **state)
{
    (void)state;
    struct world w = world_new();
    for (int i = 0; i < 3 * VM_SPARE_TASKS_MAX; i++)
        start(&w, "return 0");
    run_all(&w);
    assert_int_equal(w.vm->spare_count, VM_SPARE_TASKS_MAX);
    world_end(&w);
}

/* ---- waiting ---- */

static void test_waits_and_is_woken(void **state)
{
    (void)state;
    struct world w = world_new();
    start(&w, "local a = wait(3) local ok, b = pcall(wait, 4) return a * 10 + b");
    run_all(&w);
    assert_int_equal(seen.waits, 1);
    assert_int_equal(seen.ended, 0);
    lua_gc(w.vm->L, LUA_GCCOLLECT);
    task_wake(seen.waiting[0]);
    assert_int_equal(seen.ended, 0);
    run_all(&w);
    assert_int_equal(seen.waits, 2);
    task_wake(seen.waiting[1]);
    run_all(&w);
    ended_with(LUA_OK, "34");
    assert_int_equal(seen.cancels, 0);
    world_end(&w);
}

static void test_woken_before_it_yields(void **state)
{
    (void)state;
    struct world w = world_new();
    start(&w, "local n = 0 for i = 1, 100 do n = n + wait_done() end return n");
    run_all(&w);
    ended_with(LUA_OK, "500");
    world_end(&w);
}

static void test_continuation_raises(void **state)
{
    (void)state;
    struct world w = world_new();
    start(&w, "local x <close> = opened() local ok, e = pcall(wait, 1, true) assert(not ok) wait(1, true)");
    run_all(&w);
    task_wake(seen.waiting[0]);
    run_all(&w);
    task_wake(seen.waiting[1]);
    run_all(&w);
    ended_with(LUA_ERRRUN, "raised after waiting");
    assert_int_equal(closed_count(&w), 1);
    world_end(&w);
}

static void test_many_at_once(void **state)
{
    (void)state;
    struct world w = world_new();
    for (int i = 0; i < TASKS_MAX; i++)
        start(&w, "local x <close> = opened() return wait(1)");
    run_all(&w);
    lua_gc(w.vm->L, LUA_GCCOLLECT);
    for (int i = TASKS_MAX; i-- > 0;)
        task_wake(seen.waiting[i]);
    run_all(&w);
    assert_int_equal(seen.ended, TASKS_MAX);
    assert_int_equal(closed_count(&w), TASKS_MAX);
    world_end(&w);
}

static void test_places_where_waiting_is_impossible(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"coroutine.wrap(function() wait() end)()", "inside a coroutine of its own"},
        {"table.sort({2, 1}, function() wait() end)", "inside a C call"},
        {"string.gsub('x', 'x', function() wait() end)", "inside a C call"},
        {"require 'm'", "inside a C call"},
        {"for _ in coroutine.wrap(function() wait() end) do end", "inside a coroutine of its own"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct world w = world_new();
        start(&w, cases[i][0]);
        run_all(&w);
        ended_with(LUA_ERRRUN, cases[i][1]);
        assert_int_equal(seen.waits, 0);
        world_end(&w);
    }
    struct world w = world_new();
    struct err err = {0};
    fixture_function(w.vm, "wait()");
    assert_int_equal(-1, vm_call(w.vm, 0, 0, &err));
    assert_non_null(strstr(err.text, "not inside a task"));
    world_end(&w);
}

static void test_places_where_waiting_is_possible(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "for n in wait, 3 do return n end",
        "return (setmetatable({}, {__index = function() return wait(3) end}).x)",
        "return setmetatable({}, {__add = function() return wait(3) end}) + 1",
        "return select(2, pcall(pcall, wait, 3)) and 3",
        "return select(2, xpcall(wait, print, 3))",
        "do local x <close> = setmetatable({}, {__close = function() got = wait(3) end}) end return got",
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct world w = world_new();
        start(&w, cases[i]);
        run_all(&w);
        assert_int_equal(seen.waits, 1);
        task_wake(seen.waiting[0]);
        run_all(&w);
        ended_with(LUA_OK, "3");
        world_end(&w);
    }
}

static void test_task_of_nested_coroutines(void **state)
{
    (void)state;
    struct world w = world_new();
    start(&w, "local a = in_task() local b = coroutine.wrap(function() return in_task() end)()\n"
              "local c = coroutine.wrap(function() coroutine.yield(7) end)() return a and b and c");
    run_all(&w);
    ended_with(LUA_OK, "7");
    lua_getglobal(w.vm->L, "in_task");
    lua_call(w.vm->L, 0, 1);
    assert_false(lua_toboolean(w.vm->L, -1));
    world_end(&w);
}

/* ---- ending badly ---- */

static void test_an_error_closes_what_is_open(void **state)
{
    (void)state;
    struct world w = world_new();
    start(&w, "local x <close> = opened() local y <close> = opened() error('broken')");
    run_all(&w);
    ended_with(LUA_ERRRUN, "broken");
    assert_int_equal(closed_count(&w), 2);
    world_end(&w);
}

static void test_a_stray_yield_is_an_error_where_it_stands(void **state)
{
    (void)state;
    struct world w = world_new();
    start(&w, "local x <close> = opened()\n coroutine.yield(1, 2, 3)");
    run_all(&w);
    ended_with(LUA_ERRRUN, "chunk.lua:2: coroutine.yield outside");
    assert_int_equal(closed_count(&w), 1);
    seen = (struct seen){0};
    start(&w, "local ok, e = pcall(coroutine.yield, 1) wait(1) return tostring(ok) .. e");
    run_all(&w);
    task_wake(seen.waiting[0]);
    run_all(&w);
    ended_with(LUA_OK, "falsecoroutine.yield outside");
    world_end(&w);
}

static void test_coroutines_of_their_own_yield(void **state)
{
    (void)state;
    struct world w = world_new();
    start(&w, "local c = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return a * b end)\n"
              "local first = c(4) wait(1) return first * 100 + c(3)");
    run_all(&w);
    task_wake(seen.waiting[0]);
    run_all(&w);
    ended_with(LUA_OK, "512");
    seen = (struct seen){0};
    start(&w, "return coroutine.wrap(coroutine.yield)(6)");
    run_all(&w);
    ended_with(LUA_OK, "6");
    world_end(&w);
}

static void test_a_failing_close(void **state)
{
    (void)state;
    struct world w = world_new();
    start(&w,
          "local x <close> = opened()\n"
          "local y <close> = setmetatable({}, {__close = function() error('in close') end}) error('first')");
    run_all(&w);
    ended_with(LUA_ERRRUN, "first");
    assert_int_equal(closed_count(&w), 1);
    seen = (struct seen){0};
    start(&w, "do local y <close> = setmetatable({}, {__close = function() error('in close') end}) end");
    run_all(&w);
    ended_with(LUA_ERRRUN, "in close");
    world_end(&w);
}

static void test_waiting_while_closing_is_refused(void **state)
{
    (void)state;
    struct world w = world_new();
    start(
        &w,
        "local y <close> = setmetatable({}, {__close = function() ok, e = pcall(wait) end}) error('first')");
    run_all(&w);
    ended_with(LUA_ERRRUN, "first");
    assert_int_equal(seen.waits, 0);
    lua_getglobal(w.vm->L, "e");
    assert_non_null(strstr(lua_tostring(w.vm->L, -1), "cannot wait here: not inside a task"));
    world_end(&w);
}

static void test_stack_overflow(void **state)
{
    (void)state;
    struct world w = world_new();
    start(&w, "local x <close> = opened() local function f() return f() + 1 end f()");
    run_all(&w);
    ended_with(LUA_ERRRUN, "stack overflow");
    assert_int_equal(closed_count(&w), 1);
    world_end(&w);
}

/* ---- memory ---- */

static void test_memory_comes_back(void **state)
{
    (void)state;
    struct world w = world_new();
    size_t before = 0;
    for (int i = 0; i < 2000; i++) {
        seen = (struct seen){0};
        struct task *task = start(&w, "local t = {1, 2, 3} wait() return 1");
        run_all(&w);
        if (i % 3 == 0)
            task_cancel(task);
        else
            task_wake(task);
        run_all(&w);
        assert_int_equal(seen.ended, 1);
        if (i == 100 || i == 1999)
            lua_gc(w.vm->L, LUA_GCCOLLECT);
        if (i == 100)
            before = vm_memory(w.vm);
    }
    assert_true(vm_memory(w.vm) <= before + 1024);
    world_end(&w);
}

static void test_memory_running_out_anywhere(void **state)
{
    (void)state;
    struct world w = world_new();
    struct err err = {0};
    int refused = 0, failed = 0;
    for (size_t bytes = 0; seen.status != LUA_OK || seen.ended == 0; bytes += 32) {
        seen = (struct seen){0};
        fixture_function(w.vm,
                         "local x <close> = opened() local t = {} for i = 1, 10 do t[i] = {} end wait()\n"
                         "for i = 11, 20 do t[i] = 'text' .. i end return #t");
        lua_gc(w.vm->L, LUA_GCCOLLECT);
        w.vm->memory_max = vm_memory(w.vm) + bytes;
        struct task *task = task_start(w.vm, 0, note_end, &seen, &err);
        refused += task == NULL;
        run_all(&w);
        if (task && seen.ended == 0)
            task_wake(task);
        run_all(&w);
        w.vm->memory_max = 0;
        assert_int_equal(seen.ended, task != NULL);
        failed += task != NULL && seen.status != LUA_OK;
        assert_int_equal(w.vm->task_count, 0);
        assert_int_equal(lua_gettop(w.vm->L), 0);
        if (seen.status != LUA_OK)
            assert_string_equal(seen.value, "not enough memory");
    }
    assert_true(refused > 5 && failed > 20);
    assert_string_equal(seen.value, "20");
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_only_in_vm_run),
        cmocka_unit_test(test_arguments_are_moved),
        cmocka_unit_test(test_runs_in_order_within_budget),
        cmocka_unit_test(test_a_task_started_by_the_end_of_another),
        cmocka_unit_test(test_begins_at_once_within_budget),
        cmocka_unit_test(test_begins_at_once_in_time),
        cmocka_unit_test(test_coroutines_are_used_again),
        cmocka_unit_test(test_few_coroutines_are_kept),
        cmocka_unit_test(test_waits_and_is_woken),
        cmocka_unit_test(test_woken_before_it_yields),
        cmocka_unit_test(test_continuation_raises),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_places_where_waiting_is_impossible),
        cmocka_unit_test(test_places_where_waiting_is_possible),
        cmocka_unit_test(test_task_of_nested_coroutines),
        cmocka_unit_test(test_an_error_closes_what_is_open),
        cmocka_unit_test(test_a_stray_yield_is_an_error_where_it_stands),
        cmocka_unit_test(test_coroutines_of_their_own_yield),
        cmocka_unit_test(test_a_failing_close),
        cmocka_unit_test(test_waiting_while_closing_is_refused),
        cmocka_unit_test(test_stack_overflow),
        cmocka_unit_test(test_memory_comes_back),
        cmocka_unit_test(test_memory_running_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
