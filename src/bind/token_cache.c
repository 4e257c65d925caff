/* A set-associative cache of verified tokens: bounded, and what was not used longest goes first. */
#include "bind/token_cache.h"

#include <sodium.h>
#include <string.h>

#include "bind/jwt.h"

#define SETS 1024
#define WAYS 4

/* What stands for a token: a hash of all of it by a secret key. Whoever does not know the key cannot find
 * another text with the same one, so the token itself need not be kept. */
struct tag {
    unsigned char bytes[crypto_shorthash_siphashx24_BYTES];
};

struct slot {
    struct tag tag;
    uint64_t used; /* a count of look-ups, 0 for an empty slot */
    int64_t from_s, until_s;
    bool is_foreign;
};

/* A userdata whose user value is a list: of slot i the value at i + 1. */
struct token_cache {
    unsigned char key[crypto_shorthash_siphashx24_KEYBYTES];
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
    randombytes_buf(cache->key, sizeof(cache->key));
    lua_createtable(L, SETS * WAYS, 0);
    lua_setiuservalue(L, -2, 1);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &cache_key);
    return cache;
}

/* The first slot of the set where a token belongs. */
static size_t locate(const struct token_cache *cache, const char *token, size_t len, struct tag *tag)
{
    uint64_t number;
    crypto_shorthash_siphashx24(tag->bytes, (const unsigned char *)token, len, cache->key);
    memcpy(&number, tag->bytes, sizeof(number));
    return number % SETS * WAYS;
}

bool token_cache_find(lua_State *L, const char *token, size_t len, bool is_foreign, int64_t now_s)
{
    int top = lua_gettop(L);
    struct token_cache *cache = push_cache(L);
    if (cache == NULL) {
        lua_settop(L, top);
        return false;
    }
    struct tag tag;
    size_t first = locate(cache, token, len, &tag);
    for (size_t i = first; i < first + WAYS; i++) {
        struct slot *slot = &cache->slots[i];
        if (slot->used == 0 || slot->is_foreign != is_foreign || now_s < slot->from_s ||
            now_s >= slot->until_s || sodium_memcmp(&slot->tag, &tag, sizeof(tag)) != 0)
            continue;
        slot->used = ++cache->lookups;
        lua_getiuservalue(L, -1, 1);
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
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

void token_cache_add(lua_State *L, const char *token, size_t len, int claims, bool is_foreign)
{
    int value = lua_gettop(L);
    int64_t nbf = claim(L, claims, "nbf"), iat = claim(L, claims, "iat");
    struct token_cache *cache = push_cache(L);
    if (cache == NULL)
        cache = push_new_cache(L);
    struct slot slot = {
        .used = ++cache->lookups,
        .from_s = (nbf > iat ? nbf : iat) - JWT_LEEWAY_S,
        .until_s = claim(L, claims, "exp"),
        .is_foreign = is_foreign,
    };
    size_t at = least_used(cache, locate(cache, token, len, &slot.tag));
    lua_getiuservalue(L, -1, 1);
    lua_pushvalue(L, value);
    lua_rawseti(L, -2, (lua_Integer)at + 1);
    cache->slots[at] = slot;
    lua_settop(L, value);
}
