/* The serving process: its main loop and everything that hangs on it. The struct is shared by serve.c and
 * admin.c only. Main thread. Never raises a Lua error. */
#ifndef HOST_SERVE_H
#define HOST_SERVE_H

#include <uv.h>

#include "host/generation.h"
#include "host/readiness.h"
#include "host/reload.h"
#include "host/watch.h"
#include "host/worker.h"

struct admin;

struct serve {
    uv_loop_t loop;
    struct generation_options options;
    struct config *started; /* the settings read at start */
    struct worker **workers;
    unsigned worker_count; /* as configured */
    unsigned workers_made; /* 0 until the first generation is live */
    struct hasher *hasher;
    struct rate_table *rates;
    struct reload *reload;
    struct watch *watch;
    struct readiness *readiness;
    struct admin *admin;
    uv_signal_t hangup, terminate, interrupt;
    uv_async_t workers_changed;
    uv_timer_t again;     /* the next attempt at a first generation */
    uv_timer_t last_call; /* when stopping has taken too long */
    char *why_not_live;   /* why there is no generation yet, or NULL */
    unsigned attempts;    /* at a first generation */
    int64_t started_us;   /* wall clock */
    unsigned stop_signals;
    bool stopping, closed;
    int exit_code;
};

/* Serve until told to stop; returns the exit code. Only root, flags and flag_count of options are read. */
int serve_run(const struct generation_options *options);

#endif
