/* Reload: builds a generation on a thread of its own, waits until no older one drains, hands it to the
 * workers, and reports when every worker has it. One runs at a time, at most one more is pending: any number
 * of requests meanwhile share it.
 *
 * Also used for the first generation at a cold start. Main thread only. Never raises a Lua error.
 */
#ifndef HOST_RELOAD_H
#define HOST_RELOAD_H

#include <uv.h>

#include "host/generation.h"

enum reload_outcome { RELOAD_CHANGED, RELOAD_UNCHANGED, RELOAD_FAILED };

struct reload_result { /* borrowed for the callback */
    enum reload_outcome outcome;
    enum err_code code; /* RELOAD_FAILED: see generation_build */
    const char *const *faults;
    size_t fault_count;
    const char *const *changed_files;
    size_t changed_file_count;
    const char *changed_settings; /* "log.level, auth.key", "" if none */
    const char *restart_only;     /* settings that wait for a restart, "" if none */
    double seconds;
};
typedef void (*reload_done_fn)(void *data, const struct reload_result *result);

struct reload_hooks {
    /* Give g to every worker; it is the live one from here on. The first time: make the workers; -1 ends the
     * program. */
    int (*activate)(void *data, struct generation *g, struct err *err);
    /* Has every worker adopted generation number? Does one still drain an older one? */
    bool (*is_settled)(void *data, uint64_t number);
    bool (*is_draining)(void *data);
    /* After reload_close: nothing of reload runs any more. */
    void (*closed)(void *data);
    void *data;
};

struct reload;
/* options->workers, database_url, skip_hash and database are set by reload itself; strings must outlive it.
 */
struct reload *reload_new(uv_loop_t *loop, const struct generation_options *options,
                          const struct reload_hooks *hooks);
/* What the running process was started with; names restart-only settings that differ later. */
void reload_set_started(struct reload *r, struct config *started, unsigned workers);
/* Reload, or join the pending one. done (may be NULL) is called once, with the outcome or because of
 * reload_close. */
void reload_request(struct reload *r, reload_done_fn done, void *data);
/* Look again whether workers have settled or drained. */
void reload_progress(struct reload *r);
struct generation *reload_live(const struct reload *r); /* NULL before the first */
bool reload_last_success(const struct reload *r);
/* Wall-clock microseconds of the last success (0: never) and seconds that the last reload took. */
int64_t reload_success_us(const struct reload *r);
double reload_seconds(const struct reload *r);
/* Answer whoever waits, let a build that runs end, then hooks.closed; reload_free when the loop has ended. */
void reload_close(struct reload *r);
bool reload_is_closed(const struct reload *r);
void reload_free(struct reload *r);

#endif
