/* One SQL statement on its way: text, parameters, where the result goes. The unit both lanes carry.
 *
 * Ownership: pg_op_new gives the caller one reference. While an op is in flight the lane holds another, so
 * the caller may pg_op_free at any time: the op is then orphaned, its result is read and thrown away, done is
 * not called. Loop thread only (one worker). Never raises a Lua error.
 */
#ifndef PG_OP_H
#define PG_OP_H

#include "base/err.h"
#include "base/list.h"
#include "pg/value.h"

/* A statement's text with what is derived from it once. Immutable; must outlive the ops that name it
 * (pg_op_new copies it). */
struct pg_statement {
    const char *text; /* NUL-terminated, $1 … $n */
    char name[33];    /* "s" + 128 bit hash of the text in hex, cut to fit: the server-side name */
    bool is_read;     /* begins with SELECT/VALUES/TABLE/WITH and holds no word that writes, locks or calls
                         (nextval, pg_…(, …): may share a Sync with other reads and may be repeated by itself. A
                         function of your own that writes is not seen: set is_write for such a statement */
    bool only_locks;  /* would be is_read but for FOR UPDATE, FOR SHARE and the like */
};
/* Fill s from text (borrowed). */
void pg_statement_init(struct pg_statement *s, const char *text);

/* Parameters are sent as text with types inferred by the server (write $1::uuid where it cannot know). */
struct pg_params {
    int count, room;
    const char **values; /* each in text and NUL-terminated, or NULL for SQL NULL */
    char *text;
    size_t len, cap; /* of text */
};
/* Make room for so many more values. */
void pg_params_reserve(struct pg_params *p, int count);
void pg_params_append(struct pg_params *p, const char *value_or_null, size_t len); /* copies it */
void pg_params_clear(struct pg_params *p);
#define PG_PARAMS_MAX 1000

struct pg_op;
struct pg_tx;
/* Called once on the loop thread, never from inside a submit call. Read op->result or op->err. */
typedef void (*pg_done_fn)(struct pg_op *op, void *data);

struct pg_op {
    /* set by the caller before submitting */
    struct pg_params params;
    pg_done_fn done;
    void *data;
    uint64_t deadline_ns; /* mono_ns() after which it is given up: ERR_TIMEOUT; 0: the pool's statement_ms */
    bool is_write; /* own Sync; repeated only where PostgreSQL has said that it did not happen; preset from
                      the statement's is_read */
    /* The form of its statement that asks for many at once (pg/gather.h), if it may be asked with others;
     * else NULL. Borrowed for as long as the caller keeps its reference. */
    const struct pg_statement *together;
    /* read by the caller in done */
    bool ok;
    struct pg_result *result; /* owned by the op; NULL unless ok */
    bool is_shared;           /* of result only this row is the op's (-1: none) */
    int row;
    int first_column; /* those before it are nobody's */
    struct err err;   /* why not ok: ERR_DB (sqlstate says what), ERR_TIMEOUT, ERR_UNAVAILABLE, ERR_UNKNOWN (a
                         write whose answer was lost), ERR_BUSY */
    /* private to pg/ */
    struct pg_statement statement; /* text is a private copy */
    struct list link;
    int refs;
    int attempts;          /* how often it was taken back to be sent again */
    uint64_t expires_ns;   /* deadline_ns, or statement_ms after it was sent */
    uint64_t wait_ns;      /* end of its wait for a connection */
    struct pg_tx *owner;   /* the transaction it belongs to, or NULL */
    struct gather *gather; /* the ops for which it asks; NULL: for itself */
    struct pg_op *carrier; /* is_shared: that which asked for it, and owns result; it has a reference */
    bool is_queued;        /* a lane holds it */
    bool is_abandoned;     /* the caller's reference is gone: done is not called */
    bool is_alone;         /* a read that is to have its own Sync */
    bool was_lost;         /* a connection was lost with it once already */
    bool is_unnamed;       /* not to be prepared: its prepared form was stale */
    bool is_refused;       /* its PREPARE failed; err says why */
};

struct pg_op *pg_op_new(const struct pg_statement *statement);
void pg_op_free(struct pg_op *op); /* drop the caller's reference; see above. NULL is allowed */

#endif
