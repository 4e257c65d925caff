/* Memory of one Lua state: small blocks are cut from chunks and reused by size, which costs a fraction of
 * malloc's time, and all of them are given back at once, in a time that hardly depends on how many there are.
 * Closing the state of a rule of many small objects one by one would take longer than it may run. Growth
 * cannot fail (see x_malloc): whoever allocates decides how much there may be. One owner, not thread-safe.
 * Never raises a Lua error.
 */
#ifndef SCRIPT_ARENA_H
#define SCRIPT_ARENA_H

#include "base/base.h"

#define ARENA_STEP 16        /* sizes of small blocks are multiples of it */
#define ARENA_SMALL_MAX 2048 /* larger blocks are malloc's; the stack of a coroutine is none */
#define ARENA_CHUNK_BYTES (32u << 10)

struct arena_chunk;
struct arena_large;
struct arena_free;

struct arena {
    struct arena_chunk *chunks;
    struct arena_large *large;
    struct arena_free *unused[ARENA_SMALL_MAX / ARENA_STEP]; /* by size */
    char *at, *end;                                          /* what is left of the newest chunk */
    size_t held;                                             /* bytes taken from malloc */
};

void arena_init(struct arena *a);
/* Give everything back; a is as after arena_init. */
void arena_release(struct arena *a);
/* As realloc: block NULL and old_size 0 for a new one, size 0 frees and returns NULL. old_size must be what
 * it was given for. */
void *arena_resize(struct arena *a, void *block, size_t old_size, size_t size);
/* How many bytes a block of this size would take from malloc now. */
size_t arena_cost(const struct arena *a, size_t size);

#endif
