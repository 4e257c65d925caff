/* script/task.h: cancelling in every state, holding, and what vm_free does to tasks that are left. */
#include "script_task_fixture.h"

/* ---- cancelling ---- */

static void test_cancel_while_waiting(void **state)
{
    (void)state;
    struct world w = world_new();
    struct task *task = start(&w, "local x <close> = opened() pcall(wait) reached = true");
    run_all(&w);
    task_cancel(task);
    assert_int_equal(seen.cancels, 1);
    ended_with(LUA_ERRRUN, "cancelled");
    assert_int_equal(closed_count(&w), 1);
    run_all(&w);
    assert_int_equal(seen.ended, 1);
    world_end(&w);
}

static void test_cancel_before_the_first_run(void **state)
{
    (void)state;
    struct world w = world_new();
    struct task *task = start(&w, "reached = true");
    task_cancel(task);
    ended_with(LUA_ERRRUN, "cancelled");
    assert_int_equal(w.vm->task_count, 0);
    run_all(&w);
    assert_int_equal(seen.ended, 1);
    world_end(&w);
}

static void test_cancel_when_woken_but_not_run(void **state)
{
    (void)state;
    struct world w = world_new();
    struct task *task = start(&w, "local x <close> = opened() wait() reached = true");
    run_all(&w);
    task_wake(task);
    task_cancel(task);
    ended_with(LUA_ERRRUN, "cancelled");
    assert_int_equal(seen.cancels, 0); /* nothing was under way any more */
    assert_int_equal(closed_count(&w), 1);
    run_all(&w);
    world_end(&w);
}

static void test_a_running_task_is_cancelled_when_it_waits(void **state)
{
    (void)state;
    struct world w = world_new();
    start(&w, "local x <close> = opened() cancel_self() cancel_self() before = true wait() after = true");
    run_all(&w);
    ended_with(LUA_ERRRUN, "cancelled");
    assert_int_equal(seen.cancels, 1);
    assert_int_equal(closed_count(&w), 1);
    lua_getglobal(w.vm->L, "before");
    lua_getglobal(w.vm->L, "after");
    assert_true(lua_toboolean(w.vm->L, 1) && lua_isnil(w.vm->L, 2));
    lua_settop(w.vm->L, 0);
    seen = (struct seen){0};
    start(&w, "cancel_self() return 'to the end'");
    run_all(&w);
    ended_with(LUA_OK, "to the end");
    seen = (struct seen){0};
    start(&w, "cancel_self() wait_done() return 1");
    run_all(&w);
    ended_with(LUA_ERRRUN, "cancelled");
    assert_int_equal(seen.cancels, 0);
    world_end(&w);
}

static void test_one_task_cancels_another(void **state)
{
    (void)state;
    struct world w = world_new();
    start(&w, "local x <close> = setmetatable({}, {__close = function() inside = in_task() end}) wait()");
    start(&w, "cancel_waiting(0) assert(in_task()) return 2");
    run_all(&w);
    assert_int_equal(seen.ended, 2);
    assert_int_equal(seen.order, 2);
    lua_getglobal(w.vm->L, "inside");
    assert_true(lua_isboolean(w.vm->L, -1) && !lua_toboolean(w.vm->L, -1));
    world_end(&w);
}

static void test_a_held_task_runs_on(void **state)
{
    (void)state;
    struct world w = world_new();
    struct task *task =
        start(&w, "local x <close> = opened() hold() hold() wait(1) wait(2) release() wait(3)\n"
                  "release() during = true wait(4) after = true");
    run_all(&w);
    task_cancel(task);
    assert_true(task_is_cancelled(task));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(seen.ended, 0);
        task_wake(seen.waiting[i]);
        run_all(&w);
    }
    ended_with(LUA_ERRRUN, "cancelled");
    assert_int_equal(seen.waits, 4);
    assert_int_equal(seen.cancels, 1);
    assert_int_equal(closed_count(&w), 1);
    world_end(&w);
}

static void test_a_held_task_that_ends(void **state)
{
    (void)state;
    struct world w = world_new();
    struct task *task = start(&w, "hold() wait(1) release() return 'answer'");
    run_all(&w);
    task_cancel(task);
    task_wake(task);
    run_all(&w);
    ended_with(LUA_OK, "answer");
    world_end(&w);
}

static void test_released_from_outside_while_waiting(void **state)
{
    (void)state;
    struct world w = world_new();
    struct task *task = start(&w, "local x <close> = opened() hold() wait(1) after = true");
    run_all(&w);
    task_cancel(task);
    task_release(task);
    assert_int_equal(seen.ended, 0);
    assert_int_equal(seen.cancels, 1);
    run_all(&w);
    ended_with(LUA_ERRRUN, "cancelled");
    assert_int_equal(seen.cancels, 1);
    assert_int_equal(closed_count(&w), 1);
    world_end(&w);
}

/* ---- closing the VM ---- */

static void note_closing(struct task *task, lua_State *co, int status, int nresults, void *data)
{
    struct err err = {0};
    struct vm *vm = vm_of(co);
    note_end(task, co, status, nresults, data);
    lua_pushboolean(vm->L, 1);
    assert_null(task_start(vm, 0, note_closing, data, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
}

static void test_vm_free_ends_every_task(void **state)
{
    (void)state;
    struct world w = world_new();
    struct err err = {0};
    start(&w, "local x <close> = opened() wait()");
    start(&w, "local x <close> = opened() hold() wait()");
    struct task *woken = start(&w, "local x <close> = opened() wait()");
    fixture_function(w.vm, "wait()");
    assert_non_null(task_start(w.vm, 0, note_closing, &seen, &err));
    run_all(&w);
    task_wake(woken);
    start(&w, "return 1");
    world_end(&w);
    assert_int_equal(seen.ended, 5);
    assert_int_equal(seen.cancels, 3);
    assert_string_equal(seen.value, "cancelled");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cancel_while_waiting),
        cmocka_unit_test(test_cancel_before_the_first_run),
        cmocka_unit_test(test_cancel_when_woken_but_not_run),
        cmocka_unit_test(test_a_running_task_is_cancelled_when_it_waits),
        cmocka_unit_test(test_one_task_cancels_another),
        cmocka_unit_test(test_a_held_task_runs_on),
        cmocka_unit_test(test_a_held_task_that_ends),
        cmocka_unit_test(test_released_from_outside_while_waiting),
        cmocka_unit_test(test_vm_free_ends_every_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
