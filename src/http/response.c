/* Making answers: status titles, problem details, MHD's form of a response. */
#include "http/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"

const char *http_status_title(int status)
{
    static const struct {
        int status;
        const char *title;
    } TITLES[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < COUNT_OF(TITLES); i++) {
        if (TITLES[i].status == status)
            return TITLES[i].title;
    }
    return status >= 500 ? "Server Error" : status >= 400 ? "Client Error" : "Unknown";
}

static void member(struct buf *out, const char *name, const char *value)
{
    buf_appendf(out, "%c\"%s\":", out->len > 0 ? ',' : '{', name);
    json_write_string(out, value, strlen(value));
}

void http_problem_body(struct buf *out, int status, const char *code, const char *detail,
                       const char *request_id)
{
    struct buf type = BUF_INIT;
    buf_clear(out);
    buf_appendf(&type, "/problems/%s", code);
    member(out, "type", type.data);
    member(out, "title", http_status_title(status));
    buf_appendf(out, ",\"status\":%d", status);
    member(out, "code", code);
    if (detail != NULL)
        member(out, "detail", detail);
    member(out, "request_id", request_id);
    buf_append_char(out, '}');
    buf_release(&type);
}

void http_respond_problem(struct http_request *req, int status, const char *code, const char *detail,
                          const struct http_header *headers, size_t header_count)
{
    struct buf body = BUF_INIT;
    http_problem_body(&body, status, code, detail, req->id);
    struct http_response response = {
        .status = status,
        .headers = (struct http_header *)headers,
        .header_count = header_count,
        .content_type = "application/problem+json",
        .body_len = body.len,
    };
    response.body = buf_detach(&body);
    http_respond(req, &response);
}

/* ---- MHD's form ---- */

struct defaults {
    bool cache_control, request_id, content_type_options;
    size_t bytes;
};

/* Fields that say how the message is framed are MHD's. */
static bool is_framing(const char *name)
{
    return http_is_name(name, "Content-Length") || http_is_name(name, "Transfer-Encoding") ||
           http_is_name(name, "Connection");
}

/* A field whose bytes are known to be fine. */
static inline bool add_own(struct MHD_Response *made, struct defaults *seen, const char *name,
                           const char *value)
{
    seen->bytes += strlen(name) + strlen(value) + 4;
    return seen->bytes <= RESPONSE_HEADER_BYTES_MAX && MHD_add_response_header(made, name, value) == MHD_YES;
}

static bool add(struct MHD_Response *made, struct defaults *seen, const char *name, const char *value)
{
    return http_is_field_value(value, strlen(value)) && add_own(made, seen, name, value);
}

static bool add_given(struct MHD_Response *made, struct defaults *seen, const struct http_header *h)
{
    if (h->value[0] == '\0')
        return true; /* MHD takes no empty value, and none says as much */
    if (http_is_name(h->name, "Cache-Control"))
        seen->cache_control = true;
    else if (http_is_name(h->name, "X-Request-Id"))
        seen->request_id = true;
    else if (http_is_name(h->name, "X-Content-Type-Options"))
        seen->content_type_options = true;
    return !is_framing(h->name) && http_is_field_value(h->name, strlen(h->name)) &&
           add(made, seen, h->name, h->value);
}

static bool add_cors(struct MHD_Response *made, struct defaults *seen, const struct exchange *x)
{
    struct http_header fields[3];
    size_t count = cors_fields(x->server, &x->req, fields);
    for (size_t i = 0; i < count; i++) {
        if (!add(made, seen, fields[i].name, fields[i].value))
            return false;
    }
    return true;
}

static bool add_all(struct MHD_Response *made, const struct exchange *x, const struct http_response *response)
{
    struct defaults seen = {.bytes = 0};
    for (size_t i = 0; i < response->header_count; i++) {
        if (!add_given(made, &seen, &response->headers[i]))
            return false;
    }
    bool fine = response->content_type == NULL || add(made, &seen, "Content-Type", response->content_type);
    if (!seen.request_id)
        fine = fine && add_own(made, &seen, "X-Request-Id", x->req.id);
    if (!seen.cache_control)
        fine = fine && add_own(made, &seen, "Cache-Control", "no-store");
    if (!seen.content_type_options)
        fine = fine && add_own(made, &seen, "X-Content-Type-Options", "nosniff");
    fine = fine && add_cors(made, &seen, x);
    if (x->server->draining || x->client->engine->retired)
        fine = fine && add_own(made, &seen, "Connection", "close");
    return fine;
}

static struct MHD_Response *make(const struct exchange *x, struct http_response *response)
{
    struct MHD_Response *made =
        response->body != NULL
            ? MHD_create_response_from_buffer(response->body_len, response->body, MHD_RESPMEM_MUST_FREE)
            : MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    if (made == NULL)
        abort(); /* out of memory, as in x_malloc */
    response->body = NULL;
    if (response->status >= 200 && response->status <= 599 && add_all(made, x, response))
        return made;
    MHD_destroy_response(made);
    return NULL;
}

struct MHD_Response *response_make(const struct exchange *x, struct http_response *response, int *status)
{
    *status = response->status;
    struct MHD_Response *made = make(x, response);
    if (made != NULL)
        return made;
    log_event(LOG_ERROR, "a response with a bad status or bad header fields", LOG_S("request_id", x->req.id),
              LOG_I("status", response->status));
    struct buf body = BUF_INIT;
    http_problem_body(&body, 500, "internal", HTTP_DETAIL_INTERNAL, x->req.id);
    struct http_response internal = {
        .status = 500, .content_type = "application/problem+json", .body_len = body.len};
    internal.body = buf_detach(&body);
    *status = 500;
    return make(x, &internal);
}
