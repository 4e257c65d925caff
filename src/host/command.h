/* The command line: one small function per command, in command_NAME.c, listed in the table of command.c.
 * Main thread. Never raises a Lua error. */
#ifndef HOST_COMMAND_H
#define HOST_COMMAND_H

#include "host/config.h"
#include "host/exit_code.h"
#include "host/generation.h"

#define COMMAND_FLAGS_MAX 100
#define COMMAND_OPTIONS_MAX 4

struct command;

/* What was typed, taken apart. */
struct command_line {
    const struct command *command;
    char *root; /* absolute folder that holds config.lua; NULL for commands that need none */
    struct config_flag flags[COMMAND_FLAGS_MAX];
    size_t flag_count;
    const char *options[COMMAND_OPTIONS_MAX]; /* values of command->options, NULL if not given */
    int argc;                                 /* what is left */
    char **argv;
};

struct command {
    const char *name, *arguments, *summary; /* "token", "--role ROLE --sub NAME [--ttl TIME]", one line */
    const char *help;                       /* paragraphs for --help */
    const char *options[COMMAND_OPTIONS_MAX + 1]; /* long options with a value, NULL-terminated */
    bool needs_root;
    bool is_tool; /* the options after the name are read by its script, but --root and --set before any other
                     word */
    int (*run)(const struct command_line *line);
};

/* Run what argv asks for; returns the exit code. */
int command_main(int argc, char **argv);

/* Complain on stderr with the usage line; returns EXIT_CODE_USAGE. */
int command_usage(const struct command_line *line, const char *format, ...) PRINTF(2, 3);
/* "lexicraft: text" on stderr; returns code. */
int command_fail(int code, const struct err *err);
/* The settings as this command line sees them; NULL after a complaint (EXIT_CODE_CONFIG). *bundle may be
 * NULL. */
struct config *command_config(const struct command_line *line, struct bundle **bundle);
struct generation_options command_generation_options(const struct command_line *line);

int command_serve(const struct command_line *line);
int command_check(const struct command_line *line);
int command_settings(const struct command_line *line);
int command_migrate(const struct command_line *line);
int command_reload(const struct command_line *line);
int command_token(const struct command_line *line);
int command_lua(const struct command_line *line);
int command_tool(const struct command_line *line);
int command_version(const struct command_line *line);

#endif
