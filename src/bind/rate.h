/* Token buckets by key, shared by all workers (a few locks, fixed memory, least recently used bucket
 * evicted). Real monotonic time. Any thread. Never raises a Lua error. */
#ifndef BIND_RATE_H
#define BIND_RATE_H

#include "base/base.h"

struct rate_table;
struct rate_table *rate_table_new(unsigned buckets_max);
void rate_table_free(struct rate_table *t);
/* Take one token from the bucket of key (capacity tokens, refilled evenly over period_s seconds). Returns 0
 * and in left (may be NULL) how many are there now, or the seconds (>= 1) until one is there. */
unsigned rate_take(struct rate_table *t, const char *key, size_t len, unsigned capacity, unsigned period_s,
                   unsigned *left);

#endif
