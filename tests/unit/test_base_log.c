/* base/log.h: what a line looks like, which are written, and that each is one write. */
#include "base/log.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"

#define LINE_BYTES_MAX 16384
#define THREADS 4
#define LINES_PER_THREAD 200

static const struct json_limits limits = {LINE_BYTES_MAX, 8};

/* stderr as one end of a packet socket: every write arrives as a packet of its own. */
static int real_stderr = -1;
static int packets = -1;

static int setup(void **state)
{
    (void)state;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
        return -1;
    real_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    packets = ends[0];
    log_set_level(LOG_DEBUG);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(packets);
    return 0;
}

/* The next line, parsed; NULL if nothing was written. */
static struct json *next_line(void)
{
    static char line[LINE_BYTES_MAX];
    ssize_t len = recv(packets, line, sizeof(line), MSG_DONTWAIT);
    if (len < 0)
        return NULL;
    assert_true(len > 1);
    assert_int_equal(line[len - 1], '\n');
    assert_null(memchr(line, '\n', (size_t)len - 1));
    struct err e = {0};
    struct json *parsed = json_parse(line, (size_t)len, &limits, &e);
    if (parsed == NULL)
        fail_msg("%s in: %.*s", e.text, (int)len, line);
    return parsed;
}

static const char *text_of(const struct json *line, const char *key)
{
    const struct json *member = json_member(line, key);
    assert_non_null(member);
    return json_string(member);
}

static void test_fields_of_every_kind(void **state)
{
    (void)state;
    log_event(LOG_WARN, "request", LOG_S("route", "/v1/{id}"), LOG_S("none", NULL),
              LOG_I("bytes", INT64_C(12345678901)), LOG_D("seconds", 0.25), LOG_B("yes", true),
              LOG_B("no", false), LOG_RAW("raw", "[1,{}]"), LOG_RAW("raw_none", NULL));
    struct json *line = next_line();
    assert_non_null(line);
    assert_string_equal(text_of(line, "level"), "warn");
    assert_string_equal(text_of(line, "msg"), "request");
    assert_string_equal(text_of(line, "route"), "/v1/{id}");
    assert_int_equal(json_type(json_member(line, "none")), JSON_NULL);
    assert_true(json_integer(json_member(line, "bytes")) == INT64_C(12345678901));
    assert_true(json_double(json_member(line, "seconds")) == 0.25);
    assert_int_equal(json_type(json_member(line, "yes")), JSON_TRUE);
    assert_int_equal(json_type(json_member(line, "no")), JSON_FALSE);
    assert_int_equal(json_type(json_member(line, "raw")), JSON_ARRAY);
    assert_int_equal(json_type(json_member(line, "raw_none")), JSON_NULL);
    json_free(line);
}

static void test_time_is_rfc3339_with_milliseconds(void **state)
{
    (void)state;
    log_write(LOG_INFO, "now", NULL, 0);
    struct json *line = next_line();
    const char *ts = text_of(line, "ts");
    static const char pattern[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    assert_int_equal(strlen(ts), strlen(pattern));
    for (size_t i = 0; pattern[i] != '\0'; i++) {
        if (pattern[i] == 'd')
            assert_in_range(ts[i], '0', '9');
        else
            assert_int_equal(ts[i], pattern[i]);
    }
    json_free(line);
}

static void test_no_text_breaks_the_line(void **state)
{
    (void)state;
    struct log_field fields[] = {LOG_S("bad", "\xFF\x01\\"), LOG_S("", "x")};
    fields[1].name = "na\nme";
    log_write(LOG_ERROR, "two\nlines \"quoted\"", fields, COUNT_OF(fields));
    struct json *line = next_line();
    assert_string_equal(text_of(line, "msg"), "two\nlines \"quoted\"");
    assert_string_equal(text_of(line, "bad"), "\xEF\xBF\xBD\x01\\");
    assert_string_equal(text_of(line, "na\nme"), "x");
    json_free(line);
}

static void test_long_text_is_cut(void **state)
{
    (void)state;
    char *text = calloc(1, 100000);
    memset(text, 'x', 99999);
    log_event(LOG_ERROR, "long", LOG_S("text", text));
    struct json *line = next_line();
    assert_int_equal(strlen(text_of(line, "text")), 2048);
    json_free(line);
    free(text);
}

static void test_levels(void **state)
{
    (void)state;
    for (int least = LOG_DEBUG; least <= LOG_OFF; least++) {
        log_set_level((enum log_level)least);
        assert_int_equal(log_get_level(), least);
        for (int level = LOG_DEBUG; level <= LOG_OFF; level++) {
            log_write((enum log_level)level, "x", NULL, 0);
            struct json *line = next_line();
            bool is_expected = level >= least && level != LOG_OFF;
            assert_int_equal(line != NULL, is_expected);
            json_free(line);
        }
    }
}

static void test_level_names(void **state)
{
    (void)state;
    for (int level = LOG_DEBUG; level <= LOG_OFF; level++)
        assert_int_equal(log_level_parse(log_level_name((enum log_level)level)), level);
    assert_int_equal(log_level_parse("INFO"), -1);
    assert_int_equal(log_level_parse(""), -1);
    assert_int_equal(log_level_parse("warning"), -1);
}

static void test_err_lines(void **state)
{
    (void)state;
    struct err e;
    err_set(&e, ERR_TIMEOUT, "too late");
    log_err(LOG_WARN, "query", &e);
    struct json *line = next_line();
    assert_string_equal(text_of(line, "code"), "timeout");
    assert_string_equal(text_of(line, "error"), "too late");
    assert_null(json_member(line, "sqlstate"));
    json_free(line);

    e = (struct err){.code = ERR_DB, .sqlstate = "23505", .constraint = "users_email_key", .text = "twice"};
    log_err(LOG_WARN, "query", &e);
    line = next_line();
    assert_string_equal(text_of(line, "sqlstate"), "23505");
    assert_string_equal(text_of(line, "constraint"), "users_email_key");
    json_free(line);
}

static void test_errno_survives(void **state)
{
    (void)state;
    int held = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    errno = ENOENT;
    log_write(LOG_ERROR, "nobody hears this", NULL, 0);
    assert_int_equal(errno, ENOENT);
    dup2(held, STDERR_FILENO);
    close(held);
}

/* How many lines the next packet has; 0 if there is none. */
static size_t lines_of_next_packet(void)
{
    static char text[LINE_BYTES_MAX];
    ssize_t len = recv(packets, text, sizeof(text), MSG_DONTWAIT);
    size_t count = 0;
    for (ssize_t i = 0; i < len; i++)
        count += text[i] == '\n';
    assert_true(len < 0 || (text[len - 1] == '\n' && (len <= PIPE_BUF || count == 1)));
    return count;
}

static void test_lines_are_gathered(void **state)
{
    (void)state;
    char text[1500];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_gather();
    for (int i = 0; i < 3; i++)
        log_event(LOG_INFO, "line", LOG_I("number", i));
    assert_int_equal(lines_of_next_packet(), 0);
    log_flush();
    assert_int_equal(lines_of_next_packet(), 3);
    log_flush();
    for (int i = 0; i < 4; i++)
        log_event(LOG_INFO, "line", LOG_S("text", text));
    assert_int_equal(lines_of_next_packet(), 2);
    log_event(LOG_INFO, "longer than a packet", LOG_S("a", text), LOG_S("b", text), LOG_S("c", text));
    assert_int_equal(lines_of_next_packet(), 2);
    assert_int_equal(lines_of_next_packet(), 1);
    log_event(LOG_INFO, "line", LOG_I("number", 1));
    log_event(LOG_WARN, "at once", LOG_I("number", 2));
    assert_int_equal(lines_of_next_packet(), 2);
    log_event(LOG_INFO, "last", LOG_I("number", 3));
    log_gather_end();
    assert_int_equal(lines_of_next_packet(), 1);
    log_event(LOG_INFO, "alone", LOG_I("number", 4));
    assert_int_equal(lines_of_next_packet(), 1);
}

static void *write_lines(void *data)
{
    for (int i = 0; i < LINES_PER_THREAD; i++)
        log_event(LOG_INFO, "line", LOG_I("thread", *(const int *)data), LOG_I("number", i));
    return NULL;
}

/* Several threads at once: every packet is one whole line, none is lost, and those of a thread keep their
 * order. */
static void test_threads_do_not_mix(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &numbers[i]), 0);
    }
    int64_t seen[THREADS] = {0};
    for (int i = 0; i < THREADS * LINES_PER_THREAD; i++) {
        char byte;
        assert_int_equal(recv(packets, &byte, 1, MSG_PEEK), 1);
        struct json *line = next_line();
        int64_t thread = json_integer(json_member(line, "thread"));
        assert_int_equal(json_integer(json_member(line, "number")), seen[thread]);
        seen[thread]++;
        json_free(line);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_null(next_line());
}

#define LOG_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(test_fields_of_every_kind),
        LOG_TEST(test_time_is_rfc3339_with_milliseconds),
        LOG_TEST(test_no_text_breaks_the_line),
        LOG_TEST(test_long_text_is_cut),
        LOG_TEST(test_levels),
        LOG_TEST(test_level_names),
        LOG_TEST(test_lines_are_gathered),
        LOG_TEST(test_err_lines),
        LOG_TEST(test_errno_survives),
        LOG_TEST(test_threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
