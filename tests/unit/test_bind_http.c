/* Lua module http over a real server and real sockets: requests as Lua sees them, answers, failures, clients
 * that leave; and the reading of route tables. */
#include "bind_fixture.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>

#include "bind_capture.h"
#include "http/server.h"

#define ID "X-Request-Id: test-1\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n" ID "Connection: close\r\n\r\n"

static const char app[] =
    "local http, json, log = require 'http', require 'json', require 'log'\n"
    "local bad = {\n"
    "  none = function() end,\n"
    "  text = 'x',\n"
    "  no_status = {},\n"
    "  low = {status = 99}, high = {status = 600}, float = {status = 200.5}, named = {status = '200'},\n"
    "  headers = {status = 200, headers = 1},\n"
    "  number = {status = 200, headers = {a = 1}},\n"
    "  name = {status = 200, headers = {['a b'] = 'x'}},\n"
    "  split = {status = 200, headers = {a = 'x\\r\\nSet-Cookie: y'}},\n"
    "  nul = {status = 200, headers = {a = 'x\\0y'}},\n"
    "  content = {status = 200, headers = {['Content-Type'] = 'text/plain'}},\n"
    "  untyped = {status = 200, body = 'x'},\n"
    "  typed = {status = 200, body = 'x', content_type = 'a\\nb'},\n"
    "  body = {status = 200, body = 1, content_type = 'text/plain'},\n"
    "  both = {status = 200, body = 'x', json = {}, content_type = 'text/plain'},\n"
    "  json = {status = 200, json = print},\n"
    "  nan = {status = 200, json = {0/0}},\n"
    "  empty = {status = 204, json = {}},\n"
    "}\n"
    "local function thrower(req)\n"
    "  local secret = 'secret detail'\n"
    "  local code = req.params.code\n"
    "  if code == 'text' then error(secret) end\n"
    "  if code == 'number' then error(7) elseif code == 'nothing' then error() end\n"
    "  if code == 'returned' then return nil, {code = 'busy', message = secret} end\n"
    "  if code == 'db' then error({code = code, sqlstate = '22P02', message = 'no uuid: \"Alice\"'}) end\n"
    "  error({code = code, message = secret})\n"
    "end\n"
    "return {\n"
    "  {method = 'GET', path = '/json', handler = function() return {status = 200, json = {b = {1}, a = "
    "json.null}} end},\n"
    "  {method = 'GET', path = '/text', handler = function()\n"
    "    return {status = 201, body = 'a\\0b', content_type = 'text/plain', headers = {['X-One'] = '1'}} "
    "end},\n"
    "  {method = 'GET', path = '/empty', handler = function() return {status = 204, content_type = 'x'} "
    "end},\n"
    "  {method = 'POST', path = '/echo/{n:int}/{name:slug}/{u:uuid}', handler = function(req, params, asks)\n"
    "    local query, query_faults = req:query()\n"
    "    local body, body_error = req:json(); assert(params == req.params and asks == (query ~= nil))\n"
    "    local ok, why = pcall(function() return req.nonsense end)\n"
    "    return {status = 200, json = {method = req.method, path = req.path, route = req.route,\n"
    "      id = req.id, remote = req.remote, body = req.body, missing = req:header('x-none'), agent = "
    "req:header('AGENT'),\n"
    "      query = query, query_faults = query_faults, parsed = body, body_error = body_error,\n"
    "      n = math.type(req.params.n), nonsense = why, params = params}}\n"
    "  end},\n"
    "  {method = 'GET', path = '/problem', handler = function()\n"
    "    return http.problem(409, 'too_early', 'wait', {errors = {{pointer = '/a'}}, status = 1, request_id "
    "= 'no'},\n"
    "      {['Retry-After'] = '5'}) end},\n"
    "  {method = 'GET', path = '/throw/{code:slug}', handler = thrower},\n"
    "  {method = 'GET', path = '/bad/{name:slug}', handler = function(req)\n"
    "    local response = bad[req.params.name]\n"
    "    if type(response) == 'function' then return response() end\n"
    "    return response\n"
    "  end},\n"
    "  {method = 'GET', path = '/keep', handler = function(req, params, asks)\n"
    "    kept = req; coroutine.wrap(function() log.info('kept', {n = 1}) end)()\n"
    "    assert(params == req.params and asks == false and not pcall(function() params.x = 1 end))\n"
    "    collectgarbage(); return {status = 200, json = {}} end},\n"
    "  {method = 'GET', path = '/park', handler = function()\n"
    "    local closing <close> = setmetatable({}, {__close = function() is_closed = true end})\n"
    "    park(); return {status = 200, json = {}} end},\n"
    "}\n";

struct server {
    struct fixture *fixture;
    struct http_server *http;
    struct http_router *router;
    struct http_route *routes;
    int done_count, last_status;
    bool is_closed;
    uv_async_t wake; /* the client thread has something to say */
    uv_prepare_t turn;
};

/* ---- a route that waits until the test says so ---- */

static struct task *parked;
static bool park_was_cancelled;

static void park_cancelled(void *data)
{
    (void)data;
    park_was_cancelled = true;
    parked = NULL;
}

static int park_over(lua_State *L, int status, lua_KContext context)
{
    (void)L;
    (void)status;
    (void)context;
    return 0;
}

static int park(lua_State *L)
{
    parked = task_of(L);
    task_suspend(parked, park_cancelled, NULL);
    return lua_yieldk(L, 0, 0, park_over);
}

/* ---- the server ---- */

static void handle(struct http_request *req, void *data)
{
    struct server *s = data;
    bind_http_handle(s->fixture->vm, req);
}

static void note_done(const struct http_request *req, const char *route, int status, uint64_t duration_ns,
                      void *data)
{
    struct server *s = data;
    (void)req;
    (void)route;
    (void)duration_ns;
    s->done_count++;
    s->last_status = status;
}

static const struct http_router *router_of(void *data)
{
    return ((struct server *)data)->router;
}

static void take_turn(uv_prepare_t *turn)
{
    struct server *s = turn->data;
    if (s->fixture->vm != NULL)
        vm_run(s->fixture->vm, FIXTURE_RESUMES);
    http_server_turn(s->http);
}

static void nothing(uv_async_t *async)
{
    (void)async; /* waking the loop is all */
}

static int set_up(void **state)
{
    struct server *s = x_calloc(1, sizeof(*s));
    struct fixture *f = s->fixture = fixture_new();
    struct err err;
    size_t count;
    parked = NULL;
    park_was_cancelled = false;
    fixture_write(f, "lua/app.lua", app);
    fixture_open(f);
    f->context.loop = &f->loop;
    lua_register(f->vm->L, "park", park);
    if (bind_http_routes(f->vm, &s->routes, &count, &err) != 0)
        fail_msg("%s", err.text);
    s->router = http_router_new(s->routes, count, &err);
    assert_non_null(s->router);
    struct http_settings settings = {.listen = "127.0.0.1:0",
                                     .connections_max = 50,
                                     .header_bytes_max = 8192,
                                     .body_bytes_max = 65536,
                                     .header_ms = 10000,
                                     .body_ms = 10000,
                                     .idle_ms = 10000,
                                     .write_ms = 10000,
                                     .require_host = true};
    struct http_callbacks callbacks = {handle, note_done, router_of, s};
    s->http = http_server_new(&f->loop, &settings, false, &callbacks, &err);
    assert_non_null(s->http);
    uv_async_init(&f->loop, &s->wake, nothing);
    uv_prepare_init(&f->loop, &s->turn);
    s->turn.data = s;
    uv_prepare_start(&s->turn, take_turn);
    *state = s;
    return 0;
}

static void note_closed(void *data)
{
    ((struct server *)data)->is_closed = true;
}

static int tear_down(void **state)
{
    struct server *s = *state;
    uv_close((uv_handle_t *)&s->turn, NULL);
    uv_close((uv_handle_t *)&s->wake, NULL);
    http_server_close(s->http, note_closed, s);
    while (!s->is_closed)
        uv_run(&s->fixture->loop, UV_RUN_ONCE);
    if (s->fixture->vm != NULL)
        fixture_close_vm(s->fixture);
    http_server_free(s->http);
    http_router_free(s->router);
    free(s->routes);
    fixture_free(s->fixture);
    free(s);
    return 0;
}

/* ---- the client: a thread with a blocking socket ---- */

struct client {
    pthread_t thread;
    struct server *server;
    const char *request;
    size_t request_len;
    bool leaves; /* closes without waiting for an answer, when told */
    int fd;
    struct buf answer;
    _Atomic bool has_sent, has_ended;
};

static void *talk(void *data)
{
    struct client *c = data;
    char piece[4096];
    ssize_t got;
    assert(send(c->fd, c->request, c->request_len, MSG_NOSIGNAL) == (ssize_t)c->request_len);
    while (!c->leaves && (got = recv(c->fd, piece, sizeof(piece), 0)) > 0)
        buf_append(&c->answer, piece, (size_t)got);
    c->has_ended = true;
    uv_async_send(&c->server->wake);
    return NULL;
}

static void client_start(struct client *c, struct server *s, const char *request, bool leaves)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)http_server_port(s->http)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    *c = (struct client){.server = s, .request = request, .request_len = strlen(request), .leaves = leaves};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, connect(c->fd, (struct sockaddr *)&address, sizeof(address)));
    assert_int_equal(0, pthread_create(&c->thread, NULL, talk, c));
}

static void client_end(struct client *c)
{
    pthread_join(c->thread, NULL);
    close(c->fd);
    buf_release(&c->answer);
}

static void client_wait(struct client *c)
{
    uint64_t begin_ns = mono_ns();
    while (!c->has_ended) {
        uv_run(&c->server->fixture->loop, UV_RUN_ONCE);
        assert_true(mono_ns() - begin_ns < FIXTURE_DEADLINE_NS);
    }
    buf_append(&c->answer, "", 0);
}

static void expect_text(const char *answer, const char *text)
{
    if (strstr(answer, text) == NULL)
        fail_msg("no %s in %s", text, answer);
}

/* Send one request and look for texts in its whole answer. The list ends with NULL. */
static void ask(struct server *s, const char *request, ...)
{
    struct client c;
    client_start(&c, s, request, false);
    client_wait(&c);
    va_list texts;
    va_start(texts, request);
    for (const char *text; (text = va_arg(texts, const char *)) != NULL;)
        expect_text(c.answer.data, text);
    va_end(texts);
    assert_null(strstr(c.answer.data, "secret"));
    client_end(&c);
}

/* ---- tests ---- */

static void answers(void **state)
{
    struct server *s = *state;
    ask(s, GET("/json"), "HTTP/1.1 200 ", "Content-Type: application/json\r\n",
        "\r\n\r\n{\"a\":null,\"b\":[1]}", "X-Request-Id: test-1", NULL);
    ask(s, GET("/text"), "HTTP/1.1 201 ", "Content-Type: text/plain\r\n", "X-One: 1\r\n",
        "Content-Length: 3\r\n", NULL);
    ask(s, GET("/empty"), "HTTP/1.1 204 ", NULL);
    ask(s, "HEAD /json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 ",
        "Content-Length: 18\r\n", NULL);
    assert_int_equal(4, s->done_count);
    assert_int_equal(200, s->last_status);
    assert_int_equal(0, s->fixture->vm->task_count);
}

#define UUID "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"

static void requests_as_lua_sees_them(void **state)
{
    struct server *s = *state;
    ask(s,
        "POST /echo/42/it's/" UUID "?a=1&b=x%20y+z&c HTTP/1.1\r\nHost: x\r\n" ID
        "Agent: me\r\nConnection: close\r\n"
        "Content-Length: 9\r\n\r\n{\"a\":[1]}",
        "HTTP/1.1 200 ", "\"method\":\"POST\"", "\"path\":\"/echo/42/it's/" UUID "\"",
        "\"route\":\"/echo/{n:int}/{name:slug}/{u:uuid}\"",
        "\"params\":{\"n\":42,\"name\":\"it's\",\"u\":\"" UUID "\"}", "\"id\":\"test-1\"",
        "\"remote\":\"127.0.0.1\"", "\"body\":\"{\\\"a\\\":[1]}\"", "\"agent\":\"me\"",
        "\"query\":{\"a\":\"1\",\"b\":\"x y z\",\"c\":\"\"}", "\"parsed\":{\"a\":[1]}", "\"n\":\"integer\"",
        "a request has no field 'nonsense'", NULL);
    ask(s,
        "POST /echo/0/a/" UUID
        "?a=1&a=2&%ff=1&b=%fe&b=3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nnull",
        "\"query\":{\"a\":\"1\",\"b\":\"3\"}",
        "\"query_faults\":{\"\":\"not UTF-8\",\"a\":\"is given more than once\",\"b\":\"not UTF-8\"}",
        "\"parsed\":null", NULL);
    ask(s, "POST /echo/0/a/" UUID " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{]",
        "\"body_error\":{\"code\":\"invalid\"", NULL);
}

static void problems(void **state)
{
    struct server *s = *state;
    ask(s, GET("/problem"), "HTTP/1.1 409 ", "Content-Type: application/problem+json\r\n",
        "Retry-After: 5\r\n",
        "{\"code\":\"too_early\",\"detail\":\"wait\",\"errors\":[{\"pointer\":\"/"
        "a\"}],\"request_id\":\"test-1\","
        "\"status\":409,\"title\":\"Conflict\",\"type\":\"/problems/too_early\"}",
        NULL);
    fixture_run(
        s->fixture,
        "local http = require 'http'\n"
        "local p = http.problem(404, 'not_found')\n"
        "assert(p.json.request_id == nil and p.json.detail == nil and p.headers == nil)\n"
        "assert(not pcall(http.problem, 200, 'x') and not pcall(http.problem, 404, ''))\n"
        "assert(not pcall(http.problem, 404, 'x', {}) and not pcall(http.problem, 404, 'x', '', 1))\n");
}

static void failures_become_problems(void **state)
{
    struct server *s = *state;
    struct capture c;
    capture_begin(&c);
    ask(s, GET("/throw/busy"), "HTTP/1.1 503 ", "Retry-After: 1\r\n", "\"code\":\"unavailable\"", "test-1",
        NULL);
    ask(s, GET("/throw/unavailable"), "HTTP/1.1 503 ", "Retry-After: 1\r\n", "\"code\":\"unavailable\"",
        NULL);
    ask(s, GET("/throw/returned"), "HTTP/1.1 503 ", NULL);
    ask(s, GET("/throw/timeout"), "HTTP/1.1 504 ", "\"code\":\"timeout\"", NULL);
    ask(s, GET("/throw/unknown"), "HTTP/1.1 503 ", "\"code\":\"outcome_unknown\"", NULL);
    static const char *const internal[] = {"invalid", "db",     "script", "too_early",
                                           "text",    "number", "nothing"};
    for (size_t i = 0; i < COUNT_OF(internal); i++) {
        char request[256];
        snprintf(request, sizeof(request), "GET /throw/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                 internal[i]);
        ask(s, request, "HTTP/1.1 500 ", "\"code\":\"internal\"", NULL);
    }
    ask(s, GET("/throw/text"), "HTTP/1.1 500 ", NULL);
    const char *log = capture_end(&c);
    expect_text(log, "secret detail");
    expect_text(log, "\"request_id\":\"test-1\"");
    expect_text(log, "stack traceback");
    expect_text(log, "lua/app.lua:");
    expect_text(log, "\"route\":\"/throw/{code:slug}\"");
    expect_text(log, "\"reason\":\"no uuid: \"");
}

static void malformed_responses_are_our_fault(void **state)
{
    struct server *s = *state;
    static const char *const names[] = {"none",    "text",    "no_status", "low",  "high",  "float",
                                        "named",   "headers", "number",    "name", "split", "nul",
                                        "content", "untyped", "typed",     "body", "both",  "json",
                                        "nan",     "empty",   "unknown"};
    struct capture c;
    capture_begin(&c);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char request[256];
        snprintf(request, sizeof(request), "GET /bad/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                 names[i]);
        ask(s, request, "HTTP/1.1 500 ", "\"code\":\"internal\"", NULL);
    }
    const char *log = capture_end(&c);
    expect_text(log, "the handler's response: there is none");
    expect_text(log, "the handler's response: it has both json and body");
    assert_int_equal(0, s->fixture->vm->task_count);
}

static void a_request_is_over_when_it_is(void **state)
{
    struct server *s = *state;
    struct capture c;
    capture_begin(&c);
    ask(s, GET("/keep"), "HTTP/1.1 200 ", NULL);
    expect_text(capture_end(&c), "\"msg\":\"kept\",\"n\":1,\"request_id\":\"test-1\"");
    fixture_run(s->fixture,
                "for _, use in ipairs {function() return kept.body end, function() return kept:json() end,\n"
                "                      function() return kept:header('a') end} do\n"
                "  local ok, e = pcall(use); assert(not ok and e:find('the request is over'), e)\n"
                "end\n"
                "kept = nil; collectgarbage(); collectgarbage()\n");
}

static void wait_for(struct server *s, const bool *flag)
{
    uint64_t begin_ns = mono_ns();
    while (!*flag) {
        uv_run(&s->fixture->loop, UV_RUN_ONCE);
        assert_true(mono_ns() - begin_ns < FIXTURE_DEADLINE_NS);
    }
}

static void wait_until_parked(struct server *s)
{
    uint64_t begin_ns = mono_ns();
    while (parked == NULL) {
        uv_run(&s->fixture->loop, UV_RUN_ONCE);
        assert_true(mono_ns() - begin_ns < FIXTURE_DEADLINE_NS);
    }
}

static void a_client_that_leaves_cancels_its_task(void **state)
{
    struct server *s = *state;
    struct client c;
    client_start(&c, s, GET("/park"), true);
    wait_until_parked(s);
    pthread_join(c.thread, NULL);
    close(c.fd);
    wait_for(s, &park_was_cancelled);
    assert_int_equal(0, s->fixture->vm->task_count);
    fixture_run(s->fixture, "assert(is_closed)");
    ask(s, GET("/json"), "HTTP/1.1 200 ", NULL);
}

static void a_waiting_request_is_answered_later(void **state)
{
    struct server *s = *state;
    struct client c;
    client_start(&c, s, GET("/park"), false);
    wait_until_parked(s);
    ask(s, GET("/json"), "HTTP/1.1 200 ", NULL);
    task_wake(parked);
    client_wait(&c);
    expect_text(c.answer.data, "HTTP/1.1 200 ");
    client_end(&c);
    assert_false(park_was_cancelled);
}

static void a_closing_vm_answers_what_is_under_way(void **state)
{
    struct server *s = *state;
    struct client c;
    client_start(&c, s, GET("/park"), false);
    wait_until_parked(s);
    fixture_close_vm(s->fixture);
    client_wait(&c);
    expect_text(c.answer.data, "HTTP/1.1 503 ");
    client_end(&c);
}

/* Whatever allocation of Lua fails while a request is answered: there is one answer, and the next request is
 * well. */
static void every_want_of_memory_is_answered(void **state)
{
    struct server *s = *state;
    struct vm *vm = s->fixture->vm;
    struct capture logged;
    int refused = 0;
    capture_begin(&logged);
    for (size_t spare = 0, served = 0; served < 5; spare += 64) {
        struct client c;
        lua_gc(vm->L, LUA_GCCOLLECT);
        vm->memory_max = vm->memory_used + spare;
        client_start(&c, s, GET("/json"), false);
        client_wait(&c);
        vm->memory_max = 0;
        bool is_served = strncmp(c.answer.data, "HTTP/1.1 200 ", 13) == 0;
        bool is_refused = strncmp(c.answer.data, "HTTP/1.1 500 ", 13) == 0 ||
                          strncmp(c.answer.data, "HTTP/1.1 503 ", 13) == 0;
        assert_true(is_served != is_refused);
        served += is_served;
        refused += is_refused;
        client_end(&c);
        assert_int_equal(0, vm->task_count);
        assert_int_equal(0, lua_gettop(vm->L));
    }
    (void)capture_end(&logged);
    assert_true(refused > 5);
    ask(s, GET("/json"), "HTTP/1.1 200 ", NULL);
}

/* ---- route tables ---- */

static void expect_fault(const char *source, const char *fault)
{
    struct fixture *f = fixture_new();
    struct http_route *routes;
    struct err err = {.code = ERR_NONE};
    size_t count;
    fixture_write(f, "lua/app.lua", source);
    fixture_open(f);
    assert_int_equal(-1, bind_http_routes(f->vm, &routes, &count, &err));
    assert_null(routes);
    if (strstr(err.text, fault) == NULL)
        fail_msg("\"%s\" instead of \"%s\"", err.text, fault);
    assert_int_equal(0, lua_gettop(f->vm->L));
    fixture_free(f);
}

#define ROUTE(fields) "return {{method = 'GET', path = '/ok', handler = print}, {" fields "}}\n"

static void faulty_route_tables_are_named(void **state)
{
    (void)state;
    struct capture c;
    capture_begin(&c);
    expect_fault("return 1\n", "lua/app.lua does not return a list of routes");
    expect_fault("return {}\n", "lua/app.lua does not return a list of routes");
    expect_fault("return {1}\n", "lua/app.lua: route 1: a number, not a table");
    expect_fault("local x = \n", "lua/app.lua:2:");
    expect_fault("error 'oops'\n", "lua/app.lua:1: oops");
    expect_fault("return require 'none'\n", "none");
    expect_fault(ROUTE("path = '/x', handler = print"), "route 2: method is a nil, not a string");
    expect_fault(ROUTE("method = 'get', path = '/x', handler = print"), "route 2: method \"get\" is not");
    expect_fault(ROUTE("method = 'GET', handler = print"), "route 2: GET: path is a nil");
    expect_fault(ROUTE("method = 'GET', path = 'x', handler = print"), "route 2: GET x: path does not begin");
    expect_fault(ROUTE("method = 'GET', path = '/a\\0b', handler = print"), "holds a NUL byte");
    expect_fault(ROUTE("method = 'GET', path = '/x'"), "route 2: GET /x: handler is a nil, not a function");
    expect_fault(ROUTE("method = 'GET', path = '/x', handler = {}"), "handler is a table, not a function");
    expect_fault(ROUTE("method = 'GET', path = '/x', handler = print, body_bytes_max = 0"), "body_bytes_max");
    expect_fault(ROUTE("method = 'GET', path = '/x', handler = print, body_bytes_max = 1.5"),
                 "body_bytes_max");
    expect_fault(ROUTE("method = 'GET', path = '/x', handler = print, body_bytes_max = '9'"),
                 "body_bytes_max");
    (void)capture_end(&c);
}

static void good_route_tables_are_read(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct http_route *routes;
    struct err err;
    size_t count;
    fixture_write(
        f, "lua/app.lua",
        "routes = {{method = 'GET', path = '/a', handler = print},\n"
        "  {method = 'POST', path = '/b/' .. 'c', handler = print, body_bytes_max = 10, doc = 'x'}}\n"
        "return routes\n");
    fixture_open(f);
    assert_int_equal(0, bind_http_routes(f->vm, &routes, &count, &err));
    fixture_run(
        f,
        "for _, r in ipairs(routes) do r.method, r.path = nil, nil end; collectgarbage(); collectgarbage()");
    assert_int_equal(2, count);
    assert_string_equal("GET", routes[0].method);
    assert_int_equal(0, routes[0].body_bytes_max);
    assert_string_equal("POST", routes[1].method);
    assert_string_equal("/b/c", routes[1].pattern);
    assert_int_equal(10, routes[1].body_bytes_max);
    assert_int_equal(1, routes[1].index);
    assert_false(f->context.loading);
    free(routes);
    fixture_free(f);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(answers),
        WITH_SERVER(requests_as_lua_sees_them),
        WITH_SERVER(problems),
        WITH_SERVER(failures_become_problems),
        WITH_SERVER(malformed_responses_are_our_fault),
        WITH_SERVER(a_request_is_over_when_it_is),
        WITH_SERVER(a_client_that_leaves_cancels_its_task),
        WITH_SERVER(a_waiting_request_is_answered_later),
        WITH_SERVER(a_closing_vm_answers_what_is_under_way),
        WITH_SERVER(every_want_of_memory_is_answered),
        cmocka_unit_test(faulty_route_tables_are_named),
        cmocka_unit_test(good_route_tables_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
