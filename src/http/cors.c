/* Calls of web pages from other origins: which of them may read the answers, and what a browser that asks
 * first is told. */
#include "http/private.h"

#include <stdio.h>
#include <string.h>

/* What pages may look at besides the fields that browsers show anyway. */
#define EXPOSED                                                                                              \
    "ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id"
#define ALLOWED                                                                                              \
    "Authorization, Content-Type, Idempotency-Key, If-Match, X-Request-Id, traceparent, tracestate"
#define METHODS "GET, POST, PUT, PATCH, DELETE"

size_t cors_fields(const struct http_server *s, const struct http_request *req, struct http_header fields[3])
{
    char *const *origins = s->settings.cors_origins;
    if (origins[0] == NULL)
        return 0;
    fields[0] = (struct http_header){"Vary", "Origin"};
    const char *origin = http_request_header(req, "Origin");
    for (size_t i = 0; origin != NULL && origins[i] != NULL; i++) {
        if (strcmp(origins[i], "*") != 0 && strcmp(origins[i], origin) != 0)
            continue;
        fields[1] = (struct http_header){"Access-Control-Allow-Origin", origins[i]};
        fields[2] = (struct http_header){"Access-Control-Expose-Headers", EXPOSED};
        return 3;
    }
    return 1;
}

bool cors_is_preflight(const struct http_server *s, const struct http_request *req)
{
    struct http_header fields[3];
    return strcmp(req->method, "OPTIONS") == 0 &&
           http_request_header(req, "Access-Control-Request-Method") != NULL &&
           cors_fields(s, req, fields) == 3;
}

void cors_answer_preflight(const struct http_server *s, struct http_request *req, const char *methods)
{
    char max_age[16];
    snprintf(max_age, sizeof max_age, "%u", s->settings.cors_max_age_s);
    struct http_header headers[] = {
        {"Access-Control-Allow-Methods", methods[0] != '\0' ? methods : METHODS},
        {"Access-Control-Allow-Headers", ALLOWED},
        {"Access-Control-Max-Age", max_age},
    };
    struct http_response response = {.status = 204, .headers = headers, .header_count = COUNT_OF(headers)};
    http_respond(req, &response);
}
