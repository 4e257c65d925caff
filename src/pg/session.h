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
/* What is told of each statement, in their order. */
struct pg_session_told {
    /* PostgreSQL refuses it; why->position points into the statement. */
    void (*fault)(void *data, size_t index, const struct err *why);
    /* It does not; so it describes what the statement returns (no rows; the callee frees it). */
    void (*columns)(void *data, size_t index, struct pg_result *columns);
    void *data;
};
/* Parse statements without running them, all in one round trip. Fails only if they could not be asked about.
 */
int pg_session_check(struct pg_session *s, const char *const *sql, size_t count,
                     const struct pg_session_told *told, struct err *err) MUSTCHECK;

#endif
