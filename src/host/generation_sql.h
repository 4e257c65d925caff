/* The database's part of building a generation: is every statement sound, are the migrations applied, is the
 * rule version stored? Blocking, with a deadline; any thread but a worker's or the main one. Never raises a
 * Lua error. */
#ifndef HOST_GENERATION_SQL_H
#define HOST_GENERATION_SQL_H

#include "host/generation.h"
#include "pg/session.h"

/* PREPARE every statement and compare the forms of db.sql_one; fault gets "lua/store/x.lua:12: reason" for
 * each broken one. Returns how many are broken, -1 and err if the database went away. */
int generation_check_sql(struct pg_session *s, const struct bind_context *context, uint64_t deadline_ns,
                         generation_fault_fn fault, void *data, struct err *err) MUSTCHECK;
/* Insert the bundle's rule version with its sources unless it is known. */
int generation_store_rules(struct pg_session *s, const struct bundle *bundle, struct err *err) MUSTCHECK;
/* Migration files of root that are not applied in this database; -1 and err. */
int generation_pending_migrations(struct pg_session *s, const char *root, struct err *err) MUSTCHECK;

#endif
