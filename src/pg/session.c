/* A blocking connection: every step waits with poll(2) up to its deadline. */
#include "pg/session.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "pg/pq.h"

#define NS_PER_MS UINT64_C(1000000)

struct pg_session {
    PGconn *pg;
    uint32_t deadline_ms;
    bool is_lost; /* a deadline passed or the server went: nothing more can be asked */
};

static uint64_t session_due(const struct pg_session *s)
{
    return mono_ns() + s->deadline_ms * NS_PER_MS;
}

/* Wait until the socket is ready; -1 when due has passed. */
static int socket_wait(const PGconn *pg, short events, uint64_t due)
{
    for (;;) {
        uint64_t now = mono_ns();
        struct pollfd fd = {.fd = PQsocket(pg), .events = events};
        int ready = now < due ? poll(&fd, 1, (int)((due - now) / NS_PER_MS) + 1) : 0;
        if (ready > 0)
            return 0;
        if (ready == 0 || errno != EINTR)
            return -1;
    }
}

static int session_connect(struct pg_session *s, const char *url, struct err *err)
{
    const char *const keywords[] = {"dbname", "client_encoding", NULL};
    const char *const values[] = {url, "UTF8", NULL};
    uint64_t due = session_due(s);
    /* The URL may hold a password, which libpq's message about a malformed one would quote. */
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    if (options == NULL)
        return err_set(err, ERR_INVALID, "the database URL cannot be read");
    PQconninfoFree(options);
    s->pg = PQconnectStartParams(keywords, values, 1);
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    if (PQstatus(s->pg) == CONNECTION_BAD)
        return pq_err_from_conn(err, ERR_UNAVAILABLE, s->pg);
    while (status != PGRES_POLLING_OK) {
        if (socket_wait(s->pg, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, due) != 0)
            return err_set(err, ERR_UNAVAILABLE, "no connection to PostgreSQL within %u ms", s->deadline_ms);
        status = PQconnectPoll(s->pg);
        if (status == PGRES_POLLING_FAILED)
            return pq_err_from_conn(err, ERR_UNAVAILABLE, s->pg);
    }
    PQsetNoticeProcessor(s->pg, pq_ignore_notice, NULL);
    PQsetnonblocking(s->pg, 1);
    return 0;
}

struct pg_session *pg_session_open(const char *url, uint32_t deadline_ms, struct err *err)
{
    struct pg_session *s = x_calloc(1, sizeof(*s));
    s->deadline_ms = deadline_ms;
    if (session_connect(s, url, err) == 0)
        return s;
    pg_session_close(s);
    return NULL;
}

void pg_session_set_deadline(struct pg_session *s, uint32_t deadline_ms)
{
    s->deadline_ms = deadline_ms;
}

void pg_session_close(struct pg_session *s)
{
    if (s == NULL)
        return;
    PQfinish(s->pg);
    free(s);
}

static int session_lost(struct pg_session *s, struct err *err)
{
    s->is_lost = true;
    return pq_err_from_conn(err, ERR_UNAVAILABLE, s->pg);
}

static int session_timed_out(struct pg_session *s, struct err *err)
{
    char text[256];
    PGcancel *cancel = PQgetCancel(s->pg);
    s->is_lost = true;
    if (cancel != NULL)
        PQcancel(cancel, text, sizeof(text));
    PQfreeCancel(cancel);
    return err_set(err, ERR_TIMEOUT, "PostgreSQL did not answer within %u ms", s->deadline_ms);
}

static int session_flush(struct pg_session *s, uint64_t due, struct err *err)
{
    int left;
    while ((left = PQflush(s->pg)) == 1) {
        if (socket_wait(s->pg, POLLIN | POLLOUT, due) != 0)
            return session_timed_out(s, err);
        if (!PQconsumeInput(s->pg))
            return session_lost(s, err);
    }
    return left == 0 ? 0 : session_lost(s, err);
}

/* The next result into *result, NULL after the last. */
static int session_next(struct pg_session *s, uint64_t due, PGresult **result, struct err *err)
{
    while (PQisBusy(s->pg)) {
        if (socket_wait(s->pg, POLLIN, due) != 0)
            return session_timed_out(s, err);
        if (!PQconsumeInput(s->pg))
            return session_lost(s, err);
    }
    *result = PQgetResult(s->pg);
    return 0;
}

/* Read all results of what was sent; the last one goes to *last. The first error is reported, the rest read
 * over. */
static int session_finish(struct pg_session *s, int sent, PGresult **last, struct err *err)
{
    uint64_t due = session_due(s);
    PGresult *result = NULL;
    int outcome = 0;

    *last = NULL;
    if (sent != 1)
        return session_lost(s, err);
    if (session_flush(s, due, err) != 0)
        return -1;
    for (;;) {
        if (session_next(s, due, &result, err) != 0) {
            outcome = -1;
            break;
        }
        if (result == NULL)
            break;
        PQclear(*last);
        *last = result;
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY)
            continue;
        if (status != PGRES_FATAL_ERROR) { /* COPY: it would have to be fed */
            s->is_lost = true;
            outcome = err_set(err, ERR_INVALID, "COPY cannot be used here");
            break;
        }
        if (outcome == 0)
            outcome = pq_err_from_result(err, result);
        if (PQstatus(s->pg) != CONNECTION_OK) {
            s->is_lost = true;
            if (err != NULL)
                err->code = ERR_UNAVAILABLE;
            break;
        }
    }
    if (outcome != 0) {
        PQclear(*last);
        *last = NULL;
    }
    return outcome;
}

static int session_is_usable(const struct pg_session *s, struct err *err)
{
    return s->is_lost ? err_set(err, ERR_UNAVAILABLE, "the connection to PostgreSQL was lost") : 0;
}

int pg_session_run(struct pg_session *s, const char *sql, struct err *err)
{
    PGresult *last;
    if (session_is_usable(s, err) != 0 || session_finish(s, PQsendQuery(s->pg, sql), &last, err) != 0)
        return -1;
    PQclear(last);
    return 0;
}

int pg_session_query(struct pg_session *s, const char *sql, int count, const char *const *values,
                     struct pg_result **result, struct err *err)
{
    PGresult *last;
    if (session_is_usable(s, err) != 0 ||
        session_finish(s, PQsendQueryParams(s->pg, sql, count, NULL, values, NULL, NULL, 1), &last, err) != 0)
        return -1;
    if (result != NULL)
        *result = (struct pg_result *)(void *)last;
    else
        PQclear(last);
    return 0;
}

/* What one statement was answered: that it is parsed, then its description, or an error; and the mark that
 * ends it. */
static int read_check(struct pg_session *s, size_t index, const struct pg_session_told *told, struct err *err)
{
    uint64_t due = session_due(s);
    bool is_parsed = false;
    for (bool ended = false; !ended;) {
        PGresult *result = NULL;
        if (session_next(s, due, &result, err) != 0)
            return -1;
        ExecStatusType status = PQresultStatus(result);
        if (result != NULL && status == PGRES_FATAL_ERROR) {
            struct err why;
            (void)pq_err_from_result(&why, result);
            PQclear(result);
            if (PQstatus(s->pg) != CONNECTION_OK)
                return session_lost(s, err);
            told->fault(told->data, index, &why);
            continue;
        }
        if (result != NULL && status == PGRES_COMMAND_OK && is_parsed) {
            told->columns(told->data, index, (struct pg_result *)(void *)result);
            continue;
        }
        is_parsed |= status == PGRES_COMMAND_OK;
        ended = status == PGRES_PIPELINE_SYNC;
        PQclear(result);
    }
    return 0;
}

int pg_session_check(struct pg_session *s, const char *const *sql, size_t count,
                     const struct pg_session_told *told, struct err *err)
{
    if (session_is_usable(s, err) != 0)
        return -1;
    if (!PQenterPipelineMode(s->pg))
        return session_lost(s, err);
    /* Each with a mark of its own: an error ends what comes before the next one. */
    for (size_t i = 0; i < count; i++)
        if (!PQsendPrepare(s->pg, "", sql[i], 0, NULL) || !PQsendDescribePrepared(s->pg, "") ||
            !PQpipelineSync(s->pg))
            return session_lost(s, err);
    if (session_flush(s, session_due(s), err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (read_check(s, i, told, err) != 0)
            return -1;
    return PQexitPipelineMode(s->pg) ? 0 : session_lost(s, err);
}
