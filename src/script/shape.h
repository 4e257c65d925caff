/* Declared shapes of rule inputs and results, and the values that have been checked against them.
 *
 * A shape is read once from Lua ("integer 1..7", {list = …, max = N}, {record = {…}}). A value travels from
 * one Lua state to another as plain C data: shape_take reads it from the first, checked, and shape_push
 * builds it in the second, so an error in either never unwinds the other. Depth and size are bounded by the
 * shape, so cycles cannot be followed. Shapes are immutable after reading; any thread. Only functions that
 * say so may raise a Lua error.
 */
#ifndef SCRIPT_SHAPE_H
#define SCRIPT_SHAPE_H

#include <lua.h>

#include "base/buf.h"
#include "base/err.h"

#define SHAPE_DEPTH_MAX 4       /* nested lists and records */
#define SHAPE_FIELDS_MAX 64     /* of one record */
#define SHAPE_NAME_BYTES_MAX 63 /* of a field */
#define SHAPE_LIST_MAX 1000     /* largest max of a list */
#define SHAPE_TEXT_BYTES_MAX 1000
#define SHAPE_VALUES_MAX 10000 /* in one input or result */

struct shape;

/* Values by index; the parts of a list or record are next to each other. items[0] is the whole. */
struct shape_data {
    struct shape_value *items;
    size_t count, cap;
    struct buf text; /* all texts, one after the other */
};

/* Compile the record whose fields are declared in the table at index, reading it raw. what names it in
 * err->text
 * ("shapes.award.input"). NULL on a declaration that is not understood. Does not raise. */
struct shape *shape_read(lua_State *L, int index, const char *what, struct err *err) MUSTCHECK;
void shape_free(struct shape *shape); /* NULL allowed */

void shape_data_init(struct shape_data *data);
void shape_data_release(struct shape_data *data);

/* Read the value at index of L into data (which is emptied first). -1: it is not of this shape; err->text is
 * "input.size is 9, allowed are 1..7". Reads raw, allocates nothing in L, does not raise. */
int shape_take(const struct shape *shape, lua_State *L, int index, const char *what, struct shape_data *data,
               struct err *err) MUSTCHECK;
/* Push a value. May raise (memory). */
void shape_push(const struct shape *shape, const struct shape_data *data, lua_State *L);
/* Append canonical JSON: keys sorted, no white space, absent fields left out. */
void shape_write_json(const struct shape *shape, const struct shape_data *data, struct buf *out);
/* True if both hold the same; 1 and 1.0 differ. */
bool shape_equal(const struct shape_data *a, const struct shape_data *b);

#endif
