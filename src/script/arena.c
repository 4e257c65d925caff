/* Small blocks of a Lua state, in chunks of one size each. */
#include "script/arena.h"

#include <stdlib.h>
#include <string.h>

struct arena_free {
    struct arena_free *next;
};

/* Aligned to its size, so that the address of a block tells its chunk. In exactly one list of the arena. */
struct arena_chunk {
    struct list link;
    struct arena_free *unused; /* blocks that were given back */
    uint32_t at;               /* where the part begins that was never used */
    uint16_t block_bytes, live;
};

struct arena_large {
    _Alignas(ARENA_STEP) struct list link;
};

/* malloc's own header stands before a block: with it, one chunk follows on another without a gap. */
#define CHUNK_USABLE (ARENA_CHUNK_BYTES - 16)
#define CHUNK_FIRST ((uint32_t)((sizeof(struct arena_chunk) + ARENA_STEP - 1) / ARENA_STEP * ARENA_STEP))

static_assert(sizeof(struct arena_free) <= ARENA_STEP, "a free block holds its link");
static_assert(ARENA_STEP >= _Alignof(max_align_t), "blocks are aligned for everything");
static_assert(ARENA_CHUNK_BYTES <= UINT16_MAX, "a chunk's numbers fit");

void arena_init(struct arena *a)
{
    for (size_t i = 0; i < ARENA_SIZES; i++)
        list_init(&a->open[i]);
    list_init(&a->full);
    list_init(&a->spare);
    list_init(&a->large);
    a->spare_count = 0;
    a->held = 0;
}

/* link is the first member of chunks and of large blocks. */
static void free_all(struct list *list)
{
    struct list *node;
    while ((node = list_pop(list)) != NULL)
        free(node);
}

void arena_release(struct arena *a)
{
    for (size_t i = 0; i < ARENA_SIZES; i++)
        free_all(&a->open[i]);
    free_all(&a->full);
    free_all(&a->spare);
    free_all(&a->large);
    a->spare_count = 0;
    a->held = 0;
}

/* Which of the sizes a small block gets; size >= 1. */
static size_t size_index(size_t size)
{
    return size <= ARENA_FINE_MAX
               ? (size - 1) / ARENA_STEP
               : ARENA_FINE_MAX / ARENA_STEP + (size - ARENA_FINE_MAX - 1) / ARENA_COARSE_STEP;
}

static size_t size_at(size_t index)
{
    size_t fine = ARENA_FINE_MAX / ARENA_STEP;
    return index < fine ? (index + 1) * ARENA_STEP : ARENA_FINE_MAX + (index - fine + 1) * ARENA_COARSE_STEP;
}

size_t arena_cost(const struct arena *a, size_t size)
{
    if (size > ARENA_SMALL_MAX)
        return size + sizeof(struct arena_large);
    bool has_room = size == 0 || !list_is_empty(&a->open[size_index(size)]) || !list_is_empty(&a->spare);
    return has_room ? 0 : ARENA_CHUNK_BYTES;
}

/* ---- small blocks ---- */

static bool is_full(const struct arena_chunk *chunk)
{
    return !chunk->unused && chunk->at + chunk->block_bytes > CHUNK_USABLE;
}

/* A chunk for blocks of this size, all of it free; NULL if there is no memory. */
static struct arena_chunk *open_chunk(struct arena *a, size_t index)
{
    struct list *node = list_pop(&a->spare);
    void *memory = NULL;
    if (node)
        a->spare_count--;
    else if (posix_memalign(&memory, ARENA_CHUNK_BYTES, CHUNK_USABLE) != 0)
        return NULL;
    else
        a->held += ARENA_CHUNK_BYTES;
    struct arena_chunk *chunk = node ? CONTAINER_OF(node, struct arena_chunk, link) : memory;
    chunk->unused = NULL;
    chunk->at = CHUNK_FIRST;
    chunk->block_bytes = (uint16_t)size_at(index);
    chunk->live = 0;
    list_prepend(&a->open[index], &chunk->link);
    return chunk;
}

static void *take_small(struct arena *a, size_t size)
{
    size_t index = size_index(size);
    struct arena_chunk *chunk = list_is_empty(&a->open[index])
                                    ? open_chunk(a, index)
                                    : CONTAINER_OF(a->open[index].next, struct arena_chunk, link);
    if (!chunk)
        return NULL;
    void *block = chunk->unused;
    if (block) {
        chunk->unused = chunk->unused->next;
    } else {
        block = (char *)chunk + chunk->at;
        chunk->at += chunk->block_bytes;
    }
    chunk->live++;
    if (is_full(chunk)) {
        list_remove(&chunk->link);
        list_prepend(&a->full, &chunk->link);
    }
    return block;
}

static void let_go(struct arena *a, struct arena_chunk *chunk)
{
    list_remove(&chunk->link);
    if (a->spare_count < ARENA_SPARE_MAX) {
        list_prepend(&a->spare, &chunk->link);
        a->spare_count++;
        return;
    }
    a->held -= ARENA_CHUNK_BYTES;
    free(chunk);
}

static void give_small(struct arena *a, void *block, size_t size)
{
    struct arena_chunk *chunk = (void *)((uintptr_t)block & ~(uintptr_t)(ARENA_CHUNK_BYTES - 1));
    if (is_full(chunk)) {
        list_remove(&chunk->link);
        list_prepend(&a->open[size_index(size)], &chunk->link);
    }
    struct arena_free *link = block;
    link->next = chunk->unused;
    chunk->unused = link;
    if (--chunk->live == 0)
        let_go(a, chunk);
}

/* ---- large blocks ---- */

static void *take_large(struct arena *a, size_t size)
{
    struct arena_large *large = malloc(sizeof *large + size);
    if (!large)
        return NULL;
    list_prepend(&a->large, &large->link);
    a->held += sizeof *large + size;
    return large + 1;
}

static void give_large(struct arena *a, void *block, size_t size)
{
    struct arena_large *large = (struct arena_large *)block - 1;
    list_remove(&large->link);
    a->held -= sizeof *large + size;
    free(large);
}

static void *resize_large(struct arena *a, void *block, size_t old_size, size_t size)
{
    struct arena_large *large = (struct arena_large *)block - 1;
    list_remove(&large->link);
    struct arena_large *moved = realloc(large, sizeof *large + size);
    list_prepend(&a->large, moved ? &moved->link : &large->link);
    if (!moved)
        return NULL;
    a->held += size - old_size;
    return moved + 1;
}

/* ---- both ---- */

static void *take(struct arena *a, size_t size)
{
    return size > ARENA_SMALL_MAX ? take_large(a, size) : take_small(a, size);
}

static void give(struct arena *a, void *block, size_t size)
{
    if (size > ARENA_SMALL_MAX)
        give_large(a, block, size);
    else if (size > 0)
        give_small(a, block, size);
}

static void *move(struct arena *a, void *block, size_t old_size, size_t size)
{
    if (old_size > ARENA_SMALL_MAX && size > ARENA_SMALL_MAX)
        return resize_large(a, block, old_size, size);
    if (old_size <= ARENA_SMALL_MAX && size <= ARENA_SMALL_MAX && size_index(old_size) == size_index(size))
        return block;
    void *moved = take(a, size);
    if (!moved)
        return NULL;
    memcpy(moved, block, old_size < size ? old_size : size);
    give(a, block, old_size);
    return moved;
}

/* Most blocks are taken and given back, not moved. */
void *arena_resize(struct arena *a, void *block, size_t old_size, size_t size)
{
    if (block && size > 0)
        return move(a, block, old_size, size);
    if (size > 0)
        return take(a, size);
    if (block)
        give(a, block, old_size);
    return NULL;
}
