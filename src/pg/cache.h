/* Which statements are prepared on one connection: names in order of use. Private to pg/; knows no libpq. */
#ifndef PG_CACHE_H
#define PG_CACHE_H

#include "base/list.h"

#define CACHE_BUCKETS 128

struct cache_entry {
    struct list by_use, in_bucket;
    char name[33];
    unsigned serial; /* tells an entry from an earlier one of the same name */
    bool is_ready;   /* PREPARE was answered */
    bool is_stale;   /* to be deallocated before its name is used again */
};
struct cache {
    struct list by_use; /* least recently used first */
    struct list buckets[CACHE_BUCKETS];
    unsigned count, stale_count, last_serial;
};

void cache_init(struct cache *c);
void cache_clear(struct cache *c);
/* The entry called name, now the most recently used; NULL if there is none. */
struct cache_entry *cache_use(struct cache *c, const char *name);
struct cache_entry *cache_add(struct cache *c, const char *name);
/* PREPARE was answered for the entry with this name and serial: keep it as ready, or drop it. */
void cache_settle(struct cache *c, const char *name, unsigned serial, bool is_prepared);
/* The server's statement of this name is not fit for use any more. */
void cache_mark_stale(struct cache *c, const char *name);
/* Drop an entry that is stale or, if there are more than max, the least recently used one, and copy its name
 * for DEALLOCATE; false if there is none to drop. */
bool cache_evict(struct cache *c, unsigned max, char name[33]);

#endif
