/* struct err: how the C core says what went wrong. Filled by the callee, owned by the caller, no allocation.
 *
 * Functions that can fail return 0 or -1 and fill the struct; only bindings turn it into a Lua error, last,
 * after everything is released. Any thread; never raises a Lua error.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/base.h"

enum err_code {
    ERR_NONE = 0,
    ERR_INVALID,     /* the input is wrong */
    ERR_LIMIT,       /* a named limit is exceeded */
    ERR_TIMEOUT,     /* a deadline has passed; the work did not happen or was cancelled */
    ERR_BUSY,        /* a bounded queue is full: try again later */
    ERR_UNAVAILABLE, /* the other side (PostgreSQL) is away */
    ERR_DB,          /* PostgreSQL refused a statement; sqlstate is set */
    ERR_UNKNOWN,     /* a commit was sent and its answer lost: it may or may not have happened */
    ERR_CANCELLED,   /* nobody waits for this any more */
    ERR_SCRIPT,      /* Lua failed: syntax, run time, budget */
    ERR_IO,          /* file or socket */
    ERR_INTERNAL,    /* a bug */
};

struct err {
    enum err_code code;
    char sqlstate[6];    /* "" unless ERR_DB */
    char constraint[64]; /* name of the violated constraint, or "" */
    int position;        /* 1-based character position in the SQL text, 0 if unknown */
    char text[640];      /* one line for a person */
};

/* Fill e (cutting the text to fit, clearing the other fields); always returns -1 so that
 * `return err_set(e, …)` reads well. e may be NULL. */
int err_set(struct err *e, enum err_code code, const char *format, ...) PRINTF(3, 4);
/* Put "prefix: " before the text of e; returns -1. */
int err_prefix(struct err *e, const char *format, ...) PRINTF(2, 3);
/* A static analyser sees one file at a time: tell it what these two return. */
#ifdef __clang_analyzer__
#define err_set(...) (err_set(__VA_ARGS__), -1)
#define err_prefix(...) (err_prefix(__VA_ARGS__), -1)
#endif
/* Stable lower-case name: "invalid", "limit", "timeout", "busy", "unavailable", "db", "unknown", … */
const char *err_code_name(enum err_code code);

#endif
