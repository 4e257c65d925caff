/* Token buckets: exact capacity, refilling, eviction, and many threads at one bucket. */
#include "bind/rate.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LONG_S 3600
#define DEADLINE_NS UINT64_C(10000000000)

static unsigned take(struct rate_table *t, const char *key, unsigned capacity, unsigned period_s)
{
    return rate_take(t, key, strlen(key), capacity, period_s, NULL);
}

static void gives_capacity_then_refuses(void **state)
{
    (void)state;
    struct rate_table *t = rate_table_new(1000);
    for (int i = 0; i < 10; i++)
        assert_int_equal(0, take(t, "a", 10, LONG_S));
    unsigned wait_s = take(t, "a", 10, LONG_S);
    assert_in_range(wait_s, LONG_S / 10 - 1, LONG_S / 10);
    assert_int_equal(0, take(t, "b", 10, LONG_S));
    assert_int_equal(0, take(t, "", 10, LONG_S));
    rate_table_free(t);
}

static void tells_how_many_are_left(void **state)
{
    (void)state;
    struct rate_table *t = rate_table_new(1000);
    for (unsigned i = 10; i-- > 0;) {
        unsigned left = 99;
        assert_int_equal(0, rate_take(t, "a", 1, 10, LONG_S, &left));
        assert_int_equal(i, left);
    }
    assert_true(rate_take(t, "a", 1, 10, LONG_S, NULL) > 0);
    rate_table_free(t);
}

static void refusals_cost_nothing(void **state)
{
    (void)state;
    struct rate_table *t = rate_table_new(1000);
    assert_int_equal(0, take(t, "a", 1, LONG_S));
    for (int i = 0; i < 100; i++)
        assert_in_range(take(t, "a", 1, LONG_S), LONG_S - 5, LONG_S);
    rate_table_free(t);
}

static void refills_with_time(void **state)
{
    (void)state;
    struct rate_table *t = rate_table_new(1000);
    unsigned granted = 0;
    uint64_t begin_ns = mono_ns();
    while (take(t, "a", 20, 1) == 0)
        granted++;
    assert_in_range(granted, 20, 40); /* 20, and what came back meanwhile on a slow machine */
    while (take(t, "a", 20, 1) != 0)
        assert_true(mono_ns() - begin_ns < DEADLINE_NS);
    rate_table_free(t);
}

static void longer_keys_are_told_apart(void **state)
{
    (void)state;
    struct rate_table *t = rate_table_new(64);
    char a[3000], b[3000];
    memset(a, 'x', sizeof(a));
    memset(b, 'x', sizeof(b));
    b[sizeof(b) - 1] = 'y';
    assert_int_equal(0, rate_take(t, a, sizeof(a), 1, LONG_S, NULL));
    assert_int_equal(0, rate_take(t, b, sizeof(b), 1, LONG_S, NULL));
    assert_true(rate_take(t, a, sizeof(a), 1, LONG_S, NULL) > 0);
    rate_table_free(t);
}

/* A table of n buckets remembers the latest of each shard and forgets the least recently used. */
static void forgets_the_least_recently_used(void **state)
{
    (void)state;
    struct rate_table *t = rate_table_new(16 * 8);
    assert_int_equal(0, take(t, "old", 1, LONG_S));
    for (int i = 0; i < 5000; i++) {
        char key[32];
        snprintf(key, sizeof(key), "key %d", i);
        assert_int_equal(0, take(t, key, 1, LONG_S));
        assert_true(take(t, key, 1, LONG_S) > 0);
    }
    assert_int_equal(0, take(t, "old", 1, LONG_S));
    rate_table_free(t);
}

struct racer {
    pthread_t thread;
    struct rate_table *table;
    unsigned granted;
};

static void *race(void *data)
{
    struct racer *r = data;
    for (int i = 0; i < 2000; i++) {
        char other[32];
        snprintf(other, sizeof(other), "%d", i % 300);
        r->granted += take(r->table, "shared", 1000, 31 * 86400) == 0;
        (void)take(r->table, other, 5, LONG_S);
    }
    return NULL;
}

static void threads_share_one_bucket(void **state)
{
    (void)state;
    struct racer racers[4] = {{.granted = 0}};
    struct rate_table *t = rate_table_new(100000);
    unsigned granted = 0;
    for (size_t i = 0; i < COUNT_OF(racers); i++) {
        racers[i].table = t;
        assert_int_equal(0, pthread_create(&racers[i].thread, NULL, race, &racers[i]));
    }
    for (size_t i = 0; i < COUNT_OF(racers); i++) {
        pthread_join(racers[i].thread, NULL);
        granted += racers[i].granted;
    }
    assert_int_equal(1000, granted);
    rate_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_capacity_then_refuses), cmocka_unit_test(tells_how_many_are_left),
        cmocka_unit_test(refusals_cost_nothing),       cmocka_unit_test(refills_with_time),
        cmocka_unit_test(longer_keys_are_told_apart),  cmocka_unit_test(forgets_the_least_recently_used),
        cmocka_unit_test(threads_share_one_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
