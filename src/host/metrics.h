/* Counters of HTTP exchanges, one set per worker, and the Prometheus text made of all of them.
 *
 * Each set has its own lock, taken by its worker once per exchange and by the main thread while it copies:
 * nobody waits for longer than a copy. Any thread. Never raises a Lua error.
 */
#ifndef HOST_METRICS_H
#define HOST_METRICS_H

#include "base/buf.h"

#define METRICS_ROUTES_MAX 256 /* further templates are counted as route "other" */
#define METRICS_CODES_MAX                                                                                    \
    64 /* pairs of method and status of one route; further ones are not counted apart                        \
        */

struct metrics;
struct metrics *metrics_new(void);
void metrics_free(struct metrics *m); /* NULL allowed */
/* One exchange is over. status 0: it was cut before an answer, counted as code "0". */
void metrics_count(struct metrics *m, const char *route, const char *method, int status,
                   uint64_t duration_ns);

/* lexicraft_http_requests_total and lexicraft_http_request_duration_seconds over all sets. */
void metrics_write_http(struct buf *out, struct metrics *const *sets, size_t count);
/* lexicraft_build_info and lexicraft_process_*; started_us is wall_us() of the start. */
void metrics_write_process(struct buf *out, int64_t started_us);

/* "# HELP" and "# TYPE" of a metric; type is counter, gauge or histogram. */
void metrics_head(struct buf *out, const char *name, const char *type, const char *help);
/* A label's value with backslash, quote and line feed escaped. */
void metrics_label(struct buf *out, const char *value);

#endif
