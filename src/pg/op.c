/* Statements with their derived name and kind, parameters, and the life of an op. */
#include "pg/op.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pg/lanes.h"
#include "pg/sqltext.h"

#define PARAM_BYTES_TYPICAL 24

/* Words that write, lock, or leave something behind in the session. */
static const char *const not_read_words[] = {
    "insert",  "update", "delete",     "merge",        "into",    "share",   "lock",
    "call",    "do",     "copy",       "truncate",     "create",  "drop",    "alter",
    "nextval", "setval", "set_config", "txid_current", "currval", "lastval",
};
/* Functions named so reach beyond the snapshot: pg_advisory_lock, pg_notify, lo_unlink, dblink_exec … */
static const char *const not_read_calls[] = {"pg_", "lo_", "dblink"};

static bool word_forbids_read(const struct sql_token *word)
{
    for (size_t i = 0; i < COUNT_OF(not_read_words); i++) {
        if (sql_is_word(word, not_read_words[i]))
            return true;
    }
    struct sql_token after = sql_next(word->start + word->len);
    if (after.kind == SQL_SPACE)
        after = sql_next(after.start + after.len);
    if (after.kind != SQL_OTHER || *after.start != '(')
        return false;
    for (size_t i = 0; i < COUNT_OF(not_read_calls); i++) {
        size_t len = strlen(not_read_calls[i]);
        if (word->len >= len && strncasecmp(word->start, not_read_calls[i], len) == 0)
            return true;
    }
    return false;
}

/* FOR [NO KEY] UPDATE, FOR [KEY] SHARE. */
static bool word_locks_rows(const struct sql_token *word, const struct sql_token *before)
{
    return (sql_is_word(word, "update") || sql_is_word(word, "share")) &&
           (sql_is_word(before, "for") || sql_is_word(before, "key"));
}

enum effect { READS, LOCKS, CHANGES };

static enum effect effect_of(const char *text)
{
    struct sql_token token, before = {.kind = SQL_SPACE};
    enum effect effect = READS;
    bool begun = false;
    for (token = sql_next(text); token.kind != SQL_END; token = sql_next(token.start + token.len)) {
        if (token.kind == SQL_SPACE || (!begun && token.kind == SQL_OTHER && *token.start == '('))
            continue;
        if (!begun && !sql_is_word(&token, "select") && !sql_is_word(&token, "with") &&
            !sql_is_word(&token, "values") && !sql_is_word(&token, "table"))
            return CHANGES;
        begun = true;
        if (token.kind == SQL_WORD && word_locks_rows(&token, &before))
            effect = LOCKS;
        else if (token.kind == SQL_WORD && word_forbids_read(&token))
            return CHANGES;
        before = token;
    }
    return begun ? effect : CHANGES;
}

void pg_statement_init(struct pg_statement *s, const char *text)
{
    unsigned char hash[crypto_generichash_BYTES_MIN];
    char hex[2 * sizeof(hash) + 1];
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)text, strlen(text), NULL, 0);
    sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    s->text = text;
    s->name[0] = 's';
    memcpy(s->name + 1, hex, sizeof(s->name) - 2);
    s->name[sizeof(s->name) - 1] = '\0';
    enum effect effect = effect_of(text);
    s->is_read = effect == READS;
    s->only_locks = effect == LOCKS;
}

void pg_params_reserve(struct pg_params *p, int count)
{
    if (p->room - p->count >= count)
        return;
    p->room = p->count + (count > p->count ? count : p->count);
    p->values = x_realloc(p->values, (size_t)p->room * sizeof(*p->values));
}

/* The text moves when it grows, and the values with it. */
static void grow_text(struct pg_params *p, size_t extra)
{
    size_t guess = (size_t)p->room * PARAM_BYTES_TYPICAL, least = p->len + extra;
    p->cap = least + (guess > p->cap ? guess : p->cap);
    char *text = x_malloc(p->cap);
    if (p->len > 0)
        memcpy(text, p->text, p->len);
    for (int i = 0; i < p->count; i++)
        if (p->values[i] != NULL)
            p->values[i] = text + (p->values[i] - p->text);
    free(p->text);
    p->text = text;
}

void pg_params_append(struct pg_params *p, const char *value_or_null, size_t len)
{
    pg_params_reserve(p, 1);
    if (value_or_null == NULL) {
        p->values[p->count++] = NULL;
        return;
    }
    if (p->cap - p->len <= len)
        grow_text(p, len + 1);
    char *value = p->text + p->len;
    memcpy(value, value_or_null, len);
    value[len] = '\0';
    p->len += len + 1;
    p->values[p->count++] = value;
}

void pg_params_clear(struct pg_params *p)
{
    free(p->values);
    free(p->text);
    *p = (struct pg_params){0};
}

struct pg_op *pg_op_new(const struct pg_statement *statement)
{
    struct pg_op *op = x_calloc(1, sizeof(*op));
    op->statement = *statement;
    op->statement.text = x_strdup(statement->text);
    op->is_write = !statement->is_read;
    op->refs = 1;
    list_init(&op->link);
    return op;
}

void pg_op_free(struct pg_op *op)
{
    if (op == NULL)
        return;
    op->is_abandoned = true;
    pg_op_unref(op);
}

void pg_op_unref(struct pg_op *op)
{
    assert(op->refs > 0);
    if (--op->refs > 0)
        return;
    assert(!list_is_linked(&op->link));
    pg_params_clear(&op->params);
    if (op->is_shared)
        pg_op_unref(op->carrier);
    else
        pg_result_free(op->result);
    free(op->gather);
    free((char *)op->statement.text);
    free(op);
}

void op_forget_input(struct pg_op *op)
{
    pg_params_clear(&op->params);
    free((char *)op->statement.text);
    op->statement.text = NULL;
}

bool op_is_overdue(const struct pg_op *op)
{
    return op->expires_ns != 0 && mono_ns() >= op->expires_ns;
}
