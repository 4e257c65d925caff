/* Which statements are reads, what names they get, and how parameters and references live. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "pg/op.h"

static bool is_read(const char *text)
{
    struct pg_statement s;
    pg_statement_init(&s, text);
    return s.is_read;
}

static void test_reads(void **state)
{
    (void)state;
    assert_true(is_read("SELECT 1"));
    assert_true(is_read("  -- a comment\n /* and /* another */ */ select * from t where a = $1"));
    assert_true(is_read("WITH x AS (SELECT 1) SELECT * FROM x"));
    assert_true(is_read("VALUES (1), (2)"));
    assert_true(is_read("TABLE t"));
    assert_true(is_read("(SELECT 1) UNION (SELECT 2)"));
    assert_true(
        is_read("SELECT 'delete from t; update', \"insert\", $$lock$$, $q$ nextval( $q$, E'\\' update '"));
    assert_true(is_read("SELECT updated_at, deleted FROM pg_class"));
    assert_true(is_read("SELECT 1 -- for update"));
    assert_true(is_read("SELECT $1::text, $2"));
}

static bool only_locks(const char *text)
{
    struct pg_statement s;
    pg_statement_init(&s, text);
    assert_false(s.is_read && s.only_locks);
    return s.only_locks;
}

static void test_locks(void **state)
{
    (void)state;
    assert_true(only_locks("SELECT * FROM t FOR UPDATE"));
    assert_true(only_locks("SELECT * FROM t JOIN u USING (n) for /* these */ update of t SKIP LOCKED"));
    assert_true(only_locks("SELECT * FROM t FOR NO KEY\nUPDATE"));
    assert_true(only_locks("SELECT * FROM t FOR KEY SHARE"));
    assert_true(only_locks("SELECT * FROM (SELECT 1 FROM t FOR SHARE) s"));
    assert_false(only_locks("SELECT 1"));
    assert_false(only_locks("SELECT 'x' AS for, update FROM t"));
    assert_false(only_locks("SELECT nextval('s') FROM t FOR UPDATE"));
    assert_false(only_locks("SELECT 1 FROM t FOR UPDATE; DELETE FROM t"));
    assert_false(only_locks("WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d, t FOR UPDATE OF t"));
    assert_false(only_locks("UPDATE t SET n = 1"));
    assert_false(only_locks("LOCK TABLE t IN SHARE MODE"));
    assert_false(only_locks("INSERT INTO t SELECT * FROM u FOR UPDATE"));
}

static void test_writes(void **state)
{
    (void)state;
    assert_false(is_read("INSERT INTO t VALUES (1)"));
    assert_false(is_read("WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d"));
    assert_false(is_read("SELECT * FROM t FOR UPDATE"));
    assert_false(is_read("SELECT * FROM t FOR NO KEY\nUPDATE"));
    assert_false(is_read("SELECT * FROM t for share"));
    assert_false(is_read("SELECT nextval('s')"));
    assert_false(is_read("SELECT * INTO u FROM t"));
    assert_false(is_read("SELECT pg_advisory_xact_lock (1)"));
    assert_false(is_read("SELECT set_config('a.b', '1', true)"));
    assert_false(is_read("SELECT 'quote''s end' FROM t FOR UPDATE"));
    assert_false(is_read("SELECT E'\\'' FROM t FOR UPDATE"));
    assert_false(is_read("SELECT $a$ $b$ $a$ FROM t FOR UPDATE"));
    assert_false(is_read("SELECT /* */ * FROM t FOR UPDATE"));
    assert_false(is_read("CALL p()"));
    assert_false(is_read("EXPLAIN ANALYZE DELETE FROM t"));
    assert_false(is_read(""));
    assert_false(is_read("-- nothing"));
}

static void test_broken_text_ends(void **state)
{
    (void)state;
    assert_true(is_read("SELECT 'never closed for update"));
    assert_true(is_read("SELECT $x$ never closed for update"));
    assert_true(is_read("SELECT 1 /* never closed for update"));
    assert_true(is_read("SELECT E'\\"));
}

static void test_names(void **state)
{
    (void)state;
    struct pg_statement a, b, again;
    pg_statement_init(&a, "SELECT 1");
    pg_statement_init(&b, "SELECT 2");
    pg_statement_init(&again, "SELECT 1");
    assert_int_equal(strlen(a.name), 32);
    assert_int_equal(a.name[0], 's');
    assert_string_equal(a.name, again.name);
    assert_string_not_equal(a.name, b.name);
}

static void test_params_and_references(void **state)
{
    (void)state;
    char text[] = "SELECT $1";
    struct pg_statement s;
    pg_statement_init(&s, text);
    struct pg_op *op = pg_op_new(&s);
    text[0] = 'X';
    assert_string_equal(op->statement.text, "SELECT $1");
    assert_false(op->is_write);
    for (int i = 0; i < 100; i++)
        pg_params_append(&op->params, i % 3 == 0 ? NULL : "values", strlen("value"));
    assert_int_equal(op->params.count, 100);
    assert_null(op->params.values[99]);
    assert_string_equal(op->params.values[98], "value");
    assert_string_equal(op->params.values[1], "value");
    pg_params_clear(&op->params);
    assert_int_equal(op->params.count, 0);
    pg_params_append(&op->params, "left to pg_op_free", strlen("left to pg_op_free"));
    pg_op_free(op);
    pg_op_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),  cmocka_unit_test(test_locks),
        cmocka_unit_test(test_writes), cmocka_unit_test(test_broken_text_ends),
        cmocka_unit_test(test_names),  cmocka_unit_test(test_params_and_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
