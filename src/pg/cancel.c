/* Sends PQcancel from the thread pool, because it connects and waits. */
#include <stdlib.h>

#include "pg/conn.h"
#include "pg/lanes.h"

struct cancel {
    uv_work_t work;
    PGcancel *handle;
    struct pg_pool *pool;
};

static void cancel_run(uv_work_t *work)
{
    struct cancel *cancel = CONTAINER_OF(work, struct cancel, work);
    char text[256];
    /* Whether it worked shows on the connection itself, which is dropped if nothing comes. */
    PQcancel(cancel->handle, text, sizeof(text));
}

static void cancel_done(uv_work_t *work, int status)
{
    struct cancel *cancel = CONTAINER_OF(work, struct cancel, work);
    (void)status;
    cancel->pool->handles--;
    pool_later(cancel->pool);
    PQfreeCancel(cancel->handle);
    free(cancel);
}

void conn_cancel(struct pg_conn *conn)
{
    conn->was_cancelled = true;
    PGcancel *handle = PQgetCancel(conn->pg);
    if (handle == NULL)
        return;
    struct cancel *cancel = x_calloc(1, sizeof(*cancel));
    cancel->handle = handle;
    cancel->pool = conn->pool;
    conn->pool->handles++;
    uv_queue_work(conn->pool->loop, &cancel->work, cancel_run, cancel_done);
}
