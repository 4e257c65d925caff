/* A root folder of its own for a test of the host: written file by file, removed at the end. */
#ifndef HOST_FIXTURE_H
#define HOST_FIXTURE_H

#include "base/buf.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY_A "a-signing-key-of-more-than-32-bytes-A"
#define KEY_B "a-signing-key-of-more-than-32-bytes-B"

static char fixture_root[64];

__attribute__((unused)) static void root_write(const char *path, const char *text)
{
    struct buf full = BUF_INIT;
    buf_appendf(&full, "%s/%s", fixture_root, path);
    for (char *slash = strchr(full.data + strlen(fixture_root) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full.data, 0700);
        *slash = '/';
    }
    FILE *file = fopen(full.data, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    buf_release(&full);
}

__attribute__((unused)) static void root_unlink(const char *path)
{
    struct buf full = BUF_INIT;
    buf_appendf(&full, "%s/%s", fixture_root, path);
    assert_int_equal(unlink(full.data), 0);
    buf_release(&full);
}

static int root_setup(void **state)
{
    (void)state;
    snprintf(fixture_root, sizeof(fixture_root), "/tmp/lexicraft-host-XXXXXX");
    return mkdtemp(fixture_root) == NULL ? -1 : 0;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static int root_teardown(void **state)
{
    (void)state;
    return nftw(fixture_root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
