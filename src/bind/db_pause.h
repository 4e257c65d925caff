/* A short random wait on the loop before a transaction is run again, so that two that collided do not collide
 * again. Loop thread only. Never raises a Lua error.
 */
#ifndef BIND_DB_PAUSE_H
#define BIND_DB_PAUSE_H

#include <uv.h>

struct db_pause;

/* done(data) is called once from the loop, after which the pause is gone. Doubles with each attempt. */
struct db_pause *db_pause_start(uv_loop_t *loop, int attempt, void (*done)(void *data), void *data);
/* Forget it: done is not called. NULL allowed. */
void db_pause_cancel(struct db_pause *pause);

#endif
