/* Builds a generation: reads, checks and compiles everything, so that putting it to work cannot fail. */
#include "host/generation.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <sodium.h>

#include "host/generation_sql.h"
#include "script/property.h"

/* When a collection begins, of what the last one left. Loading makes much that is let go at once, and memory
 * once taken stays. */
#define GC_LOADING_PAUSE_PERCENT 125
#define GC_PAUSE_PERCENT 150
#define LOAD_HOOK_INSTRUCTIONS 10000

/* ---- faults ---- */

struct faults {
    generation_fault_fn fault;
    void *data;
    unsigned count;
    struct err first;
};

static void note_fault(void *data, const char *text)
{
    struct faults *f = data;
    if (f->count++ == 0)
        err_set(&f->first, ERR_INVALID, "%s", text);
    f->fault(f->data, text);
}

/* ---- one worker's program ---- */

/* Loading must end: a module with an endless loop at its top level would otherwise hold up every later
 * reload. */
static _Thread_local uint64_t load_deadline_ns;

static void load_hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    if (mono_ns() <= load_deadline_ns)
        return;
    luaL_where(L, 0); /* a hook has no level of its own */
    lua_pushliteral(L, "loading takes longer than reload.deadline_ms");
    lua_concat(L, 2);
    lua_error(L);
}

static int set_loaded_config(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    config_push(L, lua_touserdata(L, 1));
    lua_setfield(L, -2, "config");
    return 0;
}

int generation_preload_config(struct vm *vm, struct config *config, struct err *err)
{
    lua_pushcfunction(vm->L, set_loaded_config);
    lua_pushlightuserdata(vm->L, config);
    return vm_call(vm, 1, 0, err);
}

static void copy_key(unsigned char *to, size_t *len, const char *key)
{
    *len = strlen(key);
    assert(*len <= AUTH_KEY_BYTES_MAX);
    memcpy(to, key, *len);
}

static struct sandbox_limits rule_limits(const struct config *config)
{
    return (struct sandbox_limits){.cpu_ms = (uint32_t)config->rules.cpu_ms,
                                   .instructions = (uint64_t)config->rules.instructions_max,
                                   .memory_bytes = (size_t)config->rules.memory_bytes_max};
}

struct sandbox *generation_open_rules(struct bundle *bundle, const struct config *config, struct err *err)
{
    struct sandbox_limits limits = rule_limits(config);
    return sandbox_new(bundle, &limits, err);
}

void generation_fill_context(struct bind_context *c, const struct config *config, const struct bundle *bundle)
{
    copy_key(c->keys.current, &c->keys.current_len, config->auth.key);
    copy_key(c->keys.previous, &c->keys.previous_len, config->auth.previous_key);
    snprintf(c->keys.issuer, sizeof(c->keys.issuer), "%s", config->auth.issuer);
    snprintf(c->keys.audience, sizeof(c->keys.audience), "%s", config->auth.audience);
    copy_key(c->keys.foreign.key, &c->keys.foreign.key_len, config->auth.supabase_key);
    snprintf(c->keys.foreign.issuer, sizeof(c->keys.foreign.issuer), "%s", config->auth.supabase_issuer);
    snprintf(c->keys.foreign.audience, sizeof(c->keys.foreign.audience), "%s",
             config->auth.supabase_audience);
    memcpy(c->rule_version, bundle->rule_version, sizeof(c->rule_version));
    c->json.bytes_max = (size_t)config->http.body_bytes_max;
    c->json.depth_max = (int)config->json.depth_max;
    c->lock_ms = (uint32_t)config->database.lock_ms;
    c->rule_limits = rule_limits(config);
    c->loading = true;
}

static int load_routes(struct program *p, struct err *err)
{
    struct http_route *routes = NULL;
    size_t count = 0;
    if (bind_http_routes(p->app, &routes, &count, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (routes[i].body_bytes_max > p->context.json.bytes_max)
            p->context.json.bytes_max = routes[i].body_bytes_max;
    }
    p->router = http_router_new(routes, count, err);
    free(routes);
    return p->router == NULL ? err_prefix(err, "lua/app.lua") : 0;
}

static int open_vm(struct program *p, struct bundle *bundle, struct config *config, struct err *err)
{
    p->app = vm_new(VM_APP, bundle, (size_t)config->lua.memory_bytes_max, err);
    if (p->app == NULL)
        return -1;
    lua_gc(p->app->L, LUA_GCINC, GC_LOADING_PAUSE_PERCENT, 0, 0);
    p->app->context = &p->context;
    generation_fill_context(&p->context, config, bundle);
    if (bind_open(p->app, err) != 0)
        return -1;
    return generation_preload_config(p->app, config, err);
}

static struct program *program_new(struct bundle *bundle, struct config *config, struct err *err)
{
    struct program *p = x_calloc(1, sizeof(*p));
    list_init(&p->link);
    p->rules = generation_open_rules(bundle, config, err);
    p->context.rules = p->rules;
    int rc = p->rules == NULL ? -1 : open_vm(p, bundle, config, err);
    if (rc == 0) {
        lua_sethook(p->app->L, load_hook, LUA_MASKCOUNT, LOAD_HOOK_INSTRUCTIONS);
        rc = load_routes(p, err);
        lua_sethook(p->app->L, NULL, 0, 0);
    }
    if (rc == 0) {
        lua_gc(p->app->L, LUA_GCINC, GC_PAUSE_PERCENT, 0, 0);
        lua_gc(p->app->L, LUA_GCCOLLECT);
        return p;
    }
    program_free(p);
    return NULL;
}

void program_retire(struct program *p)
{
    if (p->app != NULL)
        vm_free(p->app);
    p->app = NULL;
    sandbox_free(p->rules);
    p->rules = NULL;
    p->context.rules = NULL;
}

void program_free(struct program *p)
{
    if (p == NULL)
        return;
    program_retire(p);
    http_router_free(p->router);
    sodium_memzero(&p->context.keys, sizeof(p->context.keys));
    bind_context_release(&p->context);
    generation_unref(p->generation);
    free(p);
}

/* ---- the generation ---- */

struct generation *generation_ref(struct generation *g)
{
    __atomic_add_fetch(&g->refs, 1, __ATOMIC_RELAXED);
    return g;
}

void generation_unref(struct generation *g)
{
    if (g == NULL || __atomic_sub_fetch(&g->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    for (unsigned i = 0; i < g->count; i++)
        program_free(g->programs[i]);
    free(g->programs);
    config_unref(g->config);
    bundle_unref(g->bundle);
    free(g);
}

struct program *generation_take(struct generation *g, unsigned index)
{
    assert(index < g->count && g->programs[index] != NULL);
    struct program *p = g->programs[index];
    g->programs[index] = NULL;
    p->generation = generation_ref(g);
    return p;
}

static void hash_setting(void *data, const char *key, const char *value, const char *origin,
                         bool restart_only)
{
    (void)origin;
    (void)restart_only;
    crypto_hash_sha256_state *state = data;
    crypto_hash_sha256_update(state, (const unsigned char *)key, strlen(key) + 1);
    crypto_hash_sha256_update(state, (const unsigned char *)value, strlen(value) + 1);
}

static void hash_all(struct generation *g)
{
    crypto_hash_sha256_state state;
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const unsigned char *)g->bundle->hash, strlen(g->bundle->hash));
    config_each(g->config, true, hash_setting, &state);
    crypto_hash_sha256_final(&state, digest);
    sodium_bin2hex(g->hash, sizeof(g->hash), digest, sizeof(digest));
    sodium_memzero(&state, sizeof(state));
}

/* ---- building ---- */

static bool is_rule(const struct bundle_file *file)
{
    return strncmp(file->path, "lua/rules/", 10) == 0;
}

static bool is_module(const struct bundle_file *file)
{
    return strncmp(file->path, "lua/", 4) == 0 && !is_rule(file);
}

/* "lua/store/users.lua" → "store.users" */
static void module_name(const struct bundle_file *file, struct buf *out)
{
    size_t len = strlen(file->path);
    buf_append(out, file->path + 4, len - 4 - 4);
    for (size_t i = 0; i < out->len; i++) {
        if (out->data[i] == '/')
            out->data[i] = '.';
    }
}

/* Every file that does not parse, not only the first. */
static void check_syntax(struct vm *vm, const struct bundle *bundle, struct faults *faults)
{
    struct err err;
    for (size_t i = 0; i < bundle->count; i++) {
        if (!is_module(&bundle->files[i]))
            continue;
        if (vm_load(vm, &bundle->files[i], &err) != 0)
            note_fault(faults, err.text);
        else
            lua_pop(vm->L, 1);
    }
}

/* Scripts for `lexicraft lua`: loading one would run it. */
static bool is_tool(const struct bundle_file *file)
{
    return strncmp(file->path, "lua/tools/", 10) == 0;
}

/* Load also what app.lua does not require, so that a broken file is found before somebody needs it. */
static void check_modules(struct vm *vm, const struct bundle *bundle, struct faults *faults)
{
    struct err err;
    lua_sethook(vm->L, load_hook, LUA_MASKCOUNT, LOAD_HOOK_INSTRUCTIONS);
    for (size_t i = 0; i < bundle->count; i++) {
        struct buf name = BUF_INIT;
        if (!is_module(&bundle->files[i]) || is_tool(&bundle->files[i]))
            continue;
        module_name(&bundle->files[i], &name);
        if (vm_require(vm, name.data, &err) != 0)
            note_fault(faults, err.text);
        else
            lua_pop(vm->L, 1);
        buf_release(&name);
    }
    lua_sethook(vm->L, NULL, 0, 0);
}

static void check_rules(struct bundle *bundle, const struct config *config, struct faults *faults)
{
    struct err err;
    struct sandbox *rules = generation_open_rules(bundle, config, &err);
    unsigned before = faults->count;
    if (rules == NULL) {
        note_fault(faults, err.text);
        return;
    }
    struct property_counts counts;
    if (property_gate(bundle, rules, &counts, note_fault, faults) != 0 && faults->count == before)
        note_fault(faults, "lua/rules: an example or a property does not hold");
    sandbox_free(rules);
}

/* The throw-away program that everything is tried on. NULL if there are faults. */
static struct program *check_files(struct generation *g, struct faults *faults)
{
    struct err err;
    check_rules(g->bundle, g->config, faults);
    struct vm *vm = vm_new(VM_APP, g->bundle, (size_t)g->config->lua.memory_bytes_max, &err);
    if (vm == NULL) {
        note_fault(faults, err.text);
        return NULL;
    }
    check_syntax(vm, g->bundle, faults);
    vm_free(vm);
    if (faults->count > 0)
        return NULL;
    struct program *probe = program_new(g->bundle, g->config, &err);
    if (probe == NULL) {
        note_fault(faults, err.text);
        return NULL;
    }
    probe->context.loading = true; /* reading the routes has ended it */
    check_modules(probe->app, g->bundle, faults);
    probe->context.loading = false;
    if (faults->count == 0)
        return probe;
    program_free(probe);
    return NULL;
}

static void ignore_fault(void *data, const char *text)
{
    (void)data;
    (void)text;
}

/* Where migrations are missing, broken SQL is most likely theirs to mend: one fault says so instead of one
 * per statement. */
static int check_statements(const struct generation *g, struct pg_session *s, const struct program *probe,
                            struct faults *faults, struct err *err)
{
    struct faults silent = {.fault = ignore_fault};
    struct faults *sink = g->migrations_pending > 0 ? &silent : faults;
    int broken = generation_check_sql(s, &probe->context, load_deadline_ns, note_fault, sink, err);
    if (broken <= 0)
        return broken;
    if (sink == &silent)
        return err_set(err, ERR_UNAVAILABLE, "%d migrations are not applied (lexicraft migrate up); %s",
                       g->migrations_pending, silent.first.text);
    *err = faults->first;
    return -1;
}

static int check_database(struct generation *g, const struct generation_options *o,
                          const struct program *probe, struct faults *faults, struct err *err)
{
    const char *url = o->database_url != NULL ? o->database_url : g->config->database.url;
    struct pg_session *s = pg_session_open(url, (uint32_t)g->config->reload.deadline_ms, err);
    if (s == NULL) {
        /* Whatever PostgreSQL says at the door (no such role, starting up, too many connections) may change.
         */
        err->code = err->code == ERR_DB ? ERR_UNAVAILABLE : err->code;
        return err_prefix(err, "database");
    }
    int rc = 0;
    g->migrations_pending = generation_pending_migrations(s, o->root, err);
    if (g->migrations_pending < 0)
        rc = err_prefix(err, "migrations");
    if (rc == 0)
        rc = check_statements(g, s, probe, faults, err);
    if (rc == 0 && o->database == GENERATION_COMMIT)
        rc = generation_store_rules(s, g->bundle, err);
    if (rc != 0 && g->migrations_pending > 0 && err->code == ERR_DB)
        err->code = ERR_UNAVAILABLE;
    pg_session_close(s);
    return rc;
}

static int build_programs(struct generation *g, unsigned workers, struct err *err)
{
    g->programs = x_calloc(workers + 1, sizeof(struct program *));
    for (; g->count < workers; g->count++) {
        if (mono_ns() > load_deadline_ns)
            return err_set(err, ERR_LIMIT, "building takes longer than reload.deadline_ms");
        g->programs[g->count] = program_new(g->bundle, g->config, err);
        if (g->programs[g->count] == NULL)
            return -1;
    }
    return 0;
}

/* Everything after the settings are known. A fault that err alone tells is reported here, once. */
static int build_checked(struct generation *g, const struct generation_options *o, struct faults *faults,
                         struct err *err)
{
    load_deadline_ns = mono_ns() + (uint64_t)g->config->reload.deadline_ms * 1000000;
    struct program *probe = check_files(g, faults);
    if (probe == NULL) {
        *err = faults->first;
        return -1;
    }
    int rc = o->database == GENERATION_NO_DATABASE ? 0 : check_database(g, o, probe, faults, err);
    program_free(probe);
    if (rc == 0)
        rc = build_programs(g, o->workers, err);
    if (rc != 0 && faults->count == 0)
        note_fault(faults, err->text);
    return rc;
}

int generation_build(const struct generation_options *o, struct generation **out, bool *unchanged,
                     generation_fault_fn fault, void *data, struct err *err)
{
    struct faults faults = {.fault = fault, .data = data};
    struct generation *g = x_calloc(1, sizeof(*g));
    g->refs = 1;
    g->migrations_pending = -1;
    *out = NULL;
    *unchanged = false;
    g->bundle = bundle_read(o->root, err);
    if (g->bundle != NULL)
        g->config = config_load(g->bundle, o->root, o->flags, o->flag_count, o->need_secrets, err);
    int rc = 0;
    if (g->bundle == NULL || g->config == NULL) {
        note_fault(&faults, err->text);
        err->code = ERR_INVALID;
        rc = -1;
    } else {
        hash_all(g);
        *unchanged = o->skip_hash != NULL && strcmp(o->skip_hash, g->hash) == 0;
        rc = *unchanged ? 0 : build_checked(g, o, &faults, err);
    }
    if (rc == 0 && !*unchanged)
        *out = g;
    else
        generation_unref(g);
    return rc;
}

/* ---- settings, a worker's share ---- */

/* The part of total that worker index gets; never 0. */
static unsigned share(int64_t total, unsigned index, unsigned workers)
{
    uint64_t part = (uint64_t)total / workers + ((uint64_t)total % workers > index ? 1 : 0);
    return part > 0 ? (unsigned)part : 1;
}

struct pg_settings generation_pg_settings(const struct config *c, unsigned index, unsigned workers)
{
    return (struct pg_settings){
        .url = c->database.url,
        .prepared_statements = c->database.prepared_statements,
        .pipelined = share(c->database.pipelined_connections, index, workers),
        .exclusive = share(c->database.exclusive_connections, index, workers),
        .sharing = share(c->database.sharing_connections, index, workers),
        .share_max = (unsigned)c->database.sharing_max,
        .share_lock_ms = (uint32_t)c->database.sharing_lock_ms,
        .waiting_max = share(c->database.waiting_max, index, workers),
        .in_flight_max = (unsigned)c->database.in_flight_max,
        .wait_ms = (uint32_t)c->database.wait_ms,
        .statement_ms = (uint32_t)c->database.statement_ms,
        .connect_ms = (uint32_t)c->database.connect_ms,
        .idle_transaction_ms = (uint32_t)c->database.idle_transaction_ms,
        .statements_max = (unsigned)c->database.statements_max,
    };
}

struct http_settings generation_http_settings(const struct config *c, unsigned index, unsigned workers)
{
    return (struct http_settings){
        .listen = c->api.listen,
        .connections_max = share(c->http.connections_max, index, workers),
        .header_bytes_max = (size_t)c->http.header_bytes_max,
        .body_bytes_max = (size_t)c->http.body_bytes_max,
        .header_ms = (uint32_t)c->http.header_ms,
        .body_ms = (uint32_t)c->http.body_ms,
        .idle_ms = (uint32_t)c->http.idle_ms,
        .write_ms = (uint32_t)c->http.write_ms,
        .require_host = true,
        .trusted_proxies = c->http.trusted_proxies,
        .cors_origins = c->http.cors_origins,
        .cors_max_age_s = (unsigned)c->http.cors_max_age_s,
    };
}

struct hasher_settings generation_hasher_settings(const struct config *c)
{
    return (struct hasher_settings){
        .threads_max = (unsigned)c->auth.hash_threads,
        .waiting_max = (unsigned)c->auth.hash_waiting_max,
        .memory_bytes = (size_t)c->auth.hash_memory_bytes,
        .passes = (unsigned)c->auth.hash_passes,
    };
}
