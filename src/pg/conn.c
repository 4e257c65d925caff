/* Reads one connection's answers, watches its socket, and ends it in a single place. */
#include "pg/conn.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pg/lanes.h"

/* A TLS record holds up to 16 KiB and libpq takes at least 8 KiB at a time; what stays in the TLS library is
 * not seen by epoll. */
#define TLS_READS 3

/* Has memory of its own because libuv needs it until the close callback. */
struct conn_watch {
    uv_poll_t poll;
    struct pg_conn *conn; /* NULL once closed */
    struct pg_pool *pool;
    int fd; /* a duplicate of libpq's socket */
    int events;
};

static void on_watch_closed(uv_handle_t *handle)
{
    struct conn_watch *watch = handle->data;
    close(watch->fd);
    watch->pool->handles--;
    pool_later(watch->pool);
    free(watch);
}

void conn_unwatch(struct pg_conn *conn)
{
    struct conn_watch *watch = conn->watch;
    if (watch == NULL)
        return;
    conn->watch = NULL;
    watch->conn = NULL;
    uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

bool conn_is_quiet(const struct pg_conn *conn)
{
    return conn->state == CONN_OPEN && list_is_empty(&conn->items);
}

/* Take the result at hand out of libpq for the first item. False when the connection is out of step or at its
 * end. */
static bool answer_take(struct pg_conn *conn, struct conn_item *item, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    struct err err;

    switch (status) {
    case PGRES_FATAL_ERROR:
        pq_err_from_result(&err, result);
        if (pq_result_is_fatal(result)) {
            PQclear(result);
            err.code = ERR_UNAVAILABLE;
            err.sqlstate[0] = '\0';
            conn_lose(conn, &err);
            return false;
        }
        if (item->kind == ITEM_SYNC)
            conn->sync_err = err;
        break;
    case PGRES_COMMAND_OK:
        if (item->kind != ITEM_OP || (PQnfields(result) == 0 && PQstatus(conn->pg) == CONNECTION_OK))
            break;
        /* When the connection has gone, libpq forgets what was asked: rows that are still in its buffer
         * come out as a description, or as a command, without rows. That is no answer. */
        PQclear(result);
        pq_err_from_conn(&err, ERR_UNAVAILABLE, conn->pg);
        conn_lose(conn, &err);
        return false;
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
    case PGRES_PIPELINE_ABORTED:
        break;
    case PGRES_PIPELINE_SYNC:
        if (item->kind == ITEM_SYNC)
            break;
        /* fall through */
    default:
        err_set(&err, ERR_UNAVAILABLE, "unexpected %s in the pipeline", PQresStatus(status));
        PQclear(result);
        conn_lose(conn, &err);
        return false;
    }
    PQclear(item->result);
    item->result = result;
    return true;
}

static void item_free(struct conn_item *item)
{
    PQclear(item->result);
    free(item);
}

/* Where PREPARE was refused, its statement will only be reported as not run: it is told the reason here. */
static void prepare_settle(struct pg_conn *conn, const struct conn_item *item)
{
    ExecStatusType status = PQresultStatus(item->result);
    cache_settle(&conn->cache, item->name, item->serial, status == PGRES_COMMAND_OK);
    struct pg_op *op = CONTAINER_OF(conn->items.next, struct conn_item, link)->op;
    if (status != PGRES_FATAL_ERROR || op == NULL)
        return;
    pq_err_from_result(&op->err, item->result);
    op->is_refused = true;
}

/* What belongs to the lanes themselves may take its time from when it begins to run: the statements before it
 * may have had later deadlines. */
static void first_item_begins(struct pg_conn *conn)
{
    if (list_is_empty(&conn->items))
        return;
    struct conn_item *item = CONTAINER_OF(conn->items.next, struct conn_item, link);
    if (item->kind != ITEM_OP && item->kind != ITEM_PREPARE)
        item->expires_ns = mono_ns() + conn->pool->settings.statement_ms * NS_PER_MS;
}

/* The first item has its whole answer. */
static void item_settle(struct pg_conn *conn, struct conn_item *item)
{
    struct err err = conn->sync_err;
    list_remove(&item->link);
    conn->drop_ns = 0;
    first_item_begins(conn);
    switch (item->kind) {
    case ITEM_SYNC:
        conn->sync_err.code = ERR_NONE;
        conn->lane->events->synced(conn, err.code != ERR_NONE ? &err : NULL);
        break;
    case ITEM_PREPARE:
        prepare_settle(conn, item);
        break;
    case ITEM_DEALLOCATE:
        break;
    case ITEM_OP:
        conn->in_flight--;
        /* fall through */
    default:
        conn->lane->events->answered(conn, item);
    }
    item_free(item);
}

/* One step of reading: a result, or the NULL that ends a statement's results. */
static bool answer_next(struct pg_conn *conn)
{
    struct conn_item *item = CONTAINER_OF(conn->items.next, struct conn_item, link);
    PGresult *result = PQgetResult(conn->pg);
    if (result != NULL) {
        ExecStatusType status = PQresultStatus(result);
        if (!answer_take(conn, item, result))
            return false;
        if (status == PGRES_PIPELINE_SYNC)
            item_settle(conn, item);
        return true;
    }
    if (item->result == NULL) {
        struct err err;
        if (PQstatus(conn->pg) == CONNECTION_OK)
            err_set(&err, ERR_UNAVAILABLE, "the pipeline is out of step");
        else
            pq_err_from_conn(&err, ERR_UNAVAILABLE, conn->pg);
        conn_lose(conn, &err);
        return false;
    }
    if (item->kind != ITEM_SYNC) {
        item_settle(conn, item);
        return true;
    }
    /* After an error at a Sync comes a NULL too, and then the Sync; but only NULLs when the connection has
     * gone: the second finds nothing here, and is the end. */
    PQclear(item->result);
    item->result = NULL;
    return true;
}

void conn_read_answers(struct pg_conn *conn)
{
    conn->has_more = false;
    for (int count = 0; conn->state == CONN_OPEN && !list_is_empty(&conn->items); count++) {
        if (PQisBusy(conn->pg))
            break;
        if (count == 2 * RESULTS_PER_TURN_MAX) { /* every statement has a result and a NULL */
            conn->has_more = true;
            pool_later(conn->pool);
            break;
        }
        if (!answer_next(conn))
            return;
    }
    if (conn->state == CONN_OPEN && !list_is_empty(&conn->items))
        pool_wake_at(conn->pool, CONTAINER_OF(conn->items.next, struct conn_item, link)->expires_ns);
}

/* Everything that has arrived, then the end. */
static void conn_read_last(struct pg_conn *conn)
{
    struct err err;
    do
        conn_read_answers(conn);
    while (conn->state == CONN_OPEN && conn->has_more);
    if (conn->state == CONN_DEAD)
        return;
    pq_err_from_conn(&err, ERR_UNAVAILABLE, conn->pg);
    conn_lose(conn, &err);
}

static void conn_ready_to_read(struct pg_conn *conn)
{
    int reads = PQsslInUse(conn->pg) ? TLS_READS : 1;
    for (int i = 0; i < reads; i++) {
        if (!PQconsumeInput(conn->pg) || PQstatus(conn->pg) != CONNECTION_OK) {
            conn_read_last(conn);
            return;
        }
    }
    conn_read_answers(conn);
    if (conn->state == CONN_OPEN && PQstatus(conn->pg) != CONNECTION_OK)
        conn_read_last(conn);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct conn_watch *watch = poll->data;
    struct pg_conn *conn = watch->conn;
    struct pg_pool *pool = watch->pool;
    if (conn == NULL)
        return;
    if (conn->state == CONN_CONNECTING) {
        conn_connect_step(conn);
    } else {
        /* After an error libuv has stopped watching: whatever can still be read is read, and that was all. */
        conn_ready_to_read(conn);
        if (status < 0 && conn->state == CONN_OPEN)
            conn_read_last(conn);
        if ((events & UV_WRITABLE) && conn->state == CONN_OPEN)
            conn_flush(conn);
    }
    pool_deliver(pool);
}

void conn_watch_socket(struct pg_conn *conn, int events)
{
    struct conn_watch *watch = conn->watch;
    if (watch == NULL) {
        watch = x_calloc(1, sizeof(*watch));
        /* libpq closes its socket when the connection breaks, and another thread may get that number at once:
         * watch a duplicate, which is ours until the handle is closed. */
        watch->fd = fcntl(PQsocket(conn->pg), F_DUPFD_CLOEXEC, 0);
        if (watch->fd < 0 || uv_poll_init(conn->pool->loop, &watch->poll, watch->fd) != 0) {
            struct err err;
            if (watch->fd >= 0)
                close(watch->fd);
            free(watch);
            err_set(&err, ERR_UNAVAILABLE, "the socket of a PostgreSQL connection cannot be watched");
            conn_lose(conn, &err);
            return;
        }
        watch->poll.data = watch;
        watch->conn = conn;
        watch->pool = conn->pool;
        conn->watch = watch;
        conn->pool->handles++;
    }
    if (watch->events == events)
        return;
    watch->events = events;
    uv_poll_start(&watch->poll, events, on_socket);
}

/* Leave the lane's list and everything outside; what was carried is settled by the caller. */
static void conn_end(struct pg_conn *conn)
{
    if (conn->state == CONN_OPEN)
        conn->lane->open--;
    conn->state = CONN_DEAD;
    conn->lane->total--;
    list_remove(&conn->link);
    list_append(&conn->pool->dead, &conn->link);
    conn_resolve_abandon(conn);
    conn_unwatch(conn);
    pool_later(conn->pool);
}

void conn_lose(struct pg_conn *conn, const struct err *err)
{
    if (conn->state == CONN_DEAD)
        return;
    enum conn_state before = conn->state;
    struct err copy = *err;
    conn_end(conn);
    if (before == CONN_OPEN)
        conn->lane->events->lost(conn, &copy);
    pool_connect_failed(conn->pool, conn, &copy);
    PQfinish(conn->pg);
    conn->pg = NULL;
}

void conn_close(struct pg_conn *conn)
{
    if (conn->state == CONN_DEAD)
        return;
    conn_end(conn);
    PQfinish(conn->pg);
    conn->pg = NULL;
}

void conn_free(struct pg_conn *conn)
{
    assert(conn->state == CONN_DEAD);
    struct list *node;
    while ((node = list_pop(&conn->items)) != NULL)
        item_free(CONTAINER_OF(node, struct conn_item, link));
    list_remove(&conn->link);
    cache_clear(&conn->cache);
    free(conn);
}

uint64_t conn_check_overdue(struct pg_conn *conn, uint64_t now)
{
    if (list_is_empty(&conn->items))
        return TIME_NEVER;
    if (conn->drop_ns != 0 && now >= conn->drop_ns) {
        struct err err;
        err_set(&err, ERR_UNAVAILABLE, "PostgreSQL did not answer in time");
        conn_lose(conn, &err);
        return TIME_NEVER;
    }
    if (conn->drop_ns != 0)
        return conn->drop_ns;
    struct conn_item *item = CONTAINER_OF(conn->items.next, struct conn_item, link);
    if (now < item->expires_ns)
        return item->expires_ns;
    conn->drop_ns = now + CANCEL_GRACE_NS;
    conn_cancel(conn);
    return conn->drop_ns;
}
