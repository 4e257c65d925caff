/* Gathers statements: who asks with whom, and whose which row is. */
#include "pg/gather.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "pg/format.h"
#include "pg/lanes.h"
#include "pg/oid.h"

/* In one statement outside of transactions. They share the time that a statement may take, and the first
 * waits for the last; more save little: 16 cost PostgreSQL half as much each as one alone. */
#define READERS_MAX 16
/* In one statement of transactions that share one of PostgreSQL, where all wait for all in any case. */
#define ASKERS_MAX 32
#define ROW_NONE (-1)
#define ROW_UNCLEAR (-2)

/* ---- what a form returns ---- */

/* Before it stands the number of the asker, if the form has one. */
static int first_own_column(bool reads)
{
    return reads ? 1 : 0;
}

int pg_gather_check(const struct pg_statement *alone, const struct pg_result *alone_columns,
                    const struct pg_result *columns, struct err *err)
{
    const PGresult *one = (const PGresult *)(const void *)alone_columns;
    const PGresult *many = (const PGresult *)(const void *)columns;
    int count = PQnfields(one), first = first_own_column(pg_gather_reads(alone));
    if (first == 0 && (count == 0 || PQftype(one, 0) != OID_UUID))
        return err_set(err, ERR_INVALID, "the first column is no uuid, so not $1");
    if (PQnfields(many) != first + count)
        return err_set(err, ERR_INVALID, "there are other columns: name those that are meant");
    for (int i = 0; i < count; i++) {
        const char *name = PQfname(one, i), *other = PQfname(many, first + i);
        if (strcmp(name, other) != 0)
            return err_set(err, ERR_INVALID, "column \"%s\" is \"%s\": name it", name, other);
        if (PQftype(one, i) != PQftype(many, first + i))
            return err_set(err, ERR_INVALID, "column \"%s\" is of another type: cast it", name);
    }
    return 0;
}

/* ---- who asks with whom ---- */

/* The first parameter, by which what changes rows tells them apart: a uuid, however it is written. */
struct key {
    bool is_uuid;
    unsigned char bytes[16];
};

struct gather {
    int count;
    bool reads;
    struct pg_op *askers[ASKERS_MAX]; /* each with the lane's reference; NULL: answered or taken out */
    struct key keys[ASKERS_MAX];      /* of them all, unless it reads */
};

static struct key key_of(const struct pg_op *op)
{
    struct key key = {0};
    const char *text = op->params.values[0];
    size_t len = 0;
    key.is_uuid = text != NULL &&
                  sodium_hex2bin(key.bytes, sizeof(key.bytes), text, strlen(text), "-{}", &len, NULL) == 0 &&
                  len == sizeof(key.bytes);
    return key;
}

static bool is_key(const struct key *key, const unsigned char *bytes)
{
    return key->is_uuid && memcmp(key->bytes, bytes, sizeof(key->bytes)) == 0;
}

static bool may_gather(const struct pg_op *op)
{
    return op->together != NULL && !op->is_alone && !op->is_write;
}

static void carry(struct pg_op *carrier, struct pg_op *op)
{
    struct gather *gather = carrier->gather;
    list_remove(&op->link);
    if (!gather->reads)
        gather->keys[gather->count] = key_of(op);
    gather->askers[gather->count++] = op;
}

/* A carrier takes the place of op in its list, if it is in one. */
static struct pg_op *carrier_for(struct pg_op *op)
{
    struct pg_op *carrier = pg_op_new(op->together);
    carrier->gather = x_calloc(1, sizeof(*carrier->gather));
    carrier->gather->reads = pg_gather_reads(&op->statement);
    carrier->together = op->together;
    if (list_is_linked(&op->link))
        list_append(&op->link, &carrier->link);
    carry(carrier, op);
    return carrier;
}

/* Who has forgotten its parameters is told so alone. */
static bool fits(const struct pg_op *joinable, const struct pg_op *op)
{
    const struct pg_op *first = joinable->gather != NULL ? joinable->gather->askers[0] : joinable;
    return joinable->together == op->together && first->params.count == op->params.count &&
           op->params.count > 0;
}

bool gather_join(struct pg_pool *pool, struct pg_op *op)
{
    if (!may_gather(op))
        return false;
    for (unsigned i = 0; i < pool->joinable_count; i++) {
        struct pg_op **joinable = &pool->joinable[i];
        if (!fits(*joinable, op))
            continue;
        if ((*joinable)->gather == NULL)
            *joinable = carrier_for(*joinable);
        carry(*joinable, op);
        if ((*joinable)->gather->count == READERS_MAX)
            *joinable = pool->joinable[--pool->joinable_count];
        return true;
    }
    return false;
}

bool gather_may_add(const struct pg_op *first, const struct pg_op *op)
{
    const struct gather *gather = first->gather;
    if (first->together == NULL || !fits(first, op))
        return false;
    if (pg_gather_reads(&op->statement))
        return gather == NULL || gather->count < ASKERS_MAX;
    struct key key = key_of(op), other = gather == NULL ? key_of(first) : (struct key){0};
    if (!key.is_uuid || is_key(&other, key.bytes))
        return false;
    for (int i = 0; gather != NULL && i < gather->count; i++) {
        if (is_key(&gather->keys[i], key.bytes))
            return false;
    }
    return gather == NULL || gather->count < ASKERS_MAX;
}

struct pg_op *gather_add(struct pg_op *first, struct pg_op *op)
{
    struct pg_op *carrier = first->gather != NULL ? first : carrier_for(first);
    carry(carrier, op);
    return carrier;
}

void gather_offer(struct pg_pool *pool, struct pg_op *op)
{
    if (may_gather(op) && pool->joinable_count < JOINABLE_MAX)
        pool->joinable[pool->joinable_count++] = op;
}

void gather_close(struct pg_pool *pool)
{
    pool->joinable_count = 0;
}

/* ---- sending ---- */

static void fill_param(const struct gather *gather, int index, struct buf *out, struct pg_params *params)
{
    buf_clear(out);
    pg_array_literal_begin(out);
    for (int i = 0; i < gather->count; i++) {
        const char *value = gather->askers[i]->params.values[index];
        pg_array_literal_item(out, value, value != NULL ? strlen(value) : 0);
    }
    pg_array_literal_end(out);
    pg_params_append(params, out->data, out->len);
}

void gather_fill(struct pg_pool *pool, struct pg_op *carrier, uint64_t default_ns)
{
    struct buf literal = BUF_INIT;
    struct gather *gather = carrier->gather;
    int params = gather->askers[0]->params.count;
    pg_params_reserve(&carrier->params, params);
    for (int i = 0; i < params; i++)
        fill_param(gather, i, &literal, &carrier->params);
    buf_release(&literal);
    for (int i = 0; i < gather->count; i++) {
        struct pg_op *op = gather->askers[i];
        if (op->expires_ns == 0)
            op->expires_ns = op->deadline_ns != 0 ? op->deadline_ns : default_ns;
        pool_wake_at(pool, op->expires_ns);
        if (op->expires_ns > carrier->expires_ns)
            carrier->expires_ns = op->expires_ns;
    }
}

/* ---- answers ---- */

/* Take out one that is not answered, first the first; of tx only if it is not NULL. */
static struct pg_op *take(struct gather *gather, const struct pg_tx *tx)
{
    for (int i = 0; i < gather->count; i++) {
        struct pg_op *op = gather->askers[i];
        if (op == NULL || (tx != NULL && op->owner != tx))
            continue;
        gather->askers[i] = NULL;
        return op;
    }
    return NULL;
}

struct pg_op *gather_take(struct pg_op *carrier)
{
    return take(carrier->gather, NULL);
}

struct pg_op *item_take(struct conn_item *item)
{
    struct pg_op *op = item->op;
    if (op != NULL && op->gather != NULL) {
        struct pg_op *asker = gather_take(op);
        if (asker != NULL)
            return asker;
        pg_op_unref(op);
        op = NULL;
    }
    item->op = NULL;
    return op;
}

struct pg_op *item_take_of(struct conn_item *item, const struct pg_tx *tx)
{
    struct pg_op *op = item->op;
    if (op == NULL)
        return NULL;
    if (op->gather != NULL)
        return take(op->gather, tx);
    if (op->owner != tx)
        return NULL;
    item->op = NULL;
    return op;
}

uint64_t gather_expire(struct pg_pool *pool, struct pg_op *carrier, uint64_t now)
{
    uint64_t next = TIME_NEVER;
    struct gather *gather = carrier->gather;
    for (int i = 0; i < gather->count; i++) {
        struct pg_op *op = gather->askers[i];
        if (op != NULL && now >= op->expires_ns) {
            gather->askers[i] = NULL;
            op_timed_out(pool, op);
        } else if (op != NULL && op->expires_ns < next) {
            next = op->expires_ns;
        }
    }
    return next;
}

/* A read says by number whose a row is. */
static int numbered(const struct gather *gather, const unsigned char *bytes, size_t len)
{
    uint64_t number = len == 8 ? pg_read_u64(bytes) : 0;
    return number >= 1 && number <= (uint64_t)gather->count ? (int)number - 1 : -1;
}

/* What changes rows returns its first parameter. They come in the order in which they were asked for, mostly.
 */
static int named(const struct gather *gather, const unsigned char *bytes, size_t len, int guess)
{
    for (int i = 0; len == sizeof(gather->keys->bytes) && i < gather->count; i++) {
        int asker = (guess + i) % gather->count;
        if (is_key(&gather->keys[asker], bytes))
            return asker;
    }
    return -1;
}

/* Which row is whose. False if a row does not say it. */
static bool find_rows(const PGresult *result, const struct gather *gather, int *row_of)
{
    int rows = PQntuples(result);
    Oid type = gather->reads ? OID_INT8 : OID_UUID;
    for (int i = 0; i < gather->count; i++)
        row_of[i] = ROW_NONE;
    if (PQnfields(result) < 1 || PQftype(result, 0) != type || PQfformat(result, 0) != 1)
        return false;
    for (int row = 0; row < rows; row++) {
        const unsigned char *bytes = (const unsigned char *)PQgetvalue(result, row, 0);
        size_t len = (size_t)PQgetlength(result, row, 0);
        int asker = gather->reads ? numbered(gather, bytes, len) : named(gather, bytes, len, row);
        if (asker < 0)
            return false;
        row_of[asker] = row_of[asker] == ROW_NONE ? row : ROW_UNCLEAR;
    }
    return true;
}

/* Who has more than one row is left to ask by itself, and told then as anybody is. */
bool gather_answer(struct pg_pool *pool, struct pg_op *carrier, PGresult *result)
{
    struct gather *gather = carrier->gather;
    int row_of[ASKERS_MAX];
    bool is_clear = find_rows(result, gather, row_of);
    carrier->result = (struct pg_result *)(void *)result;
    op_forget_input(carrier);
    if (!is_clear)
        return false;
    for (int i = 0; i < gather->count; i++) {
        struct pg_op *op = gather->askers[i];
        if (op == NULL)
            continue;
        if (row_of[i] == ROW_UNCLEAR) {
            is_clear = false;
            continue;
        }
        gather->askers[i] = NULL;
        carrier->refs++;
        op->carrier = carrier;
        op->is_shared = true;
        op->row = row_of[i];
        op->first_column = first_own_column(gather->reads);
        op_succeed(pool, op, result);
    }
    return is_clear;
}

void gather_dissolve(struct list *ops)
{
    list_for_each (node, safe, ops) {
        struct pg_op *carrier = CONTAINER_OF(node, struct pg_op, link), *op;
        if (carrier->gather == NULL)
            continue;
        while ((op = gather_take(carrier)) != NULL)
            list_append(&carrier->link, &op->link);
        list_remove(&carrier->link);
        pg_op_unref(carrier);
    }
}
