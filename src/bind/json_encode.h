/* The JSON encoder behind json.encode, responses, jsonb parameters and log-free error paths.
 * Loop thread of the VM's worker. Never raises a Lua error and calls no metamethod: what fails is told in
 * err.
 */
#ifndef BIND_JSON_ENCODE_H
#define BIND_JSON_ENCODE_H

#include "bind/bind.h"

#define JSON_ENCODE_DEPTH_MAX 64         /* tables inside one another */
#define JSON_ENCODE_BYTES_MAX (16 << 20) /* of the text, checked at each table */

/* Append the value at index to out; L's stack is as before. ERR_INVALID for what has no JSON form, ERR_LIMIT.
 */
int json_encode(lua_State *L, int index, struct buf *out, struct err *err) MUSTCHECK;

/* True if the value at index is a table marked by json.array. Does not raise. */
bool bind_json_is_array(lua_State *L, int index);
/* Give the table on top the mark of an array. May raise (memory), as may what follows. */
void bind_json_mark_array(lua_State *L);

/* Push a userdata that stands for a copy of this text, finished JSON of one value, which the encoder writes
 * as it is. May raise. */
void bind_json_push_text(lua_State *L, const struct buf *text);
/* The text of such a userdata; NULL for any other value. Does not raise; needs two free stack slots. */
const char *bind_json_text(lua_State *L, int index, size_t *len);

#define JSON_DECODE_DEPTH_MAX 64         /* of json.decode and of jsonb columns */
#define JSON_DECODE_BYTES_MAX (16 << 20) /* of json.decode and of jsonb columns */

/* Parse text and push its value. -1 and err, nothing pushed, if it is not strict JSON. */
int bind_json_parse(lua_State *L, const char *text, size_t len, const struct json_limits *limits,
                    struct err *err) MUSTCHECK;

#endif
