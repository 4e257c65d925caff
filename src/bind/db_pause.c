/* A short random wait before a transaction is run again. */
#include "bind/db_pause.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/base.h"

#define PAUSE_MS 5 /* of the first retry at least; at most twice that */

struct db_pause {
    uv_timer_t timer;
    void (*done)(void *data);
    void *data;
};

static void timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void expired(uv_timer_t *timer)
{
    struct db_pause *pause = timer->data;
    uv_close((uv_handle_t *)timer, timer_closed);
    pause->done(pause->data);
}

struct db_pause *db_pause_start(uv_loop_t *loop, int attempt, void (*done)(void *data), void *data)
{
    struct db_pause *pause = x_calloc(1, sizeof(*pause));
    uint32_t least_ms = PAUSE_MS << (attempt - 1);
    pause->done = done;
    pause->data = data;
    uv_timer_init(loop, &pause->timer);
    pause->timer.data = pause;
    uv_timer_start(&pause->timer, expired, least_ms + randombytes_uniform(least_ms + 1), 0);
    return pause;
}

void db_pause_cancel(struct db_pause *pause)
{
    if (pause != NULL)
        uv_close((uv_handle_t *)&pause->timer, timer_closed);
}
