/* Counters and their Prometheus text: sums over workers, buckets, bounded labels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "host/metrics.h"

#define MS UINT64_C(1000000)

static void expect_line(const struct buf *text, const char *line)
{
    struct buf wanted = BUF_INIT;
    buf_appendf(&wanted, "%s\n", line);
    const char *found = strstr(text->data, wanted.data);
    if (found == NULL || (found != text->data && found[-1] != '\n'))
        fail_msg("no line \"%s\" in\n%s", line, text->data);
    buf_release(&wanted);
}

static unsigned count_of(const struct buf *text, const char *part)
{
    unsigned count = 0;
    for (const char *p = text->data; (p = strstr(p, part)) != NULL; p++)
        count++;
    return count;
}

static void test_counts_are_summed_over_workers(void **state)
{
    (void)state;
    struct metrics *sets[] = {metrics_new(), metrics_new()};
    struct buf text = BUF_INIT;
    metrics_count(sets[0], "/a/{id:int}", "GET", 200, MS);
    metrics_count(sets[1], "/a/{id:int}", "GET", 200, MS);
    metrics_count(sets[1], "/a/{id:int}", "GET", 404, MS);
    metrics_count(sets[0], "/a/{id:int}", "POST", 200, MS);
    metrics_count(sets[0], "-", "GET", 0, MS);
    metrics_write_http(&text, sets, 2);
    expect_line(&text, "lexicraft_http_requests_total{route=\"/a/{id:int}\",method=\"GET\",code=\"200\"} 2");
    expect_line(&text, "lexicraft_http_requests_total{route=\"/a/{id:int}\",method=\"GET\",code=\"404\"} 1");
    expect_line(&text, "lexicraft_http_requests_total{route=\"/a/{id:int}\",method=\"POST\",code=\"200\"} 1");
    expect_line(&text, "lexicraft_http_requests_total{route=\"-\",method=\"GET\",code=\"0\"} 1");
    expect_line(&text, "lexicraft_http_request_duration_seconds_count{route=\"/a/{id:int}\"} 4");
    assert_int_equal(count_of(&text, "# TYPE "), 2);
    buf_release(&text);
    metrics_free(sets[0]);
    metrics_free(sets[1]);
}

static void test_buckets_hold_everything_up_to_their_bound(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    struct buf text = BUF_INIT;
    metrics_count(m, "/x", "GET", 200, 0);
    metrics_count(m, "/x", "GET", 200, MS);     /* exactly on a bound */
    metrics_count(m, "/x", "GET", 200, MS + 1); /* just over it */
    metrics_count(m, "/x", "GET", 200, 60 * 1000 * MS);
    metrics_write_http(&text, &m, 1);
#define BUCKET "lexicraft_http_request_duration_seconds_bucket{route=\"/x\",le="
    expect_line(&text, BUCKET "\"0.0005\"} 1");
    expect_line(&text, BUCKET "\"0.001\"} 2");
    expect_line(&text, BUCKET "\"0.0025\"} 3");
    expect_line(&text, BUCKET "\"10\"} 3");
    expect_line(&text, BUCKET "\"+Inf\"} 4");
    expect_line(&text, "lexicraft_http_request_duration_seconds_sum{route=\"/x\"} 60.002000001");
    buf_release(&text);
    metrics_free(m);
}

/* Whatever clients send, the number of series stays bounded. */
static void test_labels_are_bounded(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    struct buf text = BUF_INIT;
    for (int i = 0; i < METRICS_ROUTES_MAX * 3; i++) {
        char route[32];
        snprintf(route, sizeof(route), "/route/%d", i);
        metrics_count(m, route, "GET", 200, MS);
    }
    for (int i = 0; i < METRICS_CODES_MAX * 3; i++)
        metrics_count(m, "/route/1", "BREW", i, MS);
    metrics_count(m, "/route/2", NULL, 400, MS);
    metrics_write_http(&text, &m, 1);
    assert_int_equal(count_of(&text, "_duration_seconds_count{"), METRICS_ROUTES_MAX);
    assert_int_equal(count_of(&text, "{route=\"/route/1\",method="), METRICS_CODES_MAX);
    assert_int_equal(count_of(&text, "BREW"), 0);
    expect_line(&text, "lexicraft_http_requests_total{route=\"other\",method=\"GET\",code=\"200\"} 513");
    expect_line(&text, "lexicraft_http_requests_total{route=\"/route/2\",method=\"other\",code=\"400\"} 1");
    buf_release(&text);
    metrics_free(m);
}

static void test_labels_are_escaped(void **state)
{
    (void)state;
    struct buf text = BUF_INIT;
    metrics_label(&text, "a\"b\\c\nd");
    assert_string_equal(text.data, "a\\\"b\\\\c\\nd");
    buf_release(&text);
}

static void test_the_process_is_described(void **state)
{
    (void)state;
    struct buf text = BUF_INIT;
    metrics_write_process(&text, INT64_C(1700000000500000));
    expect_line(&text, "lexicraft_process_start_time_seconds 1700000000.500");
    assert_null(strstr(text.data, "resident_memory_bytes 0\n"));
    assert_null(strstr(text.data, "open_fds 0\n"));
    assert_int_equal(count_of(&text, "# HELP "), 5);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_are_summed_over_workers),
        cmocka_unit_test(test_buckets_hold_everything_up_to_their_bound),
        cmocka_unit_test(test_labels_are_bounded),
        cmocka_unit_test(test_labels_are_escaped),
        cmocka_unit_test(test_the_process_is_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
