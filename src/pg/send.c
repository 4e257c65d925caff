/* Writes statements and Syncs into a connection's pipeline and notes what answers are to come. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg/conn.h"
#include "pg/lanes.h"

/* What the server said before it went is handled first; often the reason is among it. */
static void send_failed(struct pg_conn *conn)
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

/* A lost connection can show here first: libpq then has closed the socket and epoll stays silent. */
static bool was_sent(struct pg_conn *conn, int sent)
{
    conn->is_dirty = true;
    if (sent == 1 && PQstatus(conn->pg) == CONNECTION_OK)
        return true;
    send_failed(conn);
    return false;
}

/* The item is noted before it is sent, so that a failure while sending finds it among what the server may
 * have seen. */
static struct conn_item *item_append(struct pg_conn *conn, enum item_kind kind, struct pg_op *op,
                                     uint64_t expires_ns)
{
    struct conn_item *item = x_calloc(1, sizeof(*item));
    item->kind = kind;
    item->op = op;
    item->expires_ns = expires_ns;
    list_append(&conn->items, &item->link);
    pool_wake_at(conn->pool, expires_ns);
    return item;
}

static uint64_t default_expiry(const struct pg_conn *conn)
{
    return mono_ns() + conn->pool->settings.statement_ms * NS_PER_MS;
}

void conn_send_op(struct pg_conn *conn, struct pg_op *op)
{
    const char *name = op->statement.name;
    struct cache_entry *entry = NULL;
    bool is_new = false;

    if (op->gather != NULL)
        gather_fill(conn->pool, op, default_expiry(conn));
    else if (op->expires_ns == 0)
        op->expires_ns = op->deadline_ns != 0 ? op->deadline_ns : default_expiry(conn);
    const char *const *values = op->params.values;
    op->is_refused = false;
    if (conn->pool->settings.prepared_statements && !op->is_unnamed) {
        entry = cache_use(&conn->cache, name);
        is_new = entry == NULL;
        if (is_new)
            entry = cache_add(&conn->cache, name);
    }
    if (is_new) {
        struct conn_item *item = item_append(conn, ITEM_PREPARE, NULL, op->expires_ns);
        memcpy(item->name, entry->name, sizeof(item->name));
        item->serial = entry->serial;
    }
    item_append(conn, ITEM_OP, op, op->expires_ns);
    conn->in_flight++;
    conn->pool->stats.statements++;
    if (is_new && !was_sent(conn, PQsendPrepare(conn->pg, name, op->statement.text, 0, NULL)))
        return;
    if (entry != NULL && !entry->is_stale)
        was_sent(conn, PQsendQueryPrepared(conn->pg, name, op->params.count, values, NULL, NULL, 1));
    else
        was_sent(conn, PQsendQueryParams(conn->pg, op->statement.text, op->params.count, NULL, values, NULL,
                                         NULL, 1));
}

void conn_send_control(struct pg_conn *conn, enum item_kind kind, const char *sql)
{
    item_append(conn, kind, NULL, default_expiry(conn));
    was_sent(conn, PQsendQueryParams(conn->pg, sql, 0, NULL, NULL, NULL, NULL, 1));
}

void conn_send_sync(struct pg_conn *conn)
{
    item_append(conn, ITEM_SYNC, NULL, default_expiry(conn));
    was_sent(conn, PQpipelineSync(conn->pg));
}

void conn_tidy(struct pg_conn *conn)
{
    char name[33], sql[64];
    while (conn->state == CONN_OPEN && cache_evict(&conn->cache, conn->pool->settings.statements_max, name)) {
        snprintf(sql, sizeof(sql), "DEALLOCATE %s", name);
        conn_send_control(conn, ITEM_DEALLOCATE, sql);
        if (conn->state == CONN_OPEN)
            conn_send_sync(conn);
    }
}

void conn_flush(struct pg_conn *conn)
{
    int left = PQflush(conn->pg);
    conn->is_dirty = false;
    if (left < 0 || PQstatus(conn->pg) != CONNECTION_OK) {
        send_failed(conn);
        return;
    }
    conn->wants_write = left == 1;
    conn_watch_socket(conn, UV_READABLE | (conn->wants_write ? UV_WRITABLE : 0));
}
