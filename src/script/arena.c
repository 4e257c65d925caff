/* Small blocks of a Lua state, in chunks. */
#include "script/arena.h"

#include <stdlib.h>
#include <string.h>

/* Each begins a piece of memory from malloc; aligned so that what follows is too. */
struct arena_chunk {
    _Alignas(ARENA_STEP) struct arena_chunk *next;
};

struct arena_large {
    _Alignas(ARENA_STEP) struct arena_large *prev, *next;
};

struct arena_free {
    struct arena_free *next;
};

static_assert(sizeof(struct arena_free) <= ARENA_STEP, "a free block holds its link");
static_assert(ARENA_STEP >= _Alignof(max_align_t), "blocks are aligned for everything");

void arena_init(struct arena *a)
{
    *a = (struct arena){0};
}

void arena_release(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *chunk = a->chunks;
        a->chunks = chunk->next;
        free(chunk);
    }
    while (a->large) {
        struct arena_large *large = a->large;
        a->large = large->next;
        free(large);
    }
    arena_init(a);
}

static size_t rounded(size_t size)
{
    return (size + ARENA_STEP - 1) / ARENA_STEP * ARENA_STEP;
}

static struct arena_free **unused_of(struct arena *a, size_t rounded_size)
{
    return &a->unused[rounded_size / ARENA_STEP - 1];
}

size_t arena_cost(const struct arena *a, size_t size)
{
    if (size > ARENA_SMALL_MAX)
        return size + sizeof(struct arena_large);
    size = rounded(size);
    bool has_room = size == 0 || a->unused[size / ARENA_STEP - 1] || (size_t)(a->end - a->at) >= size;
    return has_room ? 0 : ARENA_CHUNK_BYTES;
}

static void put_small(struct arena *a, void *block, size_t rounded_size)
{
    struct arena_free *link = block, **list = unused_of(a, rounded_size);
    link->next = *list;
    *list = link;
}

static void add_chunk(struct arena *a)
{
    if (a->at < a->end)
        put_small(a, a->at, (size_t)(a->end - a->at));
    struct arena_chunk *chunk = x_malloc(ARENA_CHUNK_BYTES);
    chunk->next = a->chunks;
    a->chunks = chunk;
    a->at = (char *)(chunk + 1);
    a->end = (char *)chunk + ARENA_CHUNK_BYTES;
    a->held += ARENA_CHUNK_BYTES;
}

static void *take_small(struct arena *a, size_t rounded_size)
{
    struct arena_free **list = unused_of(a, rounded_size), *link = *list;
    if (link) {
        *list = link->next;
        return link;
    }
    if ((size_t)(a->end - a->at) < rounded_size)
        add_chunk(a);
    void *block = a->at;
    a->at += rounded_size;
    return block;
}

/* Make large (which may be new, prev and next unset) known to its neighbours. */
static void link_large(struct arena *a, struct arena_large *large)
{
    if (large->prev)
        large->prev->next = large;
    else
        a->large = large;
    if (large->next)
        large->next->prev = large;
}

static void *take_large(struct arena *a, size_t size)
{
    struct arena_large *large = x_malloc(sizeof *large + size);
    large->prev = NULL;
    large->next = a->large;
    link_large(a, large);
    a->held += sizeof *large + size;
    return large + 1;
}

static void *resize_large(struct arena *a, void *block, size_t old_size, size_t size)
{
    struct arena_large *large = x_realloc((struct arena_large *)block - 1, sizeof *large + size);
    link_large(a, large);
    a->held += size - old_size;
    return large + 1;
}

static void free_large(struct arena *a, void *block, size_t size)
{
    struct arena_large *large = (struct arena_large *)block - 1;
    if (large->prev)
        large->prev->next = large->next;
    else
        a->large = large->next;
    if (large->next)
        large->next->prev = large->prev;
    a->held -= sizeof *large + size;
    free(large);
}

static void *take(struct arena *a, size_t size)
{
    return size > ARENA_SMALL_MAX ? take_large(a, size) : take_small(a, rounded(size));
}

static void give(struct arena *a, void *block, size_t size)
{
    if (size > ARENA_SMALL_MAX)
        free_large(a, block, size);
    else if (size > 0)
        put_small(a, block, rounded(size));
}

void *arena_resize(struct arena *a, void *block, size_t old_size, size_t size)
{
    if (size == 0) {
        if (block)
            give(a, block, old_size);
        return NULL;
    }
    if (!block)
        return take(a, size);
    if (old_size > ARENA_SMALL_MAX && size > ARENA_SMALL_MAX)
        return resize_large(a, block, old_size, size);
    if (size <= ARENA_SMALL_MAX && rounded(old_size) == rounded(size))
        return block;
    void *moved = take(a, size);
    memcpy(moved, block, old_size < size ? old_size : size);
    give(a, block, old_size);
    return moved;
}
