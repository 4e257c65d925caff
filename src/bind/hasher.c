/* Argon2id on libuv's thread pool with a bound on the hashes at once: a slot is taken before work is queued,
 * and who finishes hands its slot to the longest waiting job, on that job's own loop. */
#include "bind/hasher.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"

_Static_assert(HASHER_HASH_BYTES >= crypto_pwhash_STRBYTES, "an encoded hash fits");

struct hasher {
    pthread_mutex_t lock; /* guards everything below */
    struct hasher_settings settings;
    unsigned running; /* slots taken, including those on their way to a woken job */
    unsigned waiting_count;
    struct list waiting;
};

/* Everything but link is touched by the loop that submitted the job, and by the pool thread while work runs.
 */
struct hash_job {
    struct hasher *hasher;
    uv_loop_t *loop;
    uv_work_t work;
    uv_async_t turn; /* says "you have a slot now"; open only for a job that had to wait */
    struct list link;
    hasher_done_fn done;
    void *data;
    bool is_abandoned;
    bool has_slot; /* given by turn; a job that did not wait has its slot from the start */
    bool is_verify, ok, matches;
    size_t memory_bytes;
    unsigned passes;
    char hash[HASHER_HASH_BYTES];
    size_t password_len;
    char password[];
};

struct hasher *hasher_new(const struct hasher_settings *settings)
{
    if (sodium_init() < 0)
        abort();
    struct hasher *h = x_calloc(1, sizeof(*h));
    pthread_mutex_init(&h->lock, NULL);
    list_init(&h->waiting);
    h->settings = *settings;
    return h;
}

/* With the lock held: give a slot to waiting jobs while there is one. */
static void hand_out_slots(struct hasher *h)
{
    while (h->running < h->settings.threads_max && !list_is_empty(&h->waiting)) {
        struct hash_job *next = CONTAINER_OF(list_pop(&h->waiting), struct hash_job, link);
        h->waiting_count--;
        h->running++;
        uv_async_send(&next->turn);
    }
}

void hasher_configure(struct hasher *h, const struct hasher_settings *settings)
{
    pthread_mutex_lock(&h->lock);
    h->settings = *settings;
    hand_out_slots(h);
    pthread_mutex_unlock(&h->lock);
}

void hasher_free(struct hasher *h)
{
    if (h == NULL)
        return;
    assert(h->running == 0 && list_is_empty(&h->waiting));
    pthread_mutex_destroy(&h->lock);
    free(h);
}

static void release_slot(struct hasher *h)
{
    pthread_mutex_lock(&h->lock);
    h->running--;
    hand_out_slots(h);
    pthread_mutex_unlock(&h->lock);
}

static void job_free(struct hash_job *job)
{
    sodium_memzero(job->password, job->password_len);
    sodium_memzero(job->hash, sizeof(job->hash));
    free(job);
}

static bool make_hash(struct hash_job *job, char *out)
{
    return crypto_pwhash_str_alg(out, job->password, job->password_len, job->passes, job->memory_bytes,
                                 crypto_pwhash_ALG_ARGON2ID13) == 0;
}

/* A hash that libsodium cannot read costs the same work as a good one, so that time tells nothing. */
static void verify_hash(struct hash_job *job)
{
    char ignored[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str_needs_rehash(job->hash, job->passes, job->memory_bytes) < 0)
        job->ok = make_hash(job, ignored);
    else {
        job->ok = true;
        job->matches = crypto_pwhash_str_verify(job->hash, job->password, job->password_len) == 0;
    }
}

static void run_on_pool(uv_work_t *work)
{
    struct hash_job *job = work->data;
    if (job->is_verify)
        verify_hash(job);
    else
        job->ok = make_hash(job, job->hash);
    sodium_memzero(job->password, job->password_len);
}

static void finish(uv_work_t *work, int status)
{
    struct hash_job *job = work->data;
    (void)status; /* never cancelled */
    release_slot(job->hasher);
    if (!job->is_abandoned) {
        struct err err;
        if (!job->ok)
            err_set(&err, ERR_BUSY, "no memory for a password hash");
        job->done(job->data, job->ok ? NULL : &err, job->is_verify ? NULL : job->hash, job->matches);
    }
    job_free(job);
}

static void read_settings(struct hash_job *job)
{
    struct hasher *h = job->hasher;
    pthread_mutex_lock(&h->lock);
    job->memory_bytes = h->settings.memory_bytes;
    job->passes = h->settings.passes;
    pthread_mutex_unlock(&h->lock);
}

static void start(struct hash_job *job)
{
    read_settings(job);
    job->work.data = job;
    int status = uv_queue_work(job->loop, &job->work, run_on_pool, finish);
    assert(status == 0); /* fails only without a work function */
    (void)status;
}

static void turn_closed(uv_handle_t *handle)
{
    struct hash_job *job = handle->data;
    if (!job->is_abandoned) {
        start(job);
        return;
    }
    if (job->has_slot)
        release_slot(job->hasher);
    job_free(job);
}

static void on_turn(uv_async_t *turn)
{
    struct hash_job *job = turn->data;
    job->has_slot = true;
    uv_close((uv_handle_t *)turn, turn_closed);
}

static struct hash_job *job_new(struct hasher *h, uv_loop_t *loop, const char *password, size_t len,
                                const char *hash)
{
    struct hash_job *job = x_calloc(1, sizeof(*job) + len + 1);
    job->hasher = h;
    job->loop = loop;
    job->password_len = len;
    memcpy(job->password, password, len);
    job->is_verify = hash != NULL;
    if (hash != NULL && strlen(hash) < sizeof(job->hash))
        memcpy(job->hash, hash, strlen(hash));
    list_init(&job->link);
    return job;
}

/* Slot at once, a place in the queue, or neither. */
static bool take_slot_or_wait(struct hash_job *job, bool *has_slot)
{
    struct hasher *h = job->hasher;
    pthread_mutex_lock(&h->lock);
    *has_slot = h->running < h->settings.threads_max;
    bool is_accepted = *has_slot || h->waiting_count < h->settings.waiting_max;
    if (*has_slot) {
        h->running++;
    } else if (is_accepted) {
        uv_async_init(job->loop, &job->turn, on_turn);
        job->turn.data = job;
        list_append(&h->waiting, &job->link);
        h->waiting_count++;
    }
    pthread_mutex_unlock(&h->lock);
    return is_accepted;
}

struct hash_job *hasher_submit(struct hasher *h, uv_loop_t *loop, const char *password, size_t len,
                               const char *hash, hasher_done_fn done, void *data, struct err *err)
{
    struct hash_job *job = job_new(h, loop, password, len, hash);
    job->done = done;
    job->data = data;
    bool has_slot;
    if (!take_slot_or_wait(job, &has_slot)) {
        job_free(job);
        err_set(err, ERR_BUSY, "too many passwords are being checked");
        return NULL;
    }
    if (has_slot)
        start(job);
    return job;
}

void hash_job_abandon(struct hash_job *job)
{
    struct hasher *h = job->hasher;
    job->is_abandoned = true;
    pthread_mutex_lock(&h->lock);
    bool was_waiting = list_is_linked(&job->link);
    if (was_waiting) {
        list_remove(&job->link);
        h->waiting_count--;
    }
    pthread_mutex_unlock(&h->lock);
    if (was_waiting)
        uv_close((uv_handle_t *)&job->turn, turn_closed);
}
