/* Keeps the names of one connection's prepared statements in order of use. */
#include "pg/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cache_init(struct cache *c)
{
    list_init(&c->by_use);
    for (size_t i = 0; i < CACHE_BUCKETS; i++)
        list_init(&c->buckets[i]);
    c->count = 0;
    c->stale_count = 0;
    c->last_serial = 0;
}

static void entry_drop(struct cache *c, struct cache_entry *entry)
{
    list_remove(&entry->by_use);
    list_remove(&entry->in_bucket);
    c->count--;
    c->stale_count -= entry->is_stale;
    free(entry);
}

void cache_clear(struct cache *c)
{
    list_for_each (node, safe, &c->by_use)
        entry_drop(c, CONTAINER_OF(node, struct cache_entry, by_use));
}

/* Names are hashes in hex already; a few of their characters choose the bucket. */
static struct list *bucket_of(struct cache *c, const char *name)
{
    unsigned hash = 0;
    for (int i = 1; i < 5 && name[i] != '\0'; i++)
        hash = hash * 31 + (unsigned char)name[i];
    return &c->buckets[hash % CACHE_BUCKETS];
}

static struct cache_entry *entry_find(struct cache *c, const char *name)
{
    struct list *bucket = bucket_of(c, name);
    list_for_each (node, safe, bucket) {
        struct cache_entry *entry = CONTAINER_OF(node, struct cache_entry, in_bucket);
        if (strcmp(entry->name, name) == 0)
            return entry;
    }
    return NULL;
}

struct cache_entry *cache_use(struct cache *c, const char *name)
{
    struct cache_entry *entry = entry_find(c, name);
    if (entry == NULL)
        return NULL;
    list_remove(&entry->by_use);
    list_append(&c->by_use, &entry->by_use);
    return entry;
}

struct cache_entry *cache_add(struct cache *c, const char *name)
{
    struct cache_entry *entry = x_calloc(1, sizeof(*entry));
    snprintf(entry->name, sizeof(entry->name), "%s", name);
    entry->serial = ++c->last_serial;
    list_append(&c->by_use, &entry->by_use);
    list_append(bucket_of(c, name), &entry->in_bucket);
    c->count++;
    return entry;
}

void cache_settle(struct cache *c, const char *name, unsigned serial, bool is_prepared)
{
    struct cache_entry *entry = entry_find(c, name);
    if (entry == NULL || entry->serial != serial)
        return;
    if (is_prepared)
        entry->is_ready = true;
    else
        entry_drop(c, entry);
}

void cache_mark_stale(struct cache *c, const char *name)
{
    struct cache_entry *entry = entry_find(c, name);
    if (entry == NULL || entry->is_stale)
        return;
    entry->is_stale = true;
    c->stale_count++;
}

bool cache_evict(struct cache *c, unsigned max, char name[33])
{
    if (c->count <= max && c->stale_count == 0)
        return false;
    list_for_each (node, safe, &c->by_use) {
        struct cache_entry *entry = CONTAINER_OF(node, struct cache_entry, by_use);
        if (!entry->is_stale && (c->count <= max || !entry->is_ready))
            continue;
        memcpy(name, entry->name, sizeof(entry->name));
        entry_drop(c, entry);
        return true;
    }
    return false;
}
