/* Deadlines of connections: every phase has a list in order of time, and a sweep looks at the oldest of each.
 *
 * MHD's own timeout is one of inactivity (a byte a second lives for ever) and forgets suspended connections,
 * so it is not used.
 */
#include "http/private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define SWEEP_MS 100
#define WATCH_AFTER_MS 100    /* from then on the client of a request under way is watched for leaving */
#define WATCH_BATCH 64        /* sockets in one poll(2) */
#define IDLE_LOOK_MS_MAX 2500 /* how often an idle connection is looked at for a begun request, at most */
#define IDLE_LOOK_MS_MIN 20
#define CLOCK_SLACK_MS 20 /* the kernel's time of the last byte is that coarse */
#define DRAIN_IDLE_MS 250 /* what a keep-alive client has for one more request when the server drains */
#define DRAIN_HEADER_MS 1000
#define STUCK_MS 2000 /* see deadline_check_stuck */
#define NS_PER_MS UINT64_C(1000000)

void deadline_update(struct http_server *s)
{
    bool any = false;
    for (size_t i = 0; i < PHASE_COUNT && !any; i++)
        any = !list_is_empty(&s->phases[i]);
    if (any == s->sweeping)
        return;
    s->sweeping = any;
    if (any)
        uv_timer_start(&s->sweep, deadline_sweep, SWEEP_MS, SWEEP_MS);
    else
        uv_timer_stop(&s->sweep);
}

static struct client *oldest(struct http_server *s, enum phase phase)
{
    struct list *list = &s->phases[phase];
    return list_is_empty(list) ? NULL : CONTAINER_OF(list->next, struct client, link);
}

/* Has the oldest client of this phase been in it for so long? */
static struct client *overdue(struct http_server *s, enum phase phase, uint64_t now, uint64_t limit_ms)
{
    struct client *c = oldest(s, phase);
    /* Not now - phase_ns: a client that has just been looked at is younger than now. */
    return c != NULL && now >= c->phase_ns + limit_ms * NS_PER_MS ? c : NULL;
}

static void cut_slow(struct http_server *s, struct client *c)
{
    atomic_fetch_add_explicit(&s->cut_slow, 1, memory_order_relaxed);
    client_cut(c);
}

static void cut_slow_body(struct http_server *s, struct client *c)
{
    struct exchange *x = c->exchange;
    atomic_fetch_add_explicit(&s->cut_slow, 1, memory_order_relaxed);
    x->status = 408;
    client_answer_raw(c, 408, "request_timeout", "the body took too long", x->req.id, x->req.is_head);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A client that closes in the same breath as it sends is lost on MHD: the one event of its epoll descriptor
 * tells of both, MHD reads the bytes and never comes back for the end. What it has left unread it will read.
 */
static bool has_unread(const struct client *c)
{
    int bytes = 0;
    return ioctl(c->fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

enum idle_state { SILENT, SPOKE, LEFT };

/* A request line that arrives byte by byte is invisible through MHD, but not to the kernel. */
static enum idle_state look_at_idle(const struct client *c, uint64_t now, uint64_t since)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
        return SILENT;
    if (info.tcpi_state == TCP_CLOSE_WAIT && !has_unread(c))
        return LEFT;
    return now > since + (info.tcpi_last_data_recv + CLOCK_SLACK_MS) * NS_PER_MS ? SPOKE : SILENT;
}

static void sweep_idle(struct http_server *s, uint64_t now)
{
    uint64_t idle_ms = s->draining ? DRAIN_IDLE_MS : s->settings.idle_ms;
    uint64_t look_ms = smaller(smaller(idle_ms, s->settings.header_ms) / 4, IDLE_LOOK_MS_MAX);
    if (look_ms < IDLE_LOOK_MS_MIN)
        look_ms = IDLE_LOOK_MS_MIN;
    struct client *c;
    while ((c = overdue(s, PHASE_IDLE, now, look_ms)) != NULL) {
        uint64_t idle_ns = c->idle_ns;
        enum idle_state state = look_at_idle(c, now, idle_ns);
        if (state == SPOKE) {
            client_enter(c, PHASE_HEADER, mono_ns());
        } else if (state == LEFT || now >= idle_ns + idle_ms * NS_PER_MS) {
            client_cut(c);
        } else {
            client_enter(c, PHASE_IDLE, mono_ns());
            c->idle_ns = idle_ns;
        }
    }
}

static size_t watch_batch(struct client **clients, struct pollfd *fds, struct list **node, struct list *head,
                          uint64_t now)
{
    size_t count = 0;
    for (; *node != head && count < WATCH_BATCH; *node = (*node)->next) {
        struct client *c = CONTAINER_OF(*node, struct client, link);
        if (now < c->phase_ns + WATCH_AFTER_MS * NS_PER_MS) {
            *node = head; /* and so are all behind it */
            break;
        }
        fds[count] = (struct pollfd){.fd = c->fd, .events = POLLRDHUP};
        clients[count++] = c;
    }
    return count;
}

static void client_left(struct client *c)
{
    if (c->phase == PHASE_WORK)
        exchange_abandon(c->exchange);
    else if (!has_unread(c))
        client_cut(c);
}

/* MHD does not see a client leave while its connection is suspended, nor one that left with its last bytes.
 */
static void watch(struct http_server *s, enum phase phase, uint64_t now)
{
    struct pollfd fds[WATCH_BATCH];
    struct client *clients[WATCH_BATCH];
    struct list *head = &s->phases[phase], *node = head->next;
    while (node != head) {
        size_t count = watch_batch(clients, fds, &node, head, now);
        if (count == 0 || poll(fds, count, 0) <= 0)
            continue;
        /* One that has left leaves the list; node is not among them. */
        for (size_t i = 0; i < count; i++) {
            if ((fds[i].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
                client_left(clients[i]);
        }
    }
}

void deadline_sweep(uv_timer_t *timer)
{
    struct http_server *s = CONTAINER_OF(timer, struct http_server, sweep);
    uint64_t now = mono_ns();
    uint64_t header_ms = s->settings.header_ms;
    if (s->draining)
        header_ms = smaller(header_ms, DRAIN_HEADER_MS);
    struct client *c;
    while ((c = overdue(s, PHASE_HEADER, now, header_ms)) != NULL)
        cut_slow(s, c);
    while ((c = overdue(s, PHASE_BODY, now, s->settings.body_ms)) != NULL)
        cut_slow_body(s, c);
    while ((c = overdue(s, PHASE_WRITE, now, s->settings.write_ms)) != NULL)
        cut_slow(s, c);
    sweep_idle(s, now);
    watch(s, PHASE_HEADER, now);
    watch(s, PHASE_BODY, now);
    watch(s, PHASE_WORK, now);
    deadline_update(s);
}

/* A chunk-size line that fills MHD's buffer without ending leaves MHD busy with nothing: it reads no more,
 * waits for no event and asks to be run again at once. There is no telling which connection it is, so once
 * the loop has not come to rest for a while the chunked uploads that stand still are cut. */
void deadline_check_stuck(struct http_server *s, bool at_rest, bool lingering)
{
    uint64_t before = s->restless_at_ns;
    s->restless_at_ns = 0;
    if (lingering)
        return;
    if (at_rest)
        s->restless_ns = 0;
    if (at_rest || list_is_empty(&s->phases[PHASE_BODY]))
        return;
    uint64_t now = mono_ns();
    s->restless_at_ns = now;
    if (before != 0)
        s->restless_ns += now - before;
    if (s->restless_ns < STUCK_MS * NS_PER_MS)
        return;
    s->restless_ns = 0;
    list_for_each (node, next, &s->phases[PHASE_BODY]) {
        struct client *c = CONTAINER_OF(node, struct client, link);
        if (c->exchange->chunked && now >= c->exchange->piece_ns + STUCK_MS * NS_PER_MS)
            cut_slow_body(s, c);
    }
}
