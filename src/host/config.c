/* Merges default, config.lua, environment and flags into one immutable struct config. */
#include "host/config.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <sodium.h>
#include <uv.h>

#include "bind/bind.h"
#include "host/config_lua.h"
#include "host/environment.h"
#include "host/settings.h"

#define KEY_BYTES_MIN 32
#define KEY_FILE_BYTES_MAX 4096

struct config_private {
    int refs;       /* atomic */
    char **origins; /* one per setting */
};

static char **origin_of(struct config *c, const struct setting *s)
{
    return &c->impl->origins[s - settings];
}

static void set_origin(struct config *c, const struct setting *s, char *origin)
{
    free(*origin_of(c, s));
    *origin_of(c, s) = origin;
}

static const struct setting *known(const char *key)
{
    const struct setting *s = setting_find(key);
    assert(s != NULL);
    return s;
}

static struct config *config_new(void)
{
    struct config *c = x_calloc(1, sizeof(*c));
    struct err err;
    c->impl = x_calloc(1, sizeof(*c->impl));
    c->impl->refs = 1;
    c->impl->origins = x_calloc(settings_count, sizeof(char *));
    for (size_t i = 0; i < settings_count; i++) {
        int rc = setting_parse(&settings[i], c, settings[i].preset, &err);
        assert(rc == 0);
        (void)rc;
        set_origin(c, &settings[i], x_strdup("default"));
    }
    return c;
}

static void config_free(struct config *c)
{
    settings_release(c);
    for (size_t i = 0; i < settings_count; i++)
        free(c->impl->origins[i]);
    free(c->impl->origins);
    free(c->impl);
    free(c);
}

struct config *config_ref(struct config *c)
{
    __atomic_add_fetch(&c->impl->refs, 1, __ATOMIC_RELAXED);
    return c;
}

void config_unref(struct config *c)
{
    if (c != NULL && __atomic_sub_fetch(&c->impl->refs, 1, __ATOMIC_ACQ_REL) == 0)
        config_free(c);
}

/* ---- config.lua ---- */

static void file_origin(void *data, const struct setting *s, int line)
{
    struct buf origin = BUF_INIT;
    buf_append_str(&origin, "config.lua");
    if (line > 0)
        buf_appendf(&origin, ":%d", line);
    set_origin(data, s, buf_detach(&origin));
}

/* ---- environment ---- */

/* Takes the value of name from one layer, if it is there: 1 taken, 0 not there, -1 wrong. */
static int take_variable(struct config *c, const struct setting *s, const struct environment *e,
                         enum environment_layer layer, const char *name, struct err *err)
{
    int line;
    struct err why;
    struct buf origin = BUF_INIT;
    const char *value = environment_get(e, layer, name, &line);
    if (value == NULL)
        return 0;
    if (line > 0)
        buf_appendf(&origin, "%s:%d", environment_layer_name(layer), line);
    else
        buf_appendf(&origin, "environment %s", name);
    if (setting_parse(s, c, value, &why) != 0) {
        err_set(err, ERR_INVALID, "%s: %s %s", origin.data, name, why.text);
        buf_release(&origin);
        return -1;
    }
    set_origin(c, s, buf_detach(&origin));
    return 1;
}

/* The layer the setting was taken from, or ENVIRONMENT_LAYERS if from none; -1 wrong. */
static int take_environment(struct config *c, const struct setting *s, const struct environment *e,
                            struct err *err)
{
    struct buf name = BUF_INIT;
    int found = 0, layer = ENVIRONMENT_PROCESS;
    setting_env_name(s, &name);
    for (; layer < ENVIRONMENT_LAYERS; layer++) {
        found = take_variable(c, s, e, (enum environment_layer)layer, name.data, err);
        if (found == 0 && s->alias != NULL)
            found = take_variable(c, s, e, (enum environment_layer)layer, s->alias, err);
        if (found != 0)
            break;
    }
    buf_release(&name);
    return found < 0 ? -1 : layer;
}

/* var/env is written for one database: its owning URL must not be used for another one that a stronger source
 * names. */
static void drop_foreign_migration_url(struct config *c, const struct environment *e)
{
    const char *url = environment_get(e, ENVIRONMENT_VAR_ENV, "DATABASE_URL", NULL);
    if (url != NULL && strcmp(url, c->database.url) == 0)
        return;
    struct err err;
    const struct setting *s = known("database.migration_url");
    if (setting_set_text(s, c, "", &err) != 0)
        return;
    set_origin(c, s, x_strdup("default"));
}

/* Named as one of ours, but not for tests and scripts, and no setting: a slip of the pen that would change
 * nothing. */
static bool is_stranger(const char *name)
{
    static const char prefix[] = "LEXICRAFT_", tests[] = "LEXICRAFT_TEST_";
    bool is_ours = strncmp(name, prefix, sizeof(prefix) - 1) == 0;
    if (!is_ours || strncmp(name, tests, sizeof(tests) - 1) == 0 || strcmp(name, "LEXICRAFT_BINARY") == 0)
        return false;
    bool is_known = false;
    for (size_t i = 0; i < settings_count && !is_known; i++) {
        struct buf own = BUF_INIT;
        setting_env_name(&settings[i], &own);
        is_known = strcmp(own.data, name) == 0 ||
                   (settings[i].alias != NULL && strcmp(settings[i].alias, name) == 0);
        buf_release(&own);
    }
    return !is_known;
}

struct stranger {
    char *name; /* the first one, or NULL */
    int line;
};

static void note_stranger(void *data, const char *name, int line)
{
    struct stranger *found = data;
    if (found->name == NULL && is_stranger(name))
        *found = (struct stranger){x_strdup(name), line};
}

static int refuse_strangers(const struct environment *e, enum environment_layer layer, struct err *err)
{
    struct stranger found = {NULL, 0};
    environment_each(e, layer, note_stranger, &found);
    if (found.name == NULL)
        return 0;
    err_set(err, ERR_INVALID, "%s:%d: %s is not a setting", environment_layer_name(layer), found.line,
            found.name);
    free(found.name);
    return -1;
}

static void list_stranger(void *data, const char *name, int line)
{
    struct buf *out = data;
    (void)line;
    if (is_stranger(name))
        buf_appendf(out, "%s%s", out->len > 0 ? ", " : "", name);
}

void config_unknown_variables(struct buf *out)
{
    environment_each(NULL, ENVIRONMENT_PROCESS, list_stranger, out);
}

static int apply_environment(struct config *c, const struct environment *e, struct err *err)
{
    for (size_t i = 0; i < settings_count; i++) {
        int layer = take_environment(c, &settings[i], e, err);
        if (layer < 0)
            return -1;
        if (layer == ENVIRONMENT_VAR_ENV && &settings[i] == known("database.migration_url"))
            drop_foreign_migration_url(c, e);
    }
    if (refuse_strangers(e, ENVIRONMENT_DOT_ENV, err) != 0)
        return -1;
    return refuse_strangers(e, ENVIRONMENT_VAR_ENV, err);
}

/* ---- flags ---- */

static int apply_flags(struct config *c, const struct config_flag *flags, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct err why;
        const struct setting *s = setting_find(flags[i].key);
        if (s == NULL)
            return err_set(err, ERR_INVALID, "--set %s: is not a setting", flags[i].key);
        if (setting_parse(s, c, flags[i].value, &why) != 0)
            return err_set(err, ERR_INVALID, "--set %s: %s", flags[i].key, why.text);
        set_origin(c, s, x_strdup("flag --set"));
    }
    return 0;
}

/* ---- what depends on several settings ---- */

/* Read the key that stands in file into the setting unless the environment or a flag gave it. */
static int read_key(struct config *c, const char *root, const char *key_name, const char *file,
                    struct err *err)
{
    const struct setting *s = known(key_name);
    char **slot = setting_text_field(s, c);
    struct buf bytes = BUF_INIT, origin = BUF_INIT;
    if ((*slot)[0] != '\0' || file[0] == '\0')
        return 0;
    int rc = environment_read_file(root, file, KEY_FILE_BYTES_MAX, &bytes, err);
    if (rc == 0) {
        while (bytes.len > 0 && strchr("\r\n", bytes.data[bytes.len - 1]) != NULL)
            bytes.data[--bytes.len] = '\0';
        struct err why;
        if (strlen(bytes.data) != bytes.len)
            rc = err_set(err, ERR_INVALID, "%s: holds a NUL byte; write the key as text", file);
        else if (setting_set_text(s, c, bytes.data, &why) != 0)
            rc = err_set(err, ERR_INVALID, "%s: %s %s", file, key_name, why.text);
        buf_appendf(&origin, "file %s", file);
        set_origin(c, s, buf_detach(&origin));
    }
    if (bytes.data != NULL)
        sodium_memzero(bytes.data, bytes.cap);
    buf_release(&bytes);
    return rc < 0 ? -1 : 0;
}

static int check_key_length(const struct config *c, const char *key_name, const char *key, struct err *err)
{
    if (key[0] != '\0' && strlen(key) < KEY_BYTES_MIN)
        return err_set(err, ERR_INVALID, "%s: %s has %zu bytes, it must have at least %d",
                       c->impl->origins[known(key_name) - settings], key_name, strlen(key), KEY_BYTES_MIN);
    return 0;
}

static int read_keys(struct config *c, const char *root, struct err *err)
{
    if (read_key(c, root, "auth.key", c->auth.key_file, err) != 0 ||
        read_key(c, root, "auth.previous_key", c->auth.previous_key_file, err) != 0)
        return -1;
    if (check_key_length(c, "auth.key", c->auth.key, err) != 0)
        return -1;
    return check_key_length(c, "auth.previous_key", c->auth.previous_key, err);
}

/* Whose token it is, is told by its key alone, so the other issuer must have one of its own. */
static int check_supabase(const struct config *c, struct err *err)
{
    const char *key = c->auth.supabase_key;
    const char *origin = c->impl->origins[known("auth.supabase_key") - settings];
    if (key[0] != '\0' && c->auth.supabase_issuer[0] == '\0')
        return err_set(err, ERR_INVALID, "%s: auth.supabase_key needs auth.supabase_issuer as well", origin);
    if (check_key_length(c, "auth.supabase_key", key, err) != 0)
        return -1;
    if (key[0] != '\0' && (strcmp(key, c->auth.key) == 0 || strcmp(key, c->auth.previous_key) == 0))
        return err_set(err, ERR_INVALID, "%s: auth.supabase_key must not be a signing key of this server",
                       origin);
    return 0;
}

static int check_secrets(const struct config *c, struct err *err)
{
    if (c->auth.key[0] == '\0')
        return err_set(
            err, ERR_INVALID,
            "%s: no signing key there (auth.key_file); script/server makes one, or set LEXICRAFT_AUTH_KEY",
            c->auth.key_file[0] != '\0' ? c->auth.key_file : "auth.key_file");
    if (c->auth.supabase_issuer[0] != '\0' && c->auth.supabase_key[0] == '\0')
        return err_set(err, ERR_INVALID, "%s: auth.supabase_issuer needs LEXICRAFT_AUTH_SUPABASE_KEY as well",
                       c->impl->origins[known("auth.supabase_issuer") - settings]);
    if (c->database.url[0] == '\0')
        return err_set(err, ERR_INVALID,
                       "database.url: is not set; script/server sets it, or set DATABASE_URL");
    return 0;
}

static int resolve(struct config *c, const char *root, bool need_secrets, struct err *err)
{
    if (c->api.workers == 0)
        c->api.workers = (int64_t)uv_available_parallelism();
    if (c->limits.page_default > c->limits.page_max)
        return err_set(err, ERR_INVALID, "%s: limits.page_default must not be above limits.page_max (%lld)",
                       c->impl->origins[known("limits.page_default") - settings],
                       (long long)c->limits.page_max);
    if (c->database.migration_url[0] == '\0' && c->database.url[0] != '\0') {
        free(c->database.migration_url);
        c->database.migration_url = x_strdup(c->database.url);
        set_origin(c, known("database.migration_url"), x_strdup("database.url"));
    }
    if (read_keys(c, root, err) != 0 || check_supabase(c, err) != 0)
        return -1;
    return need_secrets ? check_secrets(c, err) : 0;
}

struct config *config_load(const struct bundle *bundle, const char *root, const struct config_flag *flags,
                           size_t flag_count, bool need_secrets, struct err *err)
{
    const struct bundle_file *file = bundle_find(bundle, "config.lua");
    if (file == NULL) {
        err_set(err, ERR_INVALID, "config.lua: there is none");
        return NULL;
    }
    struct environment *env = environment_read(root, err);
    if (env == NULL)
        return NULL;
    struct config *c = config_new();
    int rc = config_lua_read(file, c, file_origin, c, err);
    if (rc == 0)
        rc = apply_environment(c, env, err);
    if (rc == 0)
        rc = apply_flags(c, flags, flag_count, err);
    if (rc == 0)
        rc = resolve(c, root, need_secrets, err);
    environment_free(env);
    if (rc == 0)
        return c;
    config_unref(c);
    return NULL;
}

/* ---- looking at it ---- */

void config_each(const struct config *c, bool reveal,
                 void (*visit)(void *data, const char *key, const char *value, const char *origin,
                               bool restart_only),
                 void *data)
{
    struct buf value = BUF_INIT;
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *s = &settings[i];
        buf_clear(&value);
        buf_append(&value, "", 0);
        setting_format(s, c, &value);
        assert(value.data != NULL);
        bool mask = (s->marks & SETTING_SECRET) != 0 && !reveal && value.len > 0;
        visit(data, s->key, mask ? "***" : value.data, c->impl->origins[i],
              (s->marks & SETTING_RESTART) != 0);
    }
    if (value.data != NULL)
        sodium_memzero(value.data, value.cap);
    buf_release(&value);
}

int config_get(const struct config *c, const char *key, struct buf *out)
{
    const struct setting *s = setting_find(key);
    if (s == NULL)
        return -1;
    setting_format(s, c, out);
    return 0;
}

static void diff(const struct config *before, const struct config *after, unsigned marks, struct buf *out)
{
    for (size_t i = 0; i < settings_count; i++) {
        struct buf a = BUF_INIT, b = BUF_INIT;
        if ((settings[i].marks & marks) != marks)
            continue;
        setting_format(&settings[i], before, &a);
        setting_format(&settings[i], after, &b);
        if (a.len != b.len || (a.len > 0 && memcmp(a.data, b.data, a.len) != 0))
            buf_appendf(out, "%s%s", out->len > 0 ? ", " : "", settings[i].key);
        buf_release(&a);
        buf_release(&b);
    }
}

void config_restart_only_diff(const struct config *before, const struct config *after, struct buf *out)
{
    diff(before, after, SETTING_RESTART, out);
}

void config_diff(const struct config *before, const struct config *after, struct buf *out)
{
    diff(before, after, 0, out);
}

/* ---- require "config" ---- */

static int refuse_write(lua_State *L)
{
    return luaL_error(L, "the configuration is read only");
}

static int proxy_length(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, lua_upvalueindex(1)));
    return 1;
}

/* next over the hidden table, so that nobody gets hold of the table itself. */
static int proxy_next(lua_State *L)
{
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    return lua_next(L, lua_upvalueindex(1)) != 0 ? 2 : (lua_pushnil(L), 1);
}

static int proxy_pairs(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushcclosure(L, proxy_next, 1);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

/* The table on top of the stack is replaced by an empty one that shows it read only. */
static void make_read_only(lua_State *L)
{
    lua_newtable(L);
    lua_createtable(L, 0, 5);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, refuse_write);
    lua_setfield(L, -2, "__newindex");
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, proxy_length, 1);
    lua_setfield(L, -2, "__len");
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, proxy_pairs, 1);
    lua_setfield(L, -2, "__pairs");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}

static void push_value(lua_State *L, const struct config *c, const struct setting *s)
{
    struct config *mutable = (struct config *)(uintptr_t)c;
    char **items;
    switch (s->kind) {
    case SETTING_TEXT:
        lua_pushstring(L, *setting_text_field(s, mutable));
        return;
    case SETTING_FLAG:
        lua_pushboolean(L, setting_flag(s, c));
        return;
    case SETTING_NUMBER:
        lua_pushinteger(L, setting_number(s, c));
        return;
    case SETTING_LIST:
        lua_newtable(L);
        items = *setting_list_field(s, mutable);
        for (int i = 0; items[i] != NULL; i++) {
            lua_pushstring(L, items[i]);
            lua_rawseti(L, -2, i + 1);
        }
        make_read_only(L);
        return;
    }
}

void config_push(lua_State *L, const struct config *c)
{
    luaL_checkstack(L, 10, NULL);
    lua_newtable(L);
    for (size_t i = 0; i < settings_count;) {
        size_t section_len = (size_t)(strchr(settings[i].key, '.') - settings[i].key);
        const char *section = settings[i].key;
        lua_pushlstring(L, section, section_len);
        lua_newtable(L);
        /* Settings of one section stand together in the table. */
        for (; i < settings_count && strncmp(settings[i].key, section, section_len + 1) == 0; i++) {
            if (settings[i].marks & SETTING_SECRET)
                continue;
            push_value(L, c, &settings[i]);
            lua_setfield(L, -2, settings[i].key + section_len + 1);
        }
        make_read_only(L);
        lua_rawset(L, -3);
    }
    make_read_only(L);
}
