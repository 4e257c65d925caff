/* Lua module "auth": passwords, tokens, random text, hashes. */
#include <sodium.h>
#include <string.h>

#include "bind/json_encode.h"
#include "bind/jwt.h"
#include "bind/support.h"
#include "bind/token_cache.h"

#define WAIT_NAME "lexicraft.password"
#define PASSWORD_BYTES_MAX 1024
#define TTL_S_MAX 31536000
#define RANDOM_BYTES_MIN 16
#define RANDOM_BYTES_MAX 64
#define US_PER_S 1000000

/* What a task waits for; a userdata on its stack. */
struct password_wait {
    struct hash_job *job; /* NULL: nothing under way */
    struct task *task;
    bool ok, matches;
    struct err err;
    char hash[HASHER_HASH_BYTES];
};

static void let_go(void *data)
{
    struct password_wait *w = data;
    if (w->job != NULL)
        hash_job_abandon(w->job);
    w->job = NULL;
}

static int wait_gc(lua_State *L)
{
    let_go(lua_touserdata(L, 1));
    return 0;
}

static void hashed(void *data, const struct err *err, const char *hash, bool matches)
{
    struct password_wait *w = data;
    w->job = NULL;
    w->ok = err == NULL;
    w->matches = matches;
    if (err != NULL)
        w->err = *err;
    else if (hash != NULL)
        memcpy(w->hash, hash, strnlen(hash, sizeof(w->hash) - 1) + 1);
    task_wake(w->task);
}

static const char *check_password(lua_State *L, int index, size_t *len)
{
    const char *password = luaL_checklstring(L, index, len);
    if (*len < 1 || *len > PASSWORD_BYTES_MAX)
        support_fail(L, ERR_INVALID, "a password has 1 to %d bytes", PASSWORD_BYTES_MAX);
    return password;
}

/* Hand the work to the hasher and yield; next pushes the result. The userdata of the wait is at lua_gettop.
 */
static int submit(lua_State *L, const char *password, size_t len, const char *hash, lua_KFunction next)
{
    struct bind_context *c = bind_context_of(L);
    if (c->loop == NULL || c->hasher == NULL)
        return support_fail(L, ERR_INTERNAL, "not while loading: this needs the password hasher");
    struct task *task = task_of(L);
    struct password_wait *w = lua_newuserdatauv(L, sizeof(*w), 0);
    *w = (struct password_wait){.task = task};
    luaL_setmetatable(L, WAIT_NAME);
    w->job = hasher_submit(c->hasher, c->loop, password, len, hash, hashed, w, &w->err);
    if (w->job == NULL)
        return support_raise(L, &w->err);
    task_suspend(task, let_go, w);
    return lua_yieldk(L, 0, lua_gettop(L), next);
}

static struct password_wait *result_of(lua_State *L, lua_KContext index)
{
    struct password_wait *w = lua_touserdata(L, (int)index);
    if (!w->ok)
        support_raise(L, &w->err);
    return w;
}

static int push_hash(lua_State *L, int status, lua_KContext index)
{
    (void)status;
    lua_pushstring(L, result_of(L, index)->hash);
    return 1;
}

static int push_verdict(lua_State *L, int status, lua_KContext index)
{
    (void)status;
    lua_pushboolean(L, result_of(L, index)->matches);
    return 1;
}

static int hash_password(lua_State *L)
{
    size_t len;
    const char *password = check_password(L, 1, &len);
    return submit(L, password, len, NULL, push_hash);
}

static int verify_password(lua_State *L)
{
    size_t len;
    const char *hash = luaL_optstring(L, 1, ""); /* nothing libsodium can read: equal work, false */
    const char *password = check_password(L, 2, &len);
    return submit(L, password, len, hash, push_verdict);
}

static void set_integer(lua_State *L, const char *name, int64_t value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *value)
{
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
}

static void require_text(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    lua_rawget(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING || lua_rawlen(L, -1) == 0)
        luaL_error(L, "claim '%s' must be text", name);
    lua_pop(L, 1);
}

/* Push a copy of the claims at 1 without those set here. */
static void copy_claims(lua_State *L)
{
    static const char *const ours[] = {"iss", "aud", "iat", "nbf", "exp"};
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, 1) != 0) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
    for (size_t i = 0; i < COUNT_OF(ours); i++) {
        lua_pushstring(L, ours[i]);
        if (lua_rawget(L, -2) != LUA_TNIL)
            luaL_error(L, "claim '%s' is set by issue_token", ours[i]);
        lua_pop(L, 1);
    }
}

static int issue_token(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer ttl_s = luaL_checkinteger(L, 2);
    luaL_argcheck(L, ttl_s >= 1 && ttl_s <= TTL_S_MAX, 2, "1 to 31,536,000 seconds expected");
    require_text(L, "sub");
    require_text(L, "role");
    struct bind_context *c = bind_context_of(L);
    if (c->keys.current_len < JWT_KEY_BYTES_MIN)
        return support_fail(L, ERR_INTERNAL, "there is no signing key");
    int64_t now_s = wall_us() / US_PER_S;
    copy_claims(L);
    set_text(L, "iss", c->keys.issuer);
    set_text(L, "aud", c->keys.audience);
    set_integer(L, "iat", now_s);
    set_integer(L, "nbf", now_s);
    set_integer(L, "exp", now_s + ttl_s);
    int claims_index = lua_gettop(L);
    struct buf *claims = support_push_buf(L), *token = support_push_buf(L);
    bind_json_encode(L, claims_index, claims);
    jwt_sign(token, &c->keys, claims->data, claims->len);
    if (token->len > JWT_BYTES_MAX)
        return support_fail(L, ERR_LIMIT, "the token is longer than %d bytes", JWT_BYTES_MAX);
    lua_pushlstring(L, token->data, token->len);
    buf_release(claims);
    buf_release(token);
    return 1;
}

/* At 1: a token, or the request that brings one. */
static int push_claims(lua_State *L, bool is_foreign)
{
    size_t len;
    const char *token = lua_isuserdata(L, 1) ? bind_http_bearer(L, 1, &len) : luaL_checklstring(L, 1, &len);
    int64_t now_s = wall_us() / US_PER_S;
    bool is_read = !lua_isnoneornil(L, 2);
    if (is_read)
        luaL_checktype(L, 2, LUA_TFUNCTION);
    if (token_cache_find(L, token, len, is_foreign, now_s))
        return 1;
    struct json **claims = support_push_document(L);
    const struct auth_keys *keys = &bind_context_of(L)->keys;
    struct err err;
    enum jwt_verdict verdict =
        (is_foreign ? jwt_verify_foreign : jwt_verify)(keys, token, len, now_s, claims, &err);
    if (verdict != JWT_OK) {
        support_push_failure(L, &err);
        set_text(L, "code", verdict == JWT_EXPIRED ? "expired_token" : "invalid_token");
        return 2;
    }
    bind_json_push(L, *claims);
    json_free(*claims);
    *claims = NULL;
    int index = lua_gettop(L);
    if (is_read) {
        lua_pushvalue(L, 2);
        lua_pushvalue(L, index);
        lua_call(L, 1, 1);
    }
    if (!lua_isnil(L, -1))
        token_cache_add(L, token, len, index, is_foreign);
    return 1;
}

static int verify_token(lua_State *L)
{
    return push_claims(L, false);
}

static int verify_foreign_token(lua_State *L)
{
    return push_claims(L, true);
}

static int random_text(lua_State *L)
{
    lua_Integer count = luaL_checkinteger(L, 1);
    luaL_argcheck(L, count >= RANDOM_BYTES_MIN && count <= RANDOM_BYTES_MAX, 1, "16 to 64 bytes expected");
    unsigned char bytes[RANDOM_BYTES_MAX];
    char text[sodium_base64_ENCODED_LEN(RANDOM_BYTES_MAX, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
    randombytes_buf(bytes, (size_t)count);
    sodium_bin2base64(text, sizeof(text), bytes, (size_t)count, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    lua_pushstring(L, text);
    return 1;
}

static int sha256(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof(hash) + 1];
    crypto_hash_sha256(hash, (const unsigned char *)text, len);
    lua_pushstring(L, sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash)));
    return 1;
}

static int equal(lua_State *L)
{
    size_t left_len, right_len;
    const char *left = luaL_checklstring(L, 1, &left_len), *right = luaL_checklstring(L, 2, &right_len);
    lua_pushboolean(L, left_len == right_len && sodium_memcmp(left, right, left_len) == 0);
    return 1;
}

int bind_open_auth(lua_State *L)
{
    static const luaL_Reg functions[] = {{"hash_password", hash_password},
                                         {"verify_password", verify_password},
                                         {"issue_token", issue_token},
                                         {"verify_token", verify_token},
                                         {"verify_foreign_token", verify_foreign_token},
                                         {"random", random_text},
                                         {"sha256", sha256},
                                         {"equal", equal},
                                         {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", wait_gc}, {NULL, NULL}};
    support_metatable(L, WAIT_NAME, meta, NULL);
    luaL_newlib(L, functions);
    return 1;
}
