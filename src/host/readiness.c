/* Asks the database again for its migrations while some are missing. */
#include "host/readiness.h"

#include <stdlib.h>

#include "host/generation_sql.h"

#define AGAIN_MS 2000
#define DEADLINE_MS 3000

struct readiness {
    uv_timer_t timer;
    uv_work_t work;
    char *root, *database_url;
    int pending;
    bool asking, closed;
    int found; /* by the thread pool, read when its work is over */
};

static void ask(uv_work_t *work)
{
    struct readiness *r = work->data;
    struct err err;
    struct pg_session *s = pg_session_open(r->database_url, DEADLINE_MS, &err);
    r->found = s == NULL ? -1 : generation_pending_migrations(s, r->root, &err);
    pg_session_close(s);
}

static void asked(uv_work_t *work, int status)
{
    struct readiness *r = work->data;
    r->asking = false;
    /* Without an answer the last one stands. */
    if (status == 0 && r->found >= 0 && !r->closed)
        readiness_set_pending(r, r->found);
}

static void tick(uv_timer_t *timer)
{
    struct readiness *r = timer->data;
    if (!r->asking)
        r->asking = uv_queue_work(timer->loop, &r->work, ask, asked) == 0;
}

struct readiness *readiness_new(uv_loop_t *loop, const char *root, const char *database_url)
{
    struct readiness *r = x_calloc(1, sizeof(*r));
    r->root = x_strdup(root);
    r->database_url = x_strdup(database_url);
    r->pending = -1;
    r->work.data = r;
    uv_timer_init(loop, &r->timer);
    r->timer.data = r;
    return r;
}

void readiness_set_pending(struct readiness *r, int pending)
{
    r->pending = pending;
    if (r->closed)
        return;
    if (pending == 0)
        uv_timer_stop(&r->timer);
    else if (!uv_is_active((uv_handle_t *)&r->timer))
        uv_timer_start(&r->timer, tick, AGAIN_MS, AGAIN_MS);
}

int readiness_pending(const struct readiness *r)
{
    return r->pending;
}

void readiness_close(struct readiness *r)
{
    if (r->closed)
        return;
    r->closed = true;
    uv_close((uv_handle_t *)&r->timer, NULL);
}

void readiness_free(struct readiness *r)
{
    free(r->root);
    free(r->database_url);
    free(r);
}
