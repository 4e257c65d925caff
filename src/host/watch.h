/* Watches config.lua, .env and every folder of lua/, and says when one has changed and then been quiet for a
 * while. One loop's thread. Never raises a Lua error. */
#ifndef HOST_WATCH_H
#define HOST_WATCH_H

#include <uv.h>

#include "base/err.h"

#define WATCH_FOLDERS_MAX 256

struct watch;
/* changed(data) after debounce_ms without a further change, at the latest after ten times that. Off until
 * watch_set. */
struct watch *watch_new(uv_loop_t *loop, const char *root, void (*changed)(void *data), void *data);
/* Change both, live. */
void watch_set(struct watch *w, bool enabled, uint32_t debounce_ms);
void watch_close(struct watch *w); /* closes the handles; watch_free when the loop has ended */
void watch_free(struct watch *w);

#endif
