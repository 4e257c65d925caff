/* The listening socket: "address:port" to a bound, listening descriptor. */
#include "http/private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTEN_BACKLOG 4096 /* connections waiting to be accepted; the kernel cuts it to somaxconn */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int parse_port(const char *text, uint16_t *port)
{
    size_t len = strlen(text);
    if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
        return -1;
    long value = strtol(text, NULL, 10);
    if (value > UINT16_MAX)
        return -1;
    *port = (uint16_t)value;
    return 0;
}

/* Fills *address and *size; *every is set for ":port". */
static int parse_address(const char *text, union address *address, socklen_t *size, bool *every,
                         struct err *err)
{
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN + 2] = "";
    uint16_t port;
    if (colon == NULL || parse_port(colon + 1, &port) != 0 || (size_t)(colon - text) >= sizeof host)
        return err_set(err, ERR_INVALID, "listen address \"%s\": wanted is ADDRESS:PORT or [IPV6]:PORT",
                       text);
    size_t len = (size_t)(colon - text);
    memcpy(host, text, len);
    *every = len == 0;
    memset(address, 0, sizeof *address);
    if (len == 0 || (len > 2 && host[0] == '[' && host[len - 1] == ']')) {
        host[len > 0 ? len - 1 : 0] = '\0';
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(port);
        *size = sizeof address->v6;
        if (len == 0 || inet_pton(AF_INET6, host + 1, &address->v6.sin6_addr) == 1)
            return 0;
    } else {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        *size = sizeof address->v4;
        if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1)
            return 0;
    }
    return err_set(err, ERR_INVALID, "listen address \"%s\": \"%s\" is no IP address", text, host);
}

static int open_socket(const union address *address, socklen_t size, bool every, bool shared)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int on = 1, off = 0;
    bool failed = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
                  (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) ||
                  (every && address->any.sa_family == AF_INET6 &&
                   setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0) ||
                  bind(fd, &address->any, size) != 0 || listen(fd, LISTEN_BACKLOG) != 0;
    if (!failed)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

int listen_open(const char *text, bool shared, int *port, struct err *err)
{
    union address address;
    socklen_t size;
    bool every;
    if (parse_address(text, &address, &size, &every, err) != 0)
        return -1;
    int fd = open_socket(&address, size, every, shared);
    if (fd < 0 && every && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        /* No IPv6 on this machine. */
        uint16_t net_port = address.v6.sin6_port;
        memset(&address, 0, sizeof address);
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = net_port;
        fd = open_socket(&address, sizeof address.v4, every, shared);
    }
    if (fd < 0)
        return err_set(err, ERR_IO, "cannot listen on %s: %s", text, strerror(errno));
    size = sizeof address;
    if (getsockname(fd, &address.any, &size) != 0) {
        err_set(err, ERR_IO, "listen address %s: %s", text, strerror(errno));
        close(fd);
        return -1;
    }
    *port = ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
    return fd;
}
