/* What the bindings share: the context of a VM, and one open function per module.
 *
 * A binding checks all its arguments first, acquires inside a userdata that is already closed-safe, and
 * raises only after everything is released. Loop thread of the VM's worker. Every function registered for Lua
 * is described in lua/types/.
 */
#ifndef BIND_BIND_H
#define BIND_BIND_H

#include "base/base.h" /* first: feature macros */

#include <lauxlib.h>
#include <uv.h>

#include "base/json.h"
#include "bind/clock.h"
#include "bind/hasher.h"
#include "bind/rate.h"
#include "http/request.h"
#include "pg/pool.h"
#include "script/sandbox.h"
#include "script/task.h"

#define AUTH_KEY_BYTES_MAX 256

/* Signing keys; a generation has its own copy. */
struct auth_keys {
    unsigned char current[AUTH_KEY_BYTES_MAX], previous[AUTH_KEY_BYTES_MAX];
    size_t current_len, previous_len; /* previous_len 0: none */
    char issuer[128], audience[128];
    /* Another issuer whose tokens are known beside ours (bind/jwt.h); key_len 0: none. */
    struct {
        unsigned char key[AUTH_KEY_BYTES_MAX];
        size_t key_len;
        char issuer[256], audience[128];
    } foreign;
};

/* A statement registered by db.sql or db.sql_one while modules load; found by check and reload. */
struct bind_statement {
    struct pg_statement statement;
    const struct bind_statement *together; /* its form for many askers, a statement of its own; or NULL */
    char *text;
    char *source; /* "lua/store/users.lua" */
    int line;     /* where the SQL text begins */
};

/* One per app VM; vm->context. Owned by whoever made the VM, freed after vm_free by bind_context_release.
 * loop, pool and hasher are NULL while a generation is checked and built on the reload thread; the worker
 * sets them when it adopts the VM, and a binding that needs one raises "not while loading" until then. */
struct bind_context {
    uv_loop_t *loop;
    struct pg_pool *pool;
    /* A pool of another database, owned by whoever made the VM; NULL: one too many. NULL where there is none
     * but pool. */
    struct pg_pool *(*connect)(void *connect_data, const char *url);
    void *connect_data;
    struct hasher *hasher;             /* process-wide */
    struct rate_table *rates;          /* process-wide */
    struct sandbox *rules;             /* of the same generation and worker */
    struct sandbox_limits rule_limits; /* of candidates */
    struct auth_keys keys;
    char rule_version[65];
    struct json_options {
        size_t bytes_max;
        int depth_max;
    } json;
    uint32_t lock_ms; /* default lock_timeout of transactions */
    struct bind_statement **statements;
    size_t statement_count;
    bool loading; /* true until bind_loaded: db.sql may register */
};

void bind_context_release(struct bind_context *c);
struct bind_context *bind_context_of(lua_State *L);

/* Preload every module (db, http, json, log, clock, auth, rules, rate) into vm. */
int bind_open(struct vm *vm, struct err *err) MUSTCHECK;

/* Run lua/app.lua and read its route table: *routes is malloc'd (strings live as long as the VM), index is
 * the handler's number. err->text names the route or file:line. */
int bind_http_routes(struct vm *vm, struct http_route **routes, size_t *count, struct err *err) MUSTCHECK;
/* Start the task that answers req with the handler of its route. Always leads to one http_respond. */
void bind_http_handle(struct vm *vm, struct http_request *req);

/* The token of the http.request at index: of its Authorization field of the scheme Bearer, "" without one.
 * Borrowed from the request. May raise. */
const char *bind_http_bearer(lua_State *L, int index, size_t *len);

/* Module openers, each a lua_CFunction for luaL_requiref. */
int bind_open_db(lua_State *L);
int bind_open_http(lua_State *L);
int bind_open_json(lua_State *L);
int bind_open_log(lua_State *L);
int bind_open_clock(lua_State *L);
int bind_open_auth(lua_State *L);
int bind_open_rules(lua_State *L);
int bind_open_rate(lua_State *L);

/* Shared with other bindings and tools: encode the value at index as JSON (raises on cycles, depth,
 * functions, NaN), push the Lua value of a parsed document, push json.null. */
void bind_json_encode(lua_State *L, int index, struct buf *out);
void bind_json_push(lua_State *L, const struct json *node);
void bind_json_push_null(lua_State *L);
bool bind_json_is_null(lua_State *L, int index);

#endif
