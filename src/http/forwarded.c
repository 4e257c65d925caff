/* Whose request a proxy passes on: X-Forwarded-For, as far as it was written by proxies that are trusted. */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "http/private.h"

#define ADDRESS_BYTES 16
#define V4_PREFIX_BITS 96

struct address {
    unsigned char bytes[ADDRESS_BYTES]; /* IPv4 as ::ffff:a.b.c.d */
    bool is_v4;
};

static int parse_address(const char *text, struct address *out)
{
    static const unsigned char MAPPED[12] = {[10] = 0xff, [11] = 0xff};
    out->is_v4 = inet_pton(AF_INET, text, out->bytes + sizeof MAPPED) == 1;
    if (out->is_v4)
        memcpy(out->bytes, MAPPED, sizeof MAPPED);
    else if (inet_pton(AF_INET6, text, out->bytes) != 1)
        return -1;
    out->is_v4 = memcmp(out->bytes, MAPPED, sizeof MAPPED) == 0;
    return 0;
}

static void format_address(const struct address *a, char text[46])
{
    if (a->is_v4)
        inet_ntop(AF_INET, a->bytes + ADDRESS_BYTES - 4, text, 46);
    else
        inet_ntop(AF_INET6, a->bytes, text, 46);
}

/* "10.0.0.0/8", "::1": the address and how many of its 128 bits count. */
static int parse_network(const char *text, struct address *out, unsigned *bits)
{
    char host[46];
    size_t len = strcspn(text, "/");
    if (len >= sizeof host)
        return -1;
    memcpy(host, text, len);
    host[len] = '\0';
    if (parse_address(host, out) != 0)
        return -1;
    bool is_v4 = strchr(host, ':') == NULL;
    unsigned most = is_v4 ? 32 : 128;
    *bits = 128;
    if (text[len] == '\0')
        return 0;
    const char *digits = text + len + 1;
    size_t count = strspn(digits, "0123456789");
    if (count == 0 || count > 3 || digits[count] != '\0')
        return -1;
    unsigned prefix = 0;
    for (size_t i = 0; i < count; i++)
        prefix = prefix * 10 + (unsigned)(digits[i] - '0');
    *bits = prefix + (is_v4 ? V4_PREFIX_BITS : 0);
    return prefix <= most ? 0 : -1;
}

bool http_is_network(const char *text)
{
    struct address ignored;
    unsigned bits;
    return parse_network(text, &ignored, &bits) == 0;
}

static bool is_within(const struct address *a, const struct address *network, unsigned bits)
{
    if (memcmp(a->bytes, network->bytes, bits / 8) != 0)
        return false;
    unsigned rest = bits % 8;
    return rest == 0 || ((a->bytes[bits / 8] ^ network->bytes[bits / 8]) >> (8 - rest)) == 0;
}

static bool is_trusted(char *const *proxies, const struct address *a)
{
    for (size_t i = 0; proxies[i] != NULL; i++) {
        struct address network;
        unsigned bits;
        if (parse_network(proxies[i], &network, &bits) == 0 && is_within(a, &network, bits))
            return true;
    }
    return false;
}

/* Step back over the list: the text before *end without its last item, which goes into item. False: there is
 * none, or it is no address. */
static bool previous(const char *list, size_t *end, struct address *item)
{
    char text[46];
    size_t stop = *end, start;
    while (stop > 0 && strchr(" \t", list[stop - 1]) != NULL)
        stop--;
    for (start = stop; start > 0 && list[start - 1] != ',';)
        start--;
    *end = start > 0 ? start - 1 : 0;
    while (start < stop && strchr(" \t", list[start]) != NULL)
        start++;
    if (stop - start >= sizeof text)
        return false;
    memcpy(text, list + start, stop - start);
    text[stop - start] = '\0';
    return parse_address(text, item) == 0;
}

/* Every proxy appends whom it has its request from, so the list is read from its end, and no further than
 * the first that is not trusted: what stands before it anybody may have written. */
void forwarded_resolve(const struct http_server *s, struct http_request *req)
{
    char *const *proxies = s->settings.trusted_proxies;
    struct address at;
    if (proxies[0] == NULL || parse_address(req->remote, &at) != 0)
        return;
    for (size_t i = req->header_count; i-- > 0;) {
        if (strcasecmp(req->headers[i].name, "X-Forwarded-For") != 0)
            continue;
        const char *list = req->headers[i].value;
        for (size_t end = strlen(list); end > 0;) {
            if (!is_trusted(proxies, &at) || !previous(list, &end, &at))
                return;
            format_address(&at, req->remote);
        }
    }
}
