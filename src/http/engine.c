/* One libmicrohttpd daemon and its place in the loop: start, run, retire, stop, and what it has to say. */
#include "http/private.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

/* The limit of connections is ours (client.c): MHD's own would leave new clients without an answer, and the
 * listening socket comes back one MHD_run late. */
#define MHD_CONNECTIONS_MAX (1u << 20)
#define LOG_TEXT_BYTES 256

/* Paths stay raw: MHD would cut them at %00. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    size_t len = 0;
    while (text[len] != '\0')
        len++;
    return len;
}

/* The request whose complete header block MHD holds but has not shown yet. While MHD logs, that is one it
 * refuses. */
static struct exchange *refused_header(struct engine *e)
{
    list_for_each (node, next, &e->server->phases[PHASE_HEADER]) {
        struct client *c = CONTAINER_OF(node, struct client, link);
        if (c->engine != e || c->exchange == NULL || c->exchange->begun)
            continue;
        if (MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE) != NULL)
            return c->exchange;
    }
    return NULL;
}

/* MHD answers a Content-Length it cannot read, and cookies it has no room for, with the header block sent
 * twice. It logs right before, which is the only moment to step in. */
static void mhd_log(void *cls, const char *format, va_list args) PRINTF(2, 0);
static void mhd_log(void *cls, const char *format, va_list args)
{
    struct engine *e = cls;
    struct exchange *x = refused_header(e);
    if (x != NULL)
        exchange_refuse_header(x);
    if (log_get_level() > LOG_DEBUG)
        return;
    char text[LOG_TEXT_BYTES];
    vsnprintf(text, sizeof text, format, args);
    log_event(LOG_DEBUG, "libmicrohttpd", LOG_S("detail", text));
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct engine *e = CONTAINER_OF(poll, struct engine, poll);
    e->ready = true;
    if (status < 0)
        log_event(LOG_ERROR, "the HTTP event descriptor failed", LOG_S("detail", uv_strerror(status)));
}

struct engine *engine_start(struct http_server *s, struct err *err)
{
    struct engine *e = x_calloc(1, sizeof *e);
    e->server = s;
    e->ready = true;
    e->header_bytes_max = s->settings.header_bytes_max;
    size_t pool = e->header_bytes_max + GATE_HEADERS_MAX * HEADER_FIELD_BYTES + RESPONSE_HEADER_ROOM_BYTES;
    e->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
                              exchange_handle, e, MHD_OPTION_EXTERNAL_LOGGER, mhd_log, e,
                              MHD_OPTION_LISTEN_SOCKET, s->listen_fd, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                              pool, MHD_OPTION_CONNECTION_LIMIT, MHD_CONNECTIONS_MAX,
                              MHD_OPTION_URI_LOG_CALLBACK, exchange_uri, e, MHD_OPTION_UNESCAPE_CALLBACK,
                              keep_escapes, e, MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, e,
                              MHD_OPTION_NOTIFY_CONNECTION, client_notify, e, MHD_OPTION_END);
    if (e->mhd == NULL) {
        free(e);
        err_set(err, ERR_INTERNAL, "libmicrohttpd did not start");
        return NULL;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(e->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    int failed = info == NULL ? UV_EINVAL : uv_poll_init(s->loop, &e->poll, info->epoll_fd);
    if (failed != 0) {
        err_set(err, ERR_INTERNAL, "cannot watch libmicrohttpd: %s", uv_strerror(failed));
        MHD_quiesce_daemon(e->mhd);
        MHD_stop_daemon(e->mhd);
        free(e);
        return NULL;
    }
    uv_poll_start(&e->poll, UV_READABLE, on_readable);
    s->open_handles++;
    list_prepend(&s->engines, &e->link);
    return e;
}

bool engine_run(struct engine *e)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms = 1;
    e->ready = false;
    e->server->now_ns = mono_ns();
    MHD_run(e->mhd);
    /* Work of MHD that no event of its epoll descriptor will announce. It counts lingering exchanges as such
     * and does not say whether there is more: then we run it as often as what has happened takes. What we do
     * not see (a header block that its buffer could not take at once) waits for the next run, revisit's at
     * the latest. */
    bool busy = MHD_get_timeout(e->mhd, &timeout_ms) == MHD_YES && timeout_ms == 0;
    if (busy && (e->lingering == 0 || e->runs_wanted > 0))
        e->ready = true;
    if (e->runs_wanted > 0)
        e->runs_wanted--;
    return e->ready;
}

void engine_want_runs(struct engine *e, unsigned runs)
{
    if (e->runs_wanted < runs)
        e->runs_wanted = runs;
}

void engine_retire(struct engine *e)
{
    if (e->retired)
        return;
    e->retired = true;
    MHD_quiesce_daemon(e->mhd);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct engine *e = CONTAINER_OF(handle, struct engine, poll);
    struct http_server *s = e->server;
    free(e);
    server_handle_closed(s);
}

void engine_stop(struct engine *e)
{
    engine_retire(e); /* else MHD closes the listening socket, which is the server's */
    list_remove(&e->link);
    uv_close((uv_handle_t *)&e->poll, on_poll_closed);
    MHD_stop_daemon(e->mhd);
    e->mhd = NULL;
}
