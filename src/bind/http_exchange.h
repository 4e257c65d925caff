/* What the parts of the http binding share: one request being answered by one task.
 * Loop thread of the VM's worker.
 */
#ifndef BIND_HTTP_EXCHANGE_H
#define BIND_HTTP_EXCHANGE_H

#include "bind/bind.h"

struct http_exchange;

/* The Lua object http.request: outlives the exchange if Lua keeps it, and then refuses to be used. */
struct http_handle {
    struct http_exchange *exchange; /* NULL when the request is over */
};

struct http_exchange {
    struct vm *vm;
    struct task *task;
    struct http_request *req;
    struct http_handle *handle;    /* NULL before the task has begun */
    struct http_response response; /* header texts belong to the response table, the result of the task */
};

/* Upvalues of the function that a request's task runs, at hand for whatever it calls. */
enum { HTTP_HANDLERS = 1, HTTP_META, HTTP_STATUS, HTTP_HEADERS, HTTP_CONTENT_TYPE, HTTP_JSON, HTTP_BODY };
#define HTTP_UPVALUES HTTP_BODY

/* Pop the table of handlers by their numbers, from 1, and keep it for the tasks to come. May raise. */
void http_handlers_keep(lua_State *L);
/* Push the metatable of http.request. */
void http_meta_push(lua_State *L);
/* Push the http.request of x, with the metatable of the upvalue HTTP_META. It must stay reachable until the
 * task has ended. May raise. */
void http_handle_push(lua_State *L, struct http_exchange *x);
/* Push the path parameters of the http.request at this stack index: the same table each time, and one for
 * all requests that have none, which cannot be written to. May raise. */
void http_params_push(lua_State *L, int handle, const struct http_request *req);
/* Read the response table at index into x->response; wants these upvalues. Raises a readable error for a
 * malformed one; what was allocated until then belongs to x->response. */
void http_response_read(lua_State *L, int index, struct http_exchange *x);

#endif
