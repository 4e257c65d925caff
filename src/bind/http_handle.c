/* Answers a request with a task: runs the handler of its route, sends what it returns, and turns every
 * failure into a problem that shows no internals. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bind/http_exchange.h"
#include "bind/support.h"

/* Registry key: run_handler with its upvalues. */
static const char runner;

/* A handler returns its response; nil, err is the same as raising err. What it was given stays on the stack
 * below the response, for exchange_over. */
static int read_result(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    struct http_exchange *x = (struct http_exchange *)context;
    if (lua_isnil(L, -2) && !lua_isnil(L, -1))
        return lua_error(L);
    lua_pop(L, 1);
    http_response_read(L, lua_gettop(L), x);
    return 2;
}

/* The body of the task; its argument is the exchange as a light userdata. The handler is given the request,
 * its path parameters, and whether it has a query. */
static int run_handler(lua_State *L)
{
    struct http_exchange *x = lua_touserdata(L, 1);
    const struct http_request *req = x->req;
    http_handle_push(L, x);
    int handle = lua_gettop(L);
    lua_rawgeti(L, lua_upvalueindex(HTTP_HANDLERS), req->match.route->index + 1);
    lua_pushvalue(L, handle);
    http_params_push(L, handle, req);
    lua_pushboolean(L, req->query[0] != '\0');
    lua_callk(L, 3, 2, (lua_KContext)x, read_result);
    return read_result(L, LUA_OK, (lua_KContext)x);
}

void http_handlers_keep(lua_State *L)
{
    static const char *const fields[] = {"status", "headers", "content_type", "json", "body"};
    http_meta_push(L);
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        lua_pushstring(L, fields[i]);
    lua_pushcclosure(L, run_handler, HTTP_UPVALUES);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &runner);
}

struct failure {
    enum err_code code;
    int status;
    const char *problem, *detail;
    const char *retry_after_s; /* NULL: none */
};

#define DETAIL_BUSY "The server is busy or its database away. Nothing was done; try again."
#define DETAIL_UNKNOWN                                                                                       \
    "It may have been done or not: look before you send it again, or send it with the same Idempotency-Key."

/* What a raised error means to the client; anything that is not listed is a 500. */
static const struct failure failures[] = {
    {ERR_BUSY, 503, "unavailable", DETAIL_BUSY, "1"},
    {ERR_UNAVAILABLE, 503, "unavailable", DETAIL_BUSY, "1"},
    {ERR_CANCELLED, 503, "unavailable", DETAIL_BUSY, "1"},
    {ERR_TIMEOUT, 504, "timeout", "It took too long and was given up.", NULL},
    {ERR_UNKNOWN, 503, "outcome_unknown", DETAIL_UNKNOWN, NULL},
};

/* A request that was cut off may have written something already, or may still: a client that hears
 * "unavailable" would repeat it. */
static const struct failure *find_failure(enum err_code code, const struct http_request *req)
{
    static const struct failure internal = {ERR_INTERNAL, 500, "internal", HTTP_DETAIL_INTERNAL, NULL};
    static const struct failure cut_write = {ERR_CANCELLED, 503, "outcome_unknown", DETAIL_UNKNOWN, NULL};
    if (code == ERR_CANCELLED && strcmp(req->method, "GET") != 0)
        return &cut_write;
    for (size_t i = 0; i < COUNT_OF(failures); i++)
        if (failures[i].code == code)
            return &failures[i];
    return &internal;
}

/* Own faults are errors, the database's are warnings, a client that left is nothing to look at. */
static enum log_level level_of(const struct failure *failure)
{
    if (failure->status == 500)
        return LOG_ERROR;
    return failure->code == ERR_CANCELLED ? LOG_DEBUG : LOG_WARN;
}

/* PostgreSQL quotes a value that it cannot read (class 22, data exceptions): the log is told what stands
 * before it. */
static void hide_value(struct err *err)
{
    if (strncmp(err->sqlstate, "22", 2) == 0)
        err->text[strcspn(err->text, "\"")] = '\0';
}

/* Protected: push the traceback of the failed coroutine given as a light userdata. */
static int push_traceback(lua_State *L)
{
    luaL_traceback(L, lua_touserdata(L, 1), NULL, 0);
    return 1;
}

static void log_failure(struct http_exchange *x, lua_State *co, const struct failure *failure,
                        const struct err *err)
{
    lua_State *L = x->vm->L;
    int top = lua_gettop(L);
    const char *traceback = NULL;
    if (failure->status == 500 && lua_checkstack(L, 4)) {
        lua_pushcfunction(L, push_traceback);
        lua_pushlightuserdata(L, co);
        if (lua_pcall(L, 1, 1, 0) == LUA_OK)
            traceback = lua_tostring(L, -1);
    }
    log_event(level_of(failure), "request failed", LOG_S("request_id", x->req->id),
              LOG_S("trace_id", x->req->trace_id[0] != '\0' ? x->req->trace_id : NULL),
              LOG_S("route", x->req->match.route->pattern), LOG_S("code", err_code_name(err->code)),
              LOG_S("sqlstate", err->sqlstate), LOG_S("reason", err->text), LOG_S("traceback", traceback));
    lua_settop(L, top);
}

static void respond_failure(struct http_exchange *x, lua_State *co)
{
    struct err err;
    vm_pop_error(co, &err);
    if (task_is_cancelled(x->task))
        err.code = ERR_CANCELLED;
    const struct failure *failure = find_failure(err.code, x->req);
    hide_value(&err);
    log_failure(x, co, failure, &err);
    struct http_header retry = {"Retry-After", failure->retry_after_s};
    http_respond_problem(x->req, failure->status, failure->problem, failure->detail, &retry,
                         failure->retry_after_s != NULL ? 1 : 0);
}

/* The coroutine still has the handle on its stack. */
static void exchange_over(struct http_exchange *x)
{
    if (x->handle != NULL)
        x->handle->exchange = NULL;
    free(x->response.headers);
    free(x);
}

static void task_ended(struct task *task, lua_State *co, int status, int nresults, void *data)
{
    struct http_exchange *x = data;
    (void)task;
    (void)nresults;
    x->req->on_abandon = NULL;
    if (status == LUA_OK) {
        http_respond(x->req, &x->response);
    } else {
        free(x->response.body);
        respond_failure(x, co);
    }
    exchange_over(x);
}

const char *support_request_id(lua_State *L)
{
    const struct http_exchange *x = task_data(task_running(L), task_ended);
    return x != NULL ? x->req->id : NULL;
}

static void client_left(struct http_request *req)
{
    struct http_exchange *x = req->user;
    task_cancel(x->task);
}

void bind_http_handle(struct vm *vm, struct http_request *req)
{
    struct bind_context *c = vm->context;
    struct http_exchange *x = x_malloc(sizeof(*x));
    struct err err UNCLEARED;
    *x = (struct http_exchange){.vm = vm, .req = req};
    req->rule_version = c->rule_version;
    if (lua_checkstack(vm->L, 2)) {
        lua_rawgetp(vm->L, LUA_REGISTRYINDEX, &runner);
        lua_pushlightuserdata(vm->L, x);
        x->task = task_start(vm, 1, task_ended, x, &err);
    } else {
        err_set(&err, ERR_LIMIT, "no stack left");
    }
    if (x->task == NULL) {
        struct http_header retry = {"Retry-After", "1"};
        log_err(LOG_ERROR, "no task for a request", &err);
        free(x);
        http_respond_problem(req, 503, "unavailable", DETAIL_BUSY, &retry, 1);
        return;
    }
    req->user = x;
    req->on_abandon = client_left;
    task_begin(x->task); /* a handler that waits for nothing answers before its connection is suspended */
}
