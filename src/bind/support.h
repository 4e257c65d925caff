/* Small tools every binding uses: a buffer and a document that cannot leak when Lua raises, raising a struct
 * err, and what is known about the task that runs. Loop thread of the VM's worker; every function here may
 * raise a Lua error unless its comment says otherwise.
 */
#ifndef BIND_SUPPORT_H
#define BIND_SUPPORT_H

#include "bind/bind.h"

/* Push a userdata that owns an empty buffer; it is released by the collector, or early by buf_release. */
struct buf *support_push_buf(lua_State *L);
/* The VM's buffer for what is copied at once, empty: it is the next caller's after that, and the collector
 * has nothing to do. Needs two free stack slots. */
struct buf *support_scratch(lua_State *L);

/* Push a userdata that owns a parsed JSON document, at first none: set *slot, and json_free it early with
 * *slot = NULL. */
struct json **support_push_document(lua_State *L);

/* Create a metatable of this name with __name, __metatable (hidden), the functions of meta, and methods (may
 * be NULL) as
 * __index. Nothing is left on the stack. */
void support_metatable(lua_State *L, const char *name, const luaL_Reg *meta, const luaL_Reg *methods);

/* Raise err as the table described in lua/types/err.lua. */
int support_raise(lua_State *L, const struct err *err);
/* Make an err of code and format, and raise it. */
int support_fail(lua_State *L, enum err_code code, const char *format, ...) PRINTF(3, 4);
/* Push nil and the table of err; returns 2. */
int support_push_failure(lua_State *L, const struct err *err);

/* A table in the registry whose keys are coroutines (weak): values that belong to the coroutine running now.
 * name is the address that identifies the table. Pushes the value (nil if there is none) and returns its
 * type. Does not raise. */
int support_local_get(lua_State *L, const void *name);
/* Pop the value on top and keep it for the coroutine running now. support_local_open must have made the
 * table. */
void support_local_set(lua_State *L, const void *name);
void support_local_open(lua_State *L, const void *name);

/* Raise unless the VM has been adopted by a worker (loop and pool are set). */
struct bind_context *support_running_context(lua_State *L);

/* Request id of the request that L's task answers, NULL outside of one. Does not raise. */
const char *support_request_id(lua_State *L);

#endif
