/* Blocking sessions: results, errors with their position, deadlines, loss. */
#include "pg_fixture.h"

static struct pg_session *session_open(uint32_t deadline_ms)
{
    struct err err = {0};
    struct pg_session *s = pg_session_open(test_database_url, deadline_ms, &err);
    if (s == NULL)
        fail_msg("%s", err.text);
    return s;
}

static void test_query_and_run(void **state)
{
    (void)state;
    struct err err = {0};
    struct pg_session *s = session_open(TEST_CALL_MS);
    assert_int_equal(
        pg_session_run(s, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1), (2); SELECT 1", &err), 0);
    struct pg_result *result = NULL;
    const char *const values[] = {"2"};
    assert_int_equal(pg_session_query(s, "UPDATE kept SET n = 5 WHERE n = $1::int", 1, values, &result, &err),
                     0);
    assert_int_equal(pg_result_affected(result), 1);
    pg_result_free(result);
    assert_int_equal(pg_session_query(s, "SELECT 1", 0, NULL, NULL, &err), 0);
    pg_session_close(s);
    assert_int_equal(query_int("SELECT max(n) FROM kept"), 5);
    pg_session_close(NULL);
}

static void test_errors(void **state)
{
    (void)state;
    struct err err = {0};
    struct pg_session *s = session_open(TEST_CALL_MS);
    assert_int_equal(pg_session_run(s, "SELECT 1; SELECT nothing", &err), -1);
    assert_int_equal(err.code, ERR_DB);
    assert_string_equal(err.sqlstate, "42703");
    assert_int_equal(err.position, 18);
    assert_null(strchr(err.text, '\n'));
    assert_int_equal(pg_session_run(s, "COPY pg_class TO STDOUT", &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
    pg_session_close(s);
}

struct refused {
    size_t count, first, described;
    struct err why;
};

static void note_refused(void *data, size_t index, const struct err *why)
{
    struct refused *refused = data;
    if (refused->count++ == 0) {
        refused->first = index;
        refused->why = *why;
    }
}

/* Each in its place: here the number of columns is that of the statement, from 0 on. */
static void note_described(void *data, size_t index, struct pg_result *columns)
{
    struct refused *refused = data;
    refused->described += (size_t)pg_result_columns(columns) == index;
    assert_int_equal(pg_result_rows(columns), 0);
    pg_result_free(columns);
}

static void test_check_finds_mistakes(void **state)
{
    (void)state;
    struct err err = {0};
    struct refused refused = {0};
    const struct pg_session_told told = {note_refused, note_described, &refused};
    struct pg_session *s = session_open(TEST_CALL_MS);
    const char *const sql[] = {"INSERT INTO looked_at VALUES ($1)", "SELECT n FROM\n nowhere", "SELECT 1, 2",
                               "SELECT x"};
    assert_int_equal(pg_session_run(s, "CREATE TABLE looked_at (n int)", &err), 0);
    assert_int_equal(pg_session_check(s, sql, COUNT_OF(sql), &told, &err), 0);
    assert_int_equal(refused.count, 2);
    assert_int_equal(refused.described, 2);
    assert_int_equal(refused.first, 1);
    assert_int_equal(refused.why.position, 16);
    assert_string_equal(refused.why.sqlstate, "42P01");
    assert_int_equal(pg_session_check(s, sql, 0, &told, &err), 0);
    /* The session is as good as before. */
    assert_int_equal(pg_session_run(s, "SELECT 1", &err), 0);
    pg_session_close(s);
    assert_int_equal(query_int("SELECT count(*) FROM looked_at"), 0);
}

/* All of them need one round trip: a database that is far away delays a reload once, not once per statement.
 */
static void test_check_of_many_at_once(void **state)
{
    (void)state;
    enum { MANY = 500, BYTES = 4000 };
    struct err err = {0};
    struct refused refused = {0};
    const struct pg_session_told told = {note_refused, note_described, &refused};
    char *text = x_malloc(BYTES + 20);
    const char *sql[MANY];
    memset(text, ' ', BYTES);
    memcpy(text + BYTES, "SELECT 1", sizeof "SELECT 1");
    for (size_t i = 0; i < MANY; i++)
        sql[i] = i == MANY - 1 ? "SELECT nothing" : text;
    struct pg_session *s = session_open(TEST_CALL_MS);
    assert_int_equal(pg_session_check(s, sql, MANY, &told, &err), 0);
    assert_int_equal(refused.count, 1);
    assert_int_equal(refused.first, MANY - 1);
    pg_session_close(s);
    free(text);
}

static void test_check_of_a_lost_connection(void **state)
{
    (void)state;
    struct err err = {0};
    struct refused refused = {0};
    const struct pg_session_told told = {note_refused, note_described, &refused};
    const char *const sql[] = {"SELECT 1"};
    struct pg_session *s = session_open(TEST_CALL_MS);
    assert_int_equal(pg_session_run(s, "SELECT pg_terminate_backend(pg_backend_pid())", &err), -1);
    assert_int_equal(pg_session_check(s, sql, 1, &told, &err), -1);
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_int_equal(refused.count, 0);
    pg_session_close(s);
}

static void test_deadline_and_after(void **state)
{
    (void)state;
    struct err err = {0};
    struct pg_session *s = session_open(TEST_CALL_MS);
    pg_session_set_deadline(s, 200);
    assert_int_equal(pg_session_run(s, "SELECT pg_sleep(60)", &err), -1);
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_int_equal(pg_session_run(s, "SELECT 1", &err), -1);
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    pg_session_close(s);
}

static void test_terminated(void **state)
{
    (void)state;
    struct err err = {0};
    struct pg_session *s = session_open(TEST_CALL_MS);
    assert_int_equal(pg_session_run(s, "SELECT pg_terminate_backend(pg_backend_pid())", &err), -1);
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_int_equal(pg_session_query(s, "SELECT 1", 0, NULL, NULL, &err), -1);
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    pg_session_close(s);
}

static void test_cannot_connect(void **state)
{
    (void)state;
    struct err err = {0};
    assert_null(pg_session_open("host=/nonexistent", 1000, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_null(pg_session_open("postgresql://user:secret@[", 1000, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_null(strstr(err.text, "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query_and_run),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_check_finds_mistakes),
        cmocka_unit_test(test_check_of_many_at_once),
        cmocka_unit_test(test_check_of_a_lost_connection),
        cmocka_unit_test(test_deadline_and_after),
        cmocka_unit_test(test_terminated),
        cmocka_unit_test(test_cannot_connect),
    };
    return cmocka_run_group_tests(tests, test_database_open, test_database_close);
}
