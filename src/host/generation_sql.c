/* Checks a generation against the database and stores its rule version. */
#include "host/generation_sql.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pg/gather.h"
#include "pg/migrate.h"

/* The file's line on which character position (1-based) of the statement stands. */
static int line_at(const struct bind_statement *statement, int position)
{
    int line = statement->line;
    const char *p = statement->text;
    for (int at = 1; at < position && *p != '\0'; p++) {
        line += *p == '\n';
        at += ((unsigned char)*p & 0xC0) != 0x80;
    }
    return line;
}

/* A form for many has a line more than the text it was made of. */
static int line_within(const struct bind_statement *text, int line)
{
    int last = line_at(text, INT_MAX);
    return line < last ? line : last;
}

struct check {
    const struct bind_context *context;
    generation_fault_fn fault;
    void *data;
    int broken;
    const struct bind_statement *last; /* that was refused */
    struct pg_result *alone;           /* what the statement before this one returns, if this is its form */
};

/* What is asked alone, if this statement is its form for many: that comes right behind it. */
static const struct bind_statement *alone_of(const struct bind_context *context, size_t index)
{
    const struct bind_statement *before = index > 0 ? context->statements[index - 1] : NULL;
    return before != NULL && before->together == context->statements[index] ? before : NULL;
}

static void note_refused(void *data, size_t index, const struct err *why)
{
    struct check *check = data;
    const struct bind_statement *statement = check->context->statements[index];
    const struct bind_statement *alone = alone_of(check->context, index);
    int line = line_at(statement, why->position);
    char text[1024];
    bool is_told = alone != NULL && check->last == alone;
    check->last = statement;
    if (is_told)
        return;
    if (alone != NULL)
        snprintf(text, sizeof(text), "%s:%d: %s, in the form of db.sql_one that asks for many",
                 statement->source, line_within(alone, line), why->text);
    else
        snprintf(text, sizeof(text), "%s:%d: %s", statement->source, line, why->text);
    check->fault(check->data, text);
    check->broken++;
}

/* A form that is asked like the statement alone may still answer otherwise: PostgreSQL names columns after
 * what is in them, and the form has more tables. */
static void note_columns(void *data, size_t index, struct pg_result *columns)
{
    struct check *check = data;
    const struct bind_statement *alone = alone_of(check->context, index);
    struct err why;
    if (alone != NULL && check->last != alone &&
        pg_gather_check(&alone->statement, check->alone, columns, &why) != 0)
        note_refused(check, index, &why);
    pg_result_free(check->alone);
    check->alone = columns;
}

int generation_check_sql(struct pg_session *s, const struct bind_context *context, uint64_t deadline_ns,
                         generation_fault_fn fault, void *data, struct err *err)
{
    struct check check = {.context = context, .fault = fault, .data = data};
    uint64_t now = mono_ns();
    if (now >= deadline_ns)
        return err_set(err, ERR_TIMEOUT, "checking the SQL takes longer than reload.deadline_ms");
    pg_session_set_deadline(s, (uint32_t)((deadline_ns - now) / 1000000) + 1);
    const char **sql = x_calloc(context->statement_count + 1, sizeof *sql);
    for (size_t i = 0; i < context->statement_count; i++)
        sql[i] = context->statements[i]->text;
    struct pg_session_told told = {.fault = note_refused, .columns = note_columns, .data = &check};
    int rc = pg_session_check(s, sql, context->statement_count, &told, err);
    pg_result_free(check.alone);
    free(sql);
    return rc == 0 ? check.broken : -1;
}

static void write_sources(struct buf *out, const struct bundle *bundle)
{
    bool first = true;
    buf_append_char(out, '{');
    for (size_t i = 0; i < bundle->count; i++) {
        const struct bundle_file *file = &bundle->files[i];
        if (strncmp(file->path, "lua/rules/", 10) != 0)
            continue;
        if (!first)
            buf_append_char(out, ',');
        first = false;
        json_write_string(out, file->path, strlen(file->path));
        buf_append_char(out, ':');
        json_write_string(out, file->bytes, file->len);
    }
    buf_append_char(out, '}');
}

int generation_store_rules(struct pg_session *s, const struct bundle *bundle, struct err *err)
{
    struct buf sources = BUF_INIT;
    write_sources(&sources, bundle);
    const char *values[] = {bundle->rule_version, sources.data};
    int rc = pg_session_query(s,
                              "INSERT INTO rule_versions (version, sources) VALUES ($1, $2::jsonb)"
                              " ON CONFLICT (version) DO NOTHING",
                              2, values, NULL, err);
    buf_release(&sources);
    return rc == 0 ? 0 : err_prefix(err, "storing the rule version");
}

int generation_pending_migrations(struct pg_session *s, const char *root, struct err *err)
{
    struct migrations m = {0};
    struct buf dir = BUF_INIT;
    int pending = 0;
    buf_appendf(&dir, "%s/migrations", root);
    if (access(dir.data, F_OK) != 0) {
        buf_release(&dir);
        return 0;
    }
    int rc = migrations_read(dir.data, &m, err);
    if (rc == 0)
        rc = migrations_status(&m, s, err);
    for (size_t i = 0; rc == 0 && i < m.count; i++)
        pending += !m.items[i].applied;
    migrations_release(&m);
    buf_release(&dir);
    return rc == 0 ? pending : -1;
}
