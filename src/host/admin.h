/* The admin port: /healthz, /readyz, /metrics, /reload and, with a test clock, /clock. On the main loop, away
 * from the API. Requests that a browser page may have caused (they carry Origin) are refused. Main thread.
 * Never raises a Lua error. */
#ifndef HOST_ADMIN_H
#define HOST_ADMIN_H

#include "host/serve.h"

struct admin;
/* Listens on admin.listen. NULL and err if it is taken. */
struct admin *admin_new(struct serve *serve, struct err *err) MUSTCHECK;
int admin_port(const struct admin *a);
void admin_close(struct admin *a); /* closes the handles; admin_free when the loop has ended */
void admin_free(struct admin *a);

#endif
