/*
 * A server of the usual kind, to compare with: sixteen threads, each of which serves its share of the
 * connections and waits for PostgreSQL on a connection of its own. It answers GET
 * /v1/children/{child_id}/account, with the same token check and statement, and nothing else. The statement
 * is in the file that the one argument names; PORT, DATABASE_URL and LEXICRAFT_AUTH_KEY come from the
 * environment.
 */
#include <libpq-fe.h>
#include <microhttpd.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    THREADS = 16,
    CONNECTIONS_MAX = 4096,
    POOL_BYTES = 8192,
    TOKEN_BYTES_MAX = 2048,
    ID_BYTES = 36,
    COLUMNS = 7
};

static const char PREFIX[] = "/v1/children/";
static char statement[4096];
static const char *key;

static _Thread_local PGconn *db;

static bool open_database(void)
{
    if (db != NULL && PQstatus(db) == CONNECTION_OK)
        return true;
    PQfinish(db);
    db = PQconnectdb(getenv("DATABASE_URL"));
    PGresult *prepared = PQprepare(db, "account", statement, 2, NULL);
    bool ok = PQresultStatus(prepared) == PGRES_COMMAND_OK;
    if (!ok)
        fputs(PQerrorMessage(db), stderr);
    PQclear(prepared);
    return ok;
}

/* The claim's value, which the token's own server has written without spaces and escapes. */
static const char *claim(const char *payload, const char *name)
{
    const char *found = strstr(payload, name);
    return found == NULL ? "" : found + strlen(name);
}

static bool signature_is_good(const char *token, const char *end, const char *signature)
{
    unsigned char given[crypto_auth_hmacsha256_BYTES];
    unsigned char wanted[crypto_auth_hmacsha256_BYTES];
    size_t size = 0;
    if (sodium_base642bin(given, sizeof(given), signature, strlen(signature), NULL, &size, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        size != sizeof(given))
        return false;
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)key, strlen(key));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)token, (unsigned long long)(end - token));
    crypto_auth_hmacsha256_final(&state, wanted);
    return sodium_memcmp(given, wanted, sizeof(given)) == 0;
}

/* Whose token is it? false: it is not valid. */
static bool verify(const char *header, char parent[ID_BYTES + 1])
{
    static const char bearer[] = "Bearer ";
    if (header == NULL || strncmp(header, bearer, sizeof(bearer) - 1) != 0)
        return false;
    const char *token = header + sizeof(bearer) - 1;
    const char *first = strchr(token, '.');
    const char *second = first == NULL ? NULL : strchr(first + 1, '.');
    char payload[TOKEN_BYTES_MAX + 1];
    size_t size = 0;
    if (second == NULL || !signature_is_good(token, second, second + 1) ||
        sodium_base642bin((unsigned char *)payload, TOKEN_BYTES_MAX, first + 1, (size_t)(second - first - 1),
                          NULL, &size, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return false;
    payload[size] = '\0';
    const char *sub = claim(payload, "\"sub\":\"");
    if (strlen(sub) < ID_BYTES || strtoll(claim(payload, "\"exp\":"), NULL, 10) <= time(NULL))
        return false;
    memcpy(parent, sub, ID_BYTES);
    parent[ID_BYTES] = '\0';
    return true;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result answer_account(struct MHD_Connection *connection, const char *child,
                                      const char *parent)
{
    static const char *const names[COLUMNS] = {"child_id",      "total_earned",     "available_points",
                                               "locked_points", "withdrawn_points", "deficit_points",
                                               "updated_at"};
    const char *const values[] = {child, parent};
    if (!open_database())
        return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "{}");
    PGresult *rows = PQexecPrepared(db, "account", 2, values, NULL, NULL, 0);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK || PQntuples(rows) != 1) {
        unsigned status =
            PQresultStatus(rows) == PGRES_TUPLES_OK ? MHD_HTTP_NOT_FOUND : MHD_HTTP_INTERNAL_SERVER_ERROR;
        PQclear(rows);
        return answer(connection, status, "{}");
    }
    char text[1024];
    size_t used = 0;
    for (int column = 0; column < COLUMNS; column++) {
        const char *quote = column == 0 || column == COLUMNS - 1 ? "\"" : "";
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%c\"%s\":%s%s%s", column == 0 ? '{' : ',',
                                 names[column], quote, PQgetvalue(rows, 0, column), quote);
    }
    snprintf(text + used, sizeof(text) - used, "}");
    PQclear(rows);
    return answer(connection, MHD_HTTP_OK, text);
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *body, size_t *body_size,
                              void **state)
{
    (void)cls, (void)method, (void)version, (void)body, (void)body_size, (void)state;
    if (strcmp(url, "/v1/health") == 0)
        return answer(connection, MHD_HTTP_OK, "{\"status\":\"ok\"}");
    size_t size = strlen(url);
    if (strncmp(url, PREFIX, sizeof(PREFIX) - 1) != 0 ||
        size != sizeof(PREFIX) - 1 + ID_BYTES + strlen("/account"))
        return answer(connection, MHD_HTTP_NOT_FOUND, "{}");
    char parent[ID_BYTES + 1];
    if (!verify(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization"), parent))
        return answer(connection, MHD_HTTP_UNAUTHORIZED, "{}");
    char child[ID_BYTES + 1];
    memcpy(child, url + sizeof(PREFIX) - 1, ID_BYTES);
    child[ID_BYTES] = '\0';
    return answer_account(connection, child, parent);
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    key = getenv("LEXICRAFT_AUTH_KEY");
    const char *port = getenv("PORT");
    if (file == NULL || key == NULL || port == NULL || sodium_init() < 0)
        return 2;
    statement[fread(statement, 1, sizeof(statement) - 1, file)] = '\0';
    fclose(file);
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, (unsigned short)strtoul(port, NULL, 10), NULL, NULL,
        handle, NULL, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_END);
    if (daemon == NULL)
        return 1;
    int number = 0;
    sigwait(&ends, &number);
    MHD_stop_daemon(daemon);
    return 0;
}
