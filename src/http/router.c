/* Path router: a tree of segments built once; matching walks it, a literal before a parameter. */
#include "http/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLUG_BYTES_MAX 100
#define PATTERN_SEGMENTS_MAX 32
#define UUID_BYTES 36

struct route {
    struct http_route pub;
    const char *names[HTTP_PARAMS_MAX]; /* of the parameters, in order */
    char *name_text;                    /* what names points into */
};

struct node {
    char *literal; /* NULL: a parameter */
    enum http_param_type type;
    struct node **branches; /* literals, then at most one parameter (the last) */
    size_t branch_count;
    struct route **routes; /* the methods that end here */
    size_t route_count;
};

struct http_router {
    struct node root;
    struct route *routes;
    size_t route_count;
};

static const struct {
    const char *name;
    enum http_param_type type;
} PARAM_TYPES[] = {{"uuid", HTTP_PARAM_UUID}, {"int", HTTP_PARAM_INT}, {"slug", HTTP_PARAM_SLUG}};

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static int hex_value(char c)
{
    if (c <= '9')
        return c - '0';
    return (c | 0x20) - 'a' + 10;
}

static bool is_slug_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* ---- building ---- */

static struct node *add_branch(struct node *parent, char *literal, enum http_param_type type)
{
    struct node *branch = x_calloc(1, sizeof *branch);
    branch->literal = literal;
    branch->type = type;
    parent->branches = x_realloc(parent->branches, (parent->branch_count + 1) * sizeof *parent->branches);
    size_t at = parent->branch_count++;
    /* The parameter stays last, so that a walk in order tries literals first. */
    if (literal != NULL && at > 0 && parent->branches[at - 1]->literal == NULL) {
        parent->branches[at] = parent->branches[at - 1];
        at--;
    }
    parent->branches[at] = branch;
    return branch;
}

static struct node *literal_branch(struct node *parent, const char *text, size_t len)
{
    for (size_t i = 0; i < parent->branch_count; i++) {
        const char *literal = parent->branches[i]->literal;
        if (literal != NULL && strlen(literal) == len && memcmp(literal, text, len) == 0)
            return parent->branches[i];
    }
    return add_branch(parent, x_strndup(text, len), HTTP_PARAM_SLUG);
}

static struct node *param_branch(struct node *parent, enum http_param_type type)
{
    if (parent->branch_count > 0) {
        struct node *last = parent->branches[parent->branch_count - 1];
        if (last->literal == NULL)
            return last->type == type ? last : NULL;
    }
    return add_branch(parent, NULL, type);
}

static bool is_literal_segment(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    strchr("-._~", c) != NULL;
        if (!fine)
            return false;
    }
    return len > 0 && !(len == 1 && text[0] == '.') && !(len == 2 && memcmp(text, "..", 2) == 0);
}

static bool is_param_name(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
            return false;
    }
    return len > 0;
}

/* text is the segment "{name:type}" of len bytes. */
static struct node *add_param(struct node *parent, struct route *route, int *param_count, const char *text,
                              size_t len, struct err *err)
{
    const char *pattern = route->pub.pattern;
    const char *colon = memchr(text, ':', len);
    if (text[len - 1] != '}' || colon == NULL || !is_param_name(text + 1, (size_t)(colon - text) - 1)) {
        err_set(err, ERR_INVALID, "route %s: a parameter is written {name:type}", pattern);
        return NULL;
    }
    if (*param_count == HTTP_PARAMS_MAX) {
        err_set(err, ERR_LIMIT, "route %s: more than %d parameters", pattern, HTTP_PARAMS_MAX);
        return NULL;
    }
    size_t name_len = (size_t)(colon - text) - 1, type_len = len - name_len - 3;
    char *name = route->name_text + (text - pattern);
    memcpy(name, text + 1, name_len);
    name[name_len] = '\0';
    for (int i = 0; i < *param_count; i++) {
        if (strcmp(route->names[i], name) == 0) {
            err_set(err, ERR_INVALID, "route %s: parameter %s twice", pattern, name);
            return NULL;
        }
    }
    for (size_t i = 0; i < COUNT_OF(PARAM_TYPES); i++) {
        if (strlen(PARAM_TYPES[i].name) != type_len || memcmp(PARAM_TYPES[i].name, colon + 1, type_len) != 0)
            continue;
        route->names[(*param_count)++] = name;
        struct node *branch = param_branch(parent, PARAM_TYPES[i].type);
        if (branch == NULL)
            err_set(err, ERR_INVALID, "route %s: {%s} has another type than in another route", pattern, name);
        return branch;
    }
    err_set(err, ERR_INVALID, "route %s: unknown parameter type \"%.*s\"", pattern, (int)type_len, colon + 1);
    return NULL;
}

static int add_route(struct node *root, struct route *route, struct err *err)
{
    const char *pattern = route->pub.pattern, *at = pattern;
    struct node *node = root;
    int param_count = 0;
    size_t segments = 0;
    if (*at++ != '/')
        return err_set(err, ERR_INVALID, "route \"%s\": a pattern begins with /", pattern);
    while (*at != '\0' || segments > 0) {
        size_t len = strcspn(at, "/");
        if (++segments > PATTERN_SEGMENTS_MAX)
            return err_set(err, ERR_LIMIT, "route %s: more than %d segments", pattern, PATTERN_SEGMENTS_MAX);
        if (len > 0 && at[0] == '{') {
            node = add_param(node, route, &param_count, at, len, err);
            if (node == NULL)
                return -1;
        } else if (is_literal_segment(at, len)) {
            node = literal_branch(node, at, len);
        } else {
            return err_set(err, ERR_INVALID, "route %s: \"%.*s\" is no segment", pattern, (int)len, at);
        }
        at += len;
        if (*at == '\0')
            break;
        at++;
    }
    for (size_t i = 0; i < node->route_count; i++) {
        if (strcmp(node->routes[i]->pub.method, route->pub.method) == 0)
            return err_set(err, ERR_INVALID, "route %s %s: there is already %s", route->pub.method, pattern,
                           node->routes[i]->pub.pattern);
    }
    node->routes = x_realloc(node->routes, (node->route_count + 1) * sizeof *node->routes);
    node->routes[node->route_count++] = route;
    return 0;
}

struct http_router *http_router_new(const struct http_route *routes, size_t count, struct err *err)
{
    struct http_router *r = x_calloc(1, sizeof *r);
    r->routes = x_calloc(count > 0 ? count : 1, sizeof *r->routes);
    for (size_t i = 0; i < count; i++) {
        struct route *route = &r->routes[r->route_count++];
        const char *method = routes[i].method;
        route->pub = routes[i];
        route->pub.method = x_strdup(method);
        route->pub.pattern = x_strdup(routes[i].pattern);
        route->name_text = x_strdup(routes[i].pattern);
        if (method[0] == '\0' || strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(method)) {
            err_set(err, ERR_INVALID, "route %s: \"%s\" is no method", routes[i].pattern, method);
            http_router_free(r);
            return NULL;
        }
        if (add_route(&r->root, route, err) != 0) {
            http_router_free(r);
            return NULL;
        }
    }
    return r;
}

static void release_node(struct node *node)
{
    for (size_t i = 0; i < node->branch_count; i++) {
        release_node(node->branches[i]);
        free(node->branches[i]);
    }
    free(node->branches);
    free(node->routes);
    free(node->literal);
}

void http_router_free(struct http_router *r)
{
    if (r == NULL)
        return;
    release_node(&r->root);
    for (size_t i = 0; i < r->route_count; i++) {
        free((char *)r->routes[i].pub.method);
        free((char *)r->routes[i].pub.pattern);
        free(r->routes[i].name_text);
    }
    free(r->routes);
    free(r);
}

/* ---- matching ---- */

/* Percent-decode one segment into out; false if it can match nothing. */
static bool decode_segment(const char *text, size_t len, char *out, size_t *out_len)
{
    size_t n = 0;
    if (len < HTTP_PARAM_BYTES_MAX && memchr(text, '%', len) == NULL) {
        memcpy(out, text, len);
        n = len;
    }
    for (size_t i = n; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            if (i + 2 >= len || !is_hex(text[i + 1]) || !is_hex(text[i + 2]))
                return false;
            c = (char)(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
            i += 2;
            if (c == '/' || c == '\0')
                return false;
        }
        if (n == HTTP_PARAM_BYTES_MAX - 1)
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    *out_len = n;
    return n > 0 && strcmp(out, ".") != 0 && strcmp(out, "..") != 0;
}

/* Lower-case hex digits; false if one is none. */
static bool copy_hex(char *out, const char *text, size_t from, size_t to)
{
    static const char LOWER[256] = {
        ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5',
        ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['a'] = 'a', ['b'] = 'b',
        ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['A'] = 'a', ['B'] = 'b',
        ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f',
    };
    for (size_t i = from; i < to; i++) {
        out[i] = LOWER[(unsigned char)text[i]];
        if (out[i] == '\0')
            return false;
    }
    return true;
}

static bool parse_uuid(const char *text, size_t len, struct http_param *param)
{
    static const size_t DASHES[] = {8, 13, 18, 23, UUID_BYTES};
    if (len != UUID_BYTES)
        return false;
    for (size_t i = 0, from = 0; i < COUNT_OF(DASHES); from = DASHES[i++] + 1) {
        size_t dash = DASHES[i];
        if (!copy_hex(param->value, text, from, dash) || text[dash] != (dash < len ? '-' : '\0'))
            return false;
        param->value[dash] = text[dash];
    }
    return true;
}

static bool parse_int(const char *text, size_t len, struct http_param *param)
{
    int64_t value = 0;
    if (len > 19 || (len > 1 && text[0] == '0'))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, text[i] - '0', &value))
            return false;
    }
    param->integer = value;
    memcpy(param->value, text, len + 1);
    return true;
}

static bool parse_slug(const char *text, size_t len, struct http_param *param)
{
    if (len > SLUG_BYTES_MAX || !is_slug_start(text[0]))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_slug_start(text[i]) && text[i] != '_' && text[i] != '.' && text[i] != '\'' && text[i] != '-')
            return false;
    }
    memcpy(param->value, text, len + 1);
    return true;
}

static bool parse_param(enum http_param_type type, const char *text, size_t len, struct http_param *param)
{
    param->type = type;
    param->integer = 0;
    switch (type) {
    case HTTP_PARAM_UUID:
        return parse_uuid(text, len, param);
    case HTTP_PARAM_INT:
        return parse_int(text, len, param);
    case HTTP_PARAM_SLUG:
        return parse_slug(text, len, param);
    }
    return false;
}

/* The node that rest (what follows a '/') leads to, or NULL; parameters are filled on the way. */
static const struct node *walk(const struct node *node, const char *rest, struct http_match *match)
{
    char segment[HTTP_PARAM_BYTES_MAX] UNCLEARED;
    const char *end = strchrnul(rest, '/');
    size_t raw_len = (size_t)(end - rest), len;
    if (!decode_segment(rest, raw_len, segment, &len))
        return NULL;
    bool last = *end == '\0';
    int params_before = match->param_count;
    for (size_t i = 0; i < node->branch_count; i++) {
        const struct node *branch = node->branches[i];
        if (branch->literal != NULL) {
            if (branch->literal[0] != segment[0] || strcmp(branch->literal, segment) != 0)
                continue;
        } else if (!parse_param(branch->type, segment, len, &match->params[match->param_count++])) {
            match->param_count = params_before;
            continue;
        }
        const struct node *found = last ? branch : walk(branch, end + 1, match);
        if (found != NULL && (!last || found->route_count > 0))
            return found;
        match->param_count = params_before;
    }
    return NULL;
}

static void append_method(char *allow, size_t size, const char *method)
{
    size_t len = strlen(allow);
    if (len < size)
        snprintf(allow + len, size - len, "%s%s", len > 0 ? ", " : "", method);
}

/* The methods in alphabetical order, HEAD wherever there is GET. */
static void list_methods(const struct node *node, char *allow, size_t size)
{
    static const char *const ORDER[] = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"};
    if (allow == NULL || size == 0)
        return;
    allow[0] = '\0';
    for (size_t i = 0; i < COUNT_OF(ORDER); i++) {
        for (size_t j = 0; j < node->route_count; j++) {
            const char *method = node->routes[j]->pub.method;
            bool implied = strcmp(ORDER[i], "HEAD") == 0 && strcmp(method, "GET") == 0;
            if (implied || strcmp(method, ORDER[i]) == 0) {
                append_method(allow, size, ORDER[i]);
                break;
            }
        }
    }
}

static const struct route *find_method(const struct node *node, const char *method)
{
    for (size_t i = 0; i < node->route_count; i++) {
        if (strcmp(node->routes[i]->pub.method, method) == 0)
            return node->routes[i];
    }
    return NULL;
}

enum http_match_code http_router_match(const struct http_router *r, const char *method, const char *raw_path,
                                       struct http_match *match, char *allow, size_t allow_size)
{
    match->route = NULL;
    match->param_count = 0;
    if (raw_path[0] != '/')
        return HTTP_MATCH_NO_PATH;
    const struct node *node = raw_path[1] == '\0' ? &r->root : walk(&r->root, raw_path + 1, match);
    if (node == NULL || node->route_count == 0)
        return HTTP_MATCH_NO_PATH;
    const struct route *route = find_method(node, method);
    if (route == NULL && strcmp(method, "HEAD") == 0)
        route = find_method(node, "GET");
    if (route == NULL) {
        list_methods(node, allow, allow_size);
        return HTTP_MATCH_NO_METHOD;
    }
    match->route = &route->pub;
    for (int i = 0; i < match->param_count; i++)
        match->params[i].name = route->names[i];
    return HTTP_MATCH_OK;
}
