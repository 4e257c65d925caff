/* A proxy between libpq and PostgreSQL's unix socket, on the test's own loop, that can be told to misbehave.
 * Included once per test program. */
#ifndef PG_PROXY_H
#define PG_PROXY_H

#include "pg_fixture.h"

#include <netinet/in.h>

#include "base/buf.h"
#include "pg/format.h"

struct proxy;
struct proxy_pair {
    struct proxy *proxy;
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
    } client;
    uv_pipe_t server;
    bool is_closing, is_cutting;
    struct buf held; /* whole messages, the last one perhaps begun */
    int open;
    struct proxy_pair *next;
};
struct proxy {
    uv_loop_t *loop;
    uv_tcp_t listener;
    int port;
    char upstream[200];    /* the server's socket */
    bool swallows_answers; /* what the server says is dropped from now on */
    bool holds_answers;    /* it is kept for proxy_release from now on, to be set between answers */
    const char
        *cuts_at; /* when the client next sends this, it is passed on, and the answer cuts the connection */
    bool is_listening;
    struct proxy_pair *pairs;
    int accepted;
};

static TEST_UNUSED void proxy_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    *buf = uv_buf_init(x_malloc(suggested), (unsigned)suggested);
}

static TEST_UNUSED void proxy_pair_closed(uv_handle_t *handle)
{
    struct proxy_pair *pair = handle->data;
    if (--pair->open > 0)
        return;
    buf_release(&pair->held);
    free(pair);
}

static TEST_UNUSED void proxy_pair_close(struct proxy_pair *pair)
{
    if (pair->is_closing)
        return;
    pair->is_closing = true;
    for (struct proxy_pair **at = &pair->proxy->pairs; *at != NULL; at = &(*at)->next) {
        if (*at == pair) {
            *at = pair->next;
            break;
        }
    }
    uv_close((uv_handle_t *)&pair->client.tcp, proxy_pair_closed);
    uv_close((uv_handle_t *)&pair->server, proxy_pair_closed);
}

static TEST_UNUSED void proxy_written(uv_write_t *write, int status)
{
    (void)status;
    free(write->data);
    free(write);
}

static TEST_UNUSED void proxy_pass(uv_stream_t *to, char *bytes, size_t len)
{
    uv_write_t *write = x_calloc(1, sizeof(*write));
    uv_buf_t buf = uv_buf_init(bytes, (unsigned)len);
    write->data = bytes;
    if (uv_write(write, to, &buf, 1, proxy_written) != 0)
        proxy_written(write, 0);
}

static TEST_UNUSED void proxy_from_client(uv_stream_t *from, ssize_t len, const uv_buf_t *buf)
{
    struct proxy_pair *pair = from->data;
    if (len <= 0) {
        free(buf->base);
        if (len < 0)
            proxy_pair_close(pair);
        return;
    }
    const char *mark = pair->proxy->cuts_at;
    if (mark != NULL && memmem(buf->base, (size_t)len, mark, strlen(mark)) != NULL)
        pair->is_cutting = true;
    if (pair->is_cutting)
        pair->proxy->cuts_at = NULL;
    proxy_pass((uv_stream_t *)&pair->server, buf->base, (size_t)len);
}

static TEST_UNUSED void proxy_from_server(uv_stream_t *from, ssize_t len, const uv_buf_t *buf)
{
    struct proxy_pair *pair = from->data;
    if (len < 0 || (len > 0 && pair->is_cutting)) {
        free(buf->base);
        proxy_pair_close(pair);
    } else if (len == 0 || pair->proxy->swallows_answers || pair->proxy->holds_answers) {
        if (len > 0 && pair->proxy->holds_answers)
            buf_append(&pair->held, buf->base, (size_t)len);
        free(buf->base);
    } else {
        proxy_pass(&pair->client.stream, buf->base, (size_t)len);
    }
}

static TEST_UNUSED bool proxy_pair_release(struct proxy_pair *pair, char type)
{
    struct buf *held = &pair->held;
    for (size_t at = 0; held->len - at >= 5;) {
        char found = held->data[at];
        size_t end = at + 1 + pg_read_u32((const unsigned char *)held->data + at + 1);
        if (end > held->len)
            return false;
        if (found == type) {
            char *bytes = x_malloc(end);
            memcpy(bytes, held->data, end);
            held->len -= end;
            memmove(held->data, held->data + end, held->len);
            proxy_pass(&pair->client.stream, bytes, end);
            return true;
        }
        at = end;
    }
    return false;
}

/* Pass on what is held, up to and with the first message of this type. False if there is none yet. */
static TEST_UNUSED bool proxy_release(struct proxy *p, char type)
{
    for (struct proxy_pair *pair = p->pairs; pair != NULL; pair = pair->next)
        if (proxy_pair_release(pair, type))
            return true;
    return false;
}

static TEST_UNUSED void proxy_connected(uv_connect_t *connect, int status)
{
    struct proxy_pair *pair = connect->data;
    free(connect);
    if (pair->is_closing)
        return;
    if (status != 0) {
        proxy_pair_close(pair);
        return;
    }
    uv_read_start(&pair->client.stream, proxy_allocate, proxy_from_client);
    uv_read_start((uv_stream_t *)&pair->server, proxy_allocate, proxy_from_server);
}

static TEST_UNUSED void proxy_on_client(uv_stream_t *listener, int status)
{
    struct proxy *p = listener->data;
    if (status != 0)
        return;
    struct proxy_pair *pair = x_calloc(1, sizeof(*pair));
    pair->proxy = p;
    pair->open = 2;
    pair->next = p->pairs;
    p->pairs = pair;
    p->accepted++;
    uv_tcp_init(p->loop, &pair->client.tcp);
    uv_pipe_init(p->loop, &pair->server, 0);
    pair->client.tcp.data = pair->server.data = pair;
    uv_accept(listener, &pair->client.stream);
    uv_connect_t *connect = x_calloc(1, sizeof(*connect));
    connect->data = pair;
    uv_pipe_connect(connect, &pair->server, p->upstream, proxy_connected);
}

static TEST_UNUSED char *query_text(const char *sql)
{
    struct err err = {0};
    struct pg_result *result = NULL;
    struct buf scratch = BUF_INIT;
    struct pg_cell cell;
    if (pg_session_query(test_session, sql, 0, NULL, &result, &err) != 0 ||
        pg_result_cell(result, 0, 0, &scratch, &cell, &err) != 0)
        fail_msg("%s: %s", sql, err.text);
    char *text = x_strndup(cell.text, cell.len);
    pg_result_free(result);
    buf_release(&scratch);
    return text;
}

/* Where the server of DATABASE_URL has its unix socket. */
static TEST_UNUSED void server_socket(char *path, size_t size)
{
    char *folder = query_text("SELECT split_part(current_setting('unix_socket_directories'), ',', 1)");
    char *port = query_text("SELECT current_setting('port')");
    snprintf(path, size, "%s/.s.PGSQL.%s", folder, port);
    free(folder);
    free(port);
}

/* A connection string for this host and port with the database and user of DATABASE_URL. */
static TEST_UNUSED void server_url(char *url, size_t size, const char *host, int port)
{
    char *database = query_text("SELECT current_database()::text");
    char *user = query_text("SELECT current_user::text");
    snprintf(url, size,
             "host=%s port=%d dbname='%s' user='%s' application_name=%s options=-csearch_path=%s "
             "sslmode=disable gssencmode=disable",
             host, port, database, user, test_name, test_name);
    free(database);
    free(user);
}

/* Begin to listen on port of 127.0.0.1 (0: any). */
static TEST_UNUSED void proxy_listen(struct proxy *p, uv_loop_t *loop, int port)
{
    struct sockaddr_in address;
    int len = sizeof(address);
    *p = (struct proxy){.loop = loop};
    server_socket(p->upstream, sizeof(p->upstream));
    uv_tcp_init(loop, &p->listener);
    p->listener.data = p;
    uv_ip4_addr("127.0.0.1", port, &address);
    assert_int_equal(uv_tcp_bind(&p->listener, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&p->listener, 64, proxy_on_client), 0);
    uv_tcp_getsockname(&p->listener, (struct sockaddr *)&address, &len);
    p->is_listening = true;
    p->port = ntohs(address.sin_port);
}

static TEST_UNUSED void proxy_cut_all(struct proxy *p)
{
    while (p->pairs != NULL)
        proxy_pair_close(p->pairs);
}

static TEST_UNUSED void proxy_listener_closed(uv_handle_t *handle)
{
    struct proxy *p = handle->data;
    p->is_listening = false;
}

/* As if the server went away; the loop must run until the listener is closed. */
static TEST_UNUSED void proxy_close(struct proxy *p)
{
    proxy_cut_all(p);
    uv_close((uv_handle_t *)&p->listener, proxy_listener_closed);
}

/* A pool that reaches the server through a proxy. */
static TEST_UNUSED struct bench *bench_through(struct proxy *proxy, struct pg_settings *settings,
                                               char url[600])
{
    struct bench *b = bench_new();
    proxy_listen(proxy, &b->loop, 0);
    server_url(url, 600, "127.0.0.1", proxy->port);
    settings->url = url;
    bench_start(b, settings);
    return b;
}

static TEST_UNUSED struct bench *bench_through_ready(struct proxy *proxy, struct pg_settings *settings,
                                                     char url[600])
{
    struct bench *b = bench_through(proxy, settings, url);
    bench_until(b, bench_is_full(b));
    return b;
}

#endif
