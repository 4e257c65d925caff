/* Argon2id on libuv's thread pool, bounded: at most threads_max hashes at once in the process, at most
 * waiting_max waiting; beyond that a caller gets ERR_BUSY at once. Process-wide; submit from any worker's
 * loop thread; done is called on that loop. Never raises a Lua error. */
#ifndef BIND_HASHER_H
#define BIND_HASHER_H

#include <uv.h>

#include "base/err.h"

#define HASHER_HASH_BYTES 128

struct hasher_settings {
    unsigned threads_max, waiting_max;
    size_t memory_bytes; /* per hash, default 19 MiB */
    unsigned passes;     /* default 2 */
};
struct hasher;
struct hash_job;

struct hasher *hasher_new(const struct hasher_settings *settings);
void hasher_configure(struct hasher *h, const struct hasher_settings *settings);
void hasher_free(struct hasher *h);

/* err NULL on success; hash is the encoded string (hashing) and matches tells the verdict (verifying). */
typedef void (*hasher_done_fn)(void *data, const struct err *err, const char *hash, bool matches);
/* password is copied and wiped after use. hash NULL: make one; else verify against it. A malformed hash
 * verifies as false after the same work. NULL and err (ERR_BUSY) when full. */
struct hash_job *hasher_submit(struct hasher *h, uv_loop_t *loop, const char *password, size_t len,
                               const char *hash, hasher_done_fn done, void *data, struct err *err) MUSTCHECK;
/* The caller leaves: done is not called. */
void hash_job_abandon(struct hash_job *job);

#endif
