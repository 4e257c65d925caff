/* The parsed document: cJSON's tree behind our own names, with integers told apart from doubles. */
#include "base/json.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "base/json_check.h"

/* A bit of cJSON's type field that cJSON neither sets nor reads: this number was written as an integer. */
#define TYPE_INTEGER (1 << 16)

static const cJSON *item_of(const struct json *node)
{
    return (const cJSON *)(const void *)node;
}

static const struct json *node_of(const cJSON *item)
{
    return (const struct json *)(const void *)item;
}

/* Marks the integers below first (an item and its followers) and returns the advanced cursor into is_integer,
 * which has a byte per number in document order. */
static const char *mark_integers(cJSON *first, const char *is_integer)
{
    for (cJSON *item = first; item != NULL; item = item->next) {
        if (cJSON_IsNumber(item) && *is_integer++ != 0)
            item->type |= TYPE_INTEGER;
        if (item->child != NULL)
            is_integer = mark_integers(item->child, is_integer);
    }
    return is_integer;
}

struct json *json_parse(const char *text, size_t len, const struct json_limits *limits, struct err *err)
{
    struct buf is_integer = BUF_INIT;
    cJSON *root = NULL;
    if (json_check(text, len, limits, &is_integer, err) == 0) {
        root = cJSON_ParseWithLength(text, len);
        if (root == NULL)
            err_set(err, ERR_INTERNAL, "cJSON refuses a text that passed the strict check");
        else
            mark_integers(root, is_integer.data);
    }
    buf_release(&is_integer);
    return (struct json *)(void *)root;
}

void json_free(struct json *root)
{
    cJSON_Delete((cJSON *)(void *)root);
}

enum json_type json_type(const struct json *node)
{
    const cJSON *item = item_of(node);
    if (cJSON_IsFalse(item))
        return JSON_FALSE;
    if (cJSON_IsTrue(item))
        return JSON_TRUE;
    if (cJSON_IsNumber(item))
        return (item->type & TYPE_INTEGER) != 0 ? JSON_INTEGER : JSON_DOUBLE;
    if (cJSON_IsString(item))
        return JSON_STRING;
    if (cJSON_IsArray(item))
        return JSON_ARRAY;
    if (cJSON_IsObject(item))
        return JSON_OBJECT;
    return JSON_NULL;
}

int64_t json_integer(const struct json *node)
{
    assert(json_type(node) == JSON_INTEGER);
    return (int64_t)item_of(node)->valuedouble;
}

double json_double(const struct json *node)
{
    assert(cJSON_IsNumber(item_of(node)));
    return item_of(node)->valuedouble;
}

const char *json_string(const struct json *node)
{
    assert(json_type(node) == JSON_STRING);
    return item_of(node)->valuestring;
}

const char *json_key(const struct json *node)
{
    return item_of(node)->string;
}

const struct json *json_first(const struct json *container)
{
    return node_of(item_of(container)->child);
}

const struct json *json_next(const struct json *node)
{
    return node_of(item_of(node)->next);
}

const struct json *json_member(const struct json *object, const char *key)
{
    if (json_type(object) != JSON_OBJECT)
        return NULL;
    for (const struct json *member = json_first(object); member != NULL; member = json_next(member))
        if (strcmp(json_key(member), key) == 0)
            return member;
    return NULL;
}
