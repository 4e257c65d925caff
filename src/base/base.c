/* Allocation that aborts instead of failing, and the three clocks. */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)
#define US_PER_S INT64_C(1000000)
#define NS_PER_US 1000

/* No formatting and no allocation here: there is no memory left for either. */
static _Noreturn void out_of_memory(void)
{
    static const char line[] = "{\"level\":\"error\",\"msg\":\"out of memory, aborting\"}\n";
    ssize_t written = write(STDERR_FILENO, line, sizeof(line) - 1);
    (void)written;
    abort();
}

/* malloc(0) may return NULL, which would look like a failure. */
static size_t at_least_one(size_t size)
{
    return size > 0 ? size : 1;
}

void *x_malloc(size_t size)
{
    void *block = malloc(at_least_one(size));
    if (block == NULL)
        out_of_memory();
    return block;
}

void *x_calloc(size_t count, size_t size)
{
    void *block = calloc(at_least_one(count), at_least_one(size));
    if (block == NULL)
        out_of_memory();
    return block;
}

void *x_realloc(void *old, size_t size)
{
    void *block = realloc(old, at_least_one(size));
    if (block == NULL)
        out_of_memory();
    return block;
}

char *x_strdup(const char *text)
{
    return x_strndup(text, strlen(text));
}

char *x_strndup(const char *text, size_t len)
{
    len = strnlen(text, len);
    char *copy = x_malloc(len + 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

static uint64_t clock_ns(clockid_t id)
{
    struct timespec now;
    int failed = clock_gettime(id, &now);
    assert(failed == 0);
    (void)failed;
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t mono_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t thread_cpu_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t wall_us(void)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_REALTIME, &now);
    assert(failed == 0);
    (void)failed;
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / NS_PER_US;
}
