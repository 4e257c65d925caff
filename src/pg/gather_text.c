/* The form of a statement that asks for many, made from its text. */
#include <string.h>
#include <strings.h>

#include "pg/gather.h"
#include "pg/op.h"
#include "pg/sqltext.h"

#define PARAMS_MAX 32
#define ASKED "asked" /* the rows of parameters in a form */

/* ---- parameters ---- */

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
    return err_set(err, ERR_INVALID, "write the type of $%d wherever it stands, as in $%d::uuid", number,
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

/* PostgreSQL takes the type of a parameter from the place that it reads first, and converts it in the others.
 * That need not be where it stands first: FROM is read before what is selected, WHERE before what is set. */
static int note_type(struct param_types *types, int number, const char *after, struct err *err)
{
    if (number > PARAMS_MAX)
        return err_set(err, ERR_INVALID, "at most %d parameters can be gathered", PARAMS_MAX);
    types->count = number > types->count ? number : types->count;
    struct sql_token *first = &types->of[number - 1];
    if (strncmp(after, "::", 2) != 0)
        return lacks_type(number, err);
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

/* Append what stands from text up to end, with asked.p1 for $1 and so on. */
static int append_text(const char *text, const char *end, struct buf *out, struct param_types *types,
                       struct err *err)
{
    const char *next;
    for (struct sql_token token = sql_next(text); token.start < end; token = sql_next(next)) {
        next = token.start + token.len;
        int number = param_number(&token, &next);
        if (is_own_name(&token))
            return err_set(err, ERR_INVALID, "call nothing " ASKED ": the form for many does");
        if (number == 0) {
            buf_append(out, token.start, token.len);
            next = token.start + token.len;
            continue;
        }
        if (note_type(types, number, next, err) != 0)
            return -1;
        buf_appendf(out, ASKED ".p%d", number);
    }
    return 0;
}

/* ---- the text ---- */

/* A text in three parts: what comes before the rows of parameters, what is done for each of them, and what
 * follows. */
struct parts {
    const char *head, *body, *tail, *end;
};

static struct sql_token next_word(const char *text)
{
    struct sql_token token = sql_next(text);
    return token.kind == SQL_SPACE ? sql_next(token.start + token.len) : token;
}

/* Where this word stands outside of brackets, with that one (NULL: any) after it; the end if it does not. */
static const char *find_word(const char *text, const char *word, const char *after)
{
    int depth = 0;
    struct sql_token token;
    for (token = sql_next(text); token.kind != SQL_END; token = sql_next(token.start + token.len)) {
        if (token.kind == SQL_OTHER && *token.start == '(')
            depth++;
        else if (token.kind == SQL_OTHER && *token.start == ')')
            depth--;
        if (depth != 0 || !sql_is_word(&token, word))
            continue;
        struct sql_token next = next_word(token.start + token.len);
        if (after == NULL || sql_is_word(&next, after))
            break;
    }
    return token.start;
}

static int cut_insert(struct parts *parts, struct err *err)
{
    const char *conflict = find_word(parts->head, "on", "conflict");
    parts->body = find_word(parts->head, "select", NULL);
    parts->tail = find_word(parts->head, "returning", NULL);
    if (*parts->body == '\0' || *parts->tail == '\0')
        return err_set(err, ERR_INVALID, "what inserts for many is written insert … select … returning …");
    if (conflict < parts->tail)
        parts->tail = conflict;
    return 0;
}

static int cut_update(struct parts *parts, struct err *err)
{
    parts->body = parts->tail = find_word(parts->head, "where", NULL);
    if (*find_word(parts->head, "from", NULL) != '\0' || *parts->tail == '\0' ||
        *find_word(parts->tail, "returning", NULL) == '\0')
        return err_set(err, ERR_INVALID,
                       "what updates for many is written update … set … where … returning …, without from");
    return 0;
}

static int cut(const struct pg_statement *statement, struct parts *parts, struct err *err)
{
    const char *text = statement->text, *end = text + strlen(text);
    *parts = (struct parts){.head = text, .body = text, .tail = end, .end = end};
    if (pg_gather_reads(statement))
        return 0;
    struct sql_token first = next_word(text);
    if (sql_is_word(&first, "insert"))
        return cut_insert(parts, err);
    if (sql_is_word(&first, "update"))
        return cut_update(parts, err);
    return err_set(err, ERR_INVALID, "only what reads, locks, inserts or updates can be gathered");
}

static void append_arrays(const struct param_types *types, struct buf *out)
{
    for (int i = 0; i < types->count; i++)
        buf_appendf(out, "%s(select $%d::%.*s[])", i > 0 ? ", " : "", i + 1, (int)types->of[i].len,
                    types->of[i].start);
}

/* Each array is a subquery, so that the planner cannot count it: it would plan anew for every number of
 * askers, which costs more than it all. A limit that it cannot know makes it expect a single asker, where it
 * may join as it likes: with several it would rather read a whole table that is small as yet, and keep that
 * plan while the table grows. */
static void append_asked(const struct param_types *types, bool is_numbered, bool is_joined, struct buf *out)
{
    buf_append_str(out, is_joined ? "from (select * from unnest(" : "from unnest(");
    append_arrays(types, out);
    buf_append_str(out, is_joined ? ") limit (select null::bigint)" : "");
    buf_append_str(out, is_numbered ? ") with ordinality as " ASKED " (" : ") as " ASKED " (");
    for (int i = 0; i < types->count; i++)
        buf_appendf(out, "%sp%d", i > 0 ? ", " : "", i + 1);
    buf_append_str(out, is_numbered ? ", n)" : ")");
}

/* The offset keeps the planner from mixing the body with what is around it: for each asker it runs by the
 * plan it has alone. There is no line break before a part: places in it keep their line. */
static void append_form(const struct parts *parts, const struct param_types *types, const struct buf *head,
                        const struct buf *body, const struct buf *tail, struct buf *out)
{
    bool has_body = parts->body != parts->tail, has_tail = parts->tail != parts->end;
    buf_append(out, head->data, head->len);
    if (has_body)
        buf_append_str(out, has_tail ? "select found.* " : "select " ASKED ".n, found.* ");
    append_asked(types, !has_tail, !has_body, out);
    if (has_body) {
        buf_append_str(out, ", lateral (");
        buf_append(out, body->data, body->len);
        buf_append_str(out, has_tail ? " offset 0) as found " : "\noffset 0) as found");
    } else {
        buf_append_char(out, ' ');
    }
    buf_append(out, tail->data, tail->len);
}

static int check_types(const struct param_types *types, bool reads, struct err *err)
{
    if (types->count == 0)
        return err_set(err, ERR_INVALID, "without parameters there is nothing to gather");
    for (int i = 0; i < types->count; i++) {
        if (types->of[i].len == 0)
            return lacks_type(i + 1, err);
    }
    if (!reads && !sql_is_word(&types->of[0], "uuid"))
        return err_set(err, ERR_INVALID,
                       "$1 of what changes rows is a uuid, and the first column it returns");
    return 0;
}

bool pg_gather_reads(const struct pg_statement *statement)
{
    return statement->is_read || statement->only_locks;
}

int pg_gather_text(const char *text, struct buf *out, struct err *err)
{
    struct param_types types = {0};
    struct buf head = BUF_INIT, body = BUF_INIT, tail = BUF_INIT;
    struct pg_statement statement;
    struct parts parts;
    pg_statement_init(&statement, text);
    int rc = cut(&statement, &parts, err);
    if (rc == 0)
        rc = append_text(parts.head, parts.body, &head, &types, err);
    if (rc == 0)
        rc = append_text(parts.body, parts.tail, &body, &types, err);
    if (rc == 0)
        rc = append_text(parts.tail, parts.end, &tail, &types, err);
    if (rc == 0)
        rc = check_types(&types, pg_gather_reads(&statement), err);
    if (rc == 0)
        append_form(&parts, &types, &head, &body, &tail, out);
    buf_release(&head);
    buf_release(&body);
    buf_release(&tail);
    return rc;
}
