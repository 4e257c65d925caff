/* Turns libpq's errors into struct err. */
#include "pg/pq.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a refusal means for whoever waits: most are about the statement (ERR_DB), these are about the moment.
 */
static enum err_code code_of_sqlstate(const char *sqlstate)
{
    static const struct {
        const char *sqlstate;
        enum err_code code;
    } moments[] = {
        {"55P03", ERR_BUSY},        /* lock_timeout */
        {"57014", ERR_TIMEOUT},     /* query_canceled, statement_timeout */
        {"53300", ERR_UNAVAILABLE}, /* too_many_connections */
        {"57P01", ERR_UNAVAILABLE}, /* admin_shutdown */
        {"57P02", ERR_UNAVAILABLE}, /* crash_shutdown */
        {"57P03", ERR_UNAVAILABLE}, /* cannot_connect_now */
    };
    for (size_t i = 0; i < COUNT_OF(moments); i++)
        if (strcmp(sqlstate, moments[i].sqlstate) == 0)
            return moments[i].code;
    return ERR_DB;
}

int pq_err_from_result(struct err *err, const PGresult *result)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    enum err_code code = code_of_sqlstate(sqlstate != NULL ? sqlstate : "");
    err_set(err, code, "%s", message != NULL ? message : PQresultErrorMessage(result));
    if (err == NULL)
        return -1;
    err->text[strcspn(err->text, "\n")] = '\0';
    snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", sqlstate != NULL ? sqlstate : "");
    snprintf(err->constraint, sizeof(err->constraint), "%s", constraint != NULL ? constraint : "");
    err->position = position != NULL ? (int)strtol(position, NULL, 10) : 0;
    return -1;
}

int pq_err_from_conn(struct err *err, enum err_code code, const PGconn *pg)
{
    const char *message = pg != NULL ? PQerrorMessage(pg) : "";
    err_set(err, code, "%s", *message != '\0' ? message : "the connection to PostgreSQL was lost");
    if (err != NULL)
        err->text[strcspn(err->text, "\n")] = '\0'; /* what follows are hints */
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
