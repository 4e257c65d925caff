/* Reading a request: header look-up, percent-decoding, walking the query string. */
#include "http/request.h"

#include <string.h>

#include "base/json.h"

const char *http_request_header(const struct http_request *req, const char *name)
{
    for (size_t i = 0; i < req->header_count; i++) {
        if (http_is_name(req->headers[i].name, name))
            return req->headers[i].value;
    }
    return NULL;
}

/* Is every byte one of 0x20 to 0x7e? These, eight at a time, neither leave the highest bit of a byte nor one
 * byte for another when 0x20 is taken from each or 1 added to each; of any other at least one sets a highest
 * bit. */
static bool is_visible(const char *text, size_t len)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t marks = 0, word;
    size_t at = 0;
    for (; at + sizeof word <= len; at += sizeof word) {
        memcpy(&word, text + at, sizeof word);
        marks |= (word - each * 0x20) | (word + each);
    }
    word = each * 0x20;
    for (; at < len; at++)
        word = word << 8 | (unsigned char)text[at];
    marks |= (word - each * 0x20) | (word + each);
    return (marks & each * 0x80) == 0;
}

bool http_is_field_value(const char *text, size_t len)
{
    if (is_visible(text, len))
        return true;
    for (size_t at = 0; at < len; at++) {
        unsigned char byte = (unsigned char)text[at];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return false;
    }
    return true;
}

/* len digits of lower-case hex, not all of them 0 unless zero_is_fine, and then the byte behind. */
static bool is_hex_field(const char *text, size_t len, bool zero_is_fine)
{
    return strspn(text, "0123456789abcdef") == len && (zero_is_fine || strspn(text, "0") < len);
}

/* version "-" trace-id "-" parent-id "-" flags; a version to come may have more behind another "-". */
void http_trace_id(const char *traceparent, char trace_id[33])
{
    enum { TRACE_AT = 3, TRACE_DIGITS = 32, PARENT_AT = 36, FLAGS_AT = 53, LENGTH = 55 };
    const char *t = traceparent;
    trace_id[0] = '\0';
    if (strlen(t) < LENGTH || !is_hex_field(t, 2, true) || strncmp(t, "ff", 2) == 0 ||
        !is_hex_field(t + TRACE_AT, TRACE_DIGITS, false) || !is_hex_field(t + PARENT_AT, 16, false) ||
        !is_hex_field(t + FLAGS_AT, 2, true))
        return;
    bool is_first_version = strncmp(t, "00", 2) == 0;
    bool ends_well = t[LENGTH] == '\0' || (t[LENGTH] == '-' && !is_first_version);
    if (t[2] != '-' || t[PARENT_AT - 1] != '-' || t[FLAGS_AT - 1] != '-' || !ends_well)
        return;
    memcpy(trace_id, t + TRACE_AT, TRACE_DIGITS);
    trace_id[TRACE_DIGITS] = '\0';
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
    if (http_decode(pair, name_len, true, name, err) != 0) {
        buf_clear(name);
        return -1;
    }
    const char *rest = equals != NULL ? equals + 1 : pair + len;
    return http_decode(rest, (size_t)(pair + len - rest), true, value, err) == 0 ? 1 : -1;
}
