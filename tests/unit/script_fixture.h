/* What the tests of script/ share: bundles made in memory, a rule file around one function, and reading
 * results. */
#ifndef TESTS_UNIT_SCRIPT_FIXTURE_H
#define TESTS_UNIT_SCRIPT_FIXTURE_H

#include "base/base.h"

#include <lauxlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "script/bundle.h"
#include "script/sandbox.h"
#include "script/vm.h"

#define FIXTURE_LIMITS                                                                                       \
    ((struct sandbox_limits){.cpu_ms = 50, .instructions = 1000000, .memory_bytes = 8u << 20})

static inline int fixture_by_path(const void *a, const void *b)
{
    const struct bundle_file *x = a, *y = b;
    return strcmp(x->path, y->path);
}

static inline struct bundle *fixture_bundle_new(void)
{
    struct bundle *b = x_calloc(1, sizeof *b);
    b->refs = 1;
    return b;
}

static inline void fixture_add(struct bundle *b, const char *path, const char *bytes, size_t len)
{
    b->files = x_realloc(b->files, (b->count + 1) * sizeof *b->files);
    struct bundle_file *file = &b->files[b->count++];
    *file = (struct bundle_file){.path = x_strdup(path), .bytes = x_malloc(len + 1), .len = len};
    memcpy(file->bytes, bytes, len);
    file->bytes[len] = '\0';
    qsort(b->files, b->count, sizeof *b->files, fixture_by_path);
}

/* path, text, path, text, …, NULL */
static inline struct bundle *fixture_bundle(const char *path, ...)
{
    struct bundle *b = fixture_bundle_new();
    va_list args;
    va_start(args, path);
    for (; path != NULL; path = va_arg(args, const char *)) {
        const char *text = va_arg(args, const char *);
        fixture_add(b, path, text, strlen(text));
    }
    va_end(args);
    return b;
}

static inline struct vm *fixture_vm(enum vm_kind kind, struct bundle *b)
{
    struct err err = {0};
    struct vm *vm = vm_new(kind, b, 0, &err);
    if (vm == NULL)
        fail_msg("%s", err.text);
    return vm;
}

/* Compile text as a chunk named lua/chunk.lua, or as one outside of lua/. The function is left on the stack.
 */
static inline int fixture_load(struct vm *vm, const char *path, const char *text, struct err *err)
{
    struct bundle_file file = {
        .path = (char *)(uintptr_t)path, .bytes = (char *)(uintptr_t)text, .len = strlen(text)};
    return vm_load(vm, &file, err);
}

static inline void fixture_function(struct vm *vm, const char *text)
{
    struct err err = {0};
    if (fixture_load(vm, "chunk.lua", text, &err) < 0)
        fail_msg("%s", err.text);
}

#endif
