/* The steps of a reload with stand-ins for the workers: order, coalescing, waiting, failure, stopping. */
#include "host_app.h"

#include "host/reload.h"

#define WORKERS 2
#define PATIENCE_MS 30000

struct scene {
    uv_loop_t loop;
    uv_timer_t patience;
    struct reload *reload;
    struct config *started;
    bool settles, drains, closed; /* what the stand-ins say */
    uint64_t active;              /* number of the generation handed over last */
    unsigned activations, answers;
    struct {
        enum reload_outcome outcome;
        enum err_code code;
        char fault[512], files[512], settings[256], restart[256];
    } last;
};
static struct scene scene;

/* Workers that take their program and drop it. */
static int activate(void *data, struct generation *g, struct err *err)
{
    struct scene *s = data;
    (void)err;
    assert_false(s->drains);
    for (unsigned i = 0; i < WORKERS; i++)
        program_free(generation_take(g, i));
    s->active = g->number;
    s->activations++;
    return 0;
}

static bool is_settled(void *data, uint64_t number)
{
    const struct scene *s = data;
    return s->settles && s->active >= number;
}

static bool is_draining(void *data)
{
    const struct scene *s = data;
    return s->drains;
}

static void is_closed(void *data)
{
    struct scene *s = data;
    s->closed = true;
}

static void answered(void *data, const struct reload_result *r)
{
    struct scene *s = data;
    s->answers++;
    s->last.outcome = r->outcome;
    s->last.code = r->code;
    snprintf(s->last.fault, sizeof(s->last.fault), "%s", r->fault_count > 0 ? r->faults[0] : "");
    snprintf(s->last.settings, sizeof(s->last.settings), "%s", r->changed_settings);
    snprintf(s->last.restart, sizeof(s->last.restart), "%s", r->restart_only);
    s->last.files[0] = '\0';
    for (size_t i = 0; i < r->changed_file_count; i++) {
        size_t len = strlen(s->last.files);
        snprintf(s->last.files + len, sizeof(s->last.files) - len, "%s ", r->changed_files[i]);
    }
}

static void lost_patience(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("waited in vain");
}

/* Run the loop until so many answers are there; each turn looks at the workers, as their messages would make
 * it. */
static void wait_for_answers(unsigned answers)
{
    reload_progress(scene.reload);
    while (scene.answers < answers) {
        uv_run(&scene.loop, UV_RUN_ONCE);
        reload_progress(scene.reload);
    }
}

static void wait_for_activations(unsigned activations)
{
    reload_progress(scene.reload);
    while (scene.activations < activations) {
        uv_run(&scene.loop, UV_RUN_ONCE);
        reload_progress(scene.reload);
    }
}

static int setup(void **state)
{
    if (app_setup(state) != 0)
        return -1;
    scene = (struct scene){.settles = true};
    struct err err;
    struct generation_options options = {.root = fixture_root, .need_secrets = true};
    struct reload_hooks hooks = {.activate = activate,
                                 .is_settled = is_settled,
                                 .is_draining = is_draining,
                                 .closed = is_closed,
                                 .data = &scene};
    struct bundle *bundle = bundle_read(fixture_root, &err);
    scene.started = config_load(bundle, fixture_root, NULL, 0, true, &err);
    bundle_unref(bundle);
    assert_non_null(scene.started);
    uv_loop_init(&scene.loop);
    uv_timer_init(&scene.loop, &scene.patience);
    uv_timer_start(&scene.patience, lost_patience, PATIENCE_MS, 0);
    scene.reload = reload_new(&scene.loop, &options, &hooks);
    reload_set_started(scene.reload, scene.started, WORKERS);
    reload_request(scene.reload, answered, &scene);
    wait_for_answers(1);
    return scene.last.outcome == RELOAD_CHANGED ? 0 : -1;
}

static int teardown(void **state)
{
    reload_close(scene.reload);
    uv_close((uv_handle_t *)&scene.patience, NULL);
    uv_run(&scene.loop, UV_RUN_DEFAULT);
    if (!scene.closed || uv_loop_close(&scene.loop) != 0)
        return -1;
    reload_free(scene.reload);
    config_unref(scene.started);
    return app_teardown(state);
}

static void test_it_says_what_changed(void **state)
{
    (void)state;
    reload_request(scene.reload, answered, &scene);
    wait_for_answers(2);
    assert_int_equal(scene.last.outcome, RELOAD_UNCHANGED);
    assert_int_equal(reload_live(scene.reload)->number, 1);
    root_write("lua/rules/a.lua", GOOD_RULE "-- note\n");
    root_write("lua/new.lua", "return 1");
    root_write("config.lua", "return { log = { level = 'warn' }, api = { workers = 7 } }");
    reload_request(scene.reload, answered, &scene);
    wait_for_answers(3);
    assert_int_equal(scene.last.outcome, RELOAD_CHANGED);
    assert_string_equal(scene.last.files, "config.lua lua/new.lua lua/rules/a.lua ");
    assert_string_equal(scene.last.settings, "api.workers, log.level");
    assert_string_equal(scene.last.restart, "api.workers");
    assert_int_equal(reload_live(scene.reload)->number, 2);
    assert_int_equal(scene.activations, 2);
    /* What waits for a restart goes on waiting when nothing else changes. */
    reload_request(scene.reload, answered, &scene);
    wait_for_answers(4);
    assert_int_equal(scene.last.outcome, RELOAD_UNCHANGED);
    assert_string_equal(scene.last.restart, "api.workers");
}

static void test_a_fault_changes_nothing(void **state)
{
    (void)state;
    struct generation *live = reload_live(scene.reload);
    root_write("lua/rules/a.lua", "retrun");
    reload_request(scene.reload, answered, &scene);
    wait_for_answers(2);
    assert_int_equal(scene.last.outcome, RELOAD_FAILED);
    assert_non_null(strstr(scene.last.fault, "lua/rules/a.lua:1: "));
    assert_ptr_equal(reload_live(scene.reload), live);
    assert_int_equal(scene.activations, 1);
    assert_false(reload_last_success(scene.reload));
    root_write("lua/rules/a.lua", GOOD_RULE);
    reload_request(scene.reload, answered, &scene);
    wait_for_answers(3);
    assert_true(reload_last_success(scene.reload));
}

static void test_requests_meanwhile_share_one_more_reload(void **state)
{
    (void)state;
    root_write("lua/rules/a.lua", GOOD_RULE "-- one\n");
    scene.settles = false;
    reload_request(scene.reload, answered, &scene);
    wait_for_activations(2);
    /* The first is handing over; what changes now must be seen by the one that comes after it. */
    root_write("lua/rules/a.lua", GOOD_RULE "-- two\n");
    for (int i = 0; i < 10; i++)
        reload_request(scene.reload, answered, &scene);
    reload_progress(scene.reload);
    assert_int_equal(scene.answers, 1);
    scene.settles = true;
    wait_for_answers(12);
    assert_int_equal(scene.activations, 3);
    assert_int_equal(reload_live(scene.reload)->number, 3);
}

static void test_it_waits_for_an_old_generation_to_drain(void **state)
{
    (void)state;
    root_write("lua/rules/a.lua", GOOD_RULE "-- one\n");
    scene.drains = true;
    reload_request(scene.reload, answered, &scene);
    /* Long enough for a build; the stand-in for activate would fail if it were called. */
    uint64_t until = mono_ns() + UINT64_C(500000000);
    while (mono_ns() < until) {
        uv_run(&scene.loop, UV_RUN_NOWAIT);
        reload_progress(scene.reload);
    }
    assert_int_equal(scene.answers, 1);
    scene.drains = false;
    reload_progress(scene.reload);
    wait_for_answers(2);
    assert_int_equal(scene.last.outcome, RELOAD_CHANGED);
}

static void test_without_a_database_nothing_changes(void **state)
{
    (void)state;
    root_write("lua/rules/a.lua", GOOD_RULE "-- one\n");
    app_sql("alter table rule_versions rename to gone");
    reload_request(scene.reload, answered, &scene);
    wait_for_answers(2);
    assert_int_equal(scene.last.outcome, RELOAD_FAILED);
    assert_non_null(strstr(scene.last.fault, "storing the rule version"));
    assert_int_equal(scene.activations, 1);
}

static void test_closing_answers_everybody(void **state)
{
    (void)state;
    root_write("lua/rules/a.lua", GOOD_RULE "-- one\n");
    reload_request(scene.reload, answered, &scene);
    reload_request(scene.reload, answered, &scene);
    reload_close(scene.reload);
    assert_int_equal(scene.answers, 3);
    assert_int_equal(scene.last.outcome, RELOAD_FAILED);
    assert_int_equal(scene.last.code, ERR_CANCELLED);
    while (!scene.closed)
        uv_run(&scene.loop, UV_RUN_ONCE);
    assert_true(reload_is_closed(scene.reload));
    assert_int_equal(scene.activations, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_it_says_what_changed),
        TEST(test_a_fault_changes_nothing),
        TEST(test_requests_meanwhile_share_one_more_reload),
        TEST(test_it_waits_for_an_old_generation_to_drain),
        TEST(test_without_a_database_nothing_changes),
        TEST(test_closing_answers_everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
