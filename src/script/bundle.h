/* The exact bytes of config.lua and lua/, read once and hashed: what a generation is made of.
 *
 * Nothing is read from disk again after this: modules are loaded from these bytes, so what was checked and
 * hashed is what runs. Ownership: bundle_read gives one reference; share by bundle_ref. Immutable after
 * reading; any thread. Never raises a Lua error.
 */
#ifndef SCRIPT_BUNDLE_H
#define SCRIPT_BUNDLE_H

#include "base/err.h"

#define BUNDLE_FILE_BYTES_MAX (4u << 20)
#define BUNDLE_RULE_BYTES_MAX (64u << 10) /* of a file below lua/rules/ */
#define BUNDLE_FILES_MAX 1000
#define BUNDLE_BYTES_MAX (16u << 20)

struct bundle_file {
    char *path;  /* relative to the root with '/', e.g. "lua/rules/points.lua" */
    char *bytes; /* NUL-terminated */
    size_t len;
    char hash[65]; /* SHA-256, hex */
};

struct bundle {
    char *root;
    struct bundle_file *files; /* sorted by path: config.lua and every .lua below lua/ but lua/types/ */
    size_t count;
    char hash[65];         /* of all paths, lengths and bytes */
    char rule_version[65]; /* the same over lua/rules/ alone */
    int refs;              /* atomic */
};

/* Hidden files, links out of the root and other endings are ignored; a file that is too large, unreadable or
 * not UTF-8 is an error that names it. */
struct bundle *bundle_read(const char *root, struct err *err) MUSTCHECK;
/* Only the rule files of a folder: those below DIR/lua/rules/ if there is that, else those below DIR itself;
 * named lua/rules/… either way. */
struct bundle *bundle_read_rules(const char *folder, struct err *err) MUSTCHECK;

struct bundle_text {
    const char *path, *bytes;
    size_t len;
};

/* A bundle of rule files given as texts, which are copied. */
struct bundle *bundle_of_rules(const struct bundle_text *texts, size_t count, struct err *err) MUSTCHECK;
struct bundle *bundle_ref(struct bundle *b);
void bundle_unref(struct bundle *b);                                             /* NULL allowed */
const struct bundle_file *bundle_find(const struct bundle *b, const char *path); /* NULL if absent */

#endif
