/* Turns libpq's errors into struct err. */
#include "pg/pq.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int pq_err_from_result(struct err *err, const PGresult *result)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    err_set(err, ERR_DB, "%s", message != NULL ? message : PQresultErrorMessage(result));
    if (err == NULL)
        return -1;
    err->text[strcspn(err->text, "\n")] = '\0';
    snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", sqlstate != NULL ? sqlstate : "");
    snprintf(err->constraint, sizeof(err->constraint), "%s", constraint != NULL ? constraint : "");
    err->position = position != NULL ? atoi(position) : 0;
    return -1;
}

int pq_err_from_conn(struct err *err, enum err_code code, const PGconn *pg)
{
    const char *message = pg != NULL ? PQerrorMessage(pg) : "";
    err_set(err, code, "%s", *message != '\0' ? message : "the connection to PostgreSQL was lost");
    if (err == NULL)
        return -1;
    for (char *p = err->text; (p = strchr(p, '\n')) != NULL;)
        *p = p[1] == '\0' ? '\0' : ' ';
    return -1;
}

bool pq_result_is_fatal(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return severity == NULL || strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0;
}

bool pq_sqlstate_is_stale(const char *sqlstate)
{
    return strcmp(sqlstate, "0A000") == 0 || strcmp(sqlstate, "26000") == 0 || strcmp(sqlstate, "42P05") == 0;
}

void pq_ignore_notice(void *unused, const char *message)
{
    (void)unused;
    (void)message;
}
