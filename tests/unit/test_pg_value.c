/* Every type that results may hold, with PostgreSQL's own binary form of it. */
#include "pg_fixture.h"

static struct pg_result *result_of(const char *sql)
{
    struct pg_result *result = NULL;
    struct err err = {0};
    if (pg_session_query(test_session, sql, 0, NULL, &result, &err) != 0)
        fail_msg("%s: %s", sql, err.text);
    return result;
}

struct text_case {
    const char *sql, *text;
    enum pg_kind kind;
};

static const struct text_case text_cases[] = {
    {"'héllo'::text", "héllo", PG_TEXT},
    {"''::text", "", PG_TEXT},
    {"'ab'::char(4)", "ab  ", PG_TEXT},
    {"'ab'::varchar(4)", "ab", PG_TEXT},
    {"'ab'::name", "ab", PG_TEXT},
    {"'ab'", "ab", PG_TEXT},
    {"0::numeric", "0", PG_TEXT},
    {"0.00::numeric", "0.00", PG_TEXT},
    {"1::numeric", "1", PG_TEXT},
    {"-12345678901234567890.123456789::numeric", "-12345678901234567890.123456789", PG_TEXT},
    {"0.00001::numeric", "0.00001", PG_TEXT},
    {"0.12345::numeric", "0.12345", PG_TEXT},
    {"10000::numeric", "10000", PG_TEXT},
    {"100000000::numeric", "100000000", PG_TEXT},
    {"100000000.5::numeric(12,3)", "100000000.500", PG_TEXT},
    {"1e20::numeric", "100000000000000000000", PG_TEXT},
    {"'NaN'::numeric", "NaN", PG_TEXT},
    {"'Infinity'::numeric", "Infinity", PG_TEXT},
    {"'-Infinity'::numeric", "-Infinity", PG_TEXT},
    {"'2026-11-22 14:39:00.123456+00'::timestamptz", "2026-11-22T14:39:00.123456Z", PG_TEXT},
    {"'2026-11-22 14:39:00+02'::timestamptz", "2026-11-22T12:39:00.000000Z", PG_TEXT},
    {"'1969-12-31 23:59:59.999999+00'::timestamptz", "1969-12-31T23:59:59.999999Z", PG_TEXT},
    {"'0001-01-01 00:00:00+00'::timestamptz", "0001-01-01T00:00:00.000000Z", PG_TEXT},
    {"'0044-03-15 00:00:00+00 BC'::timestamptz", "-0043-03-15T00:00:00.000000Z", PG_TEXT},
    {"'12026-01-01 00:00:00+00'::timestamptz", "+12026-01-01T00:00:00.000000Z", PG_TEXT},
    {"'294276-12-31 23:59:59.999999+00'::timestamptz", "+294276-12-31T23:59:59.999999Z", PG_TEXT},
    {"'4713-01-01 00:00:00+00 BC'::timestamptz", "-4712-01-01T00:00:00.000000Z", PG_TEXT},
    {"'5874897-12-31'::date", "+5874897-12-31", PG_TEXT},
    {"'4713-01-01 BC'::date", "-4712-01-01", PG_TEXT},
    {"'infinity'::timestamptz", "infinity", PG_TEXT},
    {"'-infinity'::timestamptz", "-infinity", PG_TEXT},
    {"'2024-02-29'::date", "2024-02-29", PG_TEXT},
    {"'1900-03-01'::date", "1900-03-01", PG_TEXT},
    {"'2000-12-31'::date", "2000-12-31", PG_TEXT},
    {"'infinity'::date", "infinity", PG_TEXT},
    {"'-infinity'::date", "-infinity", PG_TEXT},
    {"'00112233-4455-6677-8899-aabbccddeeff'::uuid", "00112233-4455-6677-8899-aabbccddeeff", PG_TEXT},
    {"'\\xdeadbeef'::bytea", "\\xdeadbeef", PG_TEXT},
    {"''::bytea", "\\x", PG_TEXT},
    {"'{\"a\": [1, 2]}'::jsonb", "{\"a\": [1, 2]}", PG_JSON},
    {"'{\"a\":  1}'::json", "{\"a\":  1}", PG_JSON},
    {"'sad'::mood", "sad", PG_TEXT},
    {"'x'::short", "x", PG_TEXT},
};

static void test_text_forms(void **state)
{
    (void)state;
    run_sql("CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN short AS varchar(3)");
    struct buf scratch = BUF_INIT;
    for (size_t i = 0; i < COUNT_OF(text_cases); i++) {
        char sql[200];
        struct pg_cell cell;
        struct err err = {0};
        snprintf(sql, sizeof(sql), "SELECT %s", text_cases[i].sql);
        struct pg_result *result = result_of(sql);
        if (pg_result_cell(result, 0, 0, &scratch, &cell, &err) != 0)
            fail_msg("%s: %s", sql, err.text);
        assert_int_equal(cell.kind, text_cases[i].kind);
        assert_string_equal(cell.text, text_cases[i].text);
        assert_int_equal(cell.len, strlen(text_cases[i].text));
        pg_result_free(result);
    }
    buf_release(&scratch);
}

/* Our digits against the server's for many numbers of every shape. */
/* The second column is the text of the first, as the server writes it. */
static void assert_agrees(const char *sql)
{
    struct pg_result *result = result_of(sql);
    struct buf scratch = BUF_INIT, other = BUF_INIT;
    struct err err = {0};
    const struct pg_column column = pg_result_column(result, 0);
    assert_true(pg_result_rows(result) > 0);
    for (int row = 0; row < pg_result_rows(result); row++) {
        struct pg_cell expected, cell;
        assert_int_equal(pg_column_cell(result, row, &column, &scratch, &cell, &err), 0);
        assert_int_equal(pg_result_cell(result, row, 1, &other, &expected, &err), 0);
        assert_string_equal(cell.text, expected.text);
        assert_int_equal(cell.len, expected.len);
    }
    buf_release(&scratch);
    buf_release(&other);
    pg_result_free(result);
}

static void test_numeric_agrees_with_server(void **state)
{
    (void)state;
    assert_agrees("SELECT n, n::text FROM (SELECT round((i * 7919 % 100003) * power(10::numeric, i % 40 - 20)"
                  " / (i % 13 + 1), i % 23) * CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END"
                  " FROM generate_series(1, 3000) AS s(i)) AS t(n)");
}

static void test_dates_agree_with_server(void **state)
{
    (void)state;
    assert_agrees("SELECT d::date, to_char(d, 'YYYY-MM-DD') FROM"
                  " generate_series('0001-01-01'::timestamp, '4000-01-01', '97 days') AS d");
}

static void test_times_agree_with_server(void **state)
{
    (void)state;
    assert_agrees("SELECT t, to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM"
                  " generate_series('0001-01-01 00:00:00+00'::timestamptz, '4000-01-01',"
                  " '211 days 23 hours 59 minutes 47.654321 seconds') AS t");
}

static void test_uuids_agree_with_server(void **state)
{
    (void)state;
    assert_agrees(
        "SELECT u, u::text FROM (SELECT md5(i::text)::uuid FROM generate_series(1, 500) AS i) AS t(u)");
}

static void cell_of(const struct pg_result *result, int column, struct buf *scratch, struct pg_cell *cell)
{
    struct err err = {0};
    if (pg_result_cell(result, 0, column, scratch, cell, &err) != 0)
        fail_msg("column %d: %s", column, err.text);
}

static void test_scalars(void **state)
{
    (void)state;
    struct buf scratch = BUF_INIT;
    struct pg_cell cell;
    struct pg_result *result =
        result_of("SELECT true, false, (-32768)::int2, 2147483647, (-9223372036854775808)::int8,"
                  " 4294967295::oid, 1.5::float4, 'NaN'::float8, -0.1::float8, NULL::int AS nothing");
    assert_int_equal(pg_result_rows(result), 1);
    assert_int_equal(pg_result_columns(result), 10);
    assert_string_equal(pg_result_column_name(result, 9), "nothing");
    assert_int_equal(pg_result_affected(result), 1);
    cell_of(result, 0, &scratch, &cell);
    assert_true(cell.kind == PG_BOOL && cell.boolean);
    cell_of(result, 1, &scratch, &cell);
    assert_true(cell.kind == PG_BOOL && !cell.boolean);
    cell_of(result, 2, &scratch, &cell);
    assert_true(cell.kind == PG_INT && cell.integer == -32768);
    cell_of(result, 3, &scratch, &cell);
    assert_true(cell.kind == PG_INT && cell.integer == 2147483647);
    cell_of(result, 4, &scratch, &cell);
    assert_true(cell.kind == PG_INT && cell.integer == INT64_MIN);
    cell_of(result, 5, &scratch, &cell);
    assert_true(cell.kind == PG_INT && cell.integer == 4294967295);
    cell_of(result, 6, &scratch, &cell);
    assert_true(cell.kind == PG_DOUBLE && cell.number > 1.49 && cell.number < 1.51);
    cell_of(result, 7, &scratch, &cell);
    assert_true(cell.kind == PG_DOUBLE && !(cell.number < 0) && !(cell.number >= 0));
    cell_of(result, 8, &scratch, &cell);
    assert_true(cell.number < -0.0999 && cell.number > -0.1001);
    cell_of(result, 9, &scratch, &cell);
    assert_int_equal(cell.kind, PG_NULL);
    pg_result_free(result);
    buf_release(&scratch);
}

static void next_of(struct pg_cell *array, struct buf *scratch, struct pg_cell *element)
{
    struct err err = {0};
    if (pg_array_next(array, scratch, element, &err) != 0)
        fail_msg("%s", err.text);
}

static void test_nulls(void **state)
{
    (void)state;
    struct buf scratch = BUF_INIT;
    struct pg_cell cell;
    struct pg_result *result =
        result_of("SELECT NULL::bool, NULL::int, NULL::float8, NULL::text, NULL::bytea, NULL::timestamptz,"
                  " NULL::uuid, NULL::numeric, NULL::jsonb, NULL::text[], NULL::point, NULL");
    for (int column = 0; column < pg_result_columns(result); column++) {
        cell_of(result, column, &scratch, &cell);
        assert_int_equal(cell.kind, PG_NULL);
    }
    pg_result_free(result);
    buf_release(&scratch);
}

static void test_arrays(void **state)
{
    (void)state;
    struct buf scratch = BUF_INIT;
    struct pg_cell array, element;
    struct pg_result *result =
        result_of("SELECT ARRAY[1, NULL, 3], '{}'::text[], ARRAY['a', 'b c']::text[], ARRAY[1.50]::numeric[],"
                  " ARRAY['{\"k\": 1}']::jsonb[], ARRAY['2026-01-02']::date[],"
                  " ARRAY['00112233-4455-6677-8899-aabbccddeeff']::uuid[], ARRAY[true]");
    cell_of(result, 0, &scratch, &array);
    assert_true(array.kind == PG_ARRAY && array.element_count == 3);
    next_of(&array, &scratch, &element);
    assert_int_equal(element.integer, 1);
    next_of(&array, &scratch, &element);
    assert_int_equal(element.kind, PG_NULL);
    next_of(&array, &scratch, &element);
    assert_int_equal(element.integer, 3);
    struct err err = {0};
    assert_int_equal(pg_array_next(&array, &scratch, &element, &err), -1);
    cell_of(result, 1, &scratch, &array);
    assert_true(array.kind == PG_ARRAY && array.element_count == 0);
    static const char *const texts[] = {"a", "b c"};
    cell_of(result, 2, &scratch, &array);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        next_of(&array, &scratch, &element);
        assert_string_equal(element.text, texts[i]);
    }
    static const char *const singles[] = {"1.50", "{\"k\": 1}", "2026-01-02",
                                          "00112233-4455-6677-8899-aabbccddeeff"};
    for (size_t i = 0; i < COUNT_OF(singles); i++) {
        cell_of(result, (int)i + 3, &scratch, &array);
        next_of(&array, &scratch, &element);
        assert_string_equal(element.text, singles[i]);
    }
    cell_of(result, 7, &scratch, &array);
    next_of(&array, &scratch, &element);
    assert_true(element.kind == PG_BOOL && element.boolean);
    pg_result_free(result);
    buf_release(&scratch);
}

static void test_other_types_are_refused(void **state)
{
    (void)state;
    static const char *const sqls[] = {
        "SELECT '(1,2)'::point AS x",          "SELECT '1 day'::interval AS x",
        "SELECT now()::timestamp AS x",        "SELECT ARRAY[[1,2],[3,4]] AS x",
        "SELECT ARRAY['sad']::feeling[] AS x", "SELECT ROW(1, 2) AS x",
        "SELECT ARRAY['1 s'::interval] AS x",
    };
    run_sql("CREATE TYPE feeling AS ENUM ('sad')");
    struct buf scratch = BUF_INIT;
    for (size_t i = 0; i < COUNT_OF(sqls); i++) {
        struct pg_cell cell;
        struct err err = {0};
        struct pg_result *result = result_of(sqls[i]);
        assert_int_equal(pg_result_cell(result, 0, 0, &scratch, &cell, &err), -1);
        assert_int_equal(err.code, ERR_INVALID);
        assert_non_null(strstr(err.text, "column \"x\""));
        assert_non_null(strstr(err.text, "cast it to text"));
        pg_result_free(result);
    }
    buf_release(&scratch);
}

static void test_array_literal(void **state)
{
    (void)state;
    struct buf literal = BUF_INIT, scratch = BUF_INIT;
    static const char *const items[] = {"plain", "", "with \"quotes\" and \\", "{,}", "NULL"};
    pg_array_literal_begin(&literal);
    for (size_t i = 0; i < COUNT_OF(items); i++)
        pg_array_literal_item(&literal, items[i], strlen(items[i]));
    pg_array_literal_item(&literal, NULL, 0);
    pg_array_literal_end(&literal);
    const char *const values[] = {literal.data};
    struct pg_result *result = NULL;
    struct err err = {0};
    assert_int_equal(pg_session_query(test_session, "SELECT $1::text[]", 1, values, &result, &err), 0);
    struct pg_cell array, element;
    cell_of(result, 0, &scratch, &array);
    assert_int_equal(array.element_count, COUNT_OF(items) + 1);
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        next_of(&array, &scratch, &element);
        assert_string_equal(element.text, items[i]);
    }
    next_of(&array, &scratch, &element);
    assert_int_equal(element.kind, PG_NULL);
    pg_result_free(result);
    buf_release(&literal);
    buf_release(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_forms),
        cmocka_unit_test(test_numeric_agrees_with_server),
        cmocka_unit_test(test_dates_agree_with_server),
        cmocka_unit_test(test_times_agree_with_server),
        cmocka_unit_test(test_uuids_agree_with_server),
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_nulls),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_other_types_are_refused),
        cmocka_unit_test(test_array_literal),
    };
    return cmocka_run_group_tests(tests, test_database_open, test_database_close);
}
