/* lexicraft config: shows settings. */
#include <stdio.h>
#include <string.h>

#include "host/command.h"

static void print_setting(void *data, const char *key, const char *value, const char *origin,
                          bool restart_only)
{
    (void)data;
    printf("%-34s = %-24s  (%s%s)\n", key, value[0] != '\0' ? value : "\"\"", origin,
           restart_only ? "; restart" : "");
}

static int print_one(const struct config *config, const char *key)
{
    struct buf value = BUF_INIT;
    int rc = config_get(config, key, &value);
    if (rc == 0)
        printf("%s\n", value.len > 0 ? value.data : "");
    else
        fprintf(stderr, "lexicraft: there is no setting \"%s\"\n", key);
    buf_release(&value);
    return rc == 0 ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}

int command_settings(const struct command_line *line)
{
    bool get = line->argc == 2 && strcmp(line->argv[0], "get") == 0;
    if (line->argc > 0 && !get)
        return command_usage(line, "config takes nothing, or get KEY");
    struct config *config = command_config(line, NULL);
    int code = EXIT_CODE_OK;
    if (config == NULL)
        return EXIT_CODE_CONFIG;
    if (get)
        code = print_one(config, line->argv[1]);
    else
        config_each(config, false, print_setting, NULL);
    config_unref(config);
    return code;
}
