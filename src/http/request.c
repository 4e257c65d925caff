/* Reading a request: header look-up, percent-decoding, walking the query string. */
#include "http/request.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"

const char *http_request_header(const struct http_request *req, const char *name)
{
    for (size_t i = 0; i < req->header_count; i++) {
        if (strcasecmp(req->headers[i].name, name) == 0)
            return req->headers[i].value;
    }
    return NULL;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int http_decode(const char *text, size_t len, bool plus_is_space, struct buf *out, struct err *err)
{
    buf_clear(out);
    buf_append(out, "", 0); /* terminated even if nothing follows */
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            int high = i + 1 < len ? hex_value(text[i + 1]) : -1;
            int low = i + 2 < len ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return err_set(err, ERR_INVALID, "broken percent escape at byte %zu", i + 1);
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c == '\0')
            return err_set(err, ERR_INVALID, "NUL byte");
        buf_append_char(out, c);
    }
    if (out->len > 0 && !utf8_is_valid(out->data, out->len))
        return err_set(err, ERR_INVALID, "not UTF-8");
    return 0;
}

int http_query_next(const char **cursor, struct buf *name, struct buf *value, struct err *err)
{
    const char *pair = *cursor;
    while (*pair == '&')
        pair++;
    size_t len = strcspn(pair, "&");
    *cursor = pair + len;
    if (len == 0)
        return 0;
    const char *equals = memchr(pair, '=', len);
    size_t name_len = equals != NULL ? (size_t)(equals - pair) : len;
    if (http_decode(pair, name_len, true, name, err) != 0)
        return -1;
    const char *rest = equals != NULL ? equals + 1 : pair + len;
    if (http_decode(rest, (size_t)(pair + len - rest), true, value, err) != 0)
        return err_prefix(err, "%s", name->data != NULL ? name->data : "");
    return 1;
}
