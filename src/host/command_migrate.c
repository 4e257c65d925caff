/* lexicraft migrate: applies and examines migrations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/command.h"
#include "pg/migrate.h"

#define DEADLINE_MS 600000 /* of one migration */
#define CONNECT_MS 5000

static const char *file_of(const struct migration *m)
{
    const char *slash = strrchr(m->path, '/');
    return slash != NULL ? slash + 1 : m->path;
}

static void print_applying(void *data, const struct migration *m)
{
    (void)data;
    printf("applying %s\n", file_of(m));
    fflush(stdout);
}

/* The name of the role that database.url logs in as, malloc'd. */
static char *serving_role(const struct config *config, struct err *err)
{
    struct pg_session *s = pg_session_open(config->database.url, CONNECT_MS, err);
    struct pg_result *result = NULL;
    struct buf scratch = BUF_INIT;
    struct pg_cell cell;
    char *role = NULL;
    if (s != NULL && pg_session_query(s, "SELECT current_user::text", 0, NULL, &result, err) == 0 &&
        pg_result_cell(result, 0, 0, &scratch, &cell, err) == 0)
        role = x_strndup(cell.text, cell.len);
    pg_result_free(result);
    buf_release(&scratch);
    pg_session_close(s);
    return role;
}

static int up(struct migrations *m, struct pg_session *s, const struct config *config)
{
    struct err err;
    char *role = serving_role(config, &err);
    if (role == NULL) {
        (void)err_prefix(&err, "database.url");
        return command_fail(EXIT_CODE_UNAVAILABLE, &err);
    }
    int rc = migrations_apply(m, s, role, print_applying, NULL, &err);
    free(role);
    if (rc != 0)
        return command_fail(EXIT_CODE_FAILED, &err);
    printf("%zu migrations are applied\n", m->count);
    return EXIT_CODE_OK;
}

static int status(struct migrations *m)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct migration *item = &m->items[i];
        printf("%-40s %s%s\n", file_of(item), item->applied ? item->applied_at : "pending",
               item->changed ? " (changed since)" : "");
    }
    if (m->unknown > 0)
        printf("%d applied migrations are not here: a newer program has run\n", m->unknown);
    return EXIT_CODE_OK;
}

static int verify(struct migrations *m)
{
    int code = EXIT_CODE_OK;
    for (size_t i = 0; i < m->count; i++) {
        const struct migration *item = &m->items[i];
        if (item->applied && !item->changed)
            continue;
        fprintf(stderr, "%s: %s\n", file_of(item),
                item->applied ? "was changed after it was applied" : "is pending");
        code = EXIT_CODE_FAILED;
    }
    if (m->unknown > 0) {
        fprintf(stderr, "%d applied migrations are not here: a newer program has run\n", m->unknown);
        code = EXIT_CODE_FAILED;
    }
    if (code == EXIT_CODE_OK)
        printf("%zu migrations are applied and unchanged\n", m->count);
    return code;
}

static int run(const char *verb, struct migrations *m, const struct config *config)
{
    struct err err;
    struct pg_session *s = pg_session_open(config->database.migration_url, CONNECT_MS, &err);
    if (s == NULL) {
        (void)err_prefix(&err, "database.migration_url");
        return command_fail(EXIT_CODE_UNAVAILABLE, &err);
    }
    pg_session_set_deadline(s, DEADLINE_MS);
    int code;
    if (strcmp(verb, "up") == 0)
        code = up(m, s, config);
    else if (migrations_status(m, s, &err) != 0)
        code = command_fail(EXIT_CODE_FAILED, &err);
    else
        code = strcmp(verb, "status") == 0 ? status(m) : verify(m);
    pg_session_close(s);
    return code;
}

int command_migrate(const struct command_line *line)
{
    struct err err;
    struct migrations m = {0};
    struct buf dir = BUF_INIT;
    const char *verb = line->argc == 1 ? line->argv[0] : "";
    if (strcmp(verb, "up") != 0 && strcmp(verb, "status") != 0 && strcmp(verb, "verify") != 0)
        return command_usage(line, "migrate needs up, status or verify");
    struct config *config = command_config(line, NULL);
    if (config == NULL)
        return EXIT_CODE_CONFIG;
    int code;
    buf_appendf(&dir, "%s/migrations", line->root);
    if (config->database.url[0] == '\0') {
        err_set(&err, ERR_INVALID, "database.url: is not set; script/server sets it, or set DATABASE_URL");
        code = command_fail(EXIT_CODE_CONFIG, &err);
    } else if (migrations_read(dir.data, &m, &err) != 0) {
        code = command_fail(EXIT_CODE_CONFIG, &err);
    } else {
        code = run(verb, &m, config);
    }
    migrations_release(&m);
    buf_release(&dir);
    config_unref(config);
    return code;
}
