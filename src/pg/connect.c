/* Opens connections without blocking: host names by libuv, then PQconnectPoll on the loop. */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "pg/conn.h"
#include "pg/lanes.h"

#define HOSTS_MAX 16    /* in the connection string */
#define ADDRESSES_MAX 8 /* of one host name */
#define KEYWORDS_MAX 80
#define NAME_BYTES_MAX 256

/* One attempt's connection string on its way to addresses. Lives until the last look-up has called back. */
struct conn_resolve {
    uv_getaddrinfo_t request;
    struct pg_conn *conn; /* NULL once abandoned */
    struct pg_pool *pool;
    PQconninfoOption *options;
    char *names; /* host=… as it was given, or the server's default */
    char *ports;
    const char *next_name; /* not yet looked up; NULL when done */
    const char *next_port;
    char name[NAME_BYTES_MAX], port[NAME_BYTES_MAX];
    struct buf hosts, addresses, used_ports; /* the lists for libpq, one entry per address */
    int hosts_seen;
};

static void resolve_next(struct conn_resolve *resolve);

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
    for (; options->keyword != NULL; options++) {
        if (strcmp(options->keyword, keyword) == 0)
            return options->val != NULL && *options->val != '\0' ? options->val : NULL;
    }
    return NULL;
}

static void resolve_free(struct conn_resolve *resolve)
{
    PQconninfoFree(resolve->options);
    free(resolve->names);
    free(resolve->ports);
    buf_release(&resolve->hosts);
    buf_release(&resolve->addresses);
    buf_release(&resolve->used_ports);
    free(resolve);
}

void conn_resolve_abandon(struct pg_conn *conn)
{
    if (conn->resolve == NULL)
        return;
    conn->resolve->conn = NULL;
    uv_cancel((uv_req_t *)&conn->resolve->request);
    conn->resolve = NULL;
}

static void connect_failed(struct pg_conn *conn)
{
    struct err err;
    pq_err_from_conn(&err, ERR_UNAVAILABLE, conn->pg);
    conn_lose(conn, &err);
}

static void connect_established(struct pg_conn *conn)
{
    if (PQsetnonblocking(conn->pg, 1) != 0 || PQenterPipelineMode(conn->pg) != 1) {
        connect_failed(conn);
        return;
    }
    conn->state = CONN_OPEN;
    conn->opened_ns = mono_ns();
    conn->lane->open++;
    conn_watch_socket(conn, UV_READABLE);
    if (conn->state != CONN_OPEN)
        return;
    pool_connected(conn->pool);
    conn->lane->events->opened(conn);
}

/* libpq may close its socket and open another of the same number, so each step gets a new watch. */
void conn_connect_step(struct pg_conn *conn)
{
    conn_unwatch(conn);
    PostgresPollingStatusType status = PQconnectPoll(conn->pg);
    if (status == PGRES_POLLING_OK)
        connect_established(conn);
    else if (status == PGRES_POLLING_FAILED)
        connect_failed(conn);
    else
        conn_watch_socket(conn, status == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE);
}

/* The caller's settings win over these. Nothing here is a start-up option beyond client_encoding, which
 * transaction poolers know. */
static const struct {
    const char *keyword, *value;
} defaults[] = {
    {"client_encoding", "UTF8"}, {"keepalives_idle", "30"},    {"keepalives_interval", "10"},
    {"keepalives_count", "3"},   {"tcp_user_timeout", "5000"},
};

static const char *default_value(const char *keyword)
{
    for (size_t i = 0; i < COUNT_OF(defaults); i++) {
        if (strcmp(defaults[i].keyword, keyword) == 0)
            return defaults[i].value;
    }
    return NULL;
}

static void connect_start(struct pg_conn *conn, const PQconninfoOption *options, const char *hosts,
                          const char *addresses, const char *ports)
{
    const char *keywords[KEYWORDS_MAX + 1], *values[KEYWORDS_MAX + 1];
    size_t count = 0;
    for (; options->keyword != NULL && count < KEYWORDS_MAX; options++) {
        const char *value = options->val != NULL ? options->val : default_value(options->keyword);
        if (hosts != NULL && strcmp(options->keyword, "host") == 0)
            value = hosts;
        if (addresses != NULL && strcmp(options->keyword, "hostaddr") == 0)
            value = addresses;
        if (ports != NULL && strcmp(options->keyword, "port") == 0)
            value = ports;
        if (value == NULL)
            continue;
        keywords[count] = options->keyword;
        values[count++] = value;
    }
    keywords[count] = values[count] = NULL;
    conn->state = CONN_CONNECTING;
    conn->pg = PQconnectStartParams(keywords, values, 0);
    if (conn->pg == NULL || PQstatus(conn->pg) == CONNECTION_BAD) {
        connect_failed(conn);
        return;
    }
    PQsetNoticeProcessor(conn->pg, pq_ignore_notice, NULL);
    conn_watch_socket(conn, UV_WRITABLE);
}

static void list_item(struct buf *list, const char *text)
{
    if (list->data != NULL)
        buf_append_char(list, ',');
    buf_reserve(list, 1); /* an empty first item counts too */
    buf_append_str(list, text);
}

static void resolved_add(struct conn_resolve *resolve, const char *address)
{
    list_item(&resolve->hosts, resolve->name);
    list_item(&resolve->addresses, address);
    list_item(&resolve->used_ports, resolve->port);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct conn_resolve *resolve = CONTAINER_OF(request, struct conn_resolve, request);
    struct pg_pool *pool = resolve->pool;
    char address[NI_MAXHOST];
    int count = 0;

    pool->handles--;
    pool_later(pool);
    for (struct addrinfo *a = found; status == 0 && a != NULL && count < ADDRESSES_MAX; a = a->ai_next) {
        if (getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof(address), NULL, 0, NI_NUMERICHOST) != 0)
            continue;
        resolved_add(resolve, address);
        count++;
    }
    uv_freeaddrinfo(found);
    if (resolve->conn == NULL)
        resolve_free(resolve);
    else
        resolve_next(resolve);
    pool_deliver(pool);
}

static void resolve_finish(struct conn_resolve *resolve)
{
    struct pg_conn *conn = resolve->conn;
    conn->resolve = NULL;
    if (resolve->hosts.data != NULL) {
        connect_start(conn, resolve->options, resolve->hosts.data, resolve->addresses.data,
                      resolve->used_ports.data);
    } else {
        struct err err;
        err_set(&err, ERR_UNAVAILABLE, "no address found for database host \"%.200s\"", resolve->names);
        conn_lose(conn, &err);
    }
    resolve_free(resolve);
}

/* Cut the next item off a comma-separated list; the rest, or NULL after the last. */
static const char *list_cut(const char *list, char item[NAME_BYTES_MAX])
{
    size_t len = strcspn(list, ",");
    snprintf(item, NAME_BYTES_MAX, "%.*s", (int)len, list);
    return list[len] == ',' ? list + len + 1 : NULL;
}

static void resolve_next(struct conn_resolve *resolve)
{
    while (resolve->next_name != NULL && resolve->hosts_seen++ < HOSTS_MAX) {
        resolve->next_name = list_cut(resolve->next_name, resolve->name);
        if (resolve->next_port != NULL) /* a single port is that of every host */
            resolve->next_port = list_cut(resolve->next_port, resolve->port);
        if (resolve->name[0] == '/' || resolve->name[0] == '@' || resolve->name[0] == '\0') {
            resolved_add(resolve, "");
            continue;
        }
        struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
        if (uv_getaddrinfo(resolve->pool->loop, &resolve->request, on_resolved, resolve->name, NULL,
                           &hints) != 0)
            continue;
        resolve->pool->handles++;
        return;
    }
    resolve_finish(resolve);
}

/* True if every host is a socket folder or comes with its address. */
static bool needs_no_look_up(const char *names, const PQconninfoOption *options)
{
    return names == NULL || option_value(options, "hostaddr") != NULL ||
           ((*names == '/' || *names == '@') && strchr(names, ',') == NULL);
}

static void resolve_start(struct pg_conn *conn, PQconninfoOption *options, const char *names)
{
    const char *ports = option_value(options, "port");
    if (ports == NULL)
        ports = getenv("PGPORT");
    struct conn_resolve *resolve = x_calloc(1, sizeof(*resolve));
    resolve->conn = conn;
    resolve->pool = conn->pool;
    resolve->options = options;
    resolve->names = x_strdup(names);
    resolve->ports = x_strdup(ports != NULL ? ports : "");
    resolve->next_name = resolve->names;
    resolve->next_port = resolve->ports;
    conn->resolve = resolve;
    resolve_next(resolve);
}

struct pg_conn *conn_new(struct pg_pool *pool, struct pg_lane *lane, bool is_probe)
{
    struct pg_conn *conn = x_calloc(1, sizeof(*conn));
    conn->pool = pool;
    conn->lane = lane;
    conn->is_probe = is_probe;
    conn->state = CONN_RESOLVING;
    conn->due_ns = mono_ns() + pool->settings.connect_ms * NS_PER_MS;
    list_init(&conn->items);
    list_init(&conn->reads);
    list_init(&conn->singles);
    list_init(&conn->txs);
    cache_init(&conn->cache);
    list_append(&lane->conns, &conn->link);
    lane->total++;
    pool_wake_at(pool, conn->due_ns);

    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(pool->url, &message);
    if (options == NULL) {
        /* The message may quote the string, which may hold a password. */
        struct err err;
        err_set(&err, ERR_UNAVAILABLE, "the database URL cannot be read");
        PQfreemem(message);
        conn_lose(conn, &err);
        return conn;
    }
    const char *names = option_value(options, "host");
    if (names == NULL && option_value(options, "hostaddr") == NULL)
        names = getenv("PGHOST");
    if (needs_no_look_up(names, options)) {
        connect_start(conn, options, NULL, NULL, NULL);
        PQconninfoFree(options);
    } else {
        resolve_start(conn, options, names);
    }
    return conn;
}
