/* libmicrohttpd with its external epoll inside a libuv loop: accepts, gates, collects bodies, routes,
 * answers.
 *
 * One server per worker, each with its own listening socket (SO_REUSEPORT); the admin port is one more on the
 * main loop. The server does a loop turn in http_server_turn, which the owner calls from its uv_prepare;
 * between turns uv_poll on MHD's epoll descriptor, a timer for deadlines while there are connections, and a
 * uv_idle while MHD has work left keep the loop awake.
 *
 * Preflights of browsers (CORS), 404, 405, 413, 431, 408 and 503 (too many connections) are answered here,
 * all but the first as problems. What the gate refuses is answered once and the connection closed; where MHD
 * takes no answer (a malformed Content-Length, a body that takes too long, one connection too many) it is
 * written to the socket directly. A few faults MHD answers by itself, with one plain text and a close: a
 * request line it cannot read, a header block larger than its memory (414, 431), malformed chunks. A bare LF
 * inside chunk framing is not noticed.
 *
 * A request that is not answered at once lingers for a moment, then MHD suspends its connection. A client
 * that closes its half of the connection while its request is being worked on has left: MHD would not send
 * the answer once it has suspended it. It is noticed 100 to 200 ms after the request was handed over
 * (on_abandon), a reset connection at once while the request lingers. Loop thread only, except
 * http_server_stats. Never raises a Lua error.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <uv.h>

#include "http/request.h"

struct http_settings {
    const char *listen;       /* "127.0.0.1:8080", "[::1]:8080", ":8080" (every address) */
    unsigned connections_max; /* one more is answered 503 and closed at once */
    size_t header_bytes_max;  /* larger → 431 (cookies need room twice) */
    size_t body_bytes_max; /* larger → 413, read to its end up to 256 KiB beyond the limit, then closed */
    uint32_t header_ms;    /* from the first byte (or the accept) to the end of the header block → closed */
    uint32_t body_ms;      /* from the end of the headers to the end of the body → 408, closed */
    uint32_t idle_ms;      /* keep-alive without a request → closed */
    uint32_t write_ms;     /* from the answer until the client has taken all of it → closed */
    bool require_host;
    /* Lists end with NULL and are copied. */
    char *const *trusted_proxies; /* addresses and networks whose X-Forwarded-For is believed */
    char *const *cors_origins;    /* that browsers may call from, as "https://a.example" or "*" */
    unsigned cors_max_age_s;      /* how long a browser may remember what it was allowed */
};

struct http_server;

/* A complete request that passed the gate and has a route. Must lead to exactly one http_respond, now or
 * later. */
typedef void (*http_handler_fn)(struct http_request *req, void *data);
/* Called once per exchange when it is over, also for those the server answered itself, for the log line and
 * metrics. route is the template or "-"; status 0: the client left or was cut before an answer (which the
 * layer above may still have to give). */
typedef void (*http_done_fn)(const struct http_request *req, const char *route, int status,
                             uint64_t duration_ns, void *data);

struct http_callbacks {
    http_handler_fn handler;
    http_done_fn done;
    /* The router to use for a new request (changes with generations). It must stay valid until the request's
     * done. */
    const struct http_router *(*router)(void *data);
    void *data;
};

/* Is this an address or a network, as trusted_proxies holds them: 127.0.0.1, 10.0.0.0/8, fd00::/8? */
bool http_is_network(const char *text);

/* Opens, binds and listens (SO_REUSEPORT when shared). NULL and err if the address is taken or malformed.
 * A port of 0 picks a free one; http_server_port tells which. */
struct http_server *http_server_new(uv_loop_t *loop, const struct http_settings *settings, bool shared_port,
                                    const struct http_callbacks *callbacks, struct err *err) MUSTCHECK;
int http_server_port(const struct http_server *s);
/* Change everything but listen, live. Each connection costs header_bytes_max + 8 KiB once it has been used;
 * when header_bytes_max grows beyond what it was, new connections get the new size, and old ones are closed
 * after their current exchange. */
void http_server_configure(struct http_server *s, const struct http_settings *settings);
/* Hand finished responses to MHD, resume them, run MHD until it has nothing more to do (at most 6 times).
 * Returns true if another turn is needed at once. */
bool http_server_turn(struct http_server *s);
/* Stop accepting; what runs, and what still arrives on open connections within a moment (250 ms between
 * requests, 1 s for a begun header block), is answered with Connection: close; drained(data) when no
 * connection is left. */
void http_server_drain(struct http_server *s, void (*drained)(void *data), void *data);
/* Cut what is left, stop MHD; closed(data) when every handle is closed, then http_server_free. Requests still
 * held by the layer above are abandoned and over (done); each must be answered all the same, also after the
 * free. */
void http_server_close(struct http_server *s, void (*closed)(void *data), void *data);
void http_server_free(struct http_server *s);

struct http_stats {
    unsigned connections, requests_active;
    uint64_t refused_gate, refused_limit, cut_slow;
    uint64_t suspended; /* requests that waited too long to linger */
};
void http_server_stats(struct http_server *s, struct http_stats *out); /* any thread */

#endif
