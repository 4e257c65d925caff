/* The text of /metrics. Main thread. Never raises a Lua error. */
#ifndef HOST_ADMIN_METRICS_H
#define HOST_ADMIN_METRICS_H

#include "base/buf.h"
#include "host/serve.h"

void admin_write_metrics(const struct serve *serve, struct buf *out);

#endif
