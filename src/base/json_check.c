/* The strict pass over a JSON text: RFC 8259 to the letter, plus our limits, with the byte where it fails. */
#include "base/json_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define KEY_SHOWN_BYTES 64 /* of a duplicate key, in the error text */

/* A key of an object that is still open; its unescaped bytes lie in checker.key_bytes. */
struct key {
    size_t offset, len; /* in key_bytes */
    size_t at;          /* in the text */
};

struct checker {
    const char *text;
    size_t len, at;
    int depth_max;
    struct key *keys; /* of all open objects, the innermost last */
    size_t key_count, key_cap;
    struct buf key_bytes;
    struct buf *is_integer;
    struct err *err;
};

static int check_value(struct checker *c, int depth);

static int fault_at(struct checker *c, size_t at, enum err_code code, const char *reason)
{
    return err_set(c->err, code, "byte %zu: %s", at + 1, reason);
}

static int fault(struct checker *c, const char *reason)
{
    return fault_at(c, c->at, ERR_INVALID, c->at < c->len ? reason : "the text ends too early");
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* The byte at the cursor, NUL at the end; a NUL in the text is never accepted anywhere, so the two need no
 * telling apart. */
static char peek(const struct checker *c)
{
    return c->at < c->len ? c->text[c->at] : '\0';
}

static void skip_space(struct checker *c)
{
    for (char byte = peek(c); byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r'; byte = peek(c))
        c->at++;
}

static size_t skip_digits(struct checker *c)
{
    size_t from = c->at;
    while (is_digit(peek(c)))
        c->at++;
    return c->at - from;
}

/* Four hexadecimal digits at the cursor, -1 if they are not there. */
static int read_hex4(struct checker *c)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char digit = peek(c);
        if (is_digit(digit))
            value = value * 16 + (digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            value = value * 16 + (digit - 'a' + 10);
        else if (digit >= 'A' && digit <= 'F')
            value = value * 16 + (digit - 'A' + 10);
        else
            return fault(c, "\\u needs four hexadecimal digits");
        c->at++;
    }
    return value;
}

static void append_code_point(struct buf *out, int code)
{
    if (code < 0x80) {
        buf_append_char(out, (char)code);
    } else if (code < 0x800) {
        buf_append_char(out, (char)(0xC0 | (code >> 6)));
        buf_append_char(out, (char)(0x80 | (code & 0x3F)));
    } else if (code < 0x10000) {
        buf_append_char(out, (char)(0xE0 | (code >> 12)));
        buf_append_char(out, (char)(0x80 | ((code >> 6) & 0x3F)));
        buf_append_char(out, (char)(0x80 | (code & 0x3F)));
    } else {
        buf_append_char(out, (char)(0xF0 | (code >> 18)));
        buf_append_char(out, (char)(0x80 | ((code >> 12) & 0x3F)));
        buf_append_char(out, (char)(0x80 | ((code >> 6) & 0x3F)));
        buf_append_char(out, (char)(0x80 | (code & 0x3F)));
    }
}

/* The cursor is behind "\u"; start is where the escape begins. */
static int check_unicode_escape(struct checker *c, size_t start, struct buf *decoded)
{
    int code = read_hex4(c);
    if (code < 0)
        return -1;
    if (code == 0)
        return fault_at(c, start, ERR_INVALID, "\\u0000 is not allowed");
    if (code >= 0xDC00 && code <= 0xDFFF)
        return fault_at(c, start, ERR_INVALID, "lone surrogate");
    if (code >= 0xD800 && code <= 0xDBFF) {
        if (c->len - c->at < 2 || c->text[c->at] != '\\' || c->text[c->at + 1] != 'u')
            return fault_at(c, start, ERR_INVALID, "lone surrogate");
        c->at += 2;
        int low = read_hex4(c);
        if (low < 0)
            return -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return fault_at(c, start, ERR_INVALID, "lone surrogate");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (decoded != NULL)
        append_code_point(decoded, code);
    return 0;
}

/* The cursor is on a backslash. */
static int check_escape(struct checker *c, struct buf *decoded)
{
    static const char written[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    size_t start = c->at;
    c->at++;
    char letter = peek(c);
    if (letter == 'u') {
        c->at++;
        return check_unicode_escape(c, start, decoded);
    }
    const char *found = letter != '\0' ? strchr(written, letter) : NULL;
    if (found == NULL)
        return fault(c, "unknown escape");
    c->at++;
    if (decoded != NULL)
        buf_append_char(decoded, meant[found - written]);
    return 0;
}

/* The cursor is on the opening quote. decoded (may be NULL) gets the bytes the string stands for. */
static int check_string(struct checker *c, struct buf *decoded)
{
    c->at++;
    while (c->at < c->len) {
        char byte = c->text[c->at];
        if (byte == '"') {
            c->at++;
            return 0;
        }
        if (byte == '\\') {
            if (check_escape(c, decoded) != 0)
                return -1;
            continue;
        }
        if ((unsigned char)byte < 0x20)
            return fault(c, "control character in a string");
        size_t size = utf8_sequence(c->text + c->at, c->len - c->at);
        if (size == 0)
            return fault(c, "invalid UTF-8");
        if (decoded != NULL)
            buf_append(decoded, c->text + c->at, size);
        c->at += size;
    }
    return fault(c, "");
}

/* The grammar of a number; *is_integer: neither fraction nor exponent. */
static int check_number_grammar(struct checker *c, bool *is_integer)
{
    *is_integer = true;
    if (peek(c) == '-')
        c->at++;
    size_t first = c->at;
    size_t digits = skip_digits(c);
    if (digits == 0)
        return fault(c, "a digit is missing");
    if (digits > 1 && c->text[first] == '0')
        return fault_at(c, first, ERR_INVALID, "leading zero");
    if (peek(c) == '.') {
        *is_integer = false;
        c->at++;
        if (skip_digits(c) == 0)
            return fault(c, "a digit is missing");
    }
    if (peek(c) == 'e' || peek(c) == 'E') {
        *is_integer = false;
        c->at++;
        if (peek(c) == '+' || peek(c) == '-')
            c->at++;
        if (skip_digits(c) == 0)
            return fault(c, "a digit is missing");
    }
    return 0;
}

static int check_number(struct checker *c)
{
    size_t start = c->at;
    bool is_integer;
    if (check_number_grammar(c, &is_integer) != 0)
        return -1;
    size_t size = c->at - start;
    if (size > JSON_NUMBER_BYTES_MAX)
        return fault_at(c, start, ERR_LIMIT, "number of more than 63 characters");
    char copy[JSON_NUMBER_BYTES_MAX + 1];
    memcpy(copy, c->text + start, size);
    copy[size] = '\0';
    if (is_integer) {
        /* Saturates at the ends of 64 bits, which are out of bounds all the same. */
        long long value = strtoll(copy, NULL, 10);
        if (value > JSON_INTEGER_MAX || value < -JSON_INTEGER_MAX)
            return fault_at(c, start, ERR_INVALID, "integer beyond 2^53");
    } else if (!isfinite(strtod(copy, NULL))) {
        return fault_at(c, start, ERR_INVALID, "number too large");
    }
    buf_append_char(c->is_integer, is_integer ? 1 : 0);
    return 0;
}

/* By length, then bytes, then place: any total order will do, and most keys differ in length. */
static int compare_keys(const void *left, const void *right, void *key_bytes)
{
    const struct key *a = left;
    const struct key *b = right;
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    int order = memcmp((const char *)key_bytes + a->offset, (const char *)key_bytes + b->offset, a->len);
    if (order != 0)
        return order;
    return (a->at > b->at) - (a->at < b->at);
}

static int fault_duplicate(struct checker *c, const struct key *key)
{
    struct buf shown = BUF_INIT;
    bool is_cut = key->len > KEY_SHOWN_BYTES;
    json_write_string(&shown, c->key_bytes.data + key->offset, is_cut ? KEY_SHOWN_BYTES : key->len);
    err_set(c->err, ERR_INVALID, "byte %zu: duplicate key %s%s", key->at + 1, shown.data, is_cut ? "…" : "");
    buf_release(&shown);
    return -1;
}

/* The keys from first on belong to the object that just ended: compare them and drop them. Sorting keeps a
 * body of many keys from costing the square of their number. */
static int close_object(struct checker *c, size_t first)
{
    size_t count = c->key_count - first;
    struct key *keys = c->keys + first;
    c->key_count = first;
    if (count == 0)
        return 0;
    size_t bytes_first = keys[0].offset;
    const struct key *duplicate = NULL;
    if (count > 1)
        qsort_r(keys, count, sizeof(keys[0]), compare_keys, c->key_bytes.data);
    for (size_t i = 1; i < count; i++) {
        bool is_same = keys[i].len == keys[i - 1].len &&
                       memcmp(c->key_bytes.data + keys[i].offset, c->key_bytes.data + keys[i - 1].offset,
                              keys[i].len) == 0;
        if (is_same && (duplicate == NULL || keys[i].at < duplicate->at))
            duplicate = &keys[i];
    }
    if (duplicate != NULL)
        return fault_duplicate(c, duplicate);
    c->key_bytes.len = bytes_first;
    return 0;
}

static int check_key(struct checker *c)
{
    if (peek(c) != '"')
        return fault(c, "a key is missing");
    struct key key = {.offset = c->key_bytes.len, .at = c->at};
    buf_reserve(&c->key_bytes, 0);
    if (check_string(c, &c->key_bytes) != 0)
        return -1;
    key.len = c->key_bytes.len - key.offset;
    if (c->key_count == c->key_cap) {
        c->key_cap = c->key_cap > 0 ? c->key_cap * 2 : 16;
        c->keys = x_realloc(c->keys, c->key_cap * sizeof(c->keys[0]));
    }
    c->keys[c->key_count++] = key;
    skip_space(c);
    if (peek(c) != ':')
        return fault(c, "':' is missing");
    c->at++;
    return 0;
}

/* The cursor is behind a member or element. Returns 1 if another follows, 0 if the container has ended, -1.
 */
static int check_separator(struct checker *c, char closing)
{
    skip_space(c);
    char byte = peek(c);
    if (byte != ',' && byte != closing)
        return fault(c, closing == '}' ? "',' or '}' is missing" : "',' or ']' is missing");
    c->at++;
    return byte == ',';
}

static int check_members(struct checker *c, int depth)
{
    size_t first = c->key_count;
    int more = 1;
    while (more == 1) {
        skip_space(c);
        if (check_key(c) != 0 || check_value(c, depth) != 0)
            return -1;
        more = check_separator(c, '}');
    }
    return more < 0 ? -1 : close_object(c, first);
}

static int check_elements(struct checker *c, int depth)
{
    int more = 1;
    while (more == 1) {
        if (check_value(c, depth) != 0)
            return -1;
        more = check_separator(c, ']');
    }
    return more;
}

/* The cursor is on the opening bracket of a container at this depth. */
static int check_container(struct checker *c, int depth)
{
    bool is_object = peek(c) == '{';
    if (depth > c->depth_max)
        return fault_at(c, c->at, ERR_LIMIT, "nested too deeply");
    c->at++;
    skip_space(c);
    if (peek(c) == (is_object ? '}' : ']')) {
        c->at++;
        return 0;
    }
    return is_object ? check_members(c, depth) : check_elements(c, depth);
}

static int check_word(struct checker *c, const char *word)
{
    size_t size = strlen(word);
    if (c->len - c->at < size || memcmp(c->text + c->at, word, size) != 0)
        return fault(c, "unknown word");
    c->at += size;
    return 0;
}

/* depth: containers around this value. */
static int check_value(struct checker *c, int depth)
{
    skip_space(c);
    switch (peek(c)) {
    case '{':
    case '[':
        return check_container(c, depth + 1);
    case '"':
        return check_string(c, NULL);
    case 't':
        return check_word(c, "true");
    case 'f':
        return check_word(c, "false");
    case 'n':
        return check_word(c, "null");
    case '-':
    case '0' ... '9':
        return check_number(c);
    default:
        return fault(c, "a value is missing");
    }
}

static int check_document(struct checker *c)
{
    if (check_value(c, 0) != 0)
        return -1;
    skip_space(c);
    return c->at < c->len ? fault(c, "bytes after the value") : 0;
}

int json_check(const char *text, size_t len, const struct json_limits *limits, struct buf *is_integer,
               struct err *err)
{
    if (len > limits->bytes_max)
        return err_set(err, ERR_LIMIT, "longer than %zu bytes", limits->bytes_max);
    struct checker c = {
        .text = text,
        .len = len,
        .depth_max = limits->depth_max < JSON_DEPTH_CAP ? limits->depth_max : JSON_DEPTH_CAP,
        .is_integer = is_integer,
        .err = err,
    };
    int result = check_document(&c);
    buf_release(&c.key_bytes);
    free(c.keys);
    return result;
}
