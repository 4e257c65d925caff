---@meta json
local json = {}

---JSON null, distinct from nil. tostring(json.null) is "null".
---@type userdata
json.null = nil

---Encode. Integers exactly (64 bit), floats with the fewest digits; a table marked by json.array, or a non-empty sequence, is
---an array; every other table (also {}) is an object with its string keys in sorted order. Raises on functions, NaN,
---infinity, mixed keys, cycles and depth over 64.
---@param value any
---@return string
function json.encode(value) end

---Decode strict JSON (see src/base/json.h). Arrays come marked, so an empty one stays an array; null is json.null;
---integers are Lua integers.
---@param text string
---@return any value
---@return err? err  nil, err with code "invalid"
function json.decode(text) end

---Mark a list as an array, so that an empty one is []. Returns the same table.
---@generic T: table
---@param list T
---@return T
function json.array(list) end

---A table with these members of another one, and null where it has none.
---@param from table
---@param names string[]
---@return table
function json.pick(from, names) end

---@class json.view  What is shown of a row of a database as JSON, NULL as null. See rows:json and pending:json.
local view = {}

---The same of a table: what stands for it wherever JSON is made, and is written then. What is nil is null.
---@param values table
---@return userdata json
function view:of(values) end

---Prepare what is shown of rows, once: columns under their own names in the list part; by name, columns under another name, and
---objects inside.
---@param members table<integer|string, string|table>  { "id", "status", total = "sum", deltas = { locked = "locked_delta" } }
---@return json.view
function json.view(members) end

---True if value is a marked array.
---@return boolean
function json.is_array(value) end

return json
