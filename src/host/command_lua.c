/* lexicraft lua: runs a script with the modules of the server. */
#include "host/command.h"
#include "host/tool.h"

int command_lua(const struct command_line *line)
{
    if (line->argc == 0)
        return command_usage(line, "lua needs a file");
    struct bundle *bundle = NULL;
    struct config *config = command_config(line, &bundle);
    if (config == NULL)
        return EXIT_CODE_CONFIG;
    struct err err;
    int code = tool_run(bundle, config, line->argc, line->argv, &err);
    if (code < 0)
        code = command_fail(EXIT_CODE_FAILED, &err);
    config_unref(config);
    bundle_unref(bundle);
    return code;
}
