/* A worker: one thread with its own loop, listening socket, database lanes and programs. Workers share
 * nothing but the hasher, the rate table and the log.
 *
 * Made by the main thread (so that a taken address is found before anything runs), then started; afterwards
 * the main thread talks to it only through the functions marked "any thread". The live program answers new
 * requests; an old one ends the requests that began on it, at most for drain_ms, then its tasks are
 * cancelled. Never raises a Lua error.
 */
#ifndef HOST_WORKER_H
#define HOST_WORKER_H

#include "host/generation.h"
#include "host/metrics.h"

struct worker;

struct worker_options {
    unsigned index, count;       /* this one of so many */
    struct generation *first;    /* its program is taken from here */
    const char *listen;          /* address:port, the port never 0 but for the first worker */
    const char *database_url;    /* the one read at start */
    struct hasher *hasher;       /* process-wide */
    struct rate_table *rates;    /* process-wide */
    void (*changed)(void *data); /* called on the worker's thread when one of the states below has changed */
    void *data;
};

/* NULL and err if the socket cannot be opened. Main thread. */
struct worker *worker_new(const struct worker_options *options, struct err *err) MUSTCHECK;
int worker_start(struct worker *w, struct err *err) MUSTCHECK;
int worker_port(const struct worker *w);
/* Hand over the program of g; between two requests it becomes the live one. Main thread; not while
 * worker_is_draining. */
void worker_adopt(struct worker *w, struct generation *g);
/* Stop accepting, finish what runs within drain_ms, then end the thread. A second call with a shorter time is
 * obeyed. Main thread. */
void worker_stop(struct worker *w, uint32_t drain_ms);
/* Wait for the thread and free everything. Main thread; a worker that was never started may be freed too. */
void worker_free(struct worker *w);

/* ---- any thread ---- */
uint64_t worker_generation(const struct worker *w); /* number of the live one */
bool worker_is_draining(const struct worker *w);    /* an older generation still runs tasks here */
bool worker_has_ended(const struct worker *w);
bool worker_is_connected(const struct worker *w); /* both lanes have a connection */
struct metrics *worker_metrics(struct worker *w);

struct worker_stats {
    struct pg_stats pg;
    struct http_stats http;
    size_t app_bytes, rules_bytes; /* memory of the live VMs */
};
void worker_read_stats(struct worker *w, struct worker_stats *out);

#endif
