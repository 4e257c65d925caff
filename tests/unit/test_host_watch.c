/* Watching files: saves, renames, new folders, debouncing, switching off. A loop runs until the change is
 * told. */
#include "host_fixture.h"

#include "host/watch.h"

#define DEBOUNCE_MS 30
#define PATIENCE_MS 20000

struct scene {
    uv_loop_t loop;
    uv_timer_t patience;
    struct watch *watch;
    unsigned told;
};
static struct scene scene;

static void told(void *data)
{
    struct scene *s = data;
    s->told++;
    uv_stop(&s->loop);
}

static void lost_patience(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* Run the loop until a change is told; how often it was told. */
static unsigned wait_for_change(uint64_t patience_ms)
{
    scene.told = 0;
    uv_timer_start(&scene.patience, lost_patience, patience_ms, 0);
    uv_run(&scene.loop, UV_RUN_DEFAULT);
    uv_timer_stop(&scene.patience);
    return scene.told;
}

static int setup(void **state)
{
    if (root_setup(state) != 0)
        return -1;
    root_write("config.lua", "return {}");
    root_write("lua/app.lua", "return {}");
    root_write("lua/rules/a.lua", "return {}");
    uv_loop_init(&scene.loop);
    uv_timer_init(&scene.loop, &scene.patience);
    scene.watch = watch_new(&scene.loop, fixture_root, told, &scene);
    watch_set(scene.watch, true, DEBOUNCE_MS);
    return 0;
}

static int teardown(void **state)
{
    watch_close(scene.watch);
    uv_close((uv_handle_t *)&scene.patience, NULL);
    uv_run(&scene.loop, UV_RUN_DEFAULT);
    watch_free(scene.watch);
    if (uv_loop_close(&scene.loop) != 0)
        return -1;
    return root_teardown(state);
}

static void rename_in_root(const char *from, const char *to)
{
    char a[128], b[128];
    snprintf(a, sizeof(a), "%s/%s", fixture_root, from);
    snprintf(b, sizeof(b), "%s/%s", fixture_root, to);
    assert_int_equal(rename(a, b), 0);
}

static void test_saved_files_are_told(void **state)
{
    (void)state;
    root_write("lua/rules/a.lua", "return { 1 }");
    assert_int_equal(wait_for_change(PATIENCE_MS), 1);
    root_write("config.lua", "return { }");
    assert_int_equal(wait_for_change(PATIENCE_MS), 1);
    root_write(".env", "A=1\n");
    assert_int_equal(wait_for_change(PATIENCE_MS), 1);
    /* The way editors save: beside it, then over it. */
    root_write("lua/rules/a.lua.new", "return { 2 }");
    rename_in_root("lua/rules/a.lua.new", "lua/rules/a.lua");
    assert_int_equal(wait_for_change(PATIENCE_MS), 1);
    root_unlink("lua/rules/a.lua");
    assert_int_equal(wait_for_change(PATIENCE_MS), 1);
}

static void test_many_changes_are_told_once(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++)
        root_write("lua/app.lua", "return { 1 }");
    assert_int_equal(wait_for_change(PATIENCE_MS), 1);
    assert_int_equal(wait_for_change(DEBOUNCE_MS * 5), 0);
}

static void test_new_folders_are_followed(void **state)
{
    (void)state;
    root_write("lua/fresh/deep/b.lua", "return {}");
    assert_int_equal(wait_for_change(PATIENCE_MS), 1);
    root_write("lua/fresh/deep/b.lua", "return { 1 }");
    assert_int_equal(wait_for_change(PATIENCE_MS), 1);
    /* Made again under its old name it is another folder. */
    root_unlink("lua/rules/a.lua");
    rename_in_root("lua/rules", "lua/was_rules");
    assert_int_equal(wait_for_change(PATIENCE_MS), 1);
    root_write("lua/rules/a.lua", "return {}");
    assert_int_equal(wait_for_change(PATIENCE_MS), 1);
    root_write("lua/rules/a.lua", "return { 1 }");
    assert_int_equal(wait_for_change(PATIENCE_MS), 1);
}

static void test_other_files_are_nothing(void **state)
{
    (void)state;
    root_write("README.md", "x");
    root_write("lua/.app.lua.swp", "x");
    root_write("lua/app.lua~", "x");
    assert_int_equal(wait_for_change(DEBOUNCE_MS * 5), 0);
}

static void test_off_and_on_again(void **state)
{
    (void)state;
    watch_set(scene.watch, false, DEBOUNCE_MS);
    root_write("lua/app.lua", "return { 1 }");
    assert_int_equal(wait_for_change(DEBOUNCE_MS * 5), 0);
    watch_set(scene.watch, true, DEBOUNCE_MS);
    root_write("lua/app.lua", "return { 2 }");
    assert_int_equal(wait_for_change(PATIENCE_MS), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_saved_files_are_told),     TEST(test_many_changes_are_told_once),
        TEST(test_new_folders_are_followed), TEST(test_other_files_are_nothing),
        TEST(test_off_and_on_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
