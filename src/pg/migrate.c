/* Reads migration files, compares them with what a database records, and applies what is missing. */
#include "pg/migrate.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg/sqltext.h"

#define MIGRATION_BYTES_MAX (4 * 1024 * 1024)
#define MIGRATION_DIGITS 4
#define LOCK_WAIT "5s"
#define ROLE_MARK ":serving_role"

/* ---- files ---- */

/* The checksum is of the text as PostgreSQL understands it: without comments, white space as one blank. */
static void checksum_of(const char *sql, char checksum[65])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    struct buf folded = BUF_INIT;
    for (struct sql_token t = sql_next(sql); t.kind != SQL_END; t = sql_next(t.start + t.len)) {
        if (t.kind != SQL_SPACE)
            buf_append(&folded, t.start, t.len);
        else if (folded.len > 0)
            buf_append_char(&folded, ' ');
    }
    if (folded.len > 0 && folded.data[folded.len - 1] == ' ')
        folded.len--;
    crypto_hash_sha256(hash, (const unsigned char *)folded.data, folded.len);
    sodium_bin2hex(checksum, 65, hash, sizeof(hash));
    buf_release(&folded);
}

static char *file_read(const char *path, struct err *err)
{
    struct buf content = BUF_INIT;
    char block[16384];
    size_t len;
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
        return NULL;
    }
    while ((len = fread(block, 1, sizeof(block), file)) > 0 && content.len <= MIGRATION_BYTES_MAX)
        buf_append(&content, block, len);
    bool is_read = !ferror(file);
    fclose(file);
    if (!is_read)
        err_set(err, ERR_IO, "%s: cannot be read", path);
    else if (content.len > MIGRATION_BYTES_MAX)
        err_set(err, ERR_LIMIT, "%s: larger than %d bytes", path, MIGRATION_BYTES_MAX);
    else if (content.len > 0 && memchr(content.data, '\0', content.len) != NULL)
        err_set(err, ERR_INVALID, "%s: holds a NUL byte", path);
    else
        return buf_detach(&content);
    buf_release(&content);
    return NULL;
}

/* NNNN_name.sql → its version, or -1. */
static int version_of(const char *file)
{
    int version = 0;
    for (int i = 0; i < MIGRATION_DIGITS; i++) {
        if (file[i] < '0' || file[i] > '9')
            return -1;
        version = version * 10 + (file[i] - '0');
    }
    return file[MIGRATION_DIGITS] == '_' ? version : -1;
}

static bool is_sql_file(const char *file)
{
    size_t len = strlen(file);
    return len > 4 && strcmp(file + len - 4, ".sql") == 0 && file[0] != '.';
}

static int migration_add(struct migrations *m, const char *dir, const char *file, struct err *err)
{
    int version = version_of(file);
    if (version < 1)
        return err_set(err, ERR_INVALID, "%s/%s: a migration is called NNNN_name.sql", dir, file);
    struct buf path = BUF_INIT;
    buf_appendf(&path, "%s/%s", dir, file);
    char *sql = file_read(path.data, err);
    if (sql == NULL) {
        buf_release(&path);
        return -1;
    }
    m->items = x_realloc(m->items, (m->count + 1) * sizeof(*m->items));
    struct migration *item = &m->items[m->count++];
    *item = (struct migration){.version = version, .sql = sql, .path = buf_detach(&path)};
    item->name = x_strndup(file + MIGRATION_DIGITS + 1, strlen(file) - MIGRATION_DIGITS - 1 - strlen(".sql"));
    checksum_of(sql, item->checksum);
    return 0;
}

static int by_version(const void *a, const void *b)
{
    const struct migration *left = a, *right = b;
    return left->version - right->version;
}

static int versions_check(const struct migrations *m, struct err *err)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct migration *item = &m->items[i];
        if (i > 0 && item->version == m->items[i - 1].version)
            return err_set(err, ERR_INVALID, "%s: version %d is there twice", item->path, item->version);
        if (item->version != (int)i + 1)
            return err_set(err, ERR_INVALID, "%s: version %zu is missing before it", item->path, i + 1);
    }
    return 0;
}

int migrations_read(const char *dir, struct migrations *m, struct err *err)
{
    *m = (struct migrations){0};
    DIR *open_dir = opendir(dir);
    if (open_dir == NULL)
        return err_set(err, ERR_IO, "%s: %s", dir, strerror(errno));
    int outcome = 0;
    struct dirent *entry;
    while (outcome == 0 && (entry = readdir(open_dir)) != NULL) {
        if (is_sql_file(entry->d_name))
            outcome = migration_add(m, dir, entry->d_name, err);
    }
    closedir(open_dir);
    if (m->count > 0)
        qsort(m->items, m->count, sizeof(*m->items), by_version);
    if (outcome == 0)
        outcome = versions_check(m, err);
    if (outcome != 0)
        migrations_release(m);
    return outcome;
}

void migrations_release(struct migrations *m)
{
    for (size_t i = 0; i < m->count; i++) {
        free(m->items[i].name);
        free(m->items[i].path);
        free(m->items[i].sql);
        free(m->items[i].applied_at);
    }
    free(m->items);
    *m = (struct migrations){0};
}

/* ---- what the database records ---- */

static int row_read(const struct pg_result *result, int row, struct migrations *m, struct err *err)
{
    struct buf scratch = BUF_INIT;
    struct pg_cell version, checksum, applied_at;
    int outcome = -1;
    if (pg_result_cell(result, row, 0, &scratch, &version, err) == 0 &&
        pg_result_cell(result, row, 1, &scratch, &checksum, err) == 0 &&
        pg_result_cell(result, row, 2, &scratch, &applied_at, err) == 0)
        outcome = 0;
    if (outcome == 0 && (version.integer < 1 || version.integer > (int64_t)m->count)) {
        m->unknown++;
    } else if (outcome == 0) {
        struct migration *item = &m->items[version.integer - 1];
        item->applied = true;
        item->changed = strcmp(item->checksum, checksum.text) != 0;
        item->applied_at = x_strndup(applied_at.text, applied_at.len);
    }
    buf_release(&scratch);
    return outcome;
}

static int table_exists(struct pg_session *s, bool *exists, struct err *err)
{
    struct pg_result *result = NULL;
    struct buf scratch = BUF_INIT;
    struct pg_cell cell;
    if (pg_session_query(s, "SELECT to_regclass('schema_migrations') IS NOT NULL", 0, NULL, &result, err) !=
        0)
        return -1;
    int outcome = pg_result_cell(result, 0, 0, &scratch, &cell, err);
    *exists = outcome == 0 && cell.boolean;
    buf_release(&scratch);
    pg_result_free(result);
    return outcome;
}

int migrations_status(struct migrations *m, struct pg_session *s, struct err *err)
{
    struct pg_result *result = NULL;
    bool exists = false;
    m->unknown = 0;
    for (size_t i = 0; i < m->count; i++) {
        free(m->items[i].applied_at);
        m->items[i].applied_at = NULL;
        m->items[i].applied = m->items[i].changed = false;
    }
    if (table_exists(s, &exists, err) != 0)
        return -1;
    if (!exists)
        return 0;
    if (pg_session_query(s, "SELECT version, checksum, applied_at FROM schema_migrations ORDER BY version", 0,
                         NULL, &result, err) != 0)
        return -1;
    int outcome = 0;
    for (int row = 0; outcome == 0 && row < pg_result_rows(result); row++)
        outcome = row_read(result, row, m, err);
    pg_result_free(result);
    return outcome;
}

/* ---- applying ---- */

static void append_identifier(struct buf *out, const char *name)
{
    buf_append_char(out, '"');
    for (; *name != '\0'; name++) {
        if (*name == '"')
            buf_append_char(out, '"');
        buf_append_char(out, *name);
    }
    buf_append_char(out, '"');
}

/* Without a serving role of its own the migrating one serves. */
static void append_role(struct buf *out, const char *serving_role)
{
    if (serving_role == NULL)
        buf_append_str(out, "CURRENT_USER");
    else
        append_identifier(out, serving_role);
}

static bool continues_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* sql with every :serving_role replaced, but no ::serving_role (a cast) and no longer word. */
static char *with_role(const char *sql, const char *serving_role)
{
    struct buf out = BUF_INIT;
    size_t len = strlen(ROLE_MARK);
    const char *at;
    buf_reserve(&out, strlen(sql));
    const char *rest = sql;
    for (; (at = strstr(rest, ROLE_MARK)) != NULL; rest = at + len) {
        buf_append(&out, rest, (size_t)(at - rest));
        if ((at > sql && at[-1] == ':') || continues_word(at[len]))
            buf_append_str(&out, ROLE_MARK);
        else
            append_role(&out, serving_role);
    }
    buf_append_str(&out, rest);
    return buf_detach(&out);
}

/* Name the line of the file that err->position points into. Positions count characters. */
static int err_locate(struct err *err, const struct migration *item, const char *sql)
{
    int line = 1, position = err->position;
    for (const char *p = sql; *p != '\0' && position > 1; p++) {
        if (*p == '\n')
            line++;
        if (((unsigned char)p[1] & 0xC0) != 0x80)
            position--;
    }
    if (err->position > 0)
        return err_prefix(err, "%s:%d", item->path, line);
    return err_prefix(err, "%s", item->path);
}

static int record(struct pg_session *s, const struct migration *item, struct err *err)
{
    char version[16];
    snprintf(version, sizeof(version), "%d", item->version);
    const char *const values[] = {version, item->name, item->checksum};
    return pg_session_query(
        s, "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1::int, $2, $3)", 3, values,
        NULL, err);
}

/* Inside the transaction that holds the lock: another node may have applied it meanwhile. */
static int recorded_checksum(struct pg_session *s, const struct migration *item, char **checksum,
                             struct err *err)
{
    char version[16];
    struct buf scratch = BUF_INIT;
    struct pg_result *result = NULL;
    struct pg_cell cell;
    snprintf(version, sizeof(version), "%d", item->version);
    const char *const values[] = {version};
    *checksum = NULL;
    if (pg_session_query(s, "SELECT checksum FROM schema_migrations WHERE version = $1::int", 1, values,
                         &result, err) != 0)
        return -1;
    int outcome = 0;
    if (pg_result_rows(result) > 0) {
        outcome = pg_result_cell(result, 0, 0, &scratch, &cell, err);
        if (outcome == 0)
            *checksum = x_strndup(cell.text, cell.len);
    }
    buf_release(&scratch);
    pg_result_free(result);
    return outcome;
}

static int changed_error(struct err *err, const struct migration *item)
{
    return err_set(err, ERR_INVALID, "%s: was applied with other content; add a new migration instead",
                   item->path);
}

/* The table is made under the lock too: two nodes creating it at once would collide. Tables are waited for
 * only so long: who waits for one holds up all that come after, the requests of a server that is running too.
 */
static int begin_locked(struct pg_session *s, const char *serving_role, struct err *err)
{
    struct buf sql = BUF_INIT;
    buf_append_str(&sql, "BEGIN ISOLATION LEVEL READ COMMITTED;"
                         "SELECT pg_advisory_xact_lock(hashtextextended('schema_migrations', 0));"
                         "SET LOCAL lock_timeout = '" LOCK_WAIT "';"
                         "CREATE TABLE IF NOT EXISTS schema_migrations ("
                         " version int PRIMARY KEY CHECK (version > 0), name text NOT NULL,"
                         " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());"
                         "GRANT SELECT ON schema_migrations TO ");
    append_role(&sql, serving_role);
    int outcome = pg_session_run(s, sql.data, err);
    buf_release(&sql);
    return outcome;
}

static int apply_locked(struct pg_session *s, const struct migration *item, const char *serving_role,
                        struct err *err)
{
    char *checksum = NULL;
    if (recorded_checksum(s, item, &checksum, err) != 0)
        return -1;
    if (checksum != NULL) {
        bool is_same = strcmp(checksum, item->checksum) == 0;
        free(checksum);
        return is_same ? 0 : changed_error(err, item);
    }
    char *sql = with_role(item->sql, serving_role);
    int outcome = pg_session_run(s, sql, err);
    if (outcome != 0)
        err_locate(err, item, sql);
    free(sql);
    return outcome == 0 ? record(s, item, err) : -1;
}

static int apply_one(struct pg_session *s, const struct migration *item, const char *serving_role,
                     struct err *err)
{
    struct err ignored;
    if (begin_locked(s, serving_role, err) == 0 && apply_locked(s, item, serving_role, err) == 0 &&
        pg_session_run(s, "COMMIT", err) == 0)
        return 0;
    /* Should this fail too, the connection is lost and the transaction with it: the first error is the one to
     * tell. */
    int rolled_back = pg_session_run(s, "ROLLBACK", &ignored);
    (void)rolled_back;
    return -1;
}

int migrations_apply(struct migrations *m, struct pg_session *s, const char *serving_role,
                     void (*report)(void *data, const struct migration *m), void *data, struct err *err)
{
    if (migrations_status(m, s, err) != 0)
        return -1;
    for (size_t i = 0; i < m->count; i++) {
        if (m->items[i].changed)
            return changed_error(err, &m->items[i]);
    }
    for (size_t i = 0; i < m->count; i++) {
        if (m->items[i].applied)
            continue;
        if (report != NULL)
            report(data, &m->items[i]);
        if (apply_one(s, &m->items[i], serving_role, err) != 0)
            return -1;
    }
    return migrations_status(m, s, err);
}
