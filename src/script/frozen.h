/* Tables that outlive a call of a rule, in a form in which no write goes unseen.
 *
 * A frozen table is the table it was, but empty: what it held lies in another one, its content, that only the
 * metatable knows and no rule ever holds. Rules read it as before ([], #, ipairs, and our pairs, next and
 * table functions); a write that a rule makes finds no such key and goes through __newindex, where it is
 * noted and then done. C code that reads raw goes through frozen_content.
 */
#ifndef SCRIPT_FROZEN_H
#define SCRIPT_FROZEN_H

#include <stdbool.h>

#include <lua.h>

/* The stack index of the table that holds what the value at index holds: that itself, or, of a frozen table,
 * its content, which is pushed then. Needs two free slots, allocates nothing, does not raise. */
int frozen_content(lua_State *L, int index);
/* Freeze the table at index, whose metatable goes with the content; on_write as __newindex. False: it is
 * not as long as it was. Raises (memory): it is then half of a table, and the state of no use any more. */
bool frozen_make(lua_State *L, int index, lua_CFunction on_write);

#endif
