/* The router: patterns and a path from the input, a line each, the last line being the path. */
#include "fuzz.h"

#include "http/router.h"

#define PATTERNS_MAX 16
#define ALLOW_BYTES 64

static const struct http_route fixed_routes[] = {
    {.method = "GET", .pattern = "/v1/things", .index = 0},
    {.method = "POST", .pattern = "/v1/things", .index = 1},
    {.method = "GET", .pattern = "/v1/things/{id:uuid}", .index = 2},
    {.method = "GET", .pattern = "/v1/things/{thing:uuid}/parts/{id:int}", .index = 3},
    {.method = "DELETE", .pattern = "/v1/things/{thing:uuid}/parts/{id:int}", .index = 4},
    {.method = "GET", .pattern = "/v1/words/{id:slug}", .index = 5},
    {.method = "GET", .pattern = "/v1/words/me", .index = 6},
};

static void check_param(const struct http_param *param)
{
    REQUIRE(param->name != NULL && param->name[0] != '\0');
    REQUIRE(memchr(param->value, '\0', sizeof(param->value)) != NULL);
    size_t len = strlen(param->value);
    switch (param->type) {
    case HTTP_PARAM_UUID:
        REQUIRE(len == 36 && strspn(param->value, "0123456789abcdef-") == len);
        return;
    case HTTP_PARAM_INT:
        REQUIRE(len > 0 && strspn(param->value, "0123456789") == len);
        REQUIRE(param->integer >= 0 && strtoll(param->value, NULL, 10) == param->integer);
        REQUIRE(len == 1 || param->value[0] != '0');
        return;
    case HTTP_PARAM_SLUG:
        REQUIRE(len > 0 && len <= 100);
        REQUIRE(strpbrk(param->value, "/%?# ") == NULL && param->value[0] != '.');
        return;
    }
    REQUIRE(false);
}

static void check_match(const struct http_router *router, const char *method, const char *path)
{
    struct http_match match;
    char allow[ALLOW_BYTES];
    memset(allow, 'x', sizeof(allow));
    enum http_match_code code = http_router_match(router, method, path, &match, allow, sizeof(allow));
    if (code == HTTP_MATCH_OK) {
        REQUIRE(match.route != NULL);
        REQUIRE(match.param_count >= 0 && match.param_count <= HTTP_PARAMS_MAX);
        REQUIRE(path[0] == '/' && strstr(path, "//") == NULL);
        REQUIRE(path[1] == '\0' || path[strlen(path) - 1] != '/');
        REQUIRE(strcmp(match.route->method, method) == 0 || strcmp(method, "HEAD") == 0);
        for (int i = 0; i < match.param_count; i++)
            check_param(&match.params[i]);
    }
    if (code == HTTP_MATCH_NO_METHOD)
        REQUIRE(memchr(allow, '\0', sizeof(allow)) != NULL && allow[0] != '\0');
}

static void check_path(const struct http_router *router, const char *path)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < COUNT_OF(methods); i++)
        check_match(router, methods[i], path);
}

/* Splits text at its line ends; returns how many patterns precede the path, which is the last line. */
static size_t split_lines(char *text, struct http_route *routes, const char **path)
{
    static const char *const methods[] = {"GET", "POST"};
    size_t count = 0;
    char *line = text;
    for (char *end; count < PATTERNS_MAX && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        routes[count] =
            (struct http_route){.method = methods[count % 2], .pattern = line, .index = (int)count};
        count++;
    }
    *path = line;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_router *fixed;
    struct err err = {0};
    if (fixed == NULL)
        fixed = http_router_new(fixed_routes, COUNT_OF(fixed_routes), &err);
    REQUIRE(fixed != NULL);

    char *text = x_strndup((const char *)data, size);
    struct http_route routes[PATTERNS_MAX];
    const char *path;
    size_t count = split_lines(text, routes, &path);
    check_path(fixed, path);
    struct http_router *router = http_router_new(routes, count, &err);
    if (router != NULL)
        check_path(router, path);
    else
        REQUIRE(err.code != ERR_NONE && err.text[0] != '\0');
    http_router_free(router);
    free(text);
    return 0;
}
