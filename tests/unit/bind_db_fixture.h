/* bind_fixture.h with a pool on a real PostgreSQL (DATABASE_URL), for tests of the Lua module db. */
#ifndef BIND_DB_FIXTURE_H
#define BIND_DB_FIXTURE_H

#include "bind_fixture.h"

#include "pg/pool.h"

#define DB_FIXTURE_STATEMENT_MS 5000

/* For several requests at a time, none of which waits longer than a slow machine needs. */
static inline struct pg_settings db_fixture_settings(void)
{
    return (struct pg_settings){.url = getenv("DATABASE_URL"),
                                .prepared_statements = true,
                                .pipelined = 1,
                                .exclusive = 3,
                                .sharing = 1,
                                .share_max = 4,
                                .waiting_max = 100,
                                .in_flight_max = 16,
                                .wait_ms = 5000,
                                .statement_ms = DB_FIXTURE_STATEMENT_MS,
                                .connect_ms = 5000,
                                .idle_transaction_ms = 5000,
                                .statements_max = 8};
}

/* Open the VM of f, whose files are written, and connect. -1 if there is no database to connect to. */
static inline int db_fixture_open(struct fixture *f)
{
    const struct pg_settings settings = db_fixture_settings();
    if (settings.url == NULL || settings.url[0] == '\0') {
        fprintf(stderr, "DATABASE_URL is not set: this test needs a scratch PostgreSQL database\n");
        return -1;
    }
    fixture_open(f);
    f->context.loop = &f->loop;
    f->context.pool = pg_pool_new(&f->loop, &settings);
    return 0;
}

static inline void db_fixture_note_closed(void *data)
{
    *(bool *)data = true;
}

/* Close the VM, if it is open, and the pool; free f. */
static inline void db_fixture_free(struct fixture *f)
{
    bool is_closed = false;
    if (f->vm != NULL)
        fixture_close_vm(f);
    pg_pool_close(f->context.pool, db_fixture_note_closed, &is_closed);
    while (!is_closed)
        uv_run(&f->loop, UV_RUN_ONCE);
    pg_pool_free(f->context.pool);
    fixture_free(f);
}

#endif
