/* Checks a generation against the database and stores its rule version. */
#include "host/generation_sql.h"

#include <string.h>
#include <unistd.h>

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

int generation_check_sql(struct pg_session *s, const struct bind_context *context, uint64_t deadline_ns,
                         generation_fault_fn fault, void *data, struct err *err)
{
    int broken = 0;
    for (size_t i = 0; i < context->statement_count; i++) {
        const struct bind_statement *statement = context->statements[i];
        struct err why;
        if (mono_ns() > deadline_ns)
            return err_set(err, ERR_TIMEOUT, "checking the SQL takes longer than reload.deadline_ms");
        if (pg_session_prepare(s, statement->text, &why) == 0)
            continue;
        if (why.code != ERR_DB) {
            *err = why;
            return -1;
        }
        char text[1024];
        snprintf(text, sizeof(text), "%s:%d: %s", statement->source, line_at(statement, why.position),
                 why.text);
        fault(data, text);
        broken++;
    }
    return broken;
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
