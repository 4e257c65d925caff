/* What every file includes first: feature macros, attributes, small helpers, allocation that cannot fail.
 *
 * Thread rules: everything here may be called from any thread. Nothing here raises a Lua error.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The caller must look at the returned code (0 done, -1 failed and a struct err is filled). */
#define MUSTCHECK __attribute__((warn_unused_result))
#define PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
/* For a large local variable on the way of every request, which is written before it is read: the compiler
 * clears all others first. */
#define UNCLEARED __attribute__((uninitialized))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* How much longer than a release a build may take for the same work: ThreadSanitizer is that slow. For
 * budgets that only have to stop what would never end. */
#ifdef __SANITIZE_THREAD__
#define BUILD_SLOWNESS 20
#else
#define BUILD_SLOWNESS 1
#endif

/* Memory or a clean abort: a process that has no memory left for a few bytes cannot answer anybody, and the
 * limits on bodies, queues and Lua states keep it from getting there. x_calloc zeroes. All are freed by
 * free(). */
void *x_malloc(size_t size);
void *x_calloc(size_t count, size_t size);
void *x_realloc(void *old, size_t size);
char *x_strdup(const char *text);
char *x_strndup(const char *text, size_t len);

/* Monotonic time in nanoseconds, for deadlines and durations; never business time. */
uint64_t mono_ns(void);
/* CPU time of the calling thread in nanoseconds, for the rule budget. */
uint64_t thread_cpu_ns(void);
/* Wall-clock microseconds since 1970 UTC. */
int64_t wall_us(void);

#endif
