/* Are the migrations applied? Asked again every few seconds, on libuv's thread pool, until they are.
 * Main thread. Never raises a Lua error. */
#ifndef HOST_READINESS_H
#define HOST_READINESS_H

#include <uv.h>

#include "base/err.h"

struct readiness;
struct readiness *readiness_new(uv_loop_t *loop, const char *root, const char *database_url);
/* What a reload has found: migrations that are not applied, -1 unknown. */
void readiness_set_pending(struct readiness *r, int pending);
int readiness_pending(const struct readiness *r);
void readiness_close(struct readiness *r); /* closes the handles; readiness_free when the loop has ended */
void readiness_free(struct readiness *r);

#endif
