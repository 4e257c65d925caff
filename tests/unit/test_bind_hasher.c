/* The password hasher: right verdicts, its bounds, abandoned jobs, several loops at once. */
#include "bind/hasher.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define WORDS "correct horse battery staple"

static const struct hasher_settings cheap = {
    .threads_max = 1, .waiting_max = 2, .memory_bytes = 8192, .passes = 1};

struct outcome {
    int calls;
    bool ok, matches;
    char hash[HASHER_HASH_BYTES];
    int order; /* of ending, 1 first */
};
static __thread int ended;

static void note(void *data, const struct err *err, const char *hash, bool matches)
{
    struct outcome *o = data;
    o->calls++;
    o->ok = err == NULL;
    o->matches = matches;
    o->order = ++ended;
    if (hash != NULL)
        memcpy(o->hash, hash, strlen(hash) + 1);
}

static struct hash_job *submit(struct hasher *h, uv_loop_t *loop, const char *password, const char *hash,
                               struct outcome *o)
{
    struct err err;
    return hasher_submit(h, loop, password, strlen(password), hash, note, o, &err);
}

static void run_all(uv_loop_t *loop)
{
    while (uv_run(loop, UV_RUN_DEFAULT) != 0)
        ;
}

struct fixture {
    uv_loop_t loop;
    struct hasher *hasher;
};

static int set_up(void **state)
{
    struct fixture *f = x_calloc(1, sizeof(*f));
    uv_loop_init(&f->loop);
    f->hasher = hasher_new(&cheap);
    ended = 0;
    *state = f;
    return 0;
}

/* An open handle or a slot not given back shows here. */
static int tear_down(void **state)
{
    struct fixture *f = *state;
    run_all(&f->loop);
    int status = uv_loop_close(&f->loop);
    hasher_free(f->hasher);
    free(f);
    return status;
}

static void makes_and_verifies(void **state)
{
    struct fixture *f = *state;
    struct outcome made = {0}, right = {0}, wrong = {0};
    assert_non_null(submit(f->hasher, &f->loop, WORDS, NULL, &made));
    run_all(&f->loop);
    assert_true(made.ok);
    assert_memory_equal("$argon2id$v=19$m=8,t=1,p=1$", made.hash, 27);
    assert_non_null(submit(f->hasher, &f->loop, WORDS, made.hash, &right));
    assert_non_null(submit(f->hasher, &f->loop, "wrong", made.hash, &wrong));
    run_all(&f->loop);
    assert_true(right.ok && right.matches);
    assert_true(wrong.ok && !wrong.matches);
}

static void unreadable_hashes_verify_as_false(void **state)
{
    struct fixture *f = *state;
    char endless[1000];
    memset(endless, '$', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    const char *const hashes[] = {"",           "x",    "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$AAAA$",
                                  "$2b$10$abc", endless};
    for (size_t i = 0; i < COUNT_OF(hashes); i++) {
        struct outcome o = {0};
        assert_non_null(submit(f->hasher, &f->loop, WORDS, hashes[i], &o));
        run_all(&f->loop);
        assert_true(o.calls == 1 && o.ok && !o.matches);
    }
}

static void is_bounded_and_first_come_first_served(void **state)
{
    struct fixture *f = *state;
    struct outcome o[5] = {{0}};
    struct err err;
    for (int i = 0; i < 3; i++)
        assert_non_null(submit(f->hasher, &f->loop, WORDS, NULL, &o[i]));
    assert_null(hasher_submit(f->hasher, &f->loop, WORDS, 5, NULL, note, &o[3], &err));
    assert_int_equal(ERR_BUSY, err.code);
    run_all(&f->loop);
    for (int i = 0; i < 3; i++) {
        assert_true(o[i].calls == 1 && o[i].ok);
        assert_int_equal(i + 1, o[i].order);
    }
    assert_int_equal(0, o[3].calls);
    assert_non_null(submit(f->hasher, &f->loop, WORDS, NULL, &o[4]));
    run_all(&f->loop);
    assert_int_equal(1, o[4].calls);
}

static void abandoned_jobs_are_silent_and_free_their_place(void **state)
{
    struct fixture *f = *state;
    struct outcome o[4] = {{0}};
    struct hash_job *running = submit(f->hasher, &f->loop, WORDS, NULL, &o[0]);
    struct hash_job *waiting = submit(f->hasher, &f->loop, WORDS, NULL, &o[1]);
    assert_non_null(submit(f->hasher, &f->loop, WORDS, NULL, &o[2]));
    assert_null(submit(f->hasher, &f->loop, WORDS, NULL, &o[3]));
    hash_job_abandon(running);
    hash_job_abandon(waiting);
    assert_non_null(submit(f->hasher, &f->loop, WORDS, NULL, &o[3]));
    run_all(&f->loop);
    assert_int_equal(0, o[0].calls);
    assert_int_equal(0, o[1].calls);
    assert_int_equal(1, o[2].calls);
    assert_int_equal(1, o[3].calls);
}

struct leaver {
    struct outcome outcome;
    struct hash_job *next;
};

/* By the time this runs the slot has been handed to next, which has not heard of it yet. */
static void abandon_next(void *data, const struct err *err, const char *hash, bool matches)
{
    struct leaver *l = data;
    note(&l->outcome, err, hash, matches);
    hash_job_abandon(l->next);
}

static void a_slot_on_its_way_is_not_lost(void **state)
{
    struct fixture *f = *state;
    struct leaver first = {.next = NULL};
    struct outcome second = {0}, third = {0};
    struct err err;
    assert_non_null(hasher_submit(f->hasher, &f->loop, WORDS, 5, NULL, abandon_next, &first, &err));
    first.next = submit(f->hasher, &f->loop, WORDS, NULL, &second);
    assert_non_null(submit(f->hasher, &f->loop, WORDS, NULL, &third));
    run_all(&f->loop);
    assert_int_equal(1, first.outcome.calls);
    assert_int_equal(0, second.calls);
    assert_int_equal(1, third.calls);
}

static void more_threads_start_waiting_jobs(void **state)
{
    struct fixture *f = *state;
    struct outcome o[4] = {{0}};
    for (int i = 0; i < 3; i++)
        assert_non_null(submit(f->hasher, &f->loop, WORDS, NULL, &o[i]));
    struct hasher_settings more = cheap;
    more.threads_max = 3;
    hasher_configure(f->hasher, &more);
    assert_non_null(submit(f->hasher, &f->loop, WORDS, NULL, &o[3]));
    run_all(&f->loop);
    for (int i = 0; i < 4; i++)
        assert_true(o[i].calls == 1 && o[i].ok);
}

static void impossible_settings_are_an_error(void **state)
{
    struct fixture *f = *state;
    struct outcome o = {0};
    struct hasher_settings absurd = cheap;
    absurd.memory_bytes = 1;
    hasher_configure(f->hasher, &absurd);
    assert_non_null(submit(f->hasher, &f->loop, WORDS, NULL, &o));
    run_all(&f->loop);
    assert_true(o.calls == 1 && !o.ok);
}

struct worker {
    pthread_t thread;
    struct hasher *hasher;
    uv_loop_t loop;
    int accepted, ended, refused;
};

static void count(void *data, const struct err *err, const char *hash, bool matches)
{
    struct worker *w = data;
    (void)matches;
    w->ended += err == NULL && hash != NULL;
}

static void *work(void *data)
{
    struct worker *w = data;
    struct err err;
    for (int i = 0; i < 40; i++) {
        struct hash_job *job = hasher_submit(w->hasher, &w->loop, WORDS, 5, NULL, count, w, &err);
        w->refused += job == NULL;
        if (job != NULL && i % 5 == 4)
            hash_job_abandon(job);
        else
            w->accepted += job != NULL;
        uv_run(&w->loop, UV_RUN_NOWAIT);
    }
    run_all(&w->loop);
    assert(uv_loop_close(&w->loop) == 0);
    return NULL;
}

static void loops_share_the_bound(void **state)
{
    struct fixture *f = *state;
    struct worker workers[3] = {{.ended = 0}};
    for (size_t i = 0; i < COUNT_OF(workers); i++) {
        workers[i].hasher = f->hasher;
        uv_loop_init(&workers[i].loop);
        assert_int_equal(0, pthread_create(&workers[i].thread, NULL, work, &workers[i]));
    }
    for (size_t i = 0; i < COUNT_OF(workers); i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].accepted, workers[i].ended);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(makes_and_verifies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unreadable_hashes_verify_as_false, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_bounded_and_first_come_first_served, set_up, tear_down),
        cmocka_unit_test_setup_teardown(abandoned_jobs_are_silent_and_free_their_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_slot_on_its_way_is_not_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_threads_start_waiting_jobs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(impossible_settings_are_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(loops_share_the_bound, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
