/* Migrations: which files count, what their checksums see, applying once, refusing what changed, two nodes at
 * once. */
#include "pg_fixture.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>

#include "pg/migrate.h"

static char folder[64];

static int folder_make(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/migrations.XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int folder_remove(void **state)
{
    char path[512];
    struct dirent *entry;
    (void)state;
    DIR *dir = opendir(folder);
    while ((entry = readdir(dir)) != NULL) {
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    closedir(dir);
    struct err err;
    if (pg_session_run(test_session, "DROP TABLE IF EXISTS schema_migrations, made, made_too", &err) != 0)
        return -1;
    return rmdir(folder);
}

static void file_write(const char *name, const char *content)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static void read_or_fail(struct migrations *m)
{
    struct err err = {0};
    if (migrations_read(folder, m, &err) != 0)
        fail_msg("%s", err.text);
}

static void test_files(void **state)
{
    (void)state;
    struct migrations m;
    read_or_fail(&m);
    assert_int_equal(m.count, 0);
    migrations_release(&m);
    file_write("0002_second_step.sql", "SELECT 2");
    file_write("0001_first.sql", "SELECT 1");
    file_write("README.md", "not a migration");
    read_or_fail(&m);
    assert_int_equal(m.count, 2);
    assert_int_equal(m.items[0].version, 1);
    assert_string_equal(m.items[1].name, "second_step");
    assert_string_equal(m.items[1].sql, "SELECT 2");
    migrations_release(&m);
}

static void assert_refused(const char *text)
{
    struct migrations m;
    struct err err = {0};
    assert_int_equal(migrations_read(folder, &m, &err), -1);
    assert_non_null(strstr(err.text, text));
    assert_null(m.items);
}

static void test_missing_version(void **state)
{
    (void)state;
    file_write("0001_a.sql", "");
    file_write("0003_c.sql", "");
    assert_refused("version 2 is missing");
}

static void test_doubled_version(void **state)
{
    (void)state;
    file_write("0001_a.sql", "");
    file_write("0001_b.sql", "");
    assert_refused("version 1 is there twice");
}

static void test_misnamed_file(void **state)
{
    (void)state;
    file_write("1_a.sql", "");
    assert_refused("1_a.sql: a migration is called NNNN_name.sql");
}

static void test_missing_folder(void **state)
{
    (void)state;
    struct migrations m;
    struct err err = {0};
    assert_int_equal(migrations_read("/nonexistent", &m, &err), -1);
    assert_int_equal(err.code, ERR_IO);
}

static void checksum_of_text(const char *sql, char checksum[65])
{
    struct migrations m;
    file_write("0001_a.sql", sql);
    read_or_fail(&m);
    memcpy(checksum, m.items[0].checksum, 65);
    migrations_release(&m);
}

static void test_checksums(void **state)
{
    (void)state;
    static const char *const base = "CREATE TABLE t (a text DEFAULT 'x  y');\nSELECT $$ a  b $$;";
    static const char *const same[] = {
        "CREATE   TABLE\tt (a text DEFAULT 'x  y');\n\n\nSELECT $$ a  b $$;\n",
        "-- why\nCREATE /* what /* nested */ */ TABLE t (a text DEFAULT 'x  y'); -- done\nSELECT $$ a  b $$;",
    };
    static const char *const other[] = {
        "CREATE TABLE t (a text DEFAULT 'x y');\nSELECT $$ a  b $$;",
        "CREATE TABLE t (a text DEFAULT 'x  y');\nSELECT $$ a b $$;",
        "CREATE TABLE t (b text DEFAULT 'x  y');\nSELECT $$ a  b $$;",
        "",
    };
    char expected[65], actual[65];
    checksum_of_text(base, expected);
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        checksum_of_text(same[i], actual);
        assert_string_equal(actual, expected);
    }
    for (size_t i = 0; i < COUNT_OF(other); i++) {
        checksum_of_text(other[i], actual);
        assert_string_not_equal(actual, expected);
    }
}

static void count_report(void *data, const struct migration *m)
{
    (void)m;
    ++*(int *)data;
}

static int apply(const char *role, int *reported, struct err *err)
{
    struct migrations m;
    *reported = 0;
    read_or_fail(&m);
    int outcome = migrations_apply(&m, test_session, role, count_report, reported, err);
    migrations_release(&m);
    return outcome;
}

static void test_apply_status_and_again(void **state)
{
    (void)state;
    struct err err = {0};
    struct migrations m;
    int reported;
    file_write("0001_a.sql", "CREATE TABLE made (n int); INSERT INTO made VALUES (1);");
    file_write("0002_b.sql", "-- nothing but a comment\nINSERT INTO made VALUES (2);");
    read_or_fail(&m);
    assert_int_equal(migrations_status(&m, test_session, &err), 0);
    assert_false(m.items[0].applied);
    assert_int_equal(m.unknown, 0);
    assert_int_equal(migrations_apply(&m, test_session, NULL, NULL, NULL, &err), 0);
    assert_true(m.items[0].applied && m.items[1].applied && !m.items[1].changed);
    assert_non_null(strchr(m.items[0].applied_at, 'T'));
    migrations_release(&m);
    assert_int_equal(apply(NULL, &reported, &err), 0);
    assert_int_equal(reported, 0);
    file_write("0002_b.sql", "INSERT INTO made\n VALUES (2); -- another comment");
    file_write("0003_c.sql", "INSERT INTO made VALUES (3)");
    assert_int_equal(apply(NULL, &reported, &err), 0);
    assert_int_equal(reported, 1);
    assert_int_equal(query_int("SELECT sum(n)::int FROM made"), 6);
}

static void test_changed_and_unknown(void **state)
{
    (void)state;
    struct err err = {0};
    struct migrations m;
    int reported;
    file_write("0001_a.sql", "CREATE TABLE made (n int)");
    file_write("0002_b.sql", "SELECT 1");
    assert_int_equal(apply(NULL, &reported, &err), 0);
    file_write("0001_a.sql", "CREATE TABLE made (n bigint)");
    file_write("0003_c.sql", "CREATE TABLE made_too (n int)");
    assert_int_equal(apply(NULL, &reported, &err), -1);
    assert_non_null(strstr(err.text, "0001_a.sql: was applied with other content"));
    assert_int_equal(reported, 0);
    char path[512];
    snprintf(path, sizeof(path), "%s/0003_c.sql", folder);
    unlink(path);
    snprintf(path, sizeof(path), "%s/0002_b.sql", folder);
    unlink(path);
    read_or_fail(&m);
    assert_int_equal(migrations_status(&m, test_session, &err), 0);
    assert_true(m.items[0].changed);
    assert_int_equal(m.unknown, 1);
    migrations_release(&m);
}

static void test_failure_names_the_line_and_leaves_nothing(void **state)
{
    (void)state;
    struct err err = {0};
    int reported;
    file_write("0001_a.sql", "CREATE TABLE made (n int);");
    file_write("0002_b.sql", "CREATE TABLE made_too (n int);\n-- é\nSELECT 1,\n  nothing;\n");
    assert_int_equal(apply(NULL, &reported, &err), -1);
    assert_non_null(strstr(err.text, "0002_b.sql:4: "));
    assert_string_equal(err.sqlstate, "42703");
    assert_int_equal(reported, 2);
    assert_int_equal(query_int("SELECT count(*) FROM schema_migrations"), 1);
    assert_int_equal(query_int("SELECT (to_regclass('made_too') IS NULL)::int"), 1);
    file_write("0002_b.sql", "CREATE TABLE made_too (n int);");
    assert_int_equal(apply(NULL, &reported, &err), 0);
}

static void test_serving_role(void **state)
{
    (void)state;
    struct err err = {0};
    int reported;
    char role[100], sql[600];
    snprintf(role, sizeof(role), "%s \"role\"", test_name);
    snprintf(sql, sizeof(sql), "CREATE ROLE \"%s \"\"role\"\"\"", test_name);
    run_sql(sql);
    file_write("0001_a.sql",
               "CREATE TABLE made (n int); GRANT INSERT ON made TO :serving_role;\n"
               "CREATE TABLE made_too AS SELECT ':serving_roles'::text AS a, 'x'::text::text AS b;");
    assert_int_equal(apply(role, &reported, &err), 0);
    snprintf(sql, sizeof(sql),
             "SELECT (has_table_privilege('%s', 'made', 'INSERT') AND NOT has_table_privilege('%s', 'made', "
             "'DELETE')"
             " AND has_table_privilege('%s', 'schema_migrations', 'SELECT'))::int",
             role, role, role);
    assert_int_equal(query_int(sql), 1);
    assert_int_equal(query_int("SELECT (a = ':serving_roles')::int FROM made_too"), 1);
    snprintf(sql, sizeof(sql), "DROP OWNED BY \"%s \"\"role\"\"\"; DROP ROLE \"%s \"\"role\"\"\"", test_name,
             test_name);
    run_sql(sql);
    /* Without a role of its own, the migrating one serves. */
    file_write("0002_b.sql", "GRANT SELECT ON made TO :serving_role");
    assert_int_equal(apply(NULL, &reported, &err), 0);
}

static void *apply_elsewhere(void *data)
{
    struct migrations m;
    struct err err = {0};
    int *outcome = data;
    struct pg_session *s = pg_session_open(test_database_url, TEST_CALL_MS, &err);
    if (s == NULL || migrations_read(folder, &m, &err) != 0)
        return NULL;
    *outcome = migrations_apply(&m, s, NULL, NULL, NULL, &err);
    migrations_release(&m);
    pg_session_close(s);
    return NULL;
}

static void test_nodes_at_once(void **state)
{
    (void)state;
    pthread_t threads[4];
    int outcomes[4];
    file_write("0001_a.sql", "CREATE TABLE made (n int);");
    for (int i = 2; i <= 6; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%04d_step.sql", i);
        file_write(name, "INSERT INTO made VALUES (1)");
    }
    for (int i = 0; i < 4; i++) {
        outcomes[i] = -2;
        assert_int_equal(pthread_create(&threads[i], NULL, apply_elsewhere, &outcomes[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(outcomes[i], 0);
    assert_int_equal(query_int("SELECT count(*) FROM made"), 5);
    assert_int_equal(query_int("SELECT count(*) FROM schema_migrations"), 6);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(test_files),
        in_folder(test_missing_version),
        in_folder(test_doubled_version),
        in_folder(test_misnamed_file),
        in_folder(test_missing_folder),
        in_folder(test_checksums),
        in_folder(test_apply_status_and_again),
        in_folder(test_changed_and_unknown),
        in_folder(test_failure_names_the_line_and_leaves_nothing),
        in_folder(test_serving_role),
        in_folder(test_nodes_at_once),
    };
    return cmocka_run_group_tests(tests, test_database_open, test_database_close);
}
