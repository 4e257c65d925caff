/* The settings: config.lua + environment + flags → one immutable struct, with the origin of each value.
 *
 * One table in settings.c lists every setting: key, type, bounds, default, restart-only, secret. config.lua
 * is plain data, evaluated with an empty environment, an instruction limit and a memory cap. An unknown key,
 * a wrong type or a value out of bounds is an error with file and line. Precedence: flag > environment
 * (process, then .env, then var/env) > config.lua > default. Ownership: config_load gives one reference
 * (atomic). Immutable, any thread.
 */
#ifndef HOST_CONFIG_H
#define HOST_CONFIG_H

#include <lua.h>

#include "base/buf.h"
#include "base/err.h"
#include "script/bundle.h"

struct config {
    struct {
        char *listen;
        int64_t workers; /* resolved: never 0 */
    } api;
    struct {
        char *listen;
    } admin;
    struct {
        char *url, *migration_url; /* migration_url resolved: never "" if url is not */
        bool prepared_statements;
        int64_t pipelined_connections, exclusive_connections, sharing_connections, sharing_max,
            sharing_lock_ms, waiting_max, in_flight_max, wait_ms, statement_ms, connect_ms,
            idle_transaction_ms, lock_ms, statements_max;
    } database;
    struct {
        int64_t connections_max, header_bytes_max, body_bytes_max, header_ms, body_ms, idle_ms, write_ms,
            drain_ms, cors_max_age_s;
        char **trusted_proxies, **cors_origins; /* NULL-terminated */
    } http;
    struct {
        int64_t depth_max;
    } json;
    struct {
        int64_t memory_bytes_max;
    } lua;
    struct {
        int64_t cpu_ms, instructions_max, memory_bytes_max;
    } rules;
    struct {
        char *key_file, *previous_key_file, *issuer, *audience;
        char *supabase_key, *supabase_issuer, *supabase_audience; /* both "" or neither: key and issuer */
        char *key, *previous_key; /* the keys themselves, read by config_load; secrets */
        int64_t access_token_s, refresh_token_s, device_token_s, reset_token_s;
        int64_t hash_threads, hash_waiting_max, hash_memory_bytes, hash_passes;
    } auth;
    struct {
        int64_t requests_per_minute, login_attempts, login_attempts_per_address, login_window_s, page_default,
            page_max, related_max, idempotency_hours;
    } limits;
    struct {
        bool watch;
        int64_t debounce_ms, deadline_ms;
    } reload;
    struct {
        char *level;
    } log;
    struct config_private *impl; /* origins, references */
};

/* A flag given on the command line: "http.body_bytes_max", "1024". */
struct config_flag {
    const char *key, *value;
};

/* bundle holds config.lua; root is where var/env, .env and key files are found. need_secrets: a missing key
 * file or database URL is an error (serve), else they stay empty (check, lua, …). */
struct config *config_load(const struct bundle *bundle, const char *root, const struct config_flag *flags,
                           size_t flag_count, bool need_secrets, struct err *err) MUSTCHECK;
struct config *config_ref(struct config *c);
void config_unref(struct config *c); /* NULL allowed; wipes secrets */

/* Append the variables of the process environment that are named like settings and are none, as "LEXICRAFT_A,
 * LEXICRAFT_B". In .env and var/env they are errors; here others may have put them (Kubernetes does). */
void config_unknown_variables(struct buf *out);
/* Walk every setting in the order of config.lua: value is the text for a person, "***" for a secret unless
 * reveal. */
void config_each(const struct config *c, bool reveal,
                 void (*visit)(void *data, const char *key, const char *value, const char *origin,
                               bool restart_only),
                 void *data);
/* The text value of one key; 0 and out, or -1 if there is no such key. */
int config_get(const struct config *c, const char *key, struct buf *out);
/* Restart-only settings that differ, as "api.listen, database.url"; empty out if none. */
void config_restart_only_diff(const struct config *before, const struct config *after, struct buf *out);
/* Every setting whose value differs, in the same form. */
void config_diff(const struct config *before, const struct config *after, struct buf *out);
/* Push the table that require "config" gives to Lua: nested, read only, without secrets. May raise (memory).
 */
void config_push(lua_State *L, const struct config *c);

#endif
