/* Catches what is written to stderr, to see what is logged. */
#ifndef TESTS_UNIT_BIND_CAPTURE_H
#define TESTS_UNIT_BIND_CAPTURE_H

#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"

#define CAPTURE_BYTES_MAX 65536

struct capture {
    int saved, file;
};

static inline void capture_begin(struct capture *c)
{
    c->saved = dup(STDERR_FILENO);
    c->file = memfd_create("stderr", 0);
    assert(c->saved >= 0 && c->file >= 0);
    dup2(c->file, STDERR_FILENO);
}

/* The text is overwritten by the next capture. */
static inline char *capture_end(struct capture *c)
{
    static char text[CAPTURE_BYTES_MAX];
    dup2(c->saved, STDERR_FILENO);
    ssize_t len = pread(c->file, text, sizeof(text) - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    close(c->file);
    close(c->saved);
    return text;
}

#endif
