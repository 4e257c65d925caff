/* A set-associative cache of verified tokens: bounded, and what was not used longest goes first. */
#include "bind/token_cache.h"

#include <sodium.h>
#include <string.h>

#include "bind/jwt.h"

#define SETS 1024
#define WAYS 4
#define HASHED_BYTES_MAX 64 /* a token's end: its signature tells it from every other good one */

struct slot {
    uint64_t hash, used; /* used: a count of look-ups, 0 for an empty slot */
    int64_t from_s, until_s;
    bool is_foreign;
};

/* A userdata whose user value is a list: of slot i the token at 2i + 1, the value at 2i + 2. */
struct token_cache {
    unsigned char key[crypto_shorthash_KEYBYTES];
    uint64_t lookups;
    struct slot slots[SETS * WAYS];
};

/* Registry key. */
static const char cache_key;

static struct token_cache *push_cache(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key);
    return lua_touserdata(L, -1);
}

static struct token_cache *push_new_cache(lua_State *L)
{
    struct token_cache *cache = lua_newuserdatauv(L, sizeof(*cache), 1);
    memset(cache, 0, sizeof(*cache));
    crypto_shorthash_keygen(cache->key);
    lua_createtable(L, 2 * SETS * WAYS, 0);
    lua_setiuservalue(L, -2, 1);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &cache_key);
    return cache;
}

static uint64_t hash_of(const struct token_cache *cache, const char *token, size_t len)
{
    unsigned char bytes[crypto_shorthash_BYTES];
    uint64_t hash;
    size_t hashed = len < HASHED_BYTES_MAX ? len : HASHED_BYTES_MAX;
    crypto_shorthash(bytes, (const unsigned char *)token + len - hashed, hashed, cache->key);
    memcpy(&hash, bytes, sizeof(hash));
    return hash;
}

/* Is the token kept for the slot this one? The list is on top of the stack. Whoever knows the signature, and
 * so comes here, has nothing to gain from how long it takes. */
static bool holds(lua_State *L, lua_Integer slot, const char *token, size_t len)
{
    size_t kept_len = 0;
    lua_rawgeti(L, -1, 2 * slot + 1);
    const char *kept = lua_tolstring(L, -1, &kept_len);
    bool is_same = kept_len == len && memcmp(kept, token, len) == 0;
    lua_pop(L, 1);
    return is_same;
}

bool token_cache_find(lua_State *L, int index, bool is_foreign, int64_t now_s)
{
    size_t len;
    const char *token = lua_tolstring(L, index, &len);
    int top = lua_gettop(L);
    struct token_cache *cache = push_cache(L);
    if (cache == NULL) {
        lua_settop(L, top);
        return false;
    }
    lua_getiuservalue(L, -1, 1);
    uint64_t hash = hash_of(cache, token, len);
    size_t first = hash % SETS * WAYS;
    for (size_t i = first; i < first + WAYS; i++) {
        struct slot *slot = &cache->slots[i];
        if (slot->used == 0 || slot->hash != hash || slot->is_foreign != is_foreign || now_s < slot->from_s ||
            now_s >= slot->until_s || !holds(L, (lua_Integer)i, token, len))
            continue;
        slot->used = ++cache->lookups;
        lua_rawgeti(L, -1, 2 * (lua_Integer)i + 2);
        lua_replace(L, top + 1);
        lua_settop(L, top + 1);
        return true;
    }
    lua_settop(L, top);
    return false;
}

static size_t least_used(const struct token_cache *cache, size_t first)
{
    size_t least = first;
    for (size_t i = first + 1; i < first + WAYS; i++) {
        if (cache->slots[i].used < cache->slots[least].used)
            least = i;
    }
    return least;
}

/* A whole number among the claims at index; 0 if there is none. */
static int64_t claim(lua_State *L, int index, const char *name)
{
    lua_pushstring(L, name);
    lua_rawget(L, index);
    int64_t value = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return value;
}

void token_cache_add(lua_State *L, int index, int claims, bool is_foreign)
{
    size_t len;
    const char *token = lua_tolstring(L, index, &len);
    int value = lua_gettop(L);
    int64_t nbf = claim(L, claims, "nbf"), iat = claim(L, claims, "iat");
    struct token_cache *cache = push_cache(L);
    if (cache == NULL)
        cache = push_new_cache(L);
    lua_getiuservalue(L, -1, 1);
    uint64_t hash = hash_of(cache, token, len);
    size_t at = least_used(cache, hash % SETS * WAYS);
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, 2 * (lua_Integer)at + 1);
    lua_pushvalue(L, value);
    lua_rawseti(L, -2, 2 * (lua_Integer)at + 2);
    cache->slots[at] = (struct slot){
        .hash = hash,
        .used = ++cache->lookups,
        .from_s = (nbf > iat ? nbf : iat) - JWT_LEEWAY_S,
        .until_s = claim(L, claims, "exp"),
        .is_foreign = is_foreign,
    };
    lua_settop(L, value);
}
