/* The inside of a sandbox, shared by the sandbox_*.c files only. */
#ifndef SCRIPT_SANDBOX_PRIVATE_H
#define SCRIPT_SANDBOX_PRIVATE_H

#include "script/arena.h"
#include "script/noreturn.h"
#include "script/sandbox.h"
#include "script/shape.h"

#define SANDBOX_HOOK_INSTRUCTIONS 20  /* between two looks at the budget */
#define SANDBOX_TIME_CHECK_NS 300000  /* real time between two looks at the CPU clock, a slow system call */
#define SANDBOX_TIME_CHECK_BYTES 1024 /* allocated between two looks at the real time */
#define SANDBOX_STRING_BYTES_MAX (64u << 10) /* one string; bounds what a single comparison can cost */
#define SANDBOX_BLOCK_BYTES_MAX (256u << 10) /* one table part or the call stack; bounds a single rehash */
/* The call stack. Lua doubles one that is full, which this one is too large for, and halves one that is
 * mostly free, which it is never taken for: so it is as large in every call, whatever the one before it did.
 */
#define SANDBOX_STACK_SLOTS 10239
#define SANDBOX_LOAD_BYTES_MAX (32u << 20) /* of the base state: libraries and compiled rule files */
#define SANDBOX_IDLE_BYTES_MAX (1u << 20)  /* a state that holds so much more than its base is not kept */
#define SANDBOX_TABLE_KEYS_MAX 10000       /* for pairs, next and the table library */
#define SANDBOX_UNPACK_MAX 200

enum sandbox_kill {
    SANDBOX_ALIVE,
    SANDBOX_KILL_TIME,
    SANDBOX_KILL_INSTRUCTIONS,
    SANDBOX_KILL_MEMORY,
    SANDBOX_KILL_SIZE,
};

struct rule_function {
    char *name;
    struct shape *input, *result;
    int line;
};

struct rule {
    char *name; /* "points" for lua/rules/points.lua */
    const struct bundle_file *file;
    struct rule_function *functions;
    size_t function_count;
    int examples_line;
    int chunk; /* registry reference in the present state */
    enum {
        RULE_UNUSED,
        RULE_LOADING,
        RULE_LOADED
    } progress;         /* in this state; or, if not kept, in this call */
    size_t guard_count; /* variables to be compared after a call */
    uint8_t *guarded;   /* of each, which one of its function's it is */
    bool touched;       /* by the call under way */
    bool is_measured;   /* has been run once, ever: */
    size_t held;        /* bytes that it needs once it has been run, without the files that it requires */
};

struct sandbox {
    struct bundle *bundle;
    struct sandbox_limits limits;
    lua_State *L; /* NULL: thrown away, built again by the next call */
    struct rule *rules;
    size_t rule_count;
    bool keeps;  /* what the rule files returned, from one call to the next: sandbox_keep.c */
    int modules; /* registry reference: what the rule files returned, by index of the rule */
    int guards;  /* registry reference: what is compared after a call, by index of the rule */

    size_t used;        /* bytes; read by other threads */
    size_t base;        /* used after loading */
    struct arena arena; /* where all of it lies */
    size_t base_held;   /* what the arena held after loading */
    size_t loaded;      /* what the files hold that were run in this call */
    bool is_loading;    /* one of them is being run */

    /* The call under way. */
    bool armed;
    bool refused; /* the last allocation was refused to make Lua collect garbage */
    enum sandbox_kill killed;
    size_t unchecked; /* bytes allocated since the last look at the time */
    uint64_t instructions;
    uint64_t cpu_deadline; /* 0: its clock was not read yet */
    uint64_t time_checked;
    char where[160]; /* "lua/rules/points.lua:12" of the kill or error, or "" */
    bool has_trace;  /* of it in what is kept */
    char trace[640]; /* the first of them: "lua/rules/points.lua:12: a table is written to" */

    struct shape_data input, result;
    bool is_handing_over; /* the result, to a state whose collector may run meanwhile */
};

/* sandbox_state.c */
struct sandbox *sandbox_of(lua_State *L);
/* Call body(L) with argument as light userdata, protected and within the budget; once more, in another state
 * where files are not kept, if it leaves a trace. On failure err is filled and the state thrown away. file:
 * named in err->text if the place is not known. */
int sandbox_enter(struct sandbox *s, lua_CFunction body, void *argument, const struct bundle_file *file,
                  struct err *err) MUSTCHECK;
void sandbox_discard(struct sandbox *s);
/* Make a state that keeps what rule files return, if that is possible; what was there is thrown away. */
int sandbox_keep(struct sandbox *s, struct err *err) MUSTCHECK;
/* The innermost line of Lua code, or "". Allocates nothing. */
void sandbox_note_place(const struct sandbox *s, char *out, size_t size);
/* Is the table on top of the stack the metatable of environments? */
bool sandbox_is_environment(lua_State *L);
/* Count work done in C; raises if the budget is used up. */
void sandbox_charge(lua_State *L, uint64_t instructions);
/* Push what the rule file returns, running it if this call has not yet. Raises. */
void sandbox_push_module(lua_State *L, struct rule *rule);
struct rule *sandbox_find_rule(struct sandbox *s, const char *name);

/* sandbox_keep.c: freeze the module on top, and guard the variables of its functions. Raises. */
void sandbox_keep_module(lua_State *L, struct rule *rule);
/* Something has happened to what is kept that the next call could see: what, by the Lua code running now. */
void sandbox_note_trace(struct sandbox *s, const char *what);
#define SANDBOX_KEPT_WRITTEN "a table that is kept is written to"
/* Note a trace if a variable of what is kept is not what it was. Those of the files that the call under way
 * has not asked for can be left out. Needs eight free slots, allocates nothing, does not raise. */
void sandbox_compare_kept(lua_State *L, bool only_touched);

/* sandbox_library.c: push the table behind every environment. Raises. */
void sandbox_push_globals(lua_State *L);
/* pcall of the rule VM: a kill goes through it. In sandbox_state.c. */
int sandbox_pcall(lua_State *L);

/* sandbox_table.c: functions of the table library, and next and pairs in sorted order. */
int sandbox_insert(lua_State *L);
int sandbox_remove(lua_State *L);
int sandbox_concat(lua_State *L);
int sandbox_unpack(lua_State *L);
/* sandbox_order.c */
int sandbox_sort(lua_State *L);
int sandbox_next(lua_State *L);
int sandbox_pairs(lua_State *L);
/* Check that argument 1 is a table of the rule's own within the limit of keys; returns its length. It is then
 * one to be read and written raw. */
enum sandbox_access { SANDBOX_READS, SANDBOX_WRITES };
lua_Integer sandbox_check_list(lua_State *L, enum sandbox_access access);

/* sandbox.c: run one function; data of input and result. err as sandbox_call. */
int sandbox_run(struct sandbox *s, struct rule *rule, const struct rule_function *function,
                const struct shape_data *input, struct shape_data *result, struct err *err) MUSTCHECK;

/* sandbox_inspect.c: read shapes and functions of every rule file. */
int sandbox_inspect(struct sandbox *s, struct err *err) MUSTCHECK;
const struct rule_function *sandbox_find_function(const struct rule *rule, const char *name);
/* The line of the n-th occurrence (from 1) of the word followed by '=' between two lines of a source, 0 if
 * there are not exactly total of them (total 0: any number). */
int sandbox_find_line(const struct bundle_file *file, const char *word, int first_line, size_t n,
                      size_t total);

#endif
