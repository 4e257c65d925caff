/* lexicraft check: would a start or a reload succeed? */
#include <stdio.h>
#include <string.h>

#include "host/command.h"

static void print_fault(void *data, const char *text)
{
    unsigned *count = data;
    (*count)++;
    fprintf(stderr, "%s\n", text);
}

static void keep_quiet(void *data, const char *text)
{
    (void)data;
    (void)text;
}

static int build(const struct generation_options *options, generation_fault_fn fault, void *data,
                 struct err *err)
{
    struct generation *g = NULL;
    bool unchanged;
    int rc = generation_build(options, &g, &unchanged, fault, data, err);
    generation_unref(g);
    return rc;
}

/* What is no fault but worth knowing. */
static void print_notes(const struct config *config)
{
    if (config->auth.key[0] == '\0')
        printf("note: no signing key (%s); serve will refuse to start\n", config->auth.key_file);
    if (config->database.url[0] != '\0' && strcmp(config->database.url, config->database.migration_url) == 0)
        printf("note: one database role serves and owns the tables; give database.migration_url a role of "
               "its own\n");
}

/* The SQL, if there is a database to ask. A database that is away or lacks migrations is no fault of the
 * files. */
static int check_sql(struct generation_options *options, const struct config *config)
{
    struct err err;
    unsigned faults = 0;
    if (config->database.url[0] == '\0') {
        printf("note: SQL was not checked: database.url is not set\n");
        return EXIT_CODE_OK;
    }
    options->database = GENERATION_CHECK_SQL;
    if (build(options, keep_quiet, NULL, &err) == 0)
        return EXIT_CODE_OK;
    if (err.code == ERR_UNAVAILABLE || err.code == ERR_TIMEOUT) {
        printf("note: SQL was not checked: %s\n", err.text);
        return EXIT_CODE_OK;
    }
    if (build(options, print_fault, &faults, &err) == 0)
        return EXIT_CODE_OK;
    return EXIT_CODE_CONFIG;
}

int command_check(const struct command_line *line)
{
    struct err err;
    unsigned faults = 0;
    if (line->argc > 0)
        return command_usage(line, "check takes no arguments");
    struct generation_options options = command_generation_options(line);
    if (build(&options, print_fault, &faults, &err) != 0)
        return EXIT_CODE_CONFIG;
    struct config *config = command_config(line, NULL);
    if (config == NULL)
        return EXIT_CODE_CONFIG;
    print_notes(config);
    int code = check_sql(&options, config);
    config_unref(config);
    if (code == EXIT_CODE_OK)
        printf("ok\n");
    return code;
}
