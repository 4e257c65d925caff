/* Plain data on its way from one Lua state to another: booleans, numbers, texts, and tables of these whose
 * keys are integers or texts. Unlike a shape (script/shape.h) nothing is declared; depth, number and size are
 * bounded, so cycles cannot be followed. Only functions that say so may raise a Lua error. Any thread. */
#ifndef SCRIPT_PLAIN_H
#define SCRIPT_PLAIN_H

#include <lua.h>

#include "base/buf.h"
#include "base/err.h"

#define PLAIN_DEPTH_MAX 16
#define PLAIN_VALUES_MAX 10000
#define PLAIN_BYTES_MAX (256u << 10)

/* Write the value at index of L to out. -1: it holds something else, or too much; err->text begins with what,
 * which names the value. Reads raw, allocates nothing in L, does not raise. */
int plain_take(lua_State *L, int index, const char *what, struct buf *out, struct err *err) MUSTCHECK;
/* Push what plain_take has written. May raise (memory). */
void plain_push(const struct buf *data, lua_State *L);

#endif
