/* Evaluates config.lua and copies what it returns into the settings. */
#include "host/config_lua.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "script/vm.h"

/* ---- where a key stands in the text: Lua tables do not remember it ---- */

struct scanner {
    const char *p;
    int line;
};

static void step(struct scanner *s)
{
    if (*s->p == '\n')
        s->line++;
    if (*s->p != '\0')
        s->p++;
}

/* The level of a long bracket "[==[" at p, or -1. */
static int long_bracket(const char *p)
{
    int level = 0;
    if (*p++ != '[')
        return -1;
    for (; *p == '='; p++)
        level++;
    return *p == '[' ? level : -1;
}

static void skip_long(struct scanner *s, int level)
{
    for (; *s->p != '\0'; step(s)) {
        const char *p = s->p;
        int equals = 0;
        if (*p++ != ']')
            continue;
        for (; *p == '='; p++)
            equals++;
        if (*p == ']' && equals == level) {
            s->p = p + 1;
            return;
        }
    }
}

static void skip_string(struct scanner *s)
{
    char quote = *s->p;
    step(s);
    while (*s->p != '\0' && *s->p != quote && *s->p != '\n') {
        if (*s->p == '\\')
            step(s);
        step(s);
    }
    step(s);
}

/* Skips a comment or a string at the cursor; false if there is none. */
static bool skip_opaque(struct scanner *s)
{
    int level = long_bracket(s->p);
    if (level >= 0) {
        skip_long(s, level);
        return true;
    }
    if (*s->p == '"' || *s->p == '\'') {
        skip_string(s);
        return true;
    }
    if (s->p[0] != '-' || s->p[1] != '-')
        return false;
    s->p += 2;
    level = long_bracket(s->p);
    if (level >= 0) {
        skip_long(s, level);
        return true;
    }
    while (*s->p != '\0' && *s->p != '\n')
        step(s);
    return true;
}

static size_t name_length(const char *p)
{
    size_t n = 0;
    while ((p[n] >= 'a' && p[n] <= 'z') || (p[n] >= 'A' && p[n] <= 'Z') || p[n] == '_' ||
           (n > 0 && p[n] >= '0' && p[n] <= '9'))
        n++;
    return n;
}

/* Line of "name =" directly inside of a table at depth, searching from s up to the end of that table. */
static bool find_name(struct scanner *s, const char *name, int depth)
{
    int at = 0;
    while (*s->p != '\0') {
        if (skip_opaque(s))
            continue;
        size_t len = name_length(s->p);
        if (len > 0) {
            const char *after = s->p + len;
            after += strspn(after, " \t\r\n");
            if (at == depth && strlen(name) == len && memcmp(name, s->p, len) == 0 && *after == '=')
                return true;
            s->p += len;
            continue;
        }
        at += *s->p == '{';
        at -= *s->p == '}';
        if (at < 0)
            return false;
        step(s);
    }
    return false;
}

/* The line where section.name (name may be NULL) is set, 0 if it cannot be told. */
static int line_of(const char *text, const char *section, const char *name)
{
    struct scanner s = {text, 1};
    if (!find_name(&s, section, 1))
        return 0;
    int section_line = s.line;
    while (*s.p != '\0' && *s.p != '{')
        step(&s);
    step(&s);
    if (name != NULL && find_name(&s, name, 0))
        return s.line;
    return section_line;
}

/* ---- evaluation ---- */

struct budget {
    size_t used;
};

static void *capped_alloc(void *ud, void *ptr, size_t old, size_t new)
{
    struct budget *b = ud;
    size_t before = ptr == NULL ? 0 : old;
    if (new == 0) {
        b->used -= before;
        free(ptr);
        return NULL;
    }
    if (new > before && b->used + (new - before) > CONFIG_LUA_MEMORY_BYTES_MAX)
        return NULL;
    void *fresh = realloc(ptr, new);
    if (fresh != NULL)
        b->used += new - before;
    return fresh;
}

static void too_long(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    luaL_where(L, 0); /* a hook has no level of its own */
    lua_pushfstring(L, "more than %d instructions: it must be plain data", CONFIG_LUA_INSTRUCTIONS_MAX);
    lua_concat(L, 2);
    lua_error(L);
}

struct reading {
    const struct bundle_file *file;
    struct config *config;
    void (*origin)(void *data, const struct setting *s, int line);
    void *data;
    struct err *err;
    int rc;
};

static int fault(struct reading *r, const char *section, const char *name, const char *why)
{
    int line = line_of(r->file->bytes, section, name);
    const char *dot = name != NULL ? "." : "";
    if (line > 0)
        return err_set(r->err, ERR_INVALID, "%s:%d: %s%s%s %s", r->file->path, line, section, dot,
                       name != NULL ? name : "", why);
    return err_set(r->err, ERR_INVALID, "%s: %s%s%s %s", r->file->path, section, dot,
                   name != NULL ? name : "", why);
}

static int set_list(lua_State *L, const struct setting *s, struct config *c, struct err *err)
{
    char *items[SETTING_LIST_ITEMS_MAX + 2] = {NULL};
    size_t count = (size_t)lua_rawlen(L, -1), keys = 0;
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1))
        keys++;
    if (keys != count || count > SETTING_LIST_ITEMS_MAX)
        return err_set(err, ERR_INVALID, "must be a list of at most %d texts", SETTING_LIST_ITEMS_MAX);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        if (lua_type(L, -1) == LUA_TSTRING)
            items[i] = x_strdup(lua_tostring(L, -1));
        else
            rc = err_set(err, ERR_INVALID, "must be a list of texts");
        lua_pop(L, 1);
    }
    if (rc == 0)
        rc = setting_set_list(s, c, items, err);
    for (size_t i = 0; i < count; i++)
        free(items[i]);
    return rc;
}

static int set_text(lua_State *L, const struct setting *s, struct config *c, struct err *err)
{
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    if (strlen(text) != len)
        return err_set(err, ERR_INVALID, "must not hold a NUL byte");
    return setting_set_text(s, c, text, err);
}

/* The value on top of the stack becomes the setting's. */
static int set_value(lua_State *L, const struct setting *s, struct config *c, struct err *err)
{
    int whole;
    lua_Integer number;
    switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN:
        return setting_set_flag(s, c, lua_toboolean(L, -1) != 0, err);
    case LUA_TNUMBER:
        number = lua_tointegerx(L, -1, &whole);
        if (!whole)
            return err_set(err, ERR_INVALID, "must be a whole number");
        return setting_set_number(s, c, number, err);
    case LUA_TSTRING:
        return set_text(L, s, c, err);
    case LUA_TTABLE:
        return set_list(L, s, c, err);
    default:
        return err_set(err, ERR_INVALID, "must be a text, a number, true, false or a list");
    }
}

static int read_setting(lua_State *L, struct reading *r, const char *section, const char *name)
{
    char key[128];
    struct err why;
    int len = snprintf(key, sizeof(key), "%s.%s", section, name);
    const struct setting *s = len < (int)sizeof(key) ? setting_find(key) : NULL;
    if (s == NULL)
        return fault(r, section, name, "is not a setting");
    if (s->marks & SETTING_NO_FILE)
        return fault(r, section, name, "is a secret: set it in the environment or name a file");
    if (set_value(L, s, r->config, &why) != 0)
        return fault(r, section, name, why.text);
    r->origin(r->data, s, line_of(r->file->bytes, section, name));
    return 0;
}

static bool is_section(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < settings_count; i++) {
        if (strncmp(settings[i].key, name, len) == 0 && settings[i].key[len] == '.')
            return true;
    }
    return false;
}

static int read_section(lua_State *L, struct reading *r, const char *section)
{
    if (!is_section(section))
        return fault(r, section, NULL, "is not a section of settings");
    if (lua_type(L, -1) != LUA_TTABLE)
        return fault(r, section, NULL, "must be a table");
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            return fault(r, section, NULL, "must hold only NAME = value");
        if (read_setting(L, r, section, lua_tostring(L, -2)) != 0)
            return -1;
    }
    return 0;
}

static int read_sections(lua_State *L, struct reading *r)
{
    if (lua_type(L, -1) != LUA_TTABLE)
        return err_set(r->err, ERR_INVALID, "%s: must return a table", r->file->path);
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            return err_set(r->err, ERR_INVALID, "%s: must hold only NAME = { … }", r->file->path);
        if (read_section(L, r, lua_tostring(L, -2)) != 0)
            return -1;
    }
    return 0;
}

/* Protected: light userdata struct reading → nothing; raises only Lua's own errors. */
static int evaluate(lua_State *L)
{
    struct reading *r = lua_touserdata(L, 1);
    char name[256];
    snprintf(name, sizeof(name), "@%s", r->file->path);
    luaL_checkstack(L, 20, NULL);
    if (luaL_loadbufferx(L, r->file->bytes, r->file->len, name, "t") != LUA_OK)
        return lua_error(L);
    lua_newtable(L);
    lua_setupvalue(L, -2, 1);
    lua_sethook(L, too_long, LUA_MASKCOUNT, CONFIG_LUA_INSTRUCTIONS_MAX);
    lua_call(L, 0, 1);
    lua_sethook(L, NULL, 0, 0);
    r->rc = read_sections(L, r);
    return 0;
}

int config_lua_read(const struct bundle_file *file, struct config *c,
                    void (*origin)(void *data, const struct setting *s, int line), void *data,
                    struct err *err)
{
    struct budget budget = {0};
    struct reading r = {.file = file, .config = c, .origin = origin, .data = data, .err = err};
    lua_State *L = lua_newstate(capped_alloc, &budget);
    if (L == NULL)
        return err_set(err, ERR_INTERNAL, "no memory for a Lua state");
    lua_pushcfunction(L, evaluate);
    lua_pushlightuserdata(L, &r);
    int status = lua_pcall(L, 1, 0, 0);
    if (status == LUA_ERRMEM) {
        r.rc = err_set(err, ERR_LIMIT, "%s: uses more than %u bytes of memory: it must be plain data",
                       file->path, CONFIG_LUA_MEMORY_BYTES_MAX);
    } else if (status != LUA_OK) {
        vm_pop_error(L, err);
        err->code = ERR_INVALID;
        /* Lua names no file when it refuses compiled code. */
        r.rc =
            strncmp(err->text, file->path, strlen(file->path)) == 0 ? -1 : err_prefix(err, "%s", file->path);
    }
    lua_close(L);
    return r.rc;
}
