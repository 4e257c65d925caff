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
    struct http_handle *handle;    /* NULL before the task has begun and after the object was collected */
    struct http_response response; /* header texts belong to the response table, the result of the task */
};

/* Push the http.request of x and make it the one of the running task. May raise. */
void http_handle_push(lua_State *L, struct http_exchange *x);
/* Read the response table at index into x->response. Raises a readable error for a malformed one; what was
 * allocated until then belongs to x->response. */
void http_response_read(lua_State *L, int index, struct http_exchange *x);
/* Push the handler of a route by its number, made by bind_http_routes. Does not raise. */
void http_handler_push(lua_State *L, int number);

#endif
