/* Running Lua outside of the server: a script as one task with a loop and lanes of its own, and signing a
 * token. Main thread. Lua errors never leave. */
#ifndef HOST_TOOL_H
#define HOST_TOOL_H

#include "host/config.h"

/* Run argv[0] with the arguments after it. Returns the exit code: os.exit's, 0 at the end of the script, 1
 * after an error (already told on stderr); -1 and err if it could not even begin. */
int tool_run(struct bundle *bundle, struct config *config, int argc, char **argv, struct err *err) MUSTCHECK;
/* The same with a script of the bundle, argv[0] naming it ("lua/tools/x.lua"). It runs even if the rule files
 * are broken: then rules.call raises. */
int tool_run_bundled(struct bundle *bundle, struct config *config, int argc, char **argv,
                     struct err *err) MUSTCHECK;
/* Append a token for sub with this role, signed with the current key by tools/token.lua, which knows the
 * roles. */
int tool_issue_token(struct bundle *bundle, struct config *config, const char *role, const char *sub,
                     int64_t ttl_s, struct buf *out, struct err *err) MUSTCHECK;

#endif
