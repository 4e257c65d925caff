/* JWT: the example of RFC 7515, our own round trip, and tokens an attacker would send. */
#include "bind/jwt.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW_S INT64_C(1800000000)
#define KEY "0123456789abcdef0123456789abcdef"
#define OLD_KEY "fedcba9876543210fedcba9876543210"
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define GOOD                                                                                                 \
    "{\"sub\":\"u1\",\"role\":\"parent\",\"iss\":\"lexicraft\",\"aud\":\"lexicraft-api\",\"iat\":"           \
    "1799999990,"                                                                                            \
    "\"nbf\":1799999990,\"exp\":1800000001}"

static struct auth_keys make_keys(void)
{
    struct auth_keys keys = {.current_len = strlen(KEY), .issuer = "lexicraft", .audience = "lexicraft-api"};
    memcpy(keys.current, KEY, strlen(KEY));
    return keys;
}

static void append_part(struct buf *out, const void *bytes, size_t len)
{
    char text[8192];
    sodium_bin2base64(text, sizeof(text), bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buf_append_str(out, text);
}

/* A token over any header and claims with a right signature by key. */
static char *forge(const char *header, const char *claims, const char *key)
{
    struct buf token = BUF_INIT;
    append_part(&token, header, strlen(header));
    buf_append_char(&token, '.');
    append_part(&token, claims, strlen(claims));
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)key, strlen(key));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)token.data, token.len);
    crypto_auth_hmacsha256_final(&state, mac);
    buf_append_char(&token, '.');
    append_part(&token, mac, sizeof(mac));
    return buf_detach(&token);
}

static enum jwt_verdict verify(const struct auth_keys *keys, const char *token, size_t len, struct err *err)
{
    struct json *claims = NULL;
    enum jwt_verdict verdict = jwt_verify(keys, token, len, NOW_S, &claims, err);
    assert_true((verdict == JWT_OK) == (claims != NULL));
    json_free(claims);
    return verdict;
}

static void expect(const struct auth_keys *keys, char *token, enum jwt_verdict expected)
{
    struct err err = {.code = ERR_NONE};
    enum jwt_verdict verdict = verify(keys, token, strlen(token), &err);
    if (verdict != expected)
        fail_msg("verdict %d (%s) instead of %d for %s", (int)verdict, err.text, (int)expected, token);
    free(token);
}

/* RFC 7515 appendix A.1: its signature must be right, so that the first complaint is about its claims. */
static void accepts_signature_of_rfc7515(void **state)
{
    (void)state;
    static const char key[] =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    static const char token[] =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    struct auth_keys keys = make_keys();
    assert_int_equal(0, sodium_base642bin(keys.current, sizeof(keys.current), key, strlen(key), NULL,
                                          &keys.current_len, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING));
    struct err err;
    assert_int_equal(JWT_INVALID, verify(&keys, token, strlen(token), &err));
    assert_string_equal("the token names no subject or role", err.text);
    keys.current[0] ^= 1;
    assert_int_equal(JWT_INVALID, verify(&keys, token, strlen(token), &err));
    assert_string_equal("the token's signature is wrong", err.text);
}

static void signs_what_it_accepts(void **state)
{
    (void)state;
    struct auth_keys keys = make_keys();
    struct buf token = BUF_INIT;
    struct err err;
    jwt_sign(&token, &keys, GOOD, strlen(GOOD));
    struct json *claims = NULL;
    assert_int_equal(JWT_OK, jwt_verify(&keys, token.data, token.len, NOW_S, &claims, &err));
    assert_string_equal("u1", json_string(json_member(claims, "sub")));
    json_free(claims);
    char *same = forge(HEADER, GOOD, KEY);
    assert_string_equal(same, token.data);
    free(same);
    buf_release(&token);
}

static void accepts_previous_key_while_it_is_set(void **state)
{
    (void)state;
    struct auth_keys keys = make_keys();
    expect(&keys, forge(HEADER, GOOD, OLD_KEY), JWT_INVALID);
    memcpy(keys.previous, OLD_KEY, strlen(OLD_KEY));
    keys.previous_len = strlen(OLD_KEY);
    expect(&keys, forge(HEADER, GOOD, OLD_KEY), JWT_OK);
    expect(&keys, forge(HEADER, GOOD, KEY), JWT_OK);
}

static void refuses_everything_without_a_key(void **state)
{
    (void)state;
    struct auth_keys keys = {.issuer = "lexicraft", .audience = "lexicraft-api"};
    expect(&keys, forge(HEADER, GOOD, ""), JWT_INVALID);
}

static void header_is_pinned(void **state)
{
    (void)state;
    static const char *const good[] = {HEADER, "{\"alg\":\"HS256\"}", "{\"typ\":\"JWT\",\"alg\":\"HS256\"}",
                                       "{ \"alg\" : \"HS256\" }"};
    static const char *const bad[] = {
        "{\"alg\":\"none\"}",
        "{\"alg\":\"None\",\"typ\":\"JWT\"}",
        "{\"alg\":\"\"}",
        "{\"alg\":\"hs256\"}",
        "{\"alg\":\"HS384\"}",
        "{\"alg\":\"HS512\"}",
        "{\"alg\":\"RS256\"}",
        "{\"alg\":\"ES256\"}",
        "{\"alg\":\"HS256 \"}",
        "{\"alg\":[\"HS256\"]}",
        "{\"alg\":null}",
        "{}",
        "{\"typ\":\"JWT\"}",
        "{\"alg\":\"HS256\",\"alg\":\"none\"}",
        "{\"alg\":\"HS256\",\"typ\":\"jwt\"}",
        "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"HS256\",\"typ\":1}",
        "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"HS256\",\"kid\":\"../../dev/null\"}",
        "{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}",
        "{\"alg\":\"HS256\",\"jku\":\"https://evil.example/k\"}",
        "{\"alg\":\"HS256\",\"x5u\":\"https://evil.example/k\"}",
        "{\"alg\":\"HS256\",\"zip\":\"DEF\"}",
        "{\"alg\":\"HS256\",\"cty\":\"JWT\"}",
        "{\"alg\":\"HS256\",\"b64\":false}",
        "{\"alg\":\"HS256\"",
        "{\"alg\":\"HS256\"} ",
        "[\"HS256\"]",
        "\"HS256\"",
        "",
    };
    struct auth_keys keys = make_keys();
    for (size_t i = 0; i < COUNT_OF(good); i++)
        expect(&keys, forge(good[i], GOOD, KEY), JWT_OK);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        bool is_trailing_space = strcmp(bad[i], "{\"alg\":\"HS256\"} ") == 0; /* JSON allows it */
        expect(&keys, forge(bad[i], GOOD, KEY), is_trailing_space ? JWT_OK : JWT_INVALID);
    }
}

#define CLAIMS(sub, role, iss, aud, times)                                                                   \
    "{\"sub\":" sub ",\"role\":" role ",\"iss\":" iss ",\"aud\":" aud "," times "}"
#define TIMES "\"iat\":1799999990,\"nbf\":1799999990,\"exp\":1800000001"
#define WITH_TIMES(times) CLAIMS("\"u\"", "\"parent\"", "\"lexicraft\"", "\"lexicraft-api\"", times)

static void claims_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *claims;
        enum jwt_verdict verdict;
    } cases[] = {
        {WITH_TIMES(TIMES), JWT_OK},
        {WITH_TIMES(TIMES ",\"device\":\"d1\""), JWT_OK},
        {WITH_TIMES("\"iat\":1800000005,\"nbf\":1800000005,\"exp\":1800000010"), JWT_OK},
        {WITH_TIMES("\"iat\":1800000000,\"nbf\":1800000006,\"exp\":1800000010"), JWT_INVALID},
        {WITH_TIMES("\"iat\":1800000006,\"nbf\":1800000000,\"exp\":1800000010"), JWT_INVALID},
        {WITH_TIMES("\"iat\":1799999990,\"nbf\":1799999990,\"exp\":1800000000"), JWT_EXPIRED},
        {WITH_TIMES("\"iat\":1,\"nbf\":1,\"exp\":2"), JWT_EXPIRED},
        {WITH_TIMES("\"iat\":1799999990,\"nbf\":1799999990,\"exp\":1800000000.5"), JWT_INVALID},
        {WITH_TIMES("\"iat\":1799999990,\"nbf\":1799999990,\"exp\":\"1800000001\""), JWT_INVALID},
        {WITH_TIMES("\"iat\":1799999990,\"nbf\":1799999990,\"exp\":9e99"), JWT_INVALID},
        {WITH_TIMES("\"iat\":1799999990,\"nbf\":1799999990,\"exp\":-1"), JWT_INVALID},
        {WITH_TIMES("\"iat\":1799999990,\"nbf\":1799999990,\"exp\":null"), JWT_INVALID},
        {WITH_TIMES("\"iat\":1799999990,\"nbf\":1799999990"), JWT_INVALID},
        {WITH_TIMES("\"iat\":1799999990,\"exp\":1800000001"), JWT_INVALID},
        {WITH_TIMES("\"nbf\":1799999990,\"exp\":1800000001"), JWT_INVALID},
        {WITH_TIMES(TIMES ",\"exp\":9000000000"), JWT_INVALID},
        {CLAIMS("\"\"", "\"parent\"", "\"lexicraft\"", "\"lexicraft-api\"", TIMES), JWT_INVALID},
        {CLAIMS("7", "\"parent\"", "\"lexicraft\"", "\"lexicraft-api\"", TIMES), JWT_INVALID},
        {CLAIMS("\"u\"", "null", "\"lexicraft\"", "\"lexicraft-api\"", TIMES), JWT_INVALID},
        {CLAIMS("\"u\"", "[\"staff\"]", "\"lexicraft\"", "\"lexicraft-api\"", TIMES), JWT_INVALID},
        {CLAIMS("\"u\"", "\"parent\"", "\"Lexicraft\"", "\"lexicraft-api\"", TIMES), JWT_INVALID},
        {CLAIMS("\"u\"", "\"parent\"", "\"lexicraft\\u0000\"", "\"lexicraft-api\"", TIMES), JWT_INVALID},
        {CLAIMS("\"u\"", "\"parent\"", "\"lexicraft\"", "\"other\"", TIMES), JWT_INVALID},
        {CLAIMS("\"u\"", "\"parent\"", "\"lexicraft\"", "[\"lexicraft-api\"]", TIMES), JWT_INVALID},
        {CLAIMS("\"u\"", "\"parent\"", "\"lexicraft\"", "\"lexicraft-api\"", "\"exp\":1800000001"),
         JWT_INVALID},
        {"{}", JWT_INVALID},
        {"[]", JWT_INVALID},
        {"null", JWT_INVALID},
        {"", JWT_INVALID},
        {GOOD "x", JWT_INVALID},
    };
    struct auth_keys keys = make_keys();
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(&keys, forge(HEADER, cases[i].claims, KEY), cases[i].verdict);
}

/* Every change of one character of a good token must break it: also of the bits base64 leaves over. */
static void every_changed_character_is_refused(void **state)
{
    (void)state;
    struct auth_keys keys = make_keys();
    char *token = forge(HEADER, GOOD, KEY);
    size_t len = strlen(token);
    struct err err;
    for (size_t i = 0; i < len; i++) {
        static const char replacements[] = "ABg_-.=+/ ";
        char original = token[i];
        for (const char *r = replacements; *r != '\0'; r++) {
            token[i] = *r;
            if (*r != original)
                assert_int_equal(JWT_INVALID, verify(&keys, token, len, &err));
        }
        token[i] = '\0';
        assert_int_equal(JWT_INVALID, verify(&keys, token, len, &err));
        token[i] = original;
    }
    assert_int_equal(JWT_OK, verify(&keys, token, len, &err));
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(JWT_INVALID, verify(&keys, token, cut, &err));
    free(token);
}

static void shape_is_checked(void **state)
{
    (void)state;
    struct auth_keys keys = make_keys();
    static const char *const suffixes[] = {".", ".x", "=", "==", " ", "\n"};
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        char *token = forge(HEADER, GOOD, KEY);
        struct buf longer = BUF_INIT;
        buf_append_str(&longer, token);
        buf_append_str(&longer, suffixes[i]);
        free(token);
        expect(&keys, buf_detach(&longer), JWT_INVALID);
    }
    static const char *const texts[] = {"", ".", "..", "...", "a.b.c", "....", "eyJhbGciOiJub25lIn0.e30."};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        expect(&keys, x_strdup(texts[i]), JWT_INVALID);
    char *huge = x_malloc(1 << 20);
    memset(huge, 'A', (1 << 20) - 1);
    huge[(1 << 20) - 1] = '\0';
    huge[100] = huge[200] = '.';
    expect(&keys, huge, JWT_INVALID);
}

#define FOREIGN_KEY "a foreign key of 32 bytes or more"
#define FOREIGN_ISSUER "https://other.example/auth/v1"
#define FOREIGN(aud, times) CLAIMS("\"u\"", "\"authenticated\"", "\"" FOREIGN_ISSUER "\"", aud, times)
#define FOREIGN_TIMES "\"iat\":1799999990,\"exp\":1800000001"
#define FOREIGN_GOOD FOREIGN("\"authenticated\"", FOREIGN_TIMES)

static struct auth_keys make_foreign_keys(void)
{
    struct auth_keys keys = make_keys();
    memcpy(keys.foreign.key, FOREIGN_KEY, strlen(FOREIGN_KEY));
    keys.foreign.key_len = strlen(FOREIGN_KEY);
    snprintf(keys.foreign.issuer, sizeof(keys.foreign.issuer), "%s", FOREIGN_ISSUER);
    snprintf(keys.foreign.audience, sizeof(keys.foreign.audience), "authenticated");
    return keys;
}

static void expect_foreign(const struct auth_keys *keys, char *token, enum jwt_verdict expected)
{
    struct err err = {.code = ERR_NONE};
    struct json *claims = NULL;
    enum jwt_verdict verdict = jwt_verify_foreign(keys, token, strlen(token), NOW_S, &claims, &err);
    assert_true((verdict == JWT_OK) == (claims != NULL));
    if (verdict != expected)
        fail_msg("verdict %d (%s) instead of %d for %s", (int)verdict, err.text, (int)expected, token);
    json_free(claims);
    free(token);
}

/* The key decides whose rules hold; neither issuer's token is good for the other's. */
static void foreign_tokens_are_kept_apart(void **state)
{
    (void)state;
    struct auth_keys keys = make_foreign_keys();
    expect_foreign(&keys, forge(HEADER, FOREIGN_GOOD, FOREIGN_KEY), JWT_OK);
    expect(&keys, forge(HEADER, FOREIGN_GOOD, FOREIGN_KEY), JWT_INVALID);
    expect(&keys, forge(HEADER, GOOD, KEY), JWT_OK);
    expect_foreign(&keys, forge(HEADER, GOOD, KEY), JWT_INVALID);
    expect(&keys, forge(HEADER, FOREIGN_GOOD, KEY), JWT_INVALID);
    expect_foreign(&keys, forge(HEADER, FOREIGN_GOOD, KEY), JWT_INVALID);
    expect(&keys, forge(HEADER, GOOD, FOREIGN_KEY), JWT_INVALID);
    expect_foreign(&keys, forge(HEADER, GOOD, FOREIGN_KEY), JWT_INVALID);
    memcpy(keys.previous, OLD_KEY, strlen(OLD_KEY));
    keys.previous_len = strlen(OLD_KEY);
    expect_foreign(&keys, forge(HEADER, FOREIGN_GOOD, OLD_KEY), JWT_INVALID);
    keys.foreign.key_len = 0;
    expect_foreign(&keys, forge(HEADER, FOREIGN_GOOD, FOREIGN_KEY), JWT_INVALID);
    expect_foreign(&keys, forge(HEADER, FOREIGN_GOOD, ""), JWT_INVALID);
}

static void foreign_headers_may_name_a_key(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        enum jwt_verdict verdict;
    } cases[] = {
        {"{\"alg\":\"HS256\",\"kid\":\"aGVsbG8\",\"typ\":\"JWT\"}", JWT_OK},
        {"{\"alg\":\"HS256\",\"kid\":\"../../dev/null\"}", JWT_OK},
        {"{\"alg\":\"HS256\",\"kid\":7}", JWT_INVALID},
        {"{\"alg\":\"HS256\",\"kid\":\"a\",\"kid\":\"b\"}", JWT_INVALID},
        {"{\"alg\":\"none\",\"kid\":\"a\"}", JWT_INVALID},
        {"{\"alg\":\"HS512\",\"kid\":\"a\"}", JWT_INVALID},
        {"{\"alg\":\"RS256\",\"kid\":\"a\"}", JWT_INVALID},
        {"{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}", JWT_INVALID},
        {"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", JWT_INVALID},
    };
    struct auth_keys keys = make_foreign_keys();
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_foreign(&keys, forge(cases[i].header, FOREIGN_GOOD, FOREIGN_KEY), cases[i].verdict);
}

static void foreign_claims_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *claims;
        enum jwt_verdict verdict;
    } cases[] = {
        {FOREIGN("[\"authenticated\"]", FOREIGN_TIMES), JWT_OK},
        {FOREIGN("[\"other\",\"authenticated\"]", FOREIGN_TIMES), JWT_OK},
        {FOREIGN("\"authenticated\"", FOREIGN_TIMES ",\"a\":{\"b\":[{\"c\":{\"d\":[1]}}]}"), JWT_OK},
        {FOREIGN("\"authenticated\"", FOREIGN_TIMES ",\"nbf\":1800000005"), JWT_OK},
        {FOREIGN("\"authenticated\"", FOREIGN_TIMES ",\"nbf\":1800000006"), JWT_INVALID},
        {FOREIGN("\"authenticated\"", FOREIGN_TIMES ",\"nbf\":null"), JWT_INVALID},
        {FOREIGN("\"authenticated\"", "\"iat\":1799999990,\"exp\":1800000000"), JWT_EXPIRED},
        {FOREIGN("\"authenticated\"", "\"iat\":1800000006,\"exp\":1800000100"), JWT_INVALID},
        {FOREIGN("\"authenticated\"", "\"iat\":1799999990"), JWT_INVALID},
        {FOREIGN("\"authenticated\"", "\"exp\":1800000001"), JWT_INVALID},
        {FOREIGN("\"authenticated\"", "\"iat\":1799999990,\"exp\":1800000001.5"), JWT_INVALID},
        {FOREIGN("\"authenticated\"", FOREIGN_TIMES ",\"sub\":\"v\""), JWT_INVALID},
        {FOREIGN("\"Authenticated\"", FOREIGN_TIMES), JWT_INVALID},
        {FOREIGN("\"other\"", FOREIGN_TIMES), JWT_INVALID},
        {FOREIGN("[\"other\"]", FOREIGN_TIMES), JWT_INVALID},
        {FOREIGN("[[\"authenticated\"]]", FOREIGN_TIMES), JWT_INVALID},
        {FOREIGN("[\"authenticated\",7]", FOREIGN_TIMES), JWT_INVALID},
        {FOREIGN("[]", FOREIGN_TIMES), JWT_INVALID},
        {FOREIGN("{\"authenticated\":\"authenticated\"}", FOREIGN_TIMES), JWT_INVALID},
        {FOREIGN("null", FOREIGN_TIMES), JWT_INVALID},
        {CLAIMS("\"u\"", "\"authenticated\"", "\"" FOREIGN_ISSUER "/\"", "\"authenticated\"", FOREIGN_TIMES),
         JWT_INVALID},
        {CLAIMS("\"u\"", "\"authenticated\"", "null", "\"authenticated\"", FOREIGN_TIMES), JWT_INVALID},
        {CLAIMS("\"\"", "\"authenticated\"", "\"" FOREIGN_ISSUER "\"", "\"authenticated\"", FOREIGN_TIMES),
         JWT_INVALID},
        {FOREIGN_GOOD "x", JWT_INVALID},
        {"[]", JWT_INVALID},
    };
    struct auth_keys keys = make_foreign_keys();
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_foreign(&keys, forge(HEADER, cases[i].claims, FOREIGN_KEY), cases[i].verdict);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_signature_of_rfc7515),
        cmocka_unit_test(signs_what_it_accepts),
        cmocka_unit_test(accepts_previous_key_while_it_is_set),
        cmocka_unit_test(refuses_everything_without_a_key),
        cmocka_unit_test(header_is_pinned),
        cmocka_unit_test(claims_are_checked),
        cmocka_unit_test(every_changed_character_is_refused),
        cmocka_unit_test(shape_is_checked),
        cmocka_unit_test(foreign_tokens_are_kept_apart),
        cmocka_unit_test(foreign_headers_may_name_a_key),
        cmocka_unit_test(foreign_claims_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
