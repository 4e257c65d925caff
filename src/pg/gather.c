/* Gathers reads of one row: the text that asks for many, who asks with whom, and whose which row is. */
#include "pg/gather.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pg/format.h"
#include "pg/lanes.h"
#include "pg/sqltext.h"

#define PARAMS_MAX 8
#define ASKED "asked" /* the rows of parameters in a form */
/* In one statement. They share the time that a statement may take, and the first waits for the last; more
 * save little: 16 cost PostgreSQL half as much each as one alone. */
#define ASKERS_MAX 16
#define OID_INT8 20
#define ROW_NONE (-1)
#define ROW_UNCLEAR (-2)

/* ---- text ---- */

struct param_types {
    int count;
    struct sql_token of[PARAMS_MAX]; /* len 0: not said yet */
};

/* The number of the parameter that begins at token, 0 if none does; *end is what follows it. */
static int param_number(const struct sql_token *token, const char **end)
{
    if (token->kind != SQL_OTHER || *token->start != '$')
        return 0;
    int number = 0;
    const char *p = token->start + 1;
    for (; *p >= '0' && *p <= '9' && number <= PARAMS_MAX; p++)
        number = number * 10 + (*p - '0');
    *end = p;
    return number;
}

static int lacks_type(int number, struct err *err)
{
    return err_set(err, ERR_INVALID, "write the type of $%d where it stands first, as in $%d::uuid", number,
                   number);
}

/* True if what stands at p makes more of the word before it: an array, a name with its schema, a length,
 * "time zone". */
static bool type_goes_on(const char *p)
{
    static const char *const words[] = {"with", "without", "precision", "varying"};
    if (*p == '[' || *p == '.')
        return true;
    struct sql_token token = sql_next(p);
    if (token.kind == SQL_SPACE)
        token = sql_next(token.start + token.len);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (sql_is_word(&token, words[i]))
            return true;
    return token.kind == SQL_OTHER && *token.start == '(';
}

/* A cast to an array of these cuts every element to one character, where the text itself may want more. */
static bool type_is_cut(const struct sql_token *type)
{
    return sql_is_word(type, "char") || sql_is_word(type, "character") || sql_is_word(type, "nchar") ||
           sql_is_word(type, "bit");
}

static bool is_same_word(const struct sql_token *a, const struct sql_token *b)
{
    return a->len == b->len && strncasecmp(a->start, b->start, a->len) == 0;
}

/* PostgreSQL takes the type of a parameter from where it stands first; what stands later converts it. */
static int note_type(struct param_types *types, int number, const char *after, struct err *err)
{
    if (number > PARAMS_MAX)
        return err_set(err, ERR_INVALID, "at most %d parameters can be gathered", PARAMS_MAX);
    types->count = number > types->count ? number : types->count;
    struct sql_token *first = &types->of[number - 1];
    if (strncmp(after, "::", 2) != 0)
        return first->len > 0 ? 0 : lacks_type(number, err);
    struct sql_token type = sql_next(after + 2);
    if (type.kind != SQL_WORD || type_goes_on(type.start + type.len))
        return err_set(err, ERR_INVALID, "the type of $%d is to be one word", number);
    if (type_is_cut(&type))
        return err_set(err, ERR_INVALID, "a %.*s is cut to one; write $%d::text", (int)type.len, type.start,
                       number);
    if (first->len == 0)
        *first = type;
    if (!is_same_word(first, &type))
        return err_set(err, ERR_INVALID, "$%d is a %.*s where it stands first, and a %.*s later", number,
                       (int)first->len, first->start, (int)type.len, type.start);
    return 0;
}

/* What the form calls its own rows would be hidden by what text calls so. */
static bool is_own_name(const struct sql_token *token)
{
    static const char quoted[] = "\"" ASKED "\"";
    return sql_is_word(token, ASKED) || (token->kind == SQL_QUOTED && token->len == sizeof(quoted) - 1 &&
                                         memcmp(token->start, quoted, token->len) == 0);
}

/* Append text with asked.p1 for $1 and so on. */
static int append_body(const char *text, struct buf *out, struct param_types *types, struct err *err)
{
    const char *end;
    for (struct sql_token token = sql_next(text); token.kind != SQL_END; token = sql_next(end)) {
        end = token.start + token.len;
        int number = param_number(&token, &end);
        if (is_own_name(&token))
            return err_set(err, ERR_INVALID, "call nothing " ASKED ": the form for many does");
        if (number == 0) {
            buf_append(out, token.start, token.len);
            end = token.start + token.len;
            continue;
        }
        if (note_type(types, number, end, err) != 0)
            return -1;
        buf_appendf(out, ASKED ".p%d", number);
    }
    return 0;
}

/* Each array is a subquery, so that the planner cannot count it: it would plan anew for every number of
 * askers, which costs more than it all. The offset keeps it from mixing text with what is around it: for each
 * asker text runs by the plan it has alone. There is no line break before text: places in it keep their line.
 */
static void append_form(const struct param_types *types, const struct buf *body, struct buf *out)
{
    buf_append_str(out, "select " ASKED ".n, found.* from unnest(");
    for (int i = 0; i < types->count; i++)
        buf_appendf(out, "%s(select $%d::%.*s[])", i > 0 ? ", " : "", i + 1, (int)types->of[i].len,
                    types->of[i].start);
    buf_append_str(out, ") with ordinality as " ASKED " (");
    for (int i = 0; i < types->count; i++)
        buf_appendf(out, "p%d, ", i + 1);
    buf_append_str(out, "n), lateral (");
    buf_append(out, body->data, body->len);
    buf_append_str(out, "\noffset 0) as found");
}

int pg_gather_text(const char *text, struct buf *out, struct err *err)
{
    struct param_types types = {0};
    struct buf body = BUF_INIT;
    struct pg_statement statement;
    pg_statement_init(&statement, text);
    int rc = statement.is_read ? append_body(text, &body, &types, err)
                               : err_set(err, ERR_INVALID, "only what reads can be gathered");
    if (rc == 0 && types.count == 0)
        rc = err_set(err, ERR_INVALID, "without parameters there is nothing to gather");
    for (int i = 0; rc == 0 && i < types.count; i++)
        if (types.of[i].len == 0)
            rc = lacks_type(i + 1, err);
    if (rc == 0)
        append_form(&types, &body, out);
    buf_release(&body);
    return rc;
}

/* ---- who asks with whom ---- */

struct gather {
    int count;
    struct pg_op *askers[ASKERS_MAX]; /* each with the lane's reference; NULL: answered or taken out */
};

static bool may_gather(const struct pg_op *op)
{
    return op->together != NULL && !op->is_alone && !op->is_write;
}

static void carry(struct pg_op *carrier, struct pg_op *op)
{
    list_remove(&op->link);
    carrier->gather->askers[carrier->gather->count++] = op;
}

/* A carrier takes the place of op in its list. */
static struct pg_op *carrier_for(struct pg_op *op)
{
    struct pg_op *carrier = pg_op_new(op->together);
    carrier->gather = x_calloc(1, sizeof(*carrier->gather));
    carrier->together = op->together;
    list_append(&op->link, &carrier->link);
    carry(carrier, op);
    return carrier;
}

static bool fits(const struct pg_op *joinable, const struct pg_op *op)
{
    const struct pg_op *first = joinable->gather != NULL ? joinable->gather->askers[0] : joinable;
    return joinable->together == op->together && first->params.count == op->params.count;
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
        if ((*joinable)->gather->count == ASKERS_MAX)
            *joinable = pool->joinable[--pool->joinable_count];
        return true;
    }
    return false;
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

struct pg_op *gather_take(struct pg_op *carrier)
{
    struct gather *gather = carrier->gather;
    for (int i = 0; i < gather->count; i++) {
        struct pg_op *op = gather->askers[i];
        gather->askers[i] = NULL;
        if (op != NULL)
            return op;
    }
    return NULL;
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

/* Which row is whose. False if a row does not say it. */
static bool find_rows(const PGresult *result, int count, int *row_of)
{
    int rows = PQntuples(result);
    for (int i = 0; i < count; i++)
        row_of[i] = ROW_NONE;
    if (PQnfields(result) < 1 || PQftype(result, 0) != OID_INT8 || PQfformat(result, 0) != 1)
        return false;
    for (int row = 0; row < rows; row++) {
        if (PQgetlength(result, row, 0) != 8)
            return false;
        uint64_t number = pg_read_u64((const unsigned char *)PQgetvalue(result, row, 0));
        if (number < 1 || number > (uint64_t)count)
            return false;
        row_of[number - 1] = row_of[number - 1] == ROW_NONE ? row : ROW_UNCLEAR;
    }
    return true;
}

/* Who has more than one row is left to ask by itself, and told then as anybody is. */
void gather_answer(struct pg_pool *pool, struct pg_op *carrier, PGresult *result)
{
    struct gather *gather = carrier->gather;
    int row_of[ASKERS_MAX];
    carrier->result = (struct pg_result *)(void *)result;
    op_forget_input(carrier);
    if (!find_rows(result, gather->count, row_of))
        return;
    for (int i = 0; i < gather->count; i++) {
        struct pg_op *op = gather->askers[i];
        if (op == NULL || row_of[i] == ROW_UNCLEAR)
            continue;
        gather->askers[i] = NULL;
        carrier->refs++;
        op->carrier = carrier;
        op->is_shared = true;
        op->row = row_of[i];
        op_succeed(pool, op, result);
    }
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
