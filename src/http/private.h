/* What the files of the HTTP server share: the server, its engines, clients and exchanges. Private to http/.
 *
 *   server    the public face: settings, loop turn, drain, close
 *   engine    one libmicrohttpd daemon and its place in the loop; one at work, others only while they run dry
 *   client    one connection and the phase it is in; deadline.c cuts those that stay too long in one
 *   exchange  one request and its answer
 *
 * Ownership: server owns engines, engines (through MHD) own clients, a client owns its exchange until both
 * sides are done with it. Loop thread only.
 */
#ifndef HTTP_PRIVATE_H
#define HTTP_PRIVATE_H

#include "base/base.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <uv.h>

#include "http/gate.h"
#include "http/server.h"

/* Room in MHD's memory pool of a connection besides the header block itself. MHD clears all of it after each
 * request, so an idle connection costs what the largest request could need. */
#define HEADER_FIELD_BYTES 64          /* MHD's record of one header field */
#define RESPONSE_HEADER_BYTES_MAX 2048 /* of one response; more is a 500 */
#define RESPONSE_HEADER_ROOM_BYTES                                                                           \
    3072 /* RESPONSE_HEADER_BYTES_MAX and what pipelined bytes may take of it */
/* A body that is too large is read on up to this much beyond its limit, so that the client sees the answer.
 */
#define SWALLOW_BYTES_MAX (256 * 1024)

#define TARGET_ROOM_BYTES 128 /* most request targets are shorter */

enum phase {
    PHASE_HEADER, /* accepted, or a header block has begun */
    PHASE_BODY,
    PHASE_WORK,  /* the layer above works; lingering, or suspended */
    PHASE_GONE,  /* as PHASE_WORK, but the client has left */
    PHASE_WRITE, /* a response is on its way */
    PHASE_IDLE,  /* keep-alive between requests */
    PHASE_CUT,   /* shut down by us, MHD has not noticed yet */
    PHASE_COUNT,
};

struct engine {
    struct http_server *server;
    struct MHD_Daemon *mhd;
    uv_poll_t poll;
    struct list link;
    size_t header_bytes_max; /* what its connections' memory can hold */
    unsigned clients;
    unsigned lingering;   /* of its exchanges */
    unsigned runs_wanted; /* of MHD, before it is believed to be at rest although exchanges linger */
    bool ready;           /* MHD's epoll descriptor has events */
    bool retired;         /* accepts no more, closes keep-alive connections after their exchange */
};

struct client {
    struct engine *engine;
    struct MHD_Connection *connection;
    struct exchange *exchange; /* the one under way, or NULL */
    struct list link;          /* in server->phases[phase], by phase_ns */
    enum phase phase;
    uint64_t phase_ns; /* when the phase began; in PHASE_IDLE: when it was looked at last */
    uint64_t idle_ns;  /* when PHASE_IDLE began */
    int fd;
    bool counted; /* in stats.connections */
    char remote[46];
};

/* How an exchange will be answered once its body is in. */
enum fate { FATE_HANDLE, FATE_NOT_FOUND, FATE_NO_METHOD, FATE_TOO_LARGE, FATE_PREFLIGHT };

struct exchange {
    struct client *client; /* NULL once the connection is over */
    struct http_server *server;
    struct list link; /* in server->finished or server->spare */
    char *target; /* the raw URI, cut into path and query; target_room, or malloc'd if that is too small */
    struct buf body;
    uint64_t body_bytes_max, body_bytes; /* allowed, received */
    enum fate fate;
    char allow[64];
    char *kept_headers;            /* texts of a request whose connection is over before it is answered */
    struct MHD_Response *response; /* made by http_respond, not yet queued */
    int status;                    /* 0: not answered */
    uint64_t piece_ns;             /* when a chunked body last grew */
    bool begun;                    /* the header block is complete */
    bool chunked;
    bool in_handler;  /* http_respond is called from inside the handler */
    bool handed_over; /* to the layer above */
    bool answered;    /* by http_respond */
    bool lingering;   /* the layer above works, the connection is not suspended */
    bool suspended;
    bool abandoned;
    unsigned visits;         /* by MHD while it lingered */
    struct http_request req; /* its path parameters and what follows are not cleared */
    struct http_header headers[GATE_HEADERS_MAX];
    char target_room[TARGET_ROOM_BYTES];
};

struct http_server {
    uv_loop_t *loop;
    struct http_settings settings; /* texts and lists are our copies */
    struct http_callbacks callbacks;
    struct list engines; /* the first is at work */
    struct list phases[PHASE_COUNT];
    uint64_t now_ns;      /* when the present run of MHD began, or the handing over before it */
    struct list finished; /* exchanges answered while they lingered or were suspended */
    struct list spare;    /* exchanges to use again */
    unsigned spare_count;
    uv_timer_t sweep;
    uv_timer_t revisit; /* of lingering exchanges, if nothing else makes MHD run */
    uv_idle_t again;    /* active: another turn is needed at once */
    int listen_fd;
    int port;
    bool client_closed; /* since the last run of MHD */
    bool sweeping;
    uint64_t restless_ns;    /* for how long turns have left MHD with more to do, one after the other */
    uint64_t restless_at_ns; /* when the last turn did, 0: it did not, or there was no telling */
    bool draining, closing;
    uint64_t drain_ns;
    void (*drained)(void *data);
    void *drained_data;
    void (*closed)(void *data);
    void *closed_data;
    unsigned open_handles;
    unsigned char random[1024]; /* for request ids */
    size_t random_left;
    atomic_uint connections, requests_active;
    atomic_uint_fast64_t refused_gate, refused_limit, cut_slow, suspended;
};

/* server.c */
void server_handle_closed(struct http_server *s);
/* Do not sleep: there is work for the next turn. */
void server_wake(struct http_server *s);

/* listen.c. Open, bind and listen on "address:port"; the descriptor and the port, or -1. */
int listen_open(const char *address, bool shared, int *port, struct err *err) MUSTCHECK;

/* engine.c */
struct engine *engine_start(struct http_server *s, struct err *err) MUSTCHECK;
/* Let MHD work once; false if it has nothing more to do now. */
bool engine_run(struct engine *e);
/* Something has happened that MHD brings to its end in its next runs; see engine_run. */
void engine_want_runs(struct engine *e, unsigned runs);
/* Accept no more. */
void engine_retire(struct engine *e);
/* Stop MHD (every connection must have been resumed) and let go of the loop. */
void engine_stop(struct engine *e);

/* client.c */
void client_notify(void *cls, struct MHD_Connection *connection, void **context,
                   enum MHD_ConnectionNotificationCode code);
void client_enter(struct client *c, enum phase phase, uint64_t now_ns);
/* Shut the socket; MHD then closes the connection. */
void client_cut(struct client *c);
/* Write a whole problem response past MHD, for the moments when MHD takes none, and shut the socket. */
void client_answer_raw(struct client *c, int status, const char *code, const char *detail,
                       const char *request_id, bool is_head);
struct client *client_of(struct MHD_Connection *connection);

/* deadline.c. Start or stop the sweep as there are clients. */
void deadline_update(struct http_server *s);
void deadline_sweep(uv_timer_t *timer);
/* After every turn: cut chunked uploads that keep MHD busy for nothing. While exchanges linger there is no
 * telling whether MHD is at rest. */
void deadline_check_stuck(struct http_server *s, bool at_rest, bool lingering);

/* forwarded.c. Put the client's address in the place of the proxy's. */
void forwarded_resolve(const struct http_server *s, struct http_request *req);

/* cors.c */
/* The fields that let the calling page read the answer; how many. Their texts are the server's. */
size_t cors_fields(const struct http_server *s, const struct http_request *req, struct http_header fields[3]);
/* A browser asks whether a page that may call is allowed this request. */
bool cors_is_preflight(const struct http_server *s, const struct http_request *req);
/* methods "": the path is not known, so that its 404 can be read. */
void cors_answer_preflight(const struct http_server *s, struct http_request *req, const char *methods);

/* exchange.c */
void *exchange_uri(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result exchange_handle(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data, size_t *data_size,
                                void **context);
void exchange_completed(void *cls, struct MHD_Connection *connection, void **context,
                        enum MHD_RequestTerminationCode code);
/* MHD is about to answer a malformed header block by itself: answer in its place. */
void exchange_refuse_header(struct exchange *x);
/* The client has left while the layer above works. */
void exchange_abandon(struct exchange *x);
/* Hand the response of an exchange that lingers or is suspended to MHD. */
void exchange_finish(struct exchange *x);
/* Free the memory of an exchange that is over. */
void exchange_free(struct exchange *x);
/* A new UUID v4. */
void exchange_make_id(struct http_server *s, char id[37]);

/* response.c. MHD's form of a response, taking its body; *status may become 500. */
struct MHD_Response *response_make(const struct exchange *x, struct http_response *response, int *status);

#endif
