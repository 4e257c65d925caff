/* One blocking HTTP request to the admin port, for commands. Never raises a Lua error. */
#ifndef HOST_CLIENT_H
#define HOST_CLIENT_H

#include "base/buf.h"
#include "base/err.h"

/* POST path to listen ("127.0.0.1:8081"; an address that means all of them is called on the loopback).
 * *status and body are those of the answer. ERR_UNAVAILABLE: nobody listens there or the answer did not come
 * in time. */
int client_post(const char *listen, const char *path, uint32_t deadline_ms, int *status, struct buf *body,
                struct err *err) MUSTCHECK;

#endif
