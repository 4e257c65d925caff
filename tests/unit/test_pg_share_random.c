/* Transactions that share, at random: opened, left, failed, killed and reconfigured in any order. What each
 * was told is what PostgreSQL has: all of its rows or none. The seed is printed; RANDOM_SEED=n repeats it,
 * RANDOM_SECONDS=n runs for longer. */
#include "pg_gather_fixture.h"
#include "pg_proxy.h"

#include <signal.h>

#define SLOTS 12
#define BATCHES_MAX 3
#define CALLS_MAX 10
#define TOKENS_MAX 200000
#define SECONDS 3

enum told { NOT_YET, COMMITTED, REFUSED, UNKNOWN, LEFT, LEFT_COMMITTING };

struct part {
    struct trans t; /* t.tx NULL: free */
    int token;
    bool wants_commit;
    struct call calls[CALLS_MAX];
    int call_count, rows;
    uint64_t since_ns;
};

/* What those that share send together, as far as it meets. */
#define LOCK "SELECT n FROM locks WHERE key = $1::text FOR UPDATE"
#define INSERT "INSERT INTO moves (who, token, n) SELECT $1::uuid, $2::int, $3::int RETURNING who, token, n"
#define UPDATE "UPDATE moves SET seen = seen + 1 WHERE who = $1::uuid AND n = $2::int RETURNING who, token, n"
static struct form lock, insert, update;

static struct part parts[SLOTS];
static unsigned char told[TOKENS_MAX]; /* by token */
static unsigned char rows_of[TOKENS_MAX];
static int gathered_count, token_count, ended_count[LEFT_COMMITTING + 1];
static uint64_t rng;

static unsigned pick(unsigned below)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (unsigned)(rng >> 20) % below;
}

/* Whoever asked with others has what is its own. */
static void assert_own_row(const struct part *p, const struct call *call)
{
    assert_true(call->op->ok);
    if (call->op->together == &lock.together)
        assert_int_equal(answer_of(call), 0);
    else if (call->op->together != NULL)
        assert_int_equal(column_of(call, 1), p->token);
    gathered_count += call->op->is_shared;
}

static void part_over(struct part *p, enum told outcome)
{
    told[p->token] = (unsigned char)outcome;
    rows_of[p->token] = (unsigned char)p->rows;
    ended_count[outcome]++;
    for (int i = 0; i < p->call_count; i++) {
        if (outcome != LEFT && outcome != LEFT_COMMITTING)
            assert_int_equal(p->calls[i].done, 1); /* answered before the end */
        if (outcome == COMMITTED)
            assert_own_row(p, &p->calls[i]);
        call_release(&p->calls[i]);
    }
    trans_free(&p->t);
    p->call_count = 0;
}

static void part_queue(struct part *p, const char *sql)
{
    if (p->call_count < CALLS_MAX)
        trans_queue(&p->t, &p->calls[p->call_count++], sql);
}

static void part_ask(struct part *p, const struct form *form, const char *const *values, int count)
{
    if (p->call_count == CALLS_MAX)
        return;
    struct call *call = &p->calls[p->call_count++];
    call_prepare(call, form, values, count);
    pg_tx_submit(p->t.tx, call->op);
}

static void part_move(struct part *p, const struct form *form, int n)
{
    char who[40], token[16], number[16];
    snprintf(who, sizeof(who), "00000000-0000-0000-0000-%012X", (unsigned)p->token);
    snprintf(token, sizeof(token), "%d", p->token);
    snprintf(number, sizeof(number), "%d", n);
    if (form == &insert)
        part_ask(p, form, (const char *[]){who, token, number}, 3);
    else
        part_ask(p, form, (const char *[]){who, number}, 2);
}

static void part_begin(struct bench *b, struct part *p)
{
    static const char *const keys[] = {"a", "b", "c", "d", "e"};
    const char *key = keys[pick(5)];
    *p = (struct part){.since_ns = mono_ns()};
    p->token = ++token_count;
    assert_true(token_count < TOKENS_MAX);
    const struct pg_tx_options options = {
        .isolation = PG_READ_COMMITTED, .share = pick(5) != 0 ? key : NULL, .lock_ms = 300};
    p->t.tx = pg_tx_open(b->pool, &options, trans_ready, &p->t);
    if (pick(10) == 0)
        return; /* may leave, or end, without a word */
    part_ask(p, &lock, &key, 1);
    if (pick(2) == 0)
        pg_tx_flush(p->t.tx);
}

/* The one of several texts that is refused, or slow. */
static void part_say_what_fails(struct part *p, unsigned which)
{
    static const char *const texts[] = {
        "SELECT 1 / 0", "SELECT no_such_column", "SELECT pg_sleep(0.003)",
        "INSERT INTO laws VALUES (1), (1)", /* refused with COMMIT */
    };
    if (which < COUNT_OF(texts)) {
        part_queue(p, texts[which]);
        return;
    }
    struct call *call = &p->calls[p->call_count++];
    call_init(call, "SELECT pg_sleep(0.2)");
    call->op->deadline_ns = mono_ns() + UINT64_C(20000000);
    for (int i = 0; which > COUNT_OF(texts) && i <= PG_PARAMS_MAX; i++) /* refused before it is sent */
        pg_params_append(&call->op->params, "1", 1);
    pg_tx_submit(p->t.tx, call->op);
}

static void part_say(struct part *p)
{
    unsigned chance = pick(150);
    if (p->call_count < CALLS_MAX && chance < 6) {
        part_say_what_fails(p, chance);
    } else if (p->call_count < CALLS_MAX && chance < 30) {
        part_queue(p, "SELECT count(*) FROM moves");
    } else if (p->call_count < CALLS_MAX && p->rows > 0 && chance < 60) {
        part_move(p, &update, 1);
    } else if (p->call_count < CALLS_MAX) {
        part_move(p, &insert, ++p->rows);
    }
    if (pick(3) != 0)
        pg_tx_flush(p->t.tx);
}

static void part_step(struct bench *b, struct part *p)
{
    if (p->t.tx == NULL) {
        if (pick(2) == 0)
            part_begin(b, p);
    } else if (p->t.ended > 0) {
        assert_int_equal(p->t.ended, 1);
        enum err_code code = p->t.end_err.code;
        part_over(p, code == ERR_NONE ? COMMITTED : code == ERR_UNKNOWN ? UNKNOWN : REFUSED);
    } else if (p->wants_commit) {
        if (pick(4000) == 0)
            part_over(p, LEFT_COMMITTING);
        else
            assert_true(mono_ns() - p->since_ns < TEST_WAIT_NS); /* it hangs */
    } else if (pick(60) == 0) {
        part_over(p, LEFT);
    } else if (pick(4) == 0) {
        p->wants_commit = true;
        p->since_ns = mono_ns();
        pg_tx_commit(p->t.tx, trans_end, &p->t);
        if (pick(40) == 0)
            part_over(p, LEFT_COMMITTING);
    } else {
        part_say(p);
    }
}

static void disturb(struct bench *b, struct proxy *proxy)
{
    struct pg_settings settings = b->settings;
    char sql[300];
    switch (pick(8)) {
    case 0:
    case 1:
        snprintf(sql, sizeof(sql),
                 "DO $$ BEGIN PERFORM pg_%s_backend(pid) FROM pg_stat_activity WHERE application_name = '%s' "
                 "AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1; END $$",
                 pick(2) == 0 ? "terminate" : "cancel", test_name);
        run_sql(sql);
        break;
    case 2:
        proxy->cuts_at = "COMMIT";
        break;
    case 3:
        for (uint64_t until = mono_ns() + UINT64_C(30000000); mono_ns() < until;)
            ; /* the loop is busy with something else */
        break;
    case 4:
        b->is_mid_turn = !b->is_mid_turn;
        break;
    default:
        settings.sharing = 1 + pick(4);
        settings.share_max = 1 + pick(5);
        settings.exclusive = 1 + pick(4);
        settings.wait_ms = pick(2) == 0 ? 10000 : 50;
        settings.idle_transaction_ms = pick(2) == 0 ? 10000 : 20;
        settings.prepared_statements = pick(4) != 0;
        settings.statements_max = pick(3) == 0 ? 2 : 256;
        bench_configure(b, &settings);
    }
}

static bool all_over(struct bench *b)
{
    bool over = true;
    for (int i = 0; i < SLOTS; i++) {
        struct part *p = &parts[i];
        if (p->t.tx != NULL && !p->wants_commit) {
            p->wants_commit = true;
            p->since_ns = mono_ns();
            pg_tx_commit(p->t.tx, trans_end, &p->t);
        }
        if (p->t.tx != NULL && p->t.ended > 0)
            part_step(b, p);
        over &= p->t.tx == NULL;
    }
    return over;
}

static void check_rows(void)
{
    static const char *const names[] = {"never ended", "committed", "refused",
                                        "unknown",     "left",      "left committing"};
    char sql[200];
    int wrong = 0;
    for (int token = 1; token <= token_count; token++) {
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM moves WHERE token = %d", token);
        int64_t found = query_int(sql);
        bool may_be_whole = told[token] != REFUSED && told[token] != LEFT;
        bool may_lack = told[token] != COMMITTED;
        if ((may_lack && found == 0) || (may_be_whole && found == rows_of[token]))
            continue;
        fprintf(stderr, "token %d was %s: %d of %d rows\n", token, names[told[token]], (int)found,
                rows_of[token]);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void test_random(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* the proxy writes to what was cut */
    const char *seed = getenv("RANDOM_SEED"), *seconds = getenv("RANDOM_SECONDS");
    rng = seed != NULL ? strtoull(seed, NULL, 10) : mono_ns() ^ (uint64_t)getpid();
    fprintf(stderr, "RANDOM_SEED=%llu\n", (unsigned long long)rng);
    rng |= 1;
    run_sql("CREATE TABLE moves (who uuid, token int, n int, seen int DEFAULT 0, PRIMARY KEY (token, n));"
            "CREATE TABLE laws (n int UNIQUE DEFERRABLE INITIALLY DEFERRED);"
            "CREATE TABLE locks (key text PRIMARY KEY, n int);"
            "INSERT INTO locks SELECT unnest('{a,b,c,d,e}'::text[]), 0");
    form_init(&lock, LOCK);
    form_init(&insert, INSERT);
    form_init(&update, UPDATE);
    char url[600];
    struct proxy proxy;
    struct pg_settings settings = bench_defaults();
    settings.sharing = 2;
    settings.share_max = 4;
    settings.exclusive = 3;
    struct bench *b = bench_through_ready(&proxy, &settings, url);
    uint64_t until =
        mono_ns() + (seconds != NULL ? strtoull(seconds, NULL, 10) : SECONDS) * UINT64_C(1000000000);
    while (mono_ns() < until) {
        for (unsigned steps = pick(12); steps > 0; steps--)
            part_step(b, &parts[pick(SLOTS)]);
        if (pick(400) == 0)
            disturb(b, &proxy);
        uv_run(&b->loop, UV_RUN_ONCE);
    }
    proxy.cuts_at = NULL;
    bench_until(b, all_over(b));
    struct pg_stats stats = bench_stats(b);
    fprintf(
        stderr,
        "%d: %d committed, %d refused, %d unknown, %d left, %d left committing; %llu shared, %llu failures; "
        "%d gathered\n",
        token_count, ended_count[COMMITTED], ended_count[REFUSED], ended_count[UNKNOWN], ended_count[LEFT],
        ended_count[LEFT_COMMITTING], (unsigned long long)stats.shared,
        (unsigned long long)stats.share_failures, gathered_count);
    form_release(&lock);
    form_release(&insert);
    form_release(&update);
    proxy_close(&proxy);
    bench_close(b);
    char others[200]; /* what was cut may still be committing */
    snprintf(
        others, sizeof(others),
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '%s' AND pid <> pg_backend_pid()",
        test_name);
    for (uint64_t give_up = mono_ns() + TEST_WAIT_NS; query_int(others) > 0;)
        assert_true(mono_ns() < give_up);
    check_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, test_database_open, test_database_close);
}
