/* Properties: what must hold of the rules whatever numbers staff write into them.
 *
 * Every module below lua/checks/ returns a list of {name = …, check = function(call, parameters) … end}. A
 * check tries call(rule, function, input) → result for whatever inputs it likes, looks at parameters(rule),
 * and returns nothing, or a text saying what does not hold. Checks are the program's own code, trusted; the
 * rules they call are not. Never raises a Lua error; any thread.
 */
#ifndef SCRIPT_PROPERTY_H
#define SCRIPT_PROPERTY_H

#include "script/bundle.h"
#include "script/sandbox.h"

/* CPU time of all properties together; each call of a rule has the sandbox's budget besides. */
#define PROPERTY_CPU_MS_MAX (5000 * BUILD_SLOWNESS)
#define PROPERTY_MEMORY_MAX (64u << 20)

/* Run the properties of bundle on the rules of s, which may be of another bundle. failed(data, text) for each
 * that does not hold, text "lua/rules/x.lua: property \"name\": …" where lua/checks/x.lua is the check.
 * Returns the number of properties, -1 if anything failed. */
int property_check(struct bundle *bundle, struct sandbox *s, void (*failed)(void *data, const char *text),
                   void *data);

#endif
