/* lexicraft version: the program and the libraries it runs with. */
#include <stdio.h>

#include <sodium.h>
#include <uv.h>

#include "host/command.h"
#include "host/version.h"

int command_version(const struct command_line *line)
{
    if (line->argc > 0)
        return command_usage(line, "version takes no arguments");
    printf("lexicraft %s\n%s, libuv %s, libsodium %s\n", LEXICRAFT_VERSION, LUA_RELEASE, uv_version_string(),
           sodium_version_string());
    return EXIT_CODE_OK;
}
