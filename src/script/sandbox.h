/* The rule VM: runs the pure functions of lua/rules/ on copies of their input, within a budget, and trusts
 * them with nothing.
 *
 * Nothing survives from one call into the next: files are run once and what they return is kept as long as no
 * call changes anything in it (sandbox_keep.c sees every change); if one does, all files are run anew, in
 * fresh environments, for that call, which is done once more, and for every one after it. Running a file
 * costs a call no instructions of its budget. Only allow-listed globals exist; pairs and next walk sorted
 * keys; there is no clock, randomness, metatable, coroutine, load or pattern matching. CPU time (of the
 * thread), instructions and memory are bounded, and so are single strings (64 KiB) and tables (256 KiB),
 * because one instruction may work on a whole one. A rule that uses its budget up is killed for good: pcall
 * cannot swallow it. After any failed call the state is thrown away, and rebuilt by the next. One sandbox per
 * worker and generation; may be built on another thread; used by one at a time. Never raises a Lua error.
 */
#ifndef SCRIPT_SANDBOX_H
#define SCRIPT_SANDBOX_H

#include <lua.h>

#include "base/buf.h"
#include "base/err.h"
#include "script/bundle.h"

#define SANDBOX_CHECK_CPU_MS_MAX (2000 * BUILD_SLOWNESS) /* of all examples together */

struct sandbox_limits {
    uint32_t cpu_ms;       /* default 50 */
    uint64_t instructions; /* default 1,000,000 */
    size_t memory_bytes;   /* over the base state, default 8 MiB */
};

struct sandbox;

/* Compiles every rule file of the bundle (text only, no bitwise operators), runs each once and reads its
 * shapes: every function needs one. NULL: err->text is "lua/rules/x.lua:3: reason". */
struct sandbox *sandbox_new(struct bundle *bundle, const struct sandbox_limits *limits,
                            struct err *err) MUSTCHECK;
void sandbox_free(struct sandbox *s);

/* Call rule.function(input) where input is the value at input_index of from. On success the result is pushed
 * on from, and, if not NULL, input_json and result_json get canonical JSON (sorted keys) of both for the
 * record. -1: ERR_INVALID input not of the declared shape, ERR_LIMIT budget or memory, ERR_SCRIPT error in
 * the rule or a result that is not of the declared shape; err->text begins "lua/rules/points.lua:12: ".
 * ERR_INTERNAL: from's collector runs while a result is pushed, and a finalizer of it calls again. from is as
 * before. */
int sandbox_call(struct sandbox *s, const char *rule, const char *function, lua_State *from, int input_index,
                 struct buf *input_json, struct buf *result_json, struct err *err) MUSTCHECK;

/* Push on to a copy of what a rule file returns under this name ("parameters", "shapes"): plain data, nil if
 * there is none. -1: err->text as sandbox_call, to is as before. */
int sandbox_push_field(struct sandbox *s, const char *rule, const char *field, lua_State *to,
                       struct err *err) MUSTCHECK;
/* The names of the rule files by index from 0, sorted by path; NULL after the last. */
const char *sandbox_rule_name(const struct sandbox *s, size_t index);

/* Run every rule's examples(). failed(data, text) for each that does not hold, text "lua/rules/x.lua:88:
 * example 3 (award): expected {…}, got {…}", and for a function without any. Integers and floats differ.
 * Returns the number of examples run, -1 if anything failed or a file has none. */
int sandbox_check(struct sandbox *s, void (*failed)(void *data, const char *text), void *data);

/* Bytes the state uses now, 0 while it is thrown away. Any thread. */
size_t sandbox_memory(const struct sandbox *s);

#endif
