/* A real HTTP server on a free port and raw client sockets, all on one loop in one thread: waiting for
 * anything means turning the loop until it has happened or LIMIT_NS have passed. Shared by the tests of
 * http/server. */
#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "http/server.h"

#define LIMIT_NS UINT64_C(20000000000)
#define HELD_MAX 64

struct fixture {
    uv_loop_t loop;
    uv_prepare_t prepare;
    struct http_server *server;
    struct http_router *router;
    struct http_settings settings;
    unsigned handled, done, abandoned;
    int last_status; /* of done */
    char last_route[64], last_body[256], last_id[37], last_query[256];
    struct http_request *held[HELD_MAX]; /* /later: answered by answer_held */
    unsigned held_count;
    bool answer_abandoned; /* answer in on_abandon */
    bool more;             /* what the last turn of the server said */
    bool drained, closed;
};

static void answer_text(struct http_request *req, int status, const char *text)
{
    struct http_response response = {
        .status = status, .content_type = "text/plain", .body = strdup(text), .body_len = strlen(text)};
    http_respond(req, &response);
}

static void on_abandon(struct http_request *req)
{
    struct fixture *f = req->user;
    f->abandoned++;
    if (!f->answer_abandoned)
        return;
    for (unsigned i = 0; i < f->held_count; i++) {
        if (f->held[i] == req)
            f->held[i] = f->held[--f->held_count];
    }
    answer_text(req, 503, "gone");
}

/* Route 0: /hello, 1: /echo, 2: /later, 3: /items/{id:int}, 4: /tiny (a small body), 5: /big, 6: /bad. */
static void on_request(struct http_request *req, void *data)
{
    struct fixture *f = data;
    f->handled++;
    snprintf(f->last_body, sizeof f->last_body, "%.*s", (int)(req->body_len < 255 ? req->body_len : 255),
             req->body);
    snprintf(f->last_query, sizeof f->last_query, "%s", req->query);
    memcpy(f->last_id, req->id, sizeof f->last_id);
    switch (req->match.route->index) {
    case 1: {
        struct http_response response = {.status = 200, .content_type = "application/octet-stream"};
        response.body = malloc(req->body_len + 1);
        memcpy(response.body, req->body, req->body_len);
        response.body_len = req->body_len;
        http_respond(req, &response);
        return;
    }
    case 2:
        req->user = f;
        req->on_abandon = on_abandon;
        assert_true(f->held_count < HELD_MAX);
        f->held[f->held_count++] = req;
        return;
    case 3:
        answer_text(req, 200, req->match.params[0].value);
        return;
    case 5: {
        struct http_response response = {
            .status = 200, .content_type = "text/plain", .body_len = 16 * 1024 * 1024};
        response.body = calloc(1, response.body_len);
        http_respond(req, &response);
        return;
    }
    case 6: {
        struct http_header header = {"X-Bad", "a\r\nSet-Cookie: b"};
        struct http_response response = {.status = 200, .headers = &header, .header_count = 1};
        http_respond(req, &response);
        return;
    }
    default:
        answer_text(req, 200, "hello");
    }
}

static void on_done(const struct http_request *req, const char *route, int status, uint64_t duration_ns,
                    void *data)
{
    struct fixture *f = data;
    (void)duration_ns;
    assert_non_null(req->method);
    assert_non_null(req->path);
    f->done++;
    f->last_status = status;
    snprintf(f->last_route, sizeof f->last_route, "%s", route);
}

static const struct http_router *get_router(void *data)
{
    return ((struct fixture *)data)->router;
}

static void on_prepare(uv_prepare_t *handle)
{
    struct fixture *f = handle->data;
    if (f->server != NULL)
        f->more = http_server_turn(f->server);
}

static void note(void *flag)
{
    *(bool *)flag = true;
}

/* Turn the loop once, waiting for fd (or -1) up to a millisecond if there is nothing to do. */
static void turn(struct fixture *f, int fd, short events)
{
    uv_run(&f->loop, UV_RUN_NOWAIT);
    struct pollfd fds[2] = {{uv_backend_fd(&f->loop), POLLIN, 0}, {fd, events, 0}};
    poll(fds, fd < 0 ? 1 : 2, uv_backend_timeout(&f->loop) == 0 ? 0 : 1);
}

#define WAIT_UNTIL(f, condition)                                                                             \
    do {                                                                                                     \
        uint64_t wait_end_ = mono_ns() + LIMIT_NS;                                                           \
        while (!(condition)) {                                                                               \
            turn((f), -1, 0);                                                                                \
            assert_true(mono_ns() < wait_end_);                                                              \
        }                                                                                                    \
    } while (0)

static struct http_settings test_settings(void)
{
    return (struct http_settings){.listen = "127.0.0.1:0",
                                  .connections_max = 100,
                                  .header_bytes_max = 4096,
                                  .body_bytes_max = 10000,
                                  .header_ms = 10000,
                                  .body_ms = 10000,
                                  .idle_ms = 10000,
                                  .write_ms = 10000,
                                  .require_host = true};
}

static void fixture_start(struct fixture *f, const struct http_settings *settings)
{
    static const struct http_route ROUTES[] = {
        {"GET", "/hello", 0, 0},
        {"POST", "/echo", 0, 1},
        {"GET", "/later", 0, 2},
        {"POST", "/later", 0, 2},
        {"GET", "/items/{id:int}", 0, 3},
        {"POST", "/tiny", 8, 4},
        {"GET", "/big", 0, 5},
        {"GET", "/bad", 0, 6},
    };
    struct err err;
    struct http_callbacks callbacks = {on_request, on_done, get_router, f};
    memset(f, 0, sizeof *f);
    log_set_level(LOG_OFF);
    f->settings = *settings;
    f->router = http_router_new(ROUTES, COUNT_OF(ROUTES), &err);
    assert_non_null(f->router);
    uv_loop_init(&f->loop);
    uv_prepare_init(&f->loop, &f->prepare);
    f->prepare.data = f;
    uv_prepare_start(&f->prepare, on_prepare);
    f->server = http_server_new(&f->loop, settings, false, &callbacks, &err);
    assert_non_null(f->server);
    assert_true(http_server_port(f->server) > 0);
}

static void answer_held(struct fixture *f)
{
    while (f->held_count > 0)
        answer_text(f->held[--f->held_count], 200, "later");
}

static void fixture_stop(struct fixture *f)
{
    if (!f->closed) {
        http_server_close(f->server, note, &f->closed);
        WAIT_UNTIL(f, f->closed);
    }
    http_server_free(f->server);
    f->server = NULL;
    answer_held(f); /* a handle outlives its server */
    uv_close((uv_handle_t *)&f->prepare, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    http_router_free(f->router);
}

static int fixture_setup(void **state)
{
    struct fixture *f = malloc(sizeof *f);
    struct http_settings settings = test_settings();
    fixture_start(f, &settings);
    *state = f;
    return 0;
}

static int fixture_teardown(void **state)
{
    fixture_stop(*state);
    free(*state);
    return 0;
}

static int dial(struct fixture *f)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)http_server_port(f->server))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        assert_int_equal(errno, EINPROGRESS);
    return fd;
}

/* Send everything; false if the server has closed before it was all out. */
static bool send_bytes(struct fixture *f, int fd, const char *bytes, size_t len)
{
    uint64_t end = mono_ns() + LIMIT_NS;
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return false;
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
        turn(f, fd, POLLOUT);
        assert_true(mono_ns() < end);
    }
    return true;
}

static void say(struct fixture *f, int fd, const char *text)
{
    assert_true(send_bytes(f, fd, text, strlen(text)));
}

/* One read; 1: got bytes, 0: nothing yet, -1: the server has closed or reset. */
static int read_some(int fd, struct buf *in)
{
    char bytes[65536];
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    if (n > 0) {
        buf_append(in, bytes, (size_t)n);
        return 1;
    }
    return n < 0 && errno == EAGAIN ? 0 : -1;
}

static void read_to_end(struct fixture *f, int fd, struct buf *in)
{
    uint64_t end = mono_ns() + LIMIT_NS;
    buf_append(in, "", 0);
    while (read_some(fd, in) >= 0) {
        turn(f, fd, POLLIN);
        assert_true(mono_ns() < end);
    }
}

/* How often needle is in the text. */
static unsigned count_of(const struct buf *in, const char *needle)
{
    unsigned count = 0;
    if (in->len == 0)
        return 0;
    const char *at = in->data, *end = in->data + in->len;
    while ((at = memmem(at, (size_t)(end - at), needle, strlen(needle))) != NULL) {
        count++;
        at += strlen(needle);
    }
    return count;
}

static void read_until(struct fixture *f, int fd, struct buf *in, const char *needle, unsigned count)
{
    uint64_t end = mono_ns() + LIMIT_NS;
    buf_append(in, "", 0);
    while (count_of(in, needle) < count) {
        if (read_some(fd, in) < 0)
            fail_msg("closed before %u × \"%s\" came, after: %s", count, needle, in->data);
        turn(f, fd, POLLIN);
        assert_true(mono_ns() < end);
    }
}

static int status_of(const struct buf *in)
{
    return in->len > 12 && memcmp(in->data, "HTTP/1.1 ", 9) == 0 ? (int)strtol(in->data + 9, NULL, 10) : 0;
}

static struct http_stats stats(struct fixture *f)
{
    struct http_stats out;
    http_server_stats(f->server, &out);
    return out;
}

#endif
