/* What the tests of gathered reads share: statements with their form for many, asking them, reading answers.
 */
#ifndef PG_GATHER_FIXTURE_H
#define PG_GATHER_FIXTURE_H

#include "pg_fixture.h"

#include "pg/gather.h"

#define MS UINT64_C(1000000)
#define DOUBLE "SELECT n * 2 AS twice FROM numbers WHERE n = $1::int"

/* A statement and its form for many. */
struct form {
    struct pg_statement statement, together;
    struct buf alone, text;
};

static TEST_UNUSED void form_init(struct form *form, const char *sql)
{
    struct err err = {0};
    buf_init(&form->alone);
    buf_init(&form->text);
    buf_append_str(&form->alone, sql);
    if (pg_gather_text(sql, &form->text, &err) != 0)
        fail_msg("%s: %s", sql, err.text);
    pg_statement_init(&form->statement, form->alone.data);
    pg_statement_init(&form->together, form->text.data);
}

static TEST_UNUSED void form_release(struct form *form)
{
    buf_release(&form->alone);
    buf_release(&form->text);
}

/* An op of it that is not submitted yet, with so many parameters. */
static TEST_UNUSED void call_prepare(struct call *call, const struct form *form, const char *const *values,
                                     int count)
{
    *call = (struct call){.op = pg_op_new(&form->statement)};
    call->op->done = call_done;
    call->op->data = call;
    call->op->together = &form->together;
    for (int i = 0; i < count; i++)
        pg_params_append(&call->op->params, values[i], values[i] != NULL ? strlen(values[i]) : 0);
}

/* Submit it with one parameter; NULL for SQL NULL. */
static TEST_UNUSED void ask_within(struct bench *b, struct call *call, const struct form *form,
                                   const char *value, uint64_t ms)
{
    call_prepare(call, form, &value, 1);
    call->op->deadline_ns = ms != 0 ? mono_ns() + ms * MS : 0;
    pg_pool_submit(b->pool, call->op);
}

static TEST_UNUSED void ask(struct bench *b, struct call *call, const struct form *form, const char *value)
{
    ask_within(b, call, form, value, 0);
}

static TEST_UNUSED void ask_number(struct bench *b, struct call *call, const struct form *form, int number)
{
    char value[16];
    snprintf(value, sizeof(value), "%d", number);
    ask(b, call, form, value);
}

/* The integer in the call's row, in this one of the columns that are its own; -1 without a row. */
static TEST_UNUSED int64_t column_of(const struct call *call, int column)
{
    const struct pg_op *op = call->op;
    struct buf scratch = BUF_INIT;
    struct pg_cell cell;
    struct err err = {0};
    assert_int_equal(call->done, 1);
    if (!op->ok)
        fail_msg("%s: %s", err_code_name(op->err.code), op->err.text);
    if (op->is_shared ? op->row < 0 : pg_result_rows(op->result) == 0)
        return -1;
    assert_int_equal(pg_result_cell(op->result, op->row, op->first_column + column, &scratch, &cell, &err),
                     0);
    buf_release(&scratch);
    return cell.integer;
}

static TEST_UNUSED int64_t answer_of(const struct call *call)
{
    return column_of(call, 0);
}

static TEST_UNUSED void wait_and_expect(struct bench *b, struct call *call, int64_t answer)
{
    bench_until(b, call->done);
    assert_int_equal(answer_of(call), answer);
    call_release(call);
}

static TEST_UNUSED int set_up(void **state)
{
    if (test_database_open(state) != 0)
        return -1;
    run_sql("CREATE TABLE numbers AS SELECT i AS n FROM generate_series(0, 199) AS s(i);"
            "CREATE INDEX ON numbers (n);"
            "CREATE TABLE written (n int);"
            "CREATE TABLE texts (n int, t text);"
            "CREATE FUNCTION nap(n int) RETURNS boolean LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_sleep(CASE WHEN n < 100 THEN 0.25 ELSE 60 END); RETURN true; END'");
    return 0;
}

#endif
