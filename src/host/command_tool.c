/* Commands that are Lua: lexicraft NAME runs lua/tools/NAME.lua with everything typed after the name. */
#include "host/command.h"

#include <stdlib.h>

#include "host/tool.h"

int command_tool(const struct command_line *line)
{
    struct bundle *bundle = NULL;
    struct config *config = command_config(line, &bundle);
    if (config == NULL)
        return EXIT_CODE_CONFIG;
    struct err err;
    struct buf script = BUF_INIT;
    buf_appendf(&script, "lua/tools/%s.lua", line->command->name);
    char **argv = x_calloc((size_t)line->argc + 1, sizeof(*argv));
    argv[0] = script.data;
    for (int i = 0; i < line->argc; i++)
        argv[i + 1] = line->argv[i];
    int code = tool_run_bundled(bundle, config, line->argc + 1, argv, &err);
    if (code < 0)
        code = command_fail(EXIT_CODE_CONFIG, &err);
    free(argv);
    buf_release(&script);
    config_unref(config);
    bundle_unref(bundle);
    return code;
}
