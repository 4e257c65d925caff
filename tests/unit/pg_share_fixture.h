/* Transactions that share one of PostgreSQL, for tests. Included once per test program. */
#ifndef PG_SHARE_FIXTURE_H
#define PG_SHARE_FIXTURE_H

#include "pg_proxy.h"

#define TABLE(name) "CREATE TABLE " name " (id serial, n int, xid bigint DEFAULT txid_current())"
#define PARTS_MAX 6

static TEST_UNUSED struct pg_settings sharing_settings(void)
{
    struct pg_settings settings = bench_defaults();
    settings.sharing = 1;
    settings.share_max = 4;
    return settings;
}

static TEST_UNUSED void part_open(struct bench *b, struct trans *t, const char *share)
{
    const struct pg_tx_options options = {.isolation = PG_READ_COMMITTED, .share = share};
    *t = (struct trans){0};
    t->tx = pg_tx_open(b->pool, &options, trans_ready, t);
}

/* Send one statement for each of them, all in the same turn. */
static TEST_UNUSED void parts_send(struct trans *parts, struct call *calls, int count,
                                   const char *const *texts)
{
    for (int i = 0; i < count; i++) {
        trans_queue(&parts[i], &calls[i], texts[i]);
        pg_tx_flush(parts[i].tx);
    }
}

/* Parts a, b, c … of one transaction of PostgreSQL, each with its statement answered. */
static TEST_UNUSED void parts_begin(struct bench *b, struct trans *parts, struct call *calls, int count,
                                    const char *const *texts)
{
    static const char *const keys[PARTS_MAX] = {"a", "b", "c", "d", "e", "f"};
    for (int i = 0; i < count; i++)
        part_open(b, &parts[i], keys[i]);
    parts_send(parts, calls, count, texts);
    for (int i = 0; i < count; i++)
        bench_until(b, calls[i].done);
}

static TEST_UNUSED void parts_commit(struct trans *parts, int count)
{
    for (int i = 0; i < count; i++)
        pg_tx_commit(parts[i].tx, trans_end, &parts[i]);
}

static TEST_UNUSED void parts_free(struct trans *parts, struct call *calls, int count)
{
    for (int i = 0; i < count; i++) {
        call_release(&calls[i]);
        trans_free(&parts[i]);
    }
}

static TEST_UNUSED void assert_rolled_back_with_another(struct bench *b, struct trans *t)
{
    bench_until(b, t->ended);
    assert_int_equal(t->end_err.code, ERR_DB);
    assert_true(pg_tx_had_company(t->tx));
}

#endif
