/* JSON Web Tokens, HS256 only, of ours and of one foreign issuer. Pure; any thread; never raises a Lua error.
 *
 * A token is refused unless its header is exactly {"alg":"HS256"} with or without "typ":"JWT", every part is
 * canonical base64url without padding, the signature is that of the current or the previous key, and its
 * claims are: sub and role (text, not empty), iss and aud (text, equal to ours), iat, nbf and exp (whole
 * seconds). exp has no leeway; nbf and iat may lie JWT_LEEWAY_S ahead, because the clocks of two nodes
 * differ.
 *
 * A foreign token is judged alike by the foreign key, issuer and audience, and never by ours; its header may
 * also name a key (kid, a text that is not looked at), aud may be a list that holds the audience, and nbf may
 * be missing.
 */
#ifndef BIND_JWT_H
#define BIND_JWT_H

#include "bind/bind.h"

#define JWT_BYTES_MAX 4096 /* of a token */
#define JWT_LEEWAY_S 5
#define JWT_KEY_BYTES_MIN 32

enum jwt_verdict { JWT_OK, JWT_INVALID, JWT_EXPIRED };

/* Append the token for this claims object (JSON text) signed with the current key. */
void jwt_sign(struct buf *out, const struct auth_keys *keys, const char *claims, size_t len);

/* On JWT_OK *claims is the document, freed by json_free; else err says why in words that hold nothing of the
 * token. */
enum jwt_verdict jwt_verify(const struct auth_keys *keys, const char *token, size_t len, int64_t now_s,
                            struct json **claims, struct err *err) MUSTCHECK;
/* The same for a token of the foreign issuer. */
enum jwt_verdict jwt_verify_foreign(const struct auth_keys *keys, const char *token, size_t len,
                                    int64_t now_s, struct json **claims, struct err *err) MUSTCHECK;

#endif
