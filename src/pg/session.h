/* A blocking connection for commands and for the reload thread: simple, sequential, with a deadline on each
 * step. One thread at a time per session. Never raises a Lua error. Never used on a worker's loop. */
#ifndef PG_SESSION_H
#define PG_SESSION_H

#include "pg/op.h"

struct pg_session;
/* NULL and err on failure; deadline_ms bounds connecting (without the look-up of a host name) and every later
 * call; after a passed deadline the session is of no more use. */
struct pg_session *pg_session_open(const char *url, uint32_t deadline_ms, struct err *err) MUSTCHECK;
/* Another bound for every later call. */
void pg_session_set_deadline(struct pg_session *s, uint32_t deadline_ms);
void pg_session_close(struct pg_session *s); /* NULL allowed */
/* Several statements in one simple query, results dropped (DDL, BEGIN, …). */
int pg_session_run(struct pg_session *s, const char *sql, struct err *err) MUSTCHECK;
/* One statement with text parameters; *result (may be NULL to drop it) is freed by pg_result_free. */
int pg_session_query(struct pg_session *s, const char *sql, int count, const char *const *values,
                     struct pg_result **result, struct err *err) MUSTCHECK;
/* Parse the statement without running it; err->position points into sql. In one round trip: behind a
 * transaction pooler the next one may go to another connection, which knows nothing of what was parsed. */
int pg_session_prepare(struct pg_session *s, const char *sql, struct err *err) MUSTCHECK;

#endif
