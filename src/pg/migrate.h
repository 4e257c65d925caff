/* Forward-only migrations: DIR/NNNN_name.sql, one transaction each, in order, checksummed, under a lock.
 *
 * The table schema_migrations (version int, name, checksum, applied_at) records what was applied. The
 * checksum is SHA-256 of the text without comments and with white space folded (outside of quotes and
 * dollar-quotes), so a changed comment is no changed migration. Two nodes starting together apply each once:
 * a transaction-level advisory lock is taken first in every migration's transaction, and the version looked
 * up again under it. Blocking; for commands and script/server. Never raises a Lua error.
 */
#ifndef PG_MIGRATE_H
#define PG_MIGRATE_H

#include "pg/session.h"

struct migration {
    int version;
    char *name, *path, *sql;
    char checksum[65];
    bool applied;
    char *applied_at; /* NULL unless applied */
    bool changed;     /* applied with another checksum */
};
struct migrations {
    struct migration *items; /* sorted by version; versions without gaps from 1 */
    size_t count;
    int unknown; /* rows in schema_migrations without a file (a newer program ran here) */
};

/* Read the files of dir; -1 on unreadable, duplicate or missing versions. */
int migrations_read(const char *dir, struct migrations *m, struct err *err) MUSTCHECK;
void migrations_release(struct migrations *m);
/* Fill applied, changed and unknown from the database (a database without the table has none applied). */
int migrations_status(struct migrations *m, struct pg_session *s, struct err *err) MUSTCHECK;
/* Apply what is missing; report(data, migration) before each. serving_role replaces the text :serving_role in
 * the SQL, quoted as an identifier; without one (NULL) CURRENT_USER does. It may also read schema_migrations.
 * Refuses when an applied one has changed. err->text names file and line. */
int migrations_apply(struct migrations *m, struct pg_session *s, const char *serving_role,
                     void (*report)(void *data, const struct migration *m), void *data,
                     struct err *err) MUSTCHECK;

#endif
