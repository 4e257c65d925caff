/* Strict JSON: what is accepted is written again, accepted again, and the same; what is refused says where.
 */
#include "fuzz.h"

#include "base/json.h"

#define BYTES_MAX 65536

static const struct json_limits limits = {BYTES_MAX, 32};
/* Escapes make a text longer, never more than six times. */
static const struct json_limits wide_limits = {(size_t)6 * BYTES_MAX + 2, 32};

static void write_value(struct buf *out, const struct json *node);

static void write_members(struct buf *out, const struct json *container, bool is_object)
{
    buf_append_char(out, is_object ? '{' : '[');
    for (const struct json *node = json_first(container); node != NULL; node = json_next(node)) {
        if (node != json_first(container))
            buf_append_char(out, ',');
        REQUIRE((json_key(node) != NULL) == is_object);
        if (is_object) {
            json_write_string(out, json_key(node), strlen(json_key(node)));
            buf_append_char(out, ':');
            REQUIRE(json_member(container, json_key(node)) == node);
        }
        write_value(out, node);
    }
    buf_append_char(out, is_object ? '}' : ']');
}

/* A double without a fraction would come back as an integer: mark it. */
static void write_double(struct buf *out, double value)
{
    size_t from = out->len;
    json_write_double(out, value);
    if (strpbrk(out->data + from, ".e") == NULL)
        buf_append_str(out, ".0");
}

static void write_value(struct buf *out, const struct json *node)
{
    switch (json_type(node)) {
    case JSON_NULL:
        buf_append_str(out, "null");
        return;
    case JSON_FALSE:
        buf_append_str(out, "false");
        return;
    case JSON_TRUE:
        buf_append_str(out, "true");
        return;
    case JSON_INTEGER:
        REQUIRE(llabs(json_integer(node)) <= JSON_INTEGER_MAX);
        json_write_integer(out, json_integer(node));
        return;
    case JSON_DOUBLE:
        write_double(out, json_double(node));
        return;
    case JSON_STRING:
        REQUIRE(utf8_is_valid(json_string(node), strlen(json_string(node))));
        json_write_string(out, json_string(node), strlen(json_string(node)));
        return;
    case JSON_ARRAY:
    case JSON_OBJECT:
        write_members(out, node, json_type(node) == JSON_OBJECT);
        return;
    }
}

static struct buf rewrite(const char *text, size_t len, const struct json_limits *bounds, struct err *err)
{
    struct buf out = BUF_INIT;
    struct json *root = json_parse(text, len, bounds, err);
    if (root != NULL)
        write_value(&out, root);
    json_free(root);
    return out;
}

static void check_round_trip(const char *text, size_t len)
{
    struct err err = {0};
    struct buf once = rewrite(text, len, &limits, &err);
    if (once.data == NULL) {
        /* ERR_INTERNAL would mean that cJSON and the strict pass disagree. */
        REQUIRE(err.code == ERR_INVALID || err.code == ERR_LIMIT);
        REQUIRE(utf8_is_valid(err.text, strlen(err.text)));
        return;
    }
    struct buf twice = rewrite(once.data, once.len, &wide_limits, &err);
    REQUIRE(twice.data != NULL && strcmp(once.data, twice.data) == 0);
    buf_release(&once);
    buf_release(&twice);
}

/* Any bytes at all become a string that is accepted, but for NUL, which is written as what the reader
 * refuses. */
static void check_writer(const char *bytes, size_t len)
{
    struct buf out = BUF_INIT;
    json_write_string(&out, bytes, len);
    struct err err = {0};
    struct json *root = json_parse(out.data, out.len, &wide_limits, &err);
    REQUIRE((root != NULL) == (len == 0 || memchr(bytes, '\0', len) == NULL));
    if (root != NULL && utf8_is_valid(bytes, len))
        REQUIRE(strlen(json_string(root)) == len && (len == 0 || memcmp(json_string(root), bytes, len) == 0));
    json_free(root);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_round_trip((const char *)data, size);
    if (size <= BYTES_MAX)
        check_writer((const char *)data, size);
    return 0;
}
