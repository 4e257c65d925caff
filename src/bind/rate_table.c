/* Token buckets in fixed memory: shards with a lock each, a hash index and a least-recently-used list inside.
 * Memory of buckets that were never needed is never touched.
 *
 * A bucket is one number (the generic cell rate algorithm): the time at which it will be full again. Taking a
 * token moves that time on by the price of one token; a bucket that would be full more than one period from
 * now is empty. */
#include "bind/rate.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"

#define SHARDS 16
#define KEY_BYTES 16 /* of the keyed hash that stands for the key */
#define NS_PER_S UINT64_C(1000000000)

struct bucket {
    unsigned char key[KEY_BYTES];
    uint64_t full_at_ns;
    uint32_t next; /* in the chain of its slot, as slots have it */
    uint32_t slot;
    struct list link; /* least recently used first */
};

struct shard {
    pthread_mutex_t lock;
    struct bucket *buckets;
    uint32_t *slots; /* first bucket of a chain, its index + 1, or 0; as many as buckets */
    uint32_t count, taken;
    struct list used; /* those taken */
};

struct rate_table {
    unsigned char secret[crypto_shorthash_siphashx24_KEYBYTES]; /* so that nobody can aim at a chain */
    struct shard shards[SHARDS];
};

static void shard_init(struct shard *s, uint32_t count)
{
    pthread_mutex_init(&s->lock, NULL);
    s->count = count;
    s->buckets = x_calloc(count, sizeof(*s->buckets));
    s->slots = x_calloc(count, sizeof(*s->slots));
    list_init(&s->used);
}

struct rate_table *rate_table_new(unsigned buckets_max)
{
    if (sodium_init() < 0)
        abort();
    struct rate_table *t = x_calloc(1, sizeof(*t));
    randombytes_buf(t->secret, sizeof(t->secret));
    unsigned per_shard = (buckets_max + SHARDS - 1) / SHARDS;
    for (size_t i = 0; i < SHARDS; i++)
        shard_init(&t->shards[i], per_shard == 0 ? 1 : per_shard);
    return t;
}

void rate_table_free(struct rate_table *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_destroy(&t->shards[i].lock);
        free(t->shards[i].buckets);
        free(t->shards[i].slots);
    }
    free(t);
}

static void unlink_bucket(struct shard *s, struct bucket *b)
{
    uint32_t number = (uint32_t)(b - s->buckets) + 1, *at = &s->slots[b->slot];
    while (*at != number)
        at = &s->buckets[*at - 1].next;
    *at = b->next;
    list_remove(&b->link);
}

/* One that was never used, or the one that was not for the longest time. */
static struct bucket *take_bucket(struct shard *s)
{
    if (s->taken < s->count)
        return &s->buckets[s->taken++];
    struct bucket *b = CONTAINER_OF(s->used.next, struct bucket, link);
    unlink_bucket(s, b);
    return b;
}

/* The bucket of a key, as the one used last. */
static struct bucket *find_bucket(struct shard *s, const unsigned char *key, uint32_t slot)
{
    struct bucket *b = NULL;
    for (uint32_t i = s->slots[slot]; i != 0 && b == NULL; i = s->buckets[i - 1].next)
        if (memcmp(s->buckets[i - 1].key, key, KEY_BYTES) == 0)
            b = &s->buckets[i - 1];
    if (b != NULL) {
        list_remove(&b->link);
    } else {
        b = take_bucket(s);
        memcpy(b->key, key, KEY_BYTES);
        b->full_at_ns = 0;
        b->slot = slot;
        b->next = s->slots[slot];
        s->slots[slot] = (uint32_t)(b - s->buckets) + 1;
    }
    list_append(&s->used, &b->link);
    return b;
}

static unsigned take_token(struct bucket *b, uint64_t now_ns, unsigned capacity, unsigned period_s,
                           unsigned *left)
{
    uint64_t period_ns = period_s * NS_PER_S, price_ns = period_ns / capacity;
    uint64_t full_at_ns = b->full_at_ns > now_ns ? b->full_at_ns : now_ns;
    uint64_t after_ns = full_at_ns + price_ns;
    if (after_ns <= now_ns + period_ns) {
        b->full_at_ns = after_ns;
        *left = (unsigned)((now_ns + period_ns - after_ns) / price_ns);
        return 0;
    }
    uint64_t wait_ns = after_ns - now_ns - period_ns;
    return (unsigned)((wait_ns + NS_PER_S - 1) / NS_PER_S);
}

unsigned rate_take(struct rate_table *t, const char *key, size_t len, unsigned capacity, unsigned period_s,
                   unsigned *left)
{
    unsigned ignored;
    assert(capacity > 0 && period_s > 0);
    unsigned char hash[KEY_BYTES];
    crypto_shorthash_siphashx24(hash, (const unsigned char *)key, len, t->secret);
    uint32_t number;
    memcpy(&number, hash, sizeof(number));
    struct shard *s = &t->shards[number % SHARDS];
    uint64_t now_ns = mono_ns();

    pthread_mutex_lock(&s->lock);
    struct bucket *b = find_bucket(s, hash, (number / SHARDS) % s->count);
    unsigned wait_s = take_token(b, now_ns, capacity, period_s, left != NULL ? left : &ignored);
    pthread_mutex_unlock(&s->lock);
    return wait_s;
}
