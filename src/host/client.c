/* The few lines of HTTP that a command needs to talk to its server. */
#include "host/client.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX (1u << 20)

/* "[::]:8081" → "::1", "8081". */
static int split_address(const char *listen, char host[64], const char **port, struct err *err)
{
    const char *colon = strrchr(listen, ':');
    size_t len = colon != NULL ? (size_t)(colon - listen) : 0;
    bool bracketed = len >= 2 && listen[0] == '[' && listen[len - 1] == ']';
    if (colon == NULL || len >= 64)
        return err_set(err, ERR_INVALID, "admin.listen %s is no address", listen);
    snprintf(host, 64, "%.*s", (int)(bracketed ? len - 2 : len), bracketed ? listen + 1 : listen);
    if (host[0] == '\0' || strcmp(host, "0.0.0.0") == 0)
        snprintf(host, 64, "127.0.0.1");
    else if (strcmp(host, "::") == 0)
        snprintf(host, 64, "::1");
    *port = colon + 1;
    return 0;
}

static int connect_to(const char *listen, uint32_t deadline_ms, struct err *err)
{
    char host[64];
    const char *port;
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM},
                    *found = NULL;
    struct timeval limit = {.tv_sec = deadline_ms / 1000,
                            .tv_usec = (suseconds_t)(deadline_ms % 1000) * 1000};
    if (split_address(listen, host, &port, err) != 0)
        return -1;
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return err_set(err, ERR_INVALID, "admin.listen %s is no address", listen);
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc = fd < 0 ? -1 : 0;
    if (rc == 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        rc = connect(fd, found->ai_addr, found->ai_addrlen);
    }
    int why = errno;
    freeaddrinfo(found);
    if (rc == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return err_set(err, ERR_UNAVAILABLE, "no server answers at %s: %s", listen, strerror(why));
}

static int send_all(int fd, const char *bytes, size_t len, struct err *err)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, ERR_UNAVAILABLE, "the server does not listen: %s", strerror(errno));
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

static int receive_all(int fd, struct buf *out, struct err *err)
{
    for (;;) {
        buf_reserve(out, 4096);
        ssize_t n = recv(fd, out->data + out->len, 4096, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, ERR_UNAVAILABLE, "no answer from the server: %s", strerror(errno));
        if (n == 0)
            return 0;
        out->len += (size_t)n;
        out->data[out->len] = '\0';
        if (out->len > ANSWER_BYTES_MAX)
            return err_set(err, ERR_LIMIT, "the server's answer is larger than %u bytes", ANSWER_BYTES_MAX);
    }
}

/* The connection is closed after the answer, so its body is everything after the header block. */
static int read_answer(const struct buf *answer, int *status, struct buf *body, struct err *err)
{
    const char *end = answer->len > 12 ? strstr(answer->data, "\r\n\r\n") : NULL;
    if (end == NULL || strncmp(answer->data, "HTTP/1.1 ", 9) != 0)
        return err_set(err, ERR_UNAVAILABLE, "the server closed the connection without an answer");
    *status = (int)strtol(answer->data + 9, NULL, 10);
    buf_append(body, end + 4, answer->len - (size_t)(end + 4 - answer->data));
    return 0;
}

int client_post(const char *listen, const char *path, uint32_t deadline_ms, int *status, struct buf *body,
                struct err *err)
{
    struct buf request = BUF_INIT, answer = BUF_INIT;
    int fd = connect_to(listen, deadline_ms, err);
    if (fd < 0)
        return -1;
    buf_appendf(&request,
                "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                path);
    int rc = send_all(fd, request.data, request.len, err);
    if (rc == 0)
        rc = receive_all(fd, &answer, err);
    if (rc == 0)
        rc = read_answer(&answer, status, body, err);
    close(fd);
    buf_release(&request);
    buf_release(&answer);
    return rc;
}
