/* Settings: precedence and origin, bounds, errors with file and line, secrets, hostile config.lua. */
#include "host_fixture.h"

#include <lauxlib.h>
#include <lualib.h>

#include "host/config.h"
#include "host/settings.h"

/* What the caller has set for his own server must not reach the tests. */
static int clean_setup(void **state)
{
    for (size_t i = 0; i < settings_count; i++) {
        struct buf name = BUF_INIT;
        setting_env_name(&settings[i], &name);
        unsetenv(name.data);
        if (settings[i].alias != NULL)
            unsetenv(settings[i].alias);
        buf_release(&name);
    }
    return root_setup(state);
}

static struct config *load(const struct config_flag *flags, size_t count, bool need_secrets, struct err *err)
{
    struct bundle *bundle = bundle_read(fixture_root, err);
    if (bundle == NULL)
        return NULL;
    struct config *c = config_load(bundle, fixture_root, flags, count, need_secrets, err);
    bundle_unref(bundle);
    return c;
}

static struct config *load_plain(void)
{
    struct err err = {0};
    struct config *c = load(NULL, 0, false, &err);
    if (c == NULL)
        fail_msg("%s", err.text);
    return c;
}

static void expect_error(const struct config_flag *flags, size_t count, bool need_secrets,
                         const char *expected)
{
    struct err err = {0};
    struct config *c = load(flags, count, need_secrets, &err);
    if (c != NULL)
        fail_msg("loaded, but expected: %s", expected);
    assert_int_equal(err.code, ERR_INVALID);
    if (strstr(err.text, expected) == NULL)
        fail_msg("\"%s\" does not hold \"%s\"", err.text, expected);
}

struct wanted {
    const char *key;
    char value[256], origin[256];
    unsigned seen;
};

static void pick(void *data, const char *key, const char *value, const char *origin, bool restart_only)
{
    struct wanted *w = data;
    (void)restart_only;
    if (strcmp(key, w->key) != 0)
        return;
    snprintf(w->value, sizeof(w->value), "%s", value);
    snprintf(w->origin, sizeof(w->origin), "%s", origin);
    w->seen++;
}

static void expect_setting(const struct config *c, const char *key, const char *value, const char *origin)
{
    struct wanted w = {.key = key};
    config_each(c, false, pick, &w);
    assert_int_equal(w.seen, 1);
    assert_string_equal(w.value, value);
    assert_string_equal(w.origin, origin);
}

/* ---- sources ---- */

static void test_defaults(void **state)
{
    (void)state;
    root_write("config.lua", "return {}");
    struct config *c = load_plain();
    expect_setting(c, "http.body_bytes_max", "65536", "default");
    expect_setting(c, "api.listen", "127.0.0.1:8080", "default");
    assert_true(c->api.workers >= 1);
    assert_string_equal(c->database.url, "");
    assert_null(c->http.cors_origins[0]);
    config_unref(c);
}

static void test_the_strongest_source_wins(void **state)
{
    (void)state;
    const struct config_flag flag = {"http.body_bytes_max", "6"};
    struct err err;
    root_write("config.lua", "return {\n  http = { -- limits\n    body_bytes_max = 2,\n  },\n}");
    struct config *c = load_plain();
    expect_setting(c, "http.body_bytes_max", "2", "config.lua:3");
    config_unref(c);
    root_write("var/env", "# written\nLEXICRAFT_HTTP_BODY_BYTES_MAX=3\n");
    c = load_plain();
    expect_setting(c, "http.body_bytes_max", "3", "var/env:2");
    config_unref(c);
    root_write(".env", "LEXICRAFT_HTTP_BODY_BYTES_MAX=4\n");
    c = load_plain();
    expect_setting(c, "http.body_bytes_max", "4", ".env:1");
    config_unref(c);
    setenv("LEXICRAFT_HTTP_BODY_BYTES_MAX", "5", 1);
    c = load_plain();
    expect_setting(c, "http.body_bytes_max", "5", "environment LEXICRAFT_HTTP_BODY_BYTES_MAX");
    config_unref(c);
    c = load(&flag, 1, false, &err);
    assert_non_null(c);
    expect_setting(c, "http.body_bytes_max", "6", "flag --set");
    assert_int_equal(c->http.body_bytes_max, 6);
    config_unref(c);
}

static void test_an_empty_variable_counts_as_not_set(void **state)
{
    (void)state;
    root_write("config.lua", "return { log = { level = 'warn' } }");
    root_write(".env", "LEXICRAFT_LOG_LEVEL=\n");
    setenv("LEXICRAFT_LOG_LEVEL", "", 1);
    struct config *c = load_plain();
    expect_setting(c, "log.level", "warn", "config.lua:1");
    config_unref(c);
}

static void test_kinds_of_values(void **state)
{
    (void)state;
    root_write("config.lua",
               "return { http = { cors_origins = { 'https://a.example', \"http://b:1\" }, drain_ms = 1e3 },\n"
               "reload = { watch = false } }");
    struct config *c = load_plain();
    assert_string_equal(c->http.cors_origins[1], "http://b:1");
    assert_null(c->http.cors_origins[2]);
    assert_int_equal(c->http.drain_ms, 1000);
    assert_false(c->reload.watch);
    expect_setting(c, "http.cors_origins", "https://a.example,http://b:1", "config.lua:1");
    config_unref(c);
    setenv("LEXICRAFT_HTTP_CORS_ORIGINS", "https://c.example, https://d.example", 1);
    setenv("LEXICRAFT_RELOAD_WATCH", "1", 1);
    c = load_plain();
    assert_string_equal(c->http.cors_origins[1], "https://d.example");
    assert_true(c->reload.watch);
    config_unref(c);
}

/* A flag, a line of .env or an argument for every number just inside and just outside of its bounds. */
static void test_every_number_has_bounds(void **state)
{
    (void)state;
    root_write("config.lua", "return {}");
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *s = &settings[i];
        struct config c = {0};
        struct err err;
        if (s->kind != SETTING_NUMBER)
            continue;
        assert_true(s->min <= s->max);
        assert_int_equal(setting_set_number(s, &c, s->min, &err), 0);
        assert_int_equal(setting_number(s, &c), s->min);
        assert_int_equal(setting_set_number(s, &c, s->max, &err), 0);
        assert_int_equal(setting_set_number(s, &c, s->min - 1, &err), -1);
        assert_int_equal(setting_set_number(s, &c, s->max + 1, &err), -1);
        assert_int_equal(setting_parse(s, &c, "99999999999999999999", &err), -1);
        assert_int_equal(setting_parse(s, &c, "12x", &err), -1);
        assert_int_equal(setting_parse(s, &c, " 12", &err), -1);
        assert_int_equal(setting_parse(s, &c, "", &err), -1);
        assert_int_equal(setting_number(s, &c), s->max);
    }
}

/* ---- errors of config.lua ---- */

static void test_errors_name_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"return {\n http = {\n  body_bytes_max = -1 } }", "config.lua:3: http.body_bytes_max must be 0 to"},
        {"return {\n http = {\n  nonsense = 1 } }", "config.lua:3: http.nonsense is not a setting"},
        {"return {\n nonsense = {} ,\n}", "config.lua:2: nonsense is not a section of settings"},
        {"return {\n nonsense = { a = 1 } }", "config.lua:2: nonsense is not a section"},
        {"return {\n http = 1 }", "config.lua:2: http must be a table"},
        {"return {\n http = {\n 5 } }", "config.lua:2: http must hold only NAME = value"},
        {"return {\n --[[ http = {\n body_bytes_max = 1 ]]\n http = { body_bytes_max = 'x' } }",
         "config.lua:4: http.body_bytes_max must not be a text"},
        {"return { http = { body_bytes_max = 1.5 } }",
         "config.lua:1: http.body_bytes_max must be a whole number"},
        {"return { http = { body_bytes_max = true } }",
         "config.lua:1: http.body_bytes_max must not be true or false"},
        {"return { http = { cors_origins = { 'nonsense' } } }",
         "config.lua:1: http.cors_origins must hold origins"},
        {"return { http = { cors_origins = { a = 'x' } } }",
         "config.lua:1: http.cors_origins must be a list"},
        {"return { http = { cors_origins = { 1 } } }",
         "config.lua:1: http.cors_origins must be a list of texts"},
        {"return { reload = { watch = 1 } }", "config.lua:1: reload.watch must not be a number"},
        {"return { log = { level = 'loud' } }", "config.lua:1: log.level must be debug, info"},
        {"return { log = { level = 'a\\0b' } }", "config.lua:1: log.level must not hold a NUL byte"},
        {"return { auth = { key = 'x' } }", "config.lua:1: auth.key is a secret"},
        {"return { api = { listen = 'localhost' } }", "config.lua:1: api.listen must be address:port"},
        {"return { api = { listen = '127.0.0.1:70000' } }", "config.lua:1: api.listen must end in a port"},
        {"return { api = { listen = 'example.org:80' } }",
         "config.lua:1: api.listen must begin with an IP address"},
        {"return { limits = {\n page_default = 20,\n page_max = 10 } }",
         "config.lua:2: limits.page_default must not be above"},
        {"return {\n = 1 }", "config.lua:2: "},
        {"return 5", "config.lua: must return a table"},
        {"", "config.lua: must return a table"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        root_write("config.lua", cases[i].text);
        expect_error(NULL, 0, false, cases[i].expected);
    }
}

static void test_hostile_files_end(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"while true do end", "config.lua:1: more than 100000 instructions"},
        {"local function f() return f() end\nreturn f()", "config.lua:1: more than 100000 instructions"},
        {"local s = 'x'\nfor i = 1, 60 do s = s .. s end return {}",
         "config.lua: uses more than 8388608 bytes"},
        {"local t = {}\nfor i = 1, 1e9 do t[i] = i end return {}", "config.lua"},
        {"return { http = { cors_origins = { ('x'):rep(10) } } }",
         "config.lua:1: attempt to index a string value"},
        {"return os.exit(0)", "config.lua:1: attempt to index a nil value"},
        {"return require 'x'", "config.lua:1: attempt to call a nil value"},
        {"local function f() return 1 + f() end return f()", "config.lua:1: more than 100000 instructions"},
        {"\033Lua", "config.lua: "},
        {"goto a ::a:: goto a", "config.lua:1: more than 100000 instructions"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        root_write("config.lua", cases[i].text);
        struct err err = {0};
        struct config *c = load(NULL, 0, false, &err);
        assert_null(c);
        if (strstr(err.text, cases[i].expected) == NULL)
            fail_msg("%s: \"%s\" does not hold \"%s\"", cases[i].text, err.text, cases[i].expected);
    }
    struct buf deep = BUF_INIT;
    buf_append_str(&deep, "return ");
    for (int i = 0; i < 10000; i++)
        buf_append_char(&deep, '{');
    root_write("config.lua", deep.data);
    expect_error(NULL, 0, false, "config.lua: C stack overflow");
    buf_release(&deep);
}

/* ---- environment files ---- */

static void test_lines_of_environment_files(void **state)
{
    (void)state;
    root_write("config.lua", "return {}");
    root_write(".env", "\n# a comment\n  export LEXICRAFT_AUTH_ISSUER = x\n");
    expect_error(NULL, 0, false, ".env:3: not of the form NAME=value");
    root_write(".env", "export LEXICRAFT_AUTH_ISSUER=plain text # comment\r\n"
                       "LEXICRAFT_AUTH_AUDIENCE=\"quoted \\\"\\$\\\\ #1\"  # comment\n"
                       "LEXICRAFT_AUTH_KEY_FILE='single $x \\n'\n"
                       "OTHER=whatever");
    struct config *c = load_plain();
    assert_string_equal(c->auth.issuer, "plain text");
    assert_string_equal(c->auth.audience, "quoted \"$\\ #1");
    assert_string_equal(c->auth.key_file, "single $x \\n");
    config_unref(c);
    root_write(".env", "A=1\nB=\"open\n");
    expect_error(NULL, 0, false, ".env:2: quotes that do not end");
    root_write(".env", "A='x' y\n");
    expect_error(NULL, 0, false, ".env:1: text after the closing quote");
    root_write(".env", "1A=x\n");
    expect_error(NULL, 0, false, ".env:1: not of the form");
    root_write(".env", "A=1\nLEXICRAFT_HTTP_IDLE_MS=soon\n");
    expect_error(NULL, 0, false, ".env:2: LEXICRAFT_HTTP_IDLE_MS must be a whole number of 1 to 3600000");
    root_write(".env", "LEXICRAFT_HTTP_IDLE_MS=1\nLEXICRAFT_HTTP_IDLE_MS=2\n");
    c = load_plain();
    expect_setting(c, "http.idle_ms", "2", ".env:2");
    config_unref(c);
}

static void test_flags_that_are_wrong(void **state)
{
    (void)state;
    const struct config_flag unknown = {"http.nonsense", "1"}, bad = {"http.idle_ms", "0"};
    root_write("config.lua", "return {}");
    expect_error(&unknown, 1, false, "--set http.nonsense: is not a setting");
    expect_error(&bad, 1, false, "--set http.idle_ms: must be 1 to 3600000, not 0");
}

/* ---- secrets ---- */

static void test_serving_needs_a_key_and_a_database(void **state)
{
    (void)state;
    root_write("config.lua", "return {}");
    expect_error(NULL, 0, true, "var/secret: no signing key");
    root_write("var/secret", "short\n");
    expect_error(NULL, 0, true, "var/secret: auth.key has 5 bytes");
    expect_error(NULL, 0, false, "var/secret: auth.key has 5 bytes");
    root_write("var/secret", KEY_A "\r\n");
    expect_error(NULL, 0, true, "database.url: is not set");
    setenv("DATABASE_URL", "postgresql:///x", 1);
    struct err err;
    struct config *c = load(NULL, 0, true, &err);
    assert_non_null(c);
    assert_string_equal(c->auth.key, KEY_A);
    expect_setting(c, "auth.key", "***", "file var/secret");
    config_unref(c);
    setenv("LEXICRAFT_AUTH_KEY", KEY_B, 1);
    c = load(NULL, 0, true, &err);
    assert_non_null(c);
    assert_string_equal(c->auth.key, KEY_B);
    config_unref(c);
}

static void test_the_previous_key(void **state)
{
    (void)state;
    root_write("config.lua", "return { auth = { previous_key_file = 'var/old' } }");
    root_write("var/secret", KEY_A);
    struct config *c = load_plain();
    assert_string_equal(c->auth.previous_key, "");
    config_unref(c);
    root_write("var/old", KEY_B);
    c = load_plain();
    assert_string_equal(c->auth.previous_key, KEY_B);
    config_unref(c);
    root_write("var/old", "x");
    expect_error(NULL, 0, false, "var/old: auth.previous_key has 1 bytes");
}

static void test_the_key_of_another_issuer(void **state)
{
    (void)state;
    root_write("var/secret", KEY_A);
    setenv("DATABASE_URL", "postgresql:///x", 1);
    root_write("config.lua", "return { auth = { supabase_issuer = 'https://other.example' } }");
    expect_error(NULL, 0, true, "config.lua:1: auth.supabase_issuer needs LEXICRAFT_AUTH_SUPABASE_KEY");
    setenv("LEXICRAFT_AUTH_SUPABASE_KEY", "short", 1);
    expect_error(NULL, 0, false, "environment LEXICRAFT_AUTH_SUPABASE_KEY: auth.supabase_key has 5 bytes");
    setenv("LEXICRAFT_AUTH_SUPABASE_KEY", KEY_A, 1);
    expect_error(NULL, 0, false,
                 "environment LEXICRAFT_AUTH_SUPABASE_KEY: auth.supabase_key must not be a signing key");
    setenv("LEXICRAFT_AUTH_SUPABASE_KEY", KEY_B, 1);
    struct err err;
    struct config *c = load(NULL, 0, true, &err);
    assert_non_null(c);
    assert_string_equal(c->auth.supabase_audience, "authenticated");
    expect_setting(c, "auth.supabase_key", "***", "environment LEXICRAFT_AUTH_SUPABASE_KEY");
    config_unref(c);
    root_write("config.lua", "return { auth = { previous_key_file = 'var/old',\n supabase_issuer = 'x' } }");
    root_write("var/old", KEY_B);
    expect_error(NULL, 0, false, "auth.supabase_key must not be a signing key");
    root_write("config.lua", "return {}");
    expect_error(NULL, 0, false, "auth.supabase_key needs auth.supabase_issuer");
}

static void test_variables_that_are_no_settings(void **state)
{
    (void)state;
    root_write("config.lua", "return {}");
    root_write(".env", "DATABASE_URLS=x\n"
                       "LEXICRAFT_MIGRATION_URL=x\n"
                       "LEXICRAFT_TEST_CLOCK=1\n"
                       "LEXICRAFT_HTTP_BODY=\n");
    config_unref(load_plain());
    root_write(".env", "\nLEXICRAFT_HTTP_BODY_BYTES=1");
    expect_error(NULL, 0, false, ".env:2: LEXICRAFT_HTTP_BODY_BYTES is not a setting");
    root_write(".env", "");
    struct buf names = BUF_INIT;
    setenv("LEXICRAFT_AUTH_KEYS", "x", 1);
    config_unref(load_plain());
    config_unknown_variables(&names);
    assert_string_equal("LEXICRAFT_AUTH_KEYS", names.data);
    unsetenv("LEXICRAFT_AUTH_KEYS");
    buf_clear(&names);
    config_unknown_variables(&names);
    assert_int_equal(0, names.len);
    buf_release(&names);
}

static void find_secret(void *data, const char *key, const char *value, const char *origin, bool restart_only)
{
    (void)key;
    (void)origin;
    (void)restart_only;
    unsigned *found = data;
    *found += strstr(value, "hunter2") != NULL || strstr(value, KEY_A) != NULL;
}

static void test_secrets_are_masked_unless_asked_for(void **state)
{
    (void)state;
    root_write("config.lua", "return {}");
    root_write("var/secret", KEY_A);
    setenv("DATABASE_URL", "postgresql://me:hunter2@/x", 1);
    struct config *c = load_plain();
    unsigned found = 0;
    config_each(c, false, find_secret, &found);
    assert_int_equal(found, 0);
    config_each(c, true, find_secret, &found);
    assert_int_equal(found, 3); /* url, migration_url, key */
    struct buf value = BUF_INIT;
    assert_int_equal(config_get(c, "database.url", &value), 0);
    assert_string_equal(value.data, "postgresql://me:hunter2@/x");
    assert_int_equal(config_get(c, "database.nonsense", &value), -1);
    buf_release(&value);
    config_unref(c);
}

static void test_the_owning_url_belongs_to_its_database(void **state)
{
    (void)state;
    root_write("config.lua", "return {}");
    root_write("var/env",
               "DATABASE_URL=postgresql:///own\nLEXICRAFT_MIGRATION_URL=postgresql:///own?user=owner\n");
    struct config *c = load_plain();
    assert_string_equal(c->database.url, "postgresql:///own");
    assert_string_equal(c->database.migration_url, "postgresql:///own?user=owner");
    config_unref(c);
    /* Another database from a stronger source must not be migrated by the owner of the first. */
    root_write(".env", "DATABASE_URL=postgresql:///other\n");
    c = load_plain();
    assert_string_equal(c->database.url, "postgresql:///other");
    assert_string_equal(c->database.migration_url, "postgresql:///other");
    expect_setting(c, "database.migration_url", "***", "database.url");
    config_unref(c);
}

/* ---- comparing ---- */

static void test_differences(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    root_write("config.lua", "return { api = { workers = 1 } }");
    struct config *before = load_plain();
    root_write(
        "config.lua",
        "return { api = { workers = 3 }, log = { level = 'warn' }, http = { cors_origins = { '*' } } }");
    struct config *after = load_plain();
    config_restart_only_diff(before, before, &out);
    assert_int_equal(out.len, 0);
    config_restart_only_diff(before, after, &out);
    assert_string_equal(out.data, "api.workers");
    buf_clear(&out);
    config_diff(before, after, &out);
    assert_string_equal(out.data, "api.workers, http.cors_origins, log.level");
    buf_release(&out);
    config_unref(before);
    config_unref(config_ref(after));
    config_unref(after);
}

/* ---- require "config" ---- */

static void run_lua(lua_State *L, const char *text)
{
    if (luaL_dostring(L, text) != LUA_OK)
        fail_msg("%s: %s", text, lua_tostring(L, -1));
}

static void test_lua_sees_everything_but_secrets_and_changes_nothing(void **state)
{
    (void)state;
    root_write("config.lua",
               "return { http = { cors_origins = { 'https://a.example', 'https://b.example' } } }");
    root_write("var/secret", KEY_A);
    struct config *c = load_plain();
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    config_push(L, c);
    lua_setglobal(L, "config");
    run_lua(
        L,
        "assert(config.http.body_bytes_max == 65536 and math.type(config.http.body_bytes_max) == 'integer')");
    run_lua(L, "assert(config.reload.watch == true and config.auth.issuer == 'lexicraft')");
    run_lua(
        L,
        "assert(config.database.url == nil and config.auth.key == nil and config.database.lock_ms == 2000)");
    run_lua(L,
            "assert(#config.http.cors_origins == 2 and config.http.cors_origins[2] == 'https://b.example')");
    run_lua(L, "local n = 0 for _, o in ipairs(config.http.cors_origins) do n = n + 1 end assert(n == 2)");
    run_lua(L, "local n = 0 for k, v in pairs(config) do n = n + 1 assert(type(v) == 'table', k) end "
               "assert(n == 11, n)");
    run_lua(L, "assert(not pcall(function() config.http.body_bytes_max = 1 end))");
    run_lua(L, "assert(not pcall(function() config.http = {} end))");
    run_lua(L, "assert(not pcall(function() config.http.cors_origins[3] = 'x' end))");
    run_lua(L, "assert(getmetatable(config) == false)");
    lua_close(L);
    config_unref(c);
}

/* ---- the project's own config.lua ---- */

static void check_preset(void *data, const char *key, const char *value, const char *origin,
                         bool restart_only)
{
    (void)data;
    (void)restart_only;
    const struct setting *s = setting_find(key);
    if (s->marks & SETTING_NO_FILE)
        return;
    if (strncmp(origin, "config.lua:", 11) != 0)
        fail_msg("%s is missing in config.lua (%s)", key, origin);
    if (strcmp(key, "api.workers") != 0 && strcmp(s->preset, value) != 0)
        fail_msg("%s: config.lua says %s, the table of settings %s", key, value, s->preset);
}

static void test_the_shipped_config_says_what_the_table_says(void **state)
{
    (void)state;
    struct buf path = BUF_INIT, text = BUF_INIT;
    const char *slash = strstr(__FILE__, "tests/unit/");
    assert_non_null(slash);
    buf_append(&path, __FILE__, (size_t)(slash - __FILE__));
    buf_append_str(&path, "config.lua");
    FILE *file = fopen(path.data, "r");
    assert_non_null(file);
    for (int c; (c = fgetc(file)) != EOF;)
        buf_append_char(&text, (char)c);
    fclose(file);
    root_write("config.lua", text.data);
    struct config *c = load_plain();
    config_each(c, true, check_preset, NULL);
    config_unref(c);
    buf_release(&path);
    buf_release(&text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, clean_setup, root_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_defaults),
        TEST(test_the_strongest_source_wins),
        TEST(test_an_empty_variable_counts_as_not_set),
        TEST(test_kinds_of_values),
        TEST(test_every_number_has_bounds),
        TEST(test_errors_name_file_and_line),
        TEST(test_hostile_files_end),
        TEST(test_lines_of_environment_files),
        TEST(test_flags_that_are_wrong),
        TEST(test_serving_needs_a_key_and_a_database),
        TEST(test_the_previous_key),
        TEST(test_the_key_of_another_issuer),
        TEST(test_variables_that_are_no_settings),
        TEST(test_secrets_are_masked_unless_asked_for),
        TEST(test_the_owning_url_belongs_to_its_database),
        TEST(test_differences),
        TEST(test_lua_sees_everything_but_secrets_and_changes_nothing),
        TEST(test_the_shipped_config_says_what_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
