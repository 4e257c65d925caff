/* What lua.h does not say: raising never returns. Only for the static analyser, which otherwise follows code
 * behind a raise and reports what cannot happen there. */
#ifndef SCRIPT_NORETURN_H
#define SCRIPT_NORETURN_H

#ifdef __clang_analyzer__
#include <lauxlib.h>

__attribute__((noreturn)) int luaL_error(lua_State *L, const char *format, ...);
__attribute__((noreturn)) int luaL_argerror(lua_State *L, int argument, const char *reason);
__attribute__((noreturn)) int luaL_typeerror(lua_State *L, int argument, const char *type_name);
__attribute__((noreturn)) int lua_error(lua_State *L);
#endif

#endif
