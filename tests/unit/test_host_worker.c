/* A worker with real sockets and a real database: swapping programs under requests, the drain limit,
 * stopping. */
#include "host_app.h"

#include <arpa/inet.h>
#include <errno.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <time.h>

#include "host/worker.h"

#define PATIENCE_S 30

/* upload: path and limits of the route that takes bodies. */
#define APP(upload)                                                                                          \
    "local db, rules = require 'db', require 'rules'\n"                                                      \
    "local nap = db.sql 'select pg_sleep(20)::text'\n"                                                       \
    "local short = db.sql 'select pg_sleep(1)::text'\n"                                                      \
    "local write = db.sql [[insert into rule_versions (version, sources)\n"                                  \
    "  select 'written', '{}'::jsonb from pg_sleep(0.5)]]\n"                                                 \
    "local function version() return { status = 200, body = rules.version(), content_type = 'text/plain' } " \
    "end\n"                                                                                                  \
    "return {\n"                                                                                             \
    "  { method = 'GET', path = '/version', handler = version },\n"                                          \
    "  { method = 'POST', " upload ", handler = version },\n"                                                \
    "  { method = 'GET', path = '/nap', handler = function() db.query(short) return version() end },\n"      \
    "  { method = 'GET', path = '/slow', handler = function() db.query(nap) return version() end },\n"       \
    "  { method = 'POST', path = '/write', handler = function() db.exec(write) return version() end },\n"    \
    "}\n"

static sem_t changes;
static struct worker *worker;
static struct hasher *hasher;
static struct rate_table *rates;
static struct generation *live;
static uint64_t numbers;

static void changed(void *data)
{
    (void)data;
    sem_post(&changes);
}

/* Sleep until the worker says that something has changed. */
static void wait_for_news(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    while (sem_timedwait(&changes, &until) != 0)
        assert_int_equal(errno, EINTR);
}

static void note(void *data, const char *text)
{
    (void)data;
    fprintf(stderr, "%s\n", text);
}

static struct generation *build(void)
{
    struct generation_options options = {.root = fixture_root, .workers = 1, .need_secrets = true};
    struct generation *g = NULL;
    struct err err;
    bool unchanged;
    assert_int_equal(generation_build(&options, &g, &unchanged, note, NULL, &err), 0);
    g->number = ++numbers;
    return g;
}

/* Another rule version goes live; returns when it is. */
static void swap(void)
{
    struct buf rule = BUF_INIT;
    buf_appendf(&rule, "%s-- %llu\n", GOOD_RULE, (unsigned long long)numbers);
    root_write("lua/rules/a.lua", rule.data);
    buf_release(&rule);
    struct generation *next = build();
    worker_adopt(worker, next);
    generation_unref(live);
    live = next;
    while (worker_generation(worker) < numbers)
        wait_for_news();
}

static void wait_for_drained(void)
{
    while (worker_is_draining(worker))
        wait_for_news();
}

static int make_worker(bool start)
{
    struct err err = {0};
    struct hasher_settings settings = generation_hasher_settings(live->config);
    hasher = hasher_new(&settings);
    rates = rate_table_new(64);
    struct worker_options options = {.index = 0,
                                     .count = 1,
                                     .first = live,
                                     .listen = "127.0.0.1:0",
                                     .database_url = app_url,
                                     .hasher = hasher,
                                     .rates = rates,
                                     .changed = changed};
    worker = worker_new(&options, &err);
    if (worker == NULL) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    return start ? worker_start(worker, &err) : 0;
}

static int setup_with(void **state, const char *config, bool start)
{
    if (app_setup(state) != 0)
        return -1;
    root_write("config.lua", config);
    root_write("lua/app.lua", APP("path = '/version'"));
    sem_init(&changes, 0, 0);
    numbers = 0;
    live = build();
    return make_worker(start);
}

static int setup(void **state)
{
    return setup_with(state, "return { log = { level = 'error' } }", true);
}

static int setup_impatient(void **state)
{
    return setup_with(state, "return { http = { drain_ms = 100 } }", true);
}

static int setup_unstarted(void **state)
{
    return setup_with(state, "return {}", false);
}

static int teardown(void **state)
{
    if (worker != NULL) {
        worker_stop(worker, 1000);
        worker_free(worker);
    }
    hasher_free(hasher);
    rate_table_free(rates);
    generation_unref(live);
    sem_destroy(&changes);
    return app_teardown(state);
}

/* ---- a client ---- */

static int connect_client(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)worker_port(worker))};
    struct timeval limit = {.tv_sec = PATIENCE_S};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Everything up to the end of the connection. */
static void hear(int fd, struct buf *out)
{
    ssize_t n;
    buf_clear(out);
    do {
        buf_reserve(out, 4096);
        n = recv(fd, out->data + out->len, 4096, 0);
        out->len += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    buf_append(out, "", 0);
    assert_int_equal(n, 0);
    close(fd);
}

static void expect_answer(const struct buf *answer, const char *status, const char *part)
{
    if (strncmp(answer->data, status, strlen(status)) != 0 || strstr(answer->data, part) == NULL)
        fail_msg("neither %s nor %s: %s", status, part, answer->data);
}

static void expect_version(const char *version)
{
    struct buf answer = BUF_INIT;
    int fd = connect_client();
    say(fd, "GET /version HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    hear(fd, &answer);
    expect_answer(&answer, "HTTP/1.1 200", version);
    buf_release(&answer);
}

/* The header block and half of the body; when a later request is answered, the server has seen them. */
static int begin_upload(void)
{
    int fd = connect_client();
    say(fd, "POST /version HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nab");
    expect_version(live->bundle->rule_version);
    return fd;
}

/* ---- tests ---- */

static void test_a_swap_shows_in_the_next_request_and_not_in_the_one_begun(void **state)
{
    (void)state;
    struct buf answer = BUF_INIT;
    char before[65];
    memcpy(before, live->bundle->rule_version, sizeof(before));
    int begun = connect_client();
    say(begun, "GET /nap HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect_version(live->bundle->rule_version);
    swap();
    assert_string_not_equal(before, live->bundle->rule_version);
    expect_version(live->bundle->rule_version);
    hear(begun, &answer);
    expect_answer(&answer, "HTTP/1.1 200", before);
    wait_for_drained();
    expect_version(live->bundle->rule_version);
    buf_release(&answer);
}

/* A request begins with its handler: however slow its body is, it holds up no reload. */
static void test_a_body_under_way_keeps_no_program(void **state)
{
    (void)state;
    struct buf answer = BUF_INIT;
    int upload = begin_upload();
    uint64_t begun_ns = mono_ns();
    for (int i = 0; i < 3; i++) {
        swap();
        wait_for_drained();
    }
    assert_true(mono_ns() - begun_ns < UINT64_C(1000000) * (uint64_t)live->config->http.drain_ms);
    say(upload, "cd");
    hear(upload, &answer);
    expect_answer(&answer, "HTTP/1.1 200", live->bundle->rule_version);
    expect_version(live->bundle->rule_version);
    buf_release(&answer);
}

static void upload_through_a_swap(const char *app)
{
    struct buf answer = BUF_INIT;
    int upload = begin_upload();
    root_write("lua/app.lua", app);
    swap();
    say(upload, "cd");
    hear(upload, &answer);
    expect_answer(&answer, "HTTP/1.1 503", "Retry-After");
    expect_version(live->bundle->rule_version);
    buf_release(&answer);
}

static void test_a_body_that_nothing_takes_any_more_is_refused(void **state)
{
    (void)state;
    upload_through_a_swap(APP("path = '/elsewhere'"));
}

static void test_a_body_above_a_new_limit_is_refused(void **state)
{
    (void)state;
    upload_through_a_swap(APP("path = '/version', body_bytes_max = 3"));
}

static void test_many_swaps(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        swap();
        expect_version(live->bundle->rule_version);
        wait_for_drained();
    }
}

static void test_work_over_the_drain_limit_is_cut(void **state)
{
    (void)state;
    struct buf answer = BUF_INIT;
    int slow = connect_client();
    say(slow, "GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect_version(live->bundle->rule_version);
    swap();
    hear(slow, &answer);
    expect_answer(&answer, "HTTP/1.1 503", "Retry-After");
    wait_for_drained();
    expect_version(live->bundle->rule_version);
    buf_release(&answer);
}

static void test_a_write_that_is_cut_is_not_called_undone(void **state)
{
    (void)state;
    struct buf answer = BUF_INIT;
    int slow = connect_client();
    say(slow, "POST /write HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect_version(live->bundle->rule_version);
    swap();
    hear(slow, &answer);
    expect_answer(&answer, "HTTP/1.1 503", "\"outcome_unknown\"");
    assert_null(strstr(answer.data, "Retry-After"));
    while (app_count("select count(*) from rule_versions where version = 'written'") == 0)
        continue;
    buf_release(&answer);
}

static void test_stopping_cuts_what_is_late(void **state)
{
    (void)state;
    struct buf answer = BUF_INIT;
    int slow = connect_client();
    say(slow, "GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect_version(live->bundle->rule_version);
    worker_stop(worker, 100);
    hear(slow, &answer);
    expect_answer(&answer, "HTTP/1.1 503", "Retry-After");
    while (!worker_has_ended(worker))
        wait_for_news();
    buf_release(&answer);
}

static void test_a_program_handed_over_to_a_stopping_worker_is_not_lost(void **state)
{
    (void)state;
    worker_stop(worker, 0);
    struct generation *next = build();
    worker_adopt(worker, next);
    generation_unref(next);
    while (!worker_has_ended(worker))
        wait_for_news();
}

static void test_a_worker_that_never_ran_is_freed(void **state)
{
    (void)state;
    worker_free(worker);
    worker = NULL;
}

static void test_a_taken_address_is_told(void **state)
{
    (void)state;
    char listen_on[32];
    struct err err = {0};
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 1), 0);
    getsockname(fd, (struct sockaddr *)&at, &len);
    snprintf(listen_on, sizeof(listen_on), "127.0.0.1:%d", ntohs(at.sin_port));
    struct generation *g = build();
    struct worker_options options = {
        .count = 1, .first = g, .listen = listen_on, .database_url = app_url, .changed = changed};
    assert_null(worker_new(&options, &err));
    assert_non_null(strstr(err.text, listen_on));
    generation_unref(g);
    close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define IMPATIENT(name) cmocka_unit_test_setup_teardown(name, setup_impatient, teardown)
#define UNSTARTED(name) cmocka_unit_test_setup_teardown(name, setup_unstarted, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_swap_shows_in_the_next_request_and_not_in_the_one_begun),
        TEST(test_many_swaps),
        IMPATIENT(test_work_over_the_drain_limit_is_cut),
        IMPATIENT(test_a_write_that_is_cut_is_not_called_undone),
        TEST(test_a_body_under_way_keeps_no_program),
        TEST(test_a_body_that_nothing_takes_any_more_is_refused),
        TEST(test_a_body_above_a_new_limit_is_refused),
        TEST(test_stopping_cuts_what_is_late),
        TEST(test_a_program_handed_over_to_a_stopping_worker_is_not_lost),
        UNSTARTED(test_a_worker_that_never_ran_is_freed),
        UNSTARTED(test_a_taken_address_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
