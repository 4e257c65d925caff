/* Memory of one Lua state: small blocks lie in chunks of blocks of one size, which costs a fraction of
 * malloc's time, and all of them are given back at once, in a time that hardly depends on how many there are.
 * Closing the state of a rule of many small objects one by one would take longer than it may run. A chunk
 * whose blocks are all free serves any size, or goes back to malloc. One owner, not thread-safe. Never raises
 * a Lua error.
 */
#ifndef SCRIPT_ARENA_H
#define SCRIPT_ARENA_H

#include "base/base.h"
#include "base/list.h"

#define ARENA_STEP 16 /* sizes of blocks are multiples of it, from ARENA_FINE_MAX on of ARENA_COARSE_STEP */
#define ARENA_FINE_MAX 512
#define ARENA_COARSE_STEP 64
#define ARENA_SMALL_MAX 2048 /* larger blocks are malloc's; the stack of a coroutine is none */
#define ARENA_SIZES (ARENA_FINE_MAX / ARENA_STEP + (ARENA_SMALL_MAX - ARENA_FINE_MAX) / ARENA_COARSE_STEP)
#define ARENA_CHUNK_BYTES (8u << 10)
#define ARENA_SPARE_MAX 64 /* chunks kept that hold nothing */

struct arena {
    struct list open[ARENA_SIZES]; /* chunks with room for one more block of this size */
    struct list full, spare;
    struct list large;
    size_t spare_count;
    size_t held; /* bytes taken from malloc */
};

void arena_init(struct arena *a);
/* Give everything back; a is as after arena_init. */
void arena_release(struct arena *a);
/* As realloc: block NULL and old_size 0 for a new one, size 0 frees and returns NULL. old_size must be what
 * it was given for. NULL, and nothing has changed, if malloc has no more; never when size is not larger than
 * old_size, unless malloc itself refuses a smaller block. */
void *arena_resize(struct arena *a, void *block, size_t old_size, size_t size);
/* How many bytes a block of this size would take from malloc now; and no more than so many ever, which is
 * quicker to know. */
size_t arena_cost(const struct arena *a, size_t size);
#define ARENA_COST_MAX(size) ((size) + ARENA_CHUNK_BYTES)

#endif
