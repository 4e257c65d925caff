/* A generation: the bytes of config.lua and lua/, the settings they give, and a finished app VM, rule VM and router for
 * every worker. Built and checked completely on the reload thread (or at a cold start); handing it to workers cannot fail.
 *
 * Ownership: reference counted (atomic); each worker holds one while requests of it run. The per-worker program is built
 * on the reload thread, then belongs to that worker alone, which frees it when its last task has ended.
 */
#ifndef HOST_GENERATION_H
#define HOST_GENERATION_H

#include "bind/bind.h"
#include "host/config.h"
#include "http/router.h"
#include "script/sandbox.h"
#include "script/vm.h"

struct program {
    struct vm *app;
    struct sandbox *rules;
    struct http_router *router;
    struct bind_context context;
    struct generation *generation; /* holds a reference */
};

struct generation {
    struct bundle *bundle;
    struct config *config;
    uint64_t number;          /* 1, 2, 3 … in this process */
    struct program **programs; /* one per worker; an entry becomes NULL when its worker has adopted it */
    unsigned count;
    int refs;
};

/* Reports one fault: "lua/rules/points.lua:12: …". */
typedef void (*generation_fault_fn)(void *data, const char *text);

struct generation_options {
    const char *root;
    const struct config_flag *flags;
    size_t flag_count;
    unsigned workers;      /* 0: build one program only and drop it (check) */
    const char *skip_hash; /* not NULL: stop with *unchanged = true if bundle and settings have this hash */
    bool need_secrets;
    bool with_database;    /* PREPARE every registered statement and store the rule version */
};

/* Steps 1-3 of a reload: read, parse, check examples, build VMs, PREPARE the SQL, commit the rule_versions row. All faults
 * found are reported, then -1. */
int generation_build(const struct generation_options *options, struct generation **out, bool *unchanged,
                     generation_fault_fn fault, void *data, struct err *err) MUSTCHECK;
struct generation *generation_ref(struct generation *g);
void generation_unref(struct generation *g);
/* Free a program on the worker that owns it (or the builder). */
void program_free(struct program *p);

#endif
