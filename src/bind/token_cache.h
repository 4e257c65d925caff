/* Tokens that were found good, and what was made of their claims: seen again, one costs a hash and a
 * comparison.
 *
 * One per VM, whose keys never change: a reload begins with an empty one. Only exp, nbf and iat are looked at
 * again; whoever revokes a token before its time has to be asked as before. Loop thread of the VM; may raise
 * for want of memory.
 */
#ifndef BIND_TOKEN_CACHE_H
#define BIND_TOKEN_CACHE_H

#include "bind/bind.h"

/* Push the value of the token: true. Or nothing: it is not here, or not good now. */
bool token_cache_find(lua_State *L, const char *token, size_t len, bool is_foreign, int64_t now_s);
/* Keep the value on top of the stack for the token as long as its claims say. */
void token_cache_add(lua_State *L, const char *token, size_t len, int claims, bool is_foreign);

#endif
