/* A small sound application in the fixture's root, and a database with what a generation needs of one: a
 * schema of the test's own, in the database that DATABASE_URL names. */
#ifndef HOST_APP_H
#define HOST_APP_H

#include "host_fixture.h"

#include "pg/session.h"

#define GOOD_RULE                                                                                            \
    "local a = {}\n"                                                                                         \
    "a.shapes = { double = { input = { n = 'integer 0..100' }, result = { n = 'integer 0..200' } } }\n"      \
    "function a.double(input) return { n = input.n * 2 } end\n"                                              \
    "function a.examples() return { { call = 'double', input = { n = 2 }, expect = { n = 4 } } } end\n"      \
    "return a\n"
#define GOOD_APP                                                                                             \
    "local http = require 'http'\n"                                                                          \
    "local things = require 'store.things'\n"                                                                \
    "return { { method = 'GET', path = '/hello', handler = function() return { status = 204 } end } }\n"
#define GOOD_STORE                                                                                           \
    "local db = require 'db'\nlocal sql = db.sql [[\n  select 1 as one,\n    $1::int as two\n]]\nreturn { "  \
    "sql = sql }\n"

static char app_url[1024]; /* DATABASE_URL with the test's schema in front */
static char app_schema[64];

__attribute__((unused)) static void app_sql(const char *text)
{
    struct err err = {0};
    struct pg_session *s = pg_session_open(app_url, 10000, &err);
    if (s == NULL || pg_session_run(s, text, &err) != 0)
        fail_msg("%s: %s", text, err.text);
    pg_session_close(s);
}

__attribute__((unused)) static int64_t app_count(const char *query)
{
    struct err err = {0};
    struct pg_result *result = NULL;
    struct buf scratch = BUF_INIT;
    struct pg_cell cell;
    struct pg_session *s = pg_session_open(app_url, 10000, &err);
    if (s == NULL || pg_session_query(s, query, 0, NULL, &result, &err) != 0 ||
        pg_result_cell(result, 0, 0, &scratch, &cell, &err) != 0)
        fail_msg("%s: %s", query, err.text);
    pg_result_free(result);
    buf_release(&scratch);
    pg_session_close(s);
    return cell.integer;
}

/* The environment must not say what the root says. */
static void app_set_database(void)
{
    const char *url = getenv("DATABASE_URL");
    if (url == NULL || url[0] == '\0') {
        fprintf(stderr, "DATABASE_URL is not set: this test needs a scratch PostgreSQL database\n");
        exit(1);
    }
    snprintf(app_schema, sizeof(app_schema), "unit_host_%ld", (long)getpid());
    snprintf(app_url, sizeof(app_url), "%s%soptions=-csearch_path%%3D%s", url,
             strchr(url, '?') != NULL ? "&" : "?", app_schema);
    unsetenv("DATABASE_URL");
}

static int app_setup(void **state)
{
    struct buf sql = BUF_INIT, env = BUF_INIT;
    if (app_url[0] == '\0')
        app_set_database();
    if (root_setup(state) != 0)
        return -1;
    buf_appendf(&sql,
                "drop schema if exists %s cascade; create schema %s; create table rule_versions (version "
                "text primary key,"
                " sources jsonb not null, created_at timestamptz not null default now())",
                app_schema, app_schema);
    app_sql(sql.data);
    buf_appendf(&env, "DATABASE_URL='%s'\nLEXICRAFT_AUTH_KEY=%s\n", app_url, KEY_A);
    root_write(".env", env.data);
    root_write("config.lua", "return {}\n");
    root_write("lua/app.lua", GOOD_APP);
    root_write("lua/store/things.lua", GOOD_STORE);
    root_write("lua/rules/a.lua", GOOD_RULE);
    buf_release(&sql);
    buf_release(&env);
    return 0;
}

static int app_teardown(void **state)
{
    struct buf sql = BUF_INIT;
    buf_appendf(&sql, "drop schema %s cascade", app_schema);
    app_sql(sql.data);
    buf_release(&sql);
    return root_teardown(state);
}

#endif
