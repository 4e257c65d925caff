/* JSON Web Tokens with one pinned algorithm. */
#include "bind/jwt.h"

#include <sodium.h>
#include <string.h>

#define MAC_BYTES crypto_auth_hmacsha256_BYTES
#define JWT_DEPTH_MAX 16 /* foreign issuers put profiles into their claims */

/* By whose rules a token is judged. */
struct judge {
    const unsigned char *key, *previous_key; /* previous_key NULL: none */
    size_t key_len, previous_len;
    const char *issuer, *audience;
    bool is_foreign;
};

struct part {
    const char *text;
    size_t len;
};

static void sign(unsigned char mac[MAC_BYTES], const unsigned char *key, size_t key_len,
                 struct part signed_part)
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key, key_len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)signed_part.text, signed_part.len);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof(state));
}

static void append_base64url(struct buf *out, const void *bytes, size_t len)
{
    size_t size = sodium_base64_encoded_len(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buf_reserve(out, size);
    sodium_bin2base64(out->data + out->len, size, bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    out->len += size - 1;
}

void jwt_sign(struct buf *out, const struct auth_keys *keys, const char *claims, size_t len)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    assert(keys->current_len >= JWT_KEY_BYTES_MIN);
    size_t start = out->len;
    append_base64url(out, header, sizeof(header) - 1);
    buf_append_char(out, '.');
    append_base64url(out, claims, len);
    unsigned char mac[MAC_BYTES];
    sign(mac, keys->current, keys->current_len, (struct part){out->data + start, out->len - start});
    buf_append_char(out, '.');
    append_base64url(out, mac, sizeof(mac));
}

/* libsodium refuses padding, foreign characters and bits left over in the last character. */
static int decode_base64url(struct part part, void *out, size_t size, size_t *len)
{
    return sodium_base642bin(out, size, part.text, part.len, NULL, len, NULL,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* Cut the token at its two dots; -1 if there are more or fewer. */
static int split(const char *token, size_t len, struct part parts[3])
{
    const char *at = token, *end = token + len;
    for (int i = 0; i < 3; i++) {
        const char *dot = memchr(at, '.', (size_t)(end - at));
        if ((dot == NULL) != (i == 2))
            return -1;
        const char *stop = dot == NULL ? end : dot;
        parts[i] = (struct part){at, (size_t)(stop - at)};
        at = stop + 1;
    }
    return 0;
}

static bool mac_is(const unsigned char mac[MAC_BYTES], const unsigned char *key, size_t key_len,
                   struct part part)
{
    if (key_len < JWT_KEY_BYTES_MIN)
        return false;
    unsigned char expected[MAC_BYTES];
    sign(expected, key, key_len, part);
    return sodium_memcmp(mac, expected, MAC_BYTES) == 0;
}

static bool is_signed(const struct judge *judge, struct part signed_part, struct part signature)
{
    unsigned char mac[MAC_BYTES];
    size_t len;
    if (decode_base64url(signature, mac, sizeof(mac), &len) != 0 || len != MAC_BYTES)
        return false;
    return mac_is(mac, judge->key, judge->key_len, signed_part) ||
           mac_is(mac, judge->previous_key, judge->previous_len, signed_part);
}

static struct json *parse_part(struct part part)
{
    static const struct json_limits limits = {.bytes_max = JWT_BYTES_MAX, .depth_max = JWT_DEPTH_MAX};
    char text[JWT_BYTES_MAX];
    size_t len;
    struct err ignored;
    if (decode_base64url(part, text, sizeof(text), &len) != 0)
        return NULL;
    struct json *document = json_parse(text, len, &limits, &ignored);
    if (document != NULL && json_type(document) == JSON_OBJECT)
        return document;
    json_free(document);
    return NULL;
}

static bool text_is(const struct json *node, const char *expected)
{
    return node != NULL && json_type(node) == JSON_STRING && strcmp(json_string(node), expected) == 0;
}

/* Nothing but the one algorithm: no jwk, crit or other member that would ask for different treatment. Which
 * key a foreign issuer says it has used does not matter: there is only one. */
static bool header_is_fine(const struct judge *judge, struct part part)
{
    struct json *header = parse_part(part);
    if (header == NULL)
        return false;
    bool is_fine = text_is(json_member(header, "alg"), "HS256");
    for (const struct json *m = json_first(header); m != NULL; m = json_next(m)) {
        bool is_alg = strcmp(json_key(m), "alg") == 0;
        bool is_typ = strcmp(json_key(m), "typ") == 0 && text_is(m, "JWT");
        bool is_kid = judge->is_foreign && strcmp(json_key(m), "kid") == 0 && json_type(m) == JSON_STRING;
        is_fine = is_fine && (is_alg || is_typ || is_kid);
    }
    json_free(header);
    return is_fine;
}

static bool has_text(const struct json *claims, const char *name)
{
    const struct json *node = json_member(claims, name);
    return node != NULL && json_type(node) == JSON_STRING && json_string(node)[0] != '\0';
}

static bool get_time(const struct json *claims, const char *name, int64_t *out)
{
    const struct json *node = json_member(claims, name);
    if (node == NULL || json_type(node) != JSON_INTEGER || json_integer(node) < 0)
        return false;
    *out = json_integer(node);
    return true;
}

/* One text, or in foreign tokens a list of texts. */
static bool is_audience(const struct judge *judge, const struct json *node)
{
    if (!judge->is_foreign || node == NULL || json_type(node) != JSON_ARRAY)
        return text_is(node, judge->audience);
    bool is_there = false;
    for (const struct json *item = json_first(node); item != NULL; item = json_next(item)) {
        if (json_type(item) != JSON_STRING)
            return false;
        is_there = is_there || text_is(item, judge->audience);
    }
    return is_there;
}

static enum jwt_verdict check_claims(const struct judge *judge, const struct json *claims, int64_t now_s,
                                     struct err *err)
{
    int64_t iat, nbf = 0, exp;
    bool may_lack_nbf = judge->is_foreign && json_member(claims, "nbf") == NULL;
    if (!has_text(claims, "sub") || !has_text(claims, "role"))
        return (err_set(err, ERR_INVALID, "the token names no subject or role"), JWT_INVALID);
    if (!text_is(json_member(claims, "iss"), judge->issuer) ||
        !is_audience(judge, json_member(claims, "aud")))
        return (err_set(err, ERR_INVALID, "the token is not from or not for this server"), JWT_INVALID);
    if (!get_time(claims, "iat", &iat) || !(may_lack_nbf || get_time(claims, "nbf", &nbf)) ||
        !get_time(claims, "exp", &exp))
        return (err_set(err, ERR_INVALID, "the token lacks iat, nbf or exp"), JWT_INVALID);
    if (nbf > now_s + JWT_LEEWAY_S || iat > now_s + JWT_LEEWAY_S)
        return (err_set(err, ERR_INVALID, "the token is not valid yet"), JWT_INVALID);
    if (exp <= now_s)
        return (err_set(err, ERR_INVALID, "the token has expired"), JWT_EXPIRED);
    return JWT_OK;
}

static enum jwt_verdict verify(const struct judge *judge, const char *token, size_t len, int64_t now_s,
                               struct json **claims, struct err *err)
{
    struct part parts[3];
    *claims = NULL;
    if (len > JWT_BYTES_MAX || split(token, len, parts) != 0)
        return (err_set(err, ERR_INVALID, "the token is malformed"), JWT_INVALID);
    struct part signed_part = {token, parts[0].len + 1 + parts[1].len};
    if (!is_signed(judge, signed_part, parts[2]))
        return (err_set(err, ERR_INVALID, "the token's signature is wrong"), JWT_INVALID);
    if (!header_is_fine(judge, parts[0]))
        return (err_set(err, ERR_INVALID, "the token's header is not {\"alg\":\"HS256\"}"), JWT_INVALID);
    struct json *document = parse_part(parts[1]);
    if (document == NULL)
        return (err_set(err, ERR_INVALID, "the token's claims are not a JSON object"), JWT_INVALID);
    enum jwt_verdict verdict = check_claims(judge, document, now_s, err);
    if (verdict == JWT_OK)
        *claims = document;
    else
        json_free(document);
    return verdict;
}

enum jwt_verdict jwt_verify(const struct auth_keys *keys, const char *token, size_t len, int64_t now_s,
                            struct json **claims, struct err *err)
{
    struct judge judge = {.key = keys->current,
                          .key_len = keys->current_len,
                          .previous_key = keys->previous,
                          .previous_len = keys->previous_len,
                          .issuer = keys->issuer,
                          .audience = keys->audience};
    return verify(&judge, token, len, now_s, claims, err);
}

enum jwt_verdict jwt_verify_foreign(const struct auth_keys *keys, const char *token, size_t len,
                                    int64_t now_s, struct json **claims, struct err *err)
{
    struct judge judge = {.key = keys->foreign.key,
                          .key_len = keys->foreign.key_len,
                          .issuer = keys->foreign.issuer,
                          .audience = keys->foreign.audience,
                          .is_foreign = true};
    return verify(&judge, token, len, now_s, claims, err);
}
