/* Finds what must not be in a Lua source although it compiles.
 *
 * Lua 5.4.4 computes wrong results for bitwise operators in a chunk with more than 256 constants, silently;
 * so & | ~ << and >> are refused in every file below lua/. Pure function, any thread; never raises a Lua
 * error.
 */
#ifndef SCRIPT_LINT_H
#define SCRIPT_LINT_H

#include "script/bundle.h"

/* 0, or -1 and err->text "lua/x.lua:12: …". Strings and comments are skipped; the source is one that
 * compiles. */
int lint_source(const struct bundle_file *file, struct err *err) MUSTCHECK;

#endif
