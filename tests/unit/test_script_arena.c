/* script/arena.h: blocks keep their content, are reused, and are all given back. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "script/arena.h"

/* A request that no machine can grant is the test's, not a defect. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

#define BLOCKS 400
#define ROUNDS 20000

struct block {
    unsigned char *bytes;
    size_t size;
    unsigned char fill;
};

static uint32_t next_number(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void is_filled(const struct block *b, size_t size)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(b->bytes[i], b->fill);
}

/* Thousands of changes of size, small and large: no block is moved over another, and what fits is kept. */
static void test_content_survives_every_change(void **state)
{
    (void)state;
    struct arena a;
    struct block blocks[BLOCKS] = {{0}};
    uint32_t random = 7;
    arena_init(&a);
    for (int round = 0; round < ROUNDS; round++) {
        struct block *b = &blocks[next_number(&random) % BLOCKS];
        size_t size = next_number(&random) % (round % 10 == 0 ? 5000 : 600);
        is_filled(b, b->size);
        size_t kept = b->size < size ? b->size : size;
        b->bytes = arena_resize(&a, b->bytes, b->size, size);
        assert_true((b->bytes == NULL) == (size == 0));
        assert_int_equal((uintptr_t)b->bytes % ARENA_STEP, 0);
        is_filled(b, kept);
        b->size = size;
        b->fill = (unsigned char)round;
        memset(b->bytes ? b->bytes : &b->fill, b->fill, size);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        is_filled(&blocks[i], blocks[i].size);
    arena_release(&a);
    assert_int_equal(a.held, 0);
}

static void test_what_is_freed_is_used_again(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a);
    for (size_t size = 1; size <= 4 * ARENA_SMALL_MAX; size += 7) {
        void *block = arena_resize(&a, NULL, 0, size);
        size_t held = a.held;
        for (int i = 0; i < 1000; i++) {
            arena_resize(&a, block, size, 0);
            block = arena_resize(&a, NULL, 0, size);
        }
        assert_int_equal(a.held, held);
        arena_resize(&a, block, size, 0);
    }
    assert_true(a.held <= ARENA_CHUNK_BYTES); /* each size has used the chunk of the one before */
    arena_release(&a);
}

/* Memory that blocks of one size have left serves those of another, and most of it goes back. */
static void test_no_size_keeps_what_it_does_not_use(void **state)
{
    (void)state;
    enum { BYTES = 4 << 20 };
    struct arena a;
    static void *blocks[BYTES / ARENA_STEP];
    arena_init(&a);
    for (size_t size = ARENA_STEP; size <= ARENA_SMALL_MAX; size += 48) {
        size_t count = BYTES / size;
        for (size_t i = 0; i < count; i++)
            blocks[i] = arena_resize(&a, NULL, 0, size);
        assert_true(a.held >= BYTES && a.held < BYTES + BYTES / 2);
        for (size_t i = count; i-- > 0;)
            arena_resize(&a, blocks[i], size, 0);
        assert_true(a.held <= (size_t)ARENA_SPARE_MAX * ARENA_CHUNK_BYTES);
    }
    arena_release(&a);
}

static void test_malloc_has_no_more(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a);
    unsigned char *small = arena_resize(&a, NULL, 0, 100);
    unsigned char *large = arena_resize(&a, NULL, 0, 2 * ARENA_SMALL_MAX);
    size_t held = a.held;
    small[99] = large[2 * ARENA_SMALL_MAX - 1] = 7;
    assert_null(arena_resize(&a, NULL, 0, PTRDIFF_MAX / 2));
    assert_null(arena_resize(&a, small, 100, PTRDIFF_MAX / 2));
    assert_null(arena_resize(&a, large, 2 * ARENA_SMALL_MAX, PTRDIFF_MAX / 2));
    assert_int_equal(a.held, held);
    assert_int_equal(small[99], 7);
    assert_int_equal(large[2 * ARENA_SMALL_MAX - 1], 7);
    arena_resize(&a, large, 2 * ARENA_SMALL_MAX, 0);
    arena_resize(&a, small, 100, 0);
    arena_release(&a);
    assert_int_equal(a.held, 0);
}

/* arena_cost tells exactly what the next block takes. */
static void test_cost(void **state)
{
    (void)state;
    struct arena a;
    uint32_t random = 3;
    arena_init(&a);
    assert_int_equal(arena_cost(&a, 1), ARENA_CHUNK_BYTES);
    for (int i = 0; i < 5000; i++) {
        size_t size = 1 + next_number(&random) % (2 * ARENA_SMALL_MAX), before = a.held;
        size_t cost = arena_cost(&a, size);
        assert_non_null(arena_resize(&a, NULL, 0, size));
        assert_int_equal(a.held, before + cost);
    }
    arena_release(&a);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_survives_every_change),
        cmocka_unit_test(test_what_is_freed_is_used_again),
        cmocka_unit_test(test_no_size_keeps_what_it_does_not_use),
        cmocka_unit_test(test_malloc_has_no_more),
        cmocka_unit_test(test_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
