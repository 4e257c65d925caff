/* lexicraft serve: hands over to the serving process. */
#include "host/command.h"
#include "host/serve.h"

int command_serve(const struct command_line *line)
{
    if (line->argc > 0)
        return command_usage(line, "serve takes no arguments");
    struct generation_options options = command_generation_options(line);
    return serve_run(&options);
}
