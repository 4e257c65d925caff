/* Takes the command line apart and finds the command. */
#include "host/command.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OWN_OPTION 1000 /* values of a command's own options begin here */

static const struct command commands[] = {
    {.name = "serve",
     .arguments = "",
     .summary = "serve the API until SIGTERM or SIGINT",
     .help =
         "Serves the API (api.listen) and the admin port (admin.listen) in the foreground and logs JSON "
         "lines on\n"
         "stderr. SIGHUP reloads config.lua and lua/. SIGTERM or SIGINT stops: what runs is answered within\n"
         "http.drain_ms; a second one cuts it. Without a signing key, a database URL or with a broken "
         "file it\n"
         "refuses to start (78); a database that is away is waited for.",
     .needs_root = true,
     .run = command_serve},
    {.name = "check",
     .arguments = "",
     .summary = "check settings, Lua and SQL",
     .help =
         "Checks config.lua, every Lua file, every rule's examples and properties and, if the database can "
         "be reached,\n"
         "every SQL statement. Faults are printed as file:line: reason (78). Changes nothing.",
     .needs_root = true,
     .run = command_check},
    {.name = "config",
     .arguments = "[get KEY]",
     .summary = "show the settings in force and where they come from",
     .help = "Without arguments: every setting with its value and origin, secrets masked.\n"
             "get KEY: the value alone, also of a secret.",
     .needs_root = true,
     .run = command_settings},
    {.name = "migrate",
     .arguments = "up|status|verify",
     .summary = "apply or examine the migrations",
     .help = "up      apply every migration of migrations/ that is missing, as database.migration_url\n"
             "status  list all of them, applied or pending\n"
             "verify  fail (1) if one is pending or was changed after it was applied",
     .needs_root = true,
     .run = command_migrate},
    {.name = "reload",
     .arguments = "",
     .summary = "make the running server reload, and report",
     .help = "Asks the server at admin.listen to reload, waits, and prints what changed and which version is "
             "live in\n"
             "every worker, or every fault (1). 69: no server answers there.",
     .needs_root = true,
     .run = command_reload},
    {.name = "token",
     .arguments = "--role ROLE --sub NAME [--ttl TIME]",
     .summary = "print a bearer token",
     .help = "Signs a token with the signing key in force and prints it.\n"
             "  --role ROLE  a role that the application knows\n"
             "  --sub NAME   whom the token is for\n"
             "  --ttl TIME   how long it holds, as 90s, 15m, 12h or 30d; default 1h",
     .options = {"role", "sub", "ttl"},
     .needs_root = true,
     .run = command_token},
    {.name = "lua",
     .arguments = "FILE [ARGUMENT]...",
     .summary = "run a Lua script with the server's modules",
     .help = "Runs FILE as one task with require \"db\", \"json\", \"rules\" and the rest, the modules below "
             "lua/ and every\n"
             "standard library; arguments are in the table arg. Exit code: os.exit's, 1 after an error.",
     .needs_root = true,
     .run = command_lua},
    {.name = "rules",
     .arguments = "ACTION [ARGUMENT]...",
     .summary = "check, try, show, compare, explain, replay and roll back rule files",
     .is_tool = true,
     .needs_root = true,
     .run = command_tool},
    {.name = "audit",
     .arguments = "[ARGUMENT]...",
     .summary = "recompute all that is recorded, and list what differs",
     .is_tool = true,
     .needs_root = true,
     .run = command_tool},
    {.name = "words",
     .arguments = "ACTION [ARGUMENT]...",
     .summary = "load what can be learned, import lists of one's own",
     .is_tool = true,
     .needs_root = true,
     .run = command_tool},
    {.name = "users",
     .arguments = "reset EMAIL",
     .summary = "let somebody choose a new password",
     .is_tool = true,
     .needs_root = true,
     .run = command_tool},
    {.name = "import",
     .arguments = "--from URL [ARGUMENT]...",
     .summary = "copy families from the server before this one",
     .is_tool = true,
     .needs_root = true,
     .run = command_tool},
    {.name = "version",
     .arguments = "",
     .summary = "print the versions of the program and its libraries",
     .help = "Prints the program's version and those of the libraries it runs with.",
     .run = command_version},
};

static void print_synopsis(FILE *out, const struct command *c)
{
    fprintf(out, "usage: lexicraft %s [OPTION]...%s%s\n", c->name, c->arguments[0] != '\0' ? " " : "",
            c->arguments);
}

static void print_common(FILE *out)
{
    fputs("\nOptions of every command:\n"
          "  --root DIR       the folder that holds config.lua; default: the current one, then the program's "
          "parent\n"
          "  --set KEY=VALUE  a setting, above environment and config.lua; may be repeated\n"
          "  --help           this text\n"
          "\nExit codes: 0 done, 1 failed, 2 wrong usage, 69 server or database cannot be reached,\n"
          "78 settings, Lua or SQL are invalid.\n",
          out);
}

static void print_help(FILE *out)
{
    fputs("usage: lexicraft [OPTION]... COMMAND [OPTION]... [ARGUMENT]...\n\nCommands:\n", out);
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`lexicraft COMMAND --help` tells more.\n", out);
    print_common(out);
}

static void print_command_help(const struct command *c)
{
    print_synopsis(stdout, c);
    printf("\n%s\n", c->help);
    print_common(stdout);
}

int command_usage(const struct command_line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("lexicraft: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    if (line->command != NULL)
        print_synopsis(stderr, line->command);
    else
        fputs("usage: lexicraft [OPTION]... COMMAND [OPTION]... [ARGUMENT]...\n", stderr);
    return EXIT_CODE_USAGE;
}

int command_fail(int code, const struct err *err)
{
    fprintf(stderr, "lexicraft: %s\n", err->text);
    return code;
}

/* ---- options ---- */

static bool take_flag(struct command_line *line, char *text)
{
    char *equals = strchr(text, '=');
    if (equals == NULL || equals == text || line->flag_count == COMMAND_FLAGS_MAX)
        return false;
    *equals = '\0';
    line->flags[line->flag_count++] = (struct config_flag){.key = text, .value = equals + 1};
    return true;
}

static void set_root(struct command_line *line, const char *folder)
{
    free(line->root);
    line->root = x_strdup(folder);
}

/* Options up to the first other word; -1 goes on, everything else is the exit code. */
static int read_options(struct command_line *line, int argc, char **argv)
{
    struct option options[COMMAND_OPTIONS_MAX + 4] = {{"help", no_argument, NULL, 'h'},
                                                      {"root", required_argument, NULL, 'r'},
                                                      {"set", required_argument, NULL, 's'}};
    for (int i = 0; line->command != NULL && line->command->options[i] != NULL; i++)
        options[i + 3] = (struct option){line->command->options[i], required_argument, NULL, OWN_OPTION + i};
    optind = 0;
    opterr = 0;
    bool is_tool = line->command != NULL && line->command->is_tool;
    int begun = 1; /* where the option being read stands */
    for (int option; (option = getopt_long(argc, argv, "+h", options, NULL)) != -1; begun = optind) {
        if (is_tool && (option == 'h' || option == '?')) {
            optind = begun;
            return -1;
        }
        if (option == 'h' && line->command != NULL)
            print_command_help(line->command);
        else if (option == 'h')
            print_help(stdout);
        if (option == 'h')
            return EXIT_CODE_OK;
        if (option == '?')
            return command_usage(line, "unknown or incomplete option %s", argv[optind - 1]);
        if (option == 'r')
            set_root(line, optarg);
        else if (option == 's' && !take_flag(line, optarg))
            return command_usage(line, "--set needs KEY=VALUE");
        else if (option >= OWN_OPTION)
            line->options[option - OWN_OPTION] = optarg;
    }
    return -1;
}

/* ---- the root ---- */

static bool holds_config(const char *folder)
{
    struct buf path = BUF_INIT;
    buf_appendf(&path, "%s/config.lua", folder);
    bool found = access(path.data, F_OK) == 0;
    buf_release(&path);
    return found;
}

/* The folder above the one the program lies in, malloc'd, or NULL. */
static char *program_parent(void)
{
    char *program = realpath("/proc/self/exe", NULL);
    for (int i = 0; i < 2 && program != NULL; i++) {
        char *slash = strrchr(program, '/');
        if (slash != NULL && slash != program)
            *slash = '\0';
    }
    return program;
}

static int find_root(struct command_line *line)
{
    char *given = line->root;
    line->root = realpath(given != NULL ? given : ".", NULL);
    if (given == NULL && (line->root == NULL || !holds_config(line->root))) {
        free(line->root);
        line->root = program_parent();
    }
    bool found = line->root != NULL && holds_config(line->root);
    if (!found)
        fprintf(stderr, "lexicraft: no config.lua in %s; name its folder with --root\n",
                given != NULL ? given : "this folder");
    free(given);
    return found ? EXIT_CODE_OK : EXIT_CODE_CONFIG;
}

/* ---- helpers of commands ---- */

struct generation_options command_generation_options(const struct command_line *line)
{
    return (struct generation_options){
        .root = line->root, .flags = line->flags, .flag_count = line->flag_count};
}

struct config *command_config(const struct command_line *line, struct bundle **bundle)
{
    struct err err;
    struct config *config = NULL;
    struct bundle *read = bundle_read(line->root, &err);
    if (read != NULL)
        config = config_load(read, line->root, line->flags, line->flag_count, false, &err);
    if (config == NULL)
        (void)command_fail(EXIT_CODE_CONFIG, &err);
    if (config != NULL && bundle != NULL)
        *bundle = bundle_ref(read);
    bundle_unref(read);
    return config;
}

/* ---- finding the command ---- */

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static int run_line(struct command_line *line, int argc, char **argv)
{
    int code = read_options(line, argc, argv);
    if (code >= 0)
        return code;
    argc -= optind;
    argv += optind;
    if (argc == 0)
        return command_usage(line, "no command given; --help lists them");
    const struct command *command = find_command(argv[0]);
    if (command == NULL)
        return command_usage(line, "there is no command \"%s\"; --help lists them", argv[0]);
    line->command = command;
    code = read_options(line, argc, argv);
    if (code >= 0)
        return code;
    line->argc = argc - optind;
    line->argv = argv + optind;
    if (line->command->needs_root)
        code = find_root(line);
    return code > 0 ? code : line->command->run(line);
}

int command_main(int argc, char **argv)
{
    struct command_line line = {0};
    int code = run_line(&line, argc, argv);
    free(line.root);
    return code;
}
