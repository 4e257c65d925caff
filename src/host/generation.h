/* A generation: the bytes of config.lua and lua/, the settings they give, and a finished app VM, rule VM and
 * router for every worker. Built and checked completely on the reload thread (or at a cold start); handing it
 * to workers cannot fail.
 *
 * Ownership: reference counted (atomic); each worker holds one while requests of it run. The per-worker
 * program is built on the reload thread, then belongs to that worker alone, which frees it when its last task
 * has ended.
 */
#ifndef HOST_GENERATION_H
#define HOST_GENERATION_H

#include "bind/bind.h"
#include "host/config.h"
#include "http/router.h"
#include "http/server.h"
#include "script/sandbox.h"
#include "script/vm.h"

struct program {
    struct vm
        *app; /* NULL once retired: its tasks are over, but a request may still look at router and context */
    struct sandbox *rules; /* NULL once retired */
    struct http_router *router;
    struct bind_context context;
    struct generation *generation; /* holds a reference */
    struct list link;              /* for the worker that owns it */
    unsigned requests;             /* exchanges begun on it and not over; counted by the worker */
};

struct generation {
    struct bundle *bundle;
    struct config *config;
    char hash[65];             /* of the bundle and of every setting's value: the same hash, nothing to do */
    uint64_t number;           /* 1, 2, 3 … in this process; set by reload */
    int migrations_pending;    /* migration files that were not applied when the database was last asked; -1:
                                  unknown */
    struct program **programs; /* one per worker; an entry becomes NULL when its worker has adopted it */
    unsigned count;
    int refs;
};

/* Reports one fault: "lua/rules/points.lua:12: …". */
typedef void (*generation_fault_fn)(void *data, const char *text);

enum generation_database {
    GENERATION_NO_DATABASE,
    GENERATION_CHECK_SQL, /* PREPARE every registered statement */
    GENERATION_COMMIT,    /* and store the rule version */
};

struct generation_options {
    const char *root;
    const struct config_flag *flags;
    size_t flag_count;
    unsigned workers;         /* programs to build; 0: build one only, check it and drop it */
    const char *database_url; /* not NULL: the one in use, whatever the new settings say */
    const char *skip_hash; /* not NULL: stop with *unchanged = true if bundle and settings have this hash */
    bool need_secrets;
    enum generation_database database;
};

/* Steps 1-3 of a reload: read, parse, check examples, build VMs, PREPARE the SQL, commit the rule_versions
 * row. All faults found are reported, then -1. err->code tells whose fault it is: ERR_UNAVAILABLE and
 * ERR_TIMEOUT are the database's (also one that lacks migrations), everything else the files'. Blocking; any
 * thread but a worker's or the main one. */
int generation_build(const struct generation_options *options, struct generation **out, bool *unchanged,
                     generation_fault_fn fault, void *data, struct err *err) MUSTCHECK;
struct generation *generation_ref(struct generation *g);
void generation_unref(struct generation *g); /* NULL allowed; frees the programs nobody has taken */
/* Move the program of one worker out; from then on it holds a reference to g. On the builder's or the main
 * thread. */
struct program *generation_take(struct generation *g, unsigned index);
/* Cancel its tasks and close both VMs; router and context stay until program_free. On the thread that owns
 * it. */
void program_retire(struct program *p);
void program_free(struct program *p); /* on the thread that owns it; NULL allowed */

/* What a program outside of a generation needs too: the rule VM, the context's values, require "config". */
struct sandbox *generation_open_rules(struct bundle *bundle, const struct config *c,
                                      struct err *err) MUSTCHECK;
void generation_fill_context(struct bind_context *context, const struct config *c,
                             const struct bundle *bundle);
int generation_preload_config(struct vm *vm, struct config *c, struct err *err) MUSTCHECK;

/* The settings of a lane and of the hasher as config has them, a worker's share where they are for the
 * process. */
struct pg_settings generation_pg_settings(const struct config *c, unsigned index, unsigned workers);
struct http_settings generation_http_settings(const struct config *c, unsigned index, unsigned workers);
struct hasher_settings generation_hasher_settings(const struct config *c);

#endif
