/* One connection: its start and end, the phase it is in, and answers past MHD. */
#include "http/private.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

struct client *client_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void format_remote(const struct sockaddr *address, char text[46])
{
    text[0] = '\0';
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        inet_ntop(AF_INET, &v4.sin_addr, text, 46);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
            inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, 46);
        else
            inet_ntop(AF_INET6, &v6.sin6_addr, text, 46);
    }
}

static void client_started(struct engine *e, struct MHD_Connection *connection, void **context)
{
    struct http_server *s = e->server;
    struct client *c = x_calloc(1, sizeof *c);
    *context = c;
    c->engine = e;
    c->connection = connection;
    c->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    format_remote(MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr,
                  c->remote);
    list_init(&c->link);
    e->clients++;
    client_enter(c, PHASE_HEADER, mono_ns());
    deadline_update(s);
    if (atomic_load_explicit(&s->connections, memory_order_relaxed) >= s->settings.connections_max) {
        atomic_fetch_add_explicit(&s->refused_limit, 1, memory_order_relaxed);
        client_answer_raw(c, 503, "unavailable", "too many connections", NULL, false);
        return;
    }
    c->counted = true;
    atomic_fetch_add_explicit(&s->connections, 1, memory_order_relaxed);
}

static void client_closed(struct client *c)
{
    struct engine *e = c->engine;
    assert(c->exchange == NULL);
    list_remove(&c->link);
    e->clients--;
    e->server->client_closed = true;
    if (c->counted)
        atomic_fetch_sub_explicit(&e->server->connections, 1, memory_order_relaxed);
    free(c);
}

void client_notify(void *cls, struct MHD_Connection *connection, void **context,
                   enum MHD_ConnectionNotificationCode code)
{
    struct engine *e = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        client_started(e, connection, context);
    else if (*context != NULL)
        client_closed(*context);
}

void client_enter(struct client *c, enum phase phase, uint64_t now_ns)
{
    if (c->phase == PHASE_CUT)
        return; /* there is no way back */
    c->phase = phase;
    c->phase_ns = now_ns;
    if (phase == PHASE_IDLE)
        c->idle_ns = c->phase_ns;
    if (list_is_linked(&c->link))
        list_remove(&c->link);
    list_append(&c->engine->server->phases[phase], &c->link);
}

void client_cut(struct client *c)
{
    shutdown(c->fd, SHUT_RDWR);
    client_enter(c, PHASE_CUT, mono_ns());
    c->engine->ready = true;
}

void client_answer_raw(struct client *c, int status, const char *code, const char *detail,
                       const char *request_id, bool is_head)
{
    struct buf body = BUF_INIT, all = BUF_INIT;
    char id[37], date[40];
    struct tm utc;
    time_t now = time(NULL);
    if (request_id == NULL) {
        exchange_make_id(c->engine->server, id);
        request_id = id;
    }
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &utc));
    http_problem_body(&body, status, code, detail, request_id);
    struct http_header fields[3];
    size_t count = c->exchange != NULL ? cors_fields(c->engine->server, &c->exchange->req, fields) : 0;
    buf_appendf(
        &all,
        "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
        "Content-Length: %zu\r\nX-Request-Id: %s\r\nCache-Control: no-store\r\n%s",
        status, http_status_title(status), date, body.len, request_id,
        status == 503 ? "Retry-After: 1\r\n" : "");
    for (size_t i = 0; i < count; i++)
        buf_appendf(&all, "%s: %s\r\n", fields[i].name, fields[i].value);
    buf_append_str(&all, "\r\n");
    if (!is_head)
        buf_append(&all, body.data, body.len);
    /* Nothing else is on its way on this connection, so the few hundred bytes fit the socket's buffer. */
    ssize_t sent = send(c->fd, all.data, all.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent; /* a client that is gone needs no answer */
    buf_release(&body);
    buf_release(&all);
    client_cut(c);
}
