/* The environment as settings see it: the process environment, then the file .env, then the file var/env.
 *
 * .env is the person's, var/env is written by script/server: what a person wrote wins. Both hold lines
 * KEY=VALUE: blank lines and lines beginning with # are skipped, "export " may stand in front, 'single
 * quotes' are literal, in "double quotes" \n \" \\ \$ are escapes, and without quotes " #" begins a comment.
 * An empty value counts as not set. Read once, then immutable; any thread. Never raises a Lua error.
 */
#ifndef HOST_ENVIRONMENT_H
#define HOST_ENVIRONMENT_H

#include "base/buf.h"
#include "base/err.h"

#define ENVIRONMENT_FILE_BYTES_MAX (64u << 10)

enum environment_layer { ENVIRONMENT_PROCESS, ENVIRONMENT_DOT_ENV, ENVIRONMENT_VAR_ENV, ENVIRONMENT_LAYERS };

struct environment;
/* Missing files are empty; a malformed line is an error with file and line. */
struct environment *environment_read(const char *root, struct err *err) MUSTCHECK;
void environment_free(struct environment *e); /* NULL allowed; wipes the values */
/* The value of name in one layer, or NULL. line (may be NULL) gets its line number, 0 for the process
 * environment. */
const char *environment_get(const struct environment *e, enum environment_layer layer, const char *name,
                            int *line);
/* Call visit for every variable of a layer that has a value. e may be NULL for the process environment. */
void environment_each(const struct environment *e, enum environment_layer layer,
                      void (*visit)(void *data, const char *name, int line), void *data);
/* "environment", ".env", "var/env" */
const char *environment_layer_name(enum environment_layer layer);

/* Read a small file whole (NUL-terminated). Returns 0, 1 if there is none, -1 with err. */
int environment_read_file(const char *root, const char *path, size_t bytes_max, struct buf *out,
                          struct err *err) MUSTCHECK;

#endif
