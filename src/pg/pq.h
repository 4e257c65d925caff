/* What every user of libpq here needs: errors out of results and connections. Private to pg/. */
#ifndef PG_PQ_H
#define PG_PQ_H

#include <libpq-fe.h>

#include "base/err.h"

#define SQLSTATE_CANCELLED "57014"
#define SQLSTATE_FAILED_TRANSACTION "25P02"
#define SQLSTATE_SERIALIZATION_FAILURE "40001"

/* Fill err from an error result: ERR_DB with sqlstate, constraint, position and the primary message (the
 * detail may hold row values and is left out). Returns -1. */
int pq_err_from_result(struct err *err, const PGresult *result);
/* Fill err from the connection's last error, on one line. Returns -1. */
int pq_err_from_conn(struct err *err, enum err_code code, const PGconn *pg);
/* True if the result says that the session has ended: FATAL, PANIC, or an error that libpq made up itself. */
bool pq_result_is_fatal(const PGresult *result);
/* True if sqlstate says that a prepared statement is not what this side believes: its plan's result type
 * changed, it is gone, or it is there already. */
bool pq_sqlstate_is_stale(const char *sqlstate);
/* For PQsetNoticeProcessor: notices are dropped. */
void pq_ignore_notice(void *unused, const char *message);

#endif
