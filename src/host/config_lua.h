/* config.lua as data: evaluated in an empty environment within hard bounds, each value put into the settings.
 * Pure; any thread. Lua errors never leave. */
#ifndef HOST_CONFIG_LUA_H
#define HOST_CONFIG_LUA_H

#include "host/config.h"
#include "host/settings.h"

#define CONFIG_LUA_INSTRUCTIONS_MAX 100000
#define CONFIG_LUA_MEMORY_BYTES_MAX (8u << 20)

/* For each setting found: origin(data, setting, line). Errors name file, line and key. */
int config_lua_read(const struct bundle_file *file, struct config *c,
                    void (*origin)(void *data, const struct setting *s, int line), void *data,
                    struct err *err) MUSTCHECK;

#endif
