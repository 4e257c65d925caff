/* Properties: what must hold of the rules whatever numbers staff write into them.
 *
 * Every module below lua/checks/ returns a list of {name = …, check = function(call, parameters) … end}. A
 * check tries call(rule, function, input) → result for whatever inputs it likes, looks at parameters(rule),
 * and returns nothing, or a text saying what does not hold. One with is_first = true looks at what examples
 * and other properties build on. Checks are the program's own code, trusted; the rules they call are not.
 * Never raises a Lua error; any thread.
 */
#ifndef SCRIPT_PROPERTY_H
#define SCRIPT_PROPERTY_H

#include "script/bundle.h"
#include "script/sandbox.h"

enum property_stage {
    PROPERTY_FIRST, /* those with is_first = true */
    PROPERTY_REST,
};

/* CPU time of all properties of a stage together; each call of a rule has the sandbox's budget besides. */
#define PROPERTY_CPU_MS_MAX (5000 * BUILD_SLOWNESS)
#define PROPERTY_MEMORY_MAX (64u << 20)

/* Run the properties of bundle that belong to this stage on the rules of s, which may be of another bundle.
 * failed(data, text) for each that does not hold, text "lua/rules/x.lua: property \"name\": …" where
 * lua/checks/x.lua is the check. Returns the number of properties, -1 if anything failed. */
int property_check(struct bundle *bundle, struct sandbox *s, enum property_stage stage,
                   void (*failed)(void *data, const char *text), void *data);

/* How many hold; -1: not all of them, or they were not tried. */
struct property_counts {
    int examples, properties;
};

/* Everything that rules have to pass before they go live: the first properties, then examples and the others.
 * If a first one does not hold, the rest is not tried: it would fail of the same cause, and say it worse. 0:
 * all hold, -1: not. */
int property_gate(struct bundle *bundle, struct sandbox *s, struct property_counts *counts,
                  void (*failed)(void *data, const char *text), void *data);

#endif
