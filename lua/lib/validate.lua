-- Checks a decoded JSON body or a query against a schema and reports all faults at once.
--
-- A schema is a subset of JSON Schema as plain data:
--   type        "object", "string", "integer", "number", "boolean", "array"
--   object      properties, required (a list of names); unknown members are refused
--   string      minLength, maxLength (characters), minBytes, maxBytes, format (lib/format.lua), enum
--   number      minimum, maximum, multipleOf (a power of ten)
--   array       maxItems, items (any values if absent)
--   secret      never kept with an Idempotency-Key (lib/pipeline.lua)
--   nullable    null is allowed and means the same as leaving it out
--   nullClears  of a whole body that is a change: null stays, and takes the value away
local format = require "lib.format"
local json = require "json"

local validate = {}

local NULL = json.null

-- A body can hold thousands of unknown members; nobody reads more faults than this.
local FAULTS_MAX = 100

---@class validate.fault
---@field pointer string  JSON pointer into the body, or "/" and the name of a query parameter
---@field code string
---@field detail string

local function add(faults, pointer, code, detail)
  if #faults < FAULTS_MAX then
    faults[#faults + 1] = { pointer = pointer, code = code, detail = detail }
  end
end

-- One step of a JSON pointer.
local function child_pointer(pointer, name)
  return pointer .. "/" .. tostring(name):gsub("~", "~0"):gsub("/", "~1")
end

local function sorted_keys(object)
  local keys = {}
  for key in pairs(object) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

-- Members in the order in which their faults are told; where nobody is told of them, in any.
local function members(object, pointer)
  if not pointer then
    return next, object
  end
  local keys, at = sorted_keys(object), 0
  return function()
    at = at + 1
    return keys[at], object[keys[at]]
  end
end

-- What the values of a type are to Lua, and what else must hold of them.
local LUA_TYPES = {
  string = "string", boolean = "boolean", integer = "number", number = "number", array = "table", object = "table",
}
local is_narrower = {
  integer = function(value) return math.type(value) == "integer" end,
  array = json.is_array,
  object = function(value) return not json.is_array(value) end,
}

-- Each check of a type is given a value of it, and the pointer to it: nil where nobody is going to be told of faults.
local check = {}

function check.string(schema, value, pointer, faults)
  local length = utf8.len(value)
  if not length then
    return add(faults, pointer, "encoding", "must be UTF-8")
  end
  if length < (schema.minLength or 0) or #value < (schema.minBytes or 0) then
    return add(faults, pointer, "too_short", ("must have at least %d %s"):format(schema.minLength or schema.minBytes,
      schema.minLength and "characters" or "bytes"))
  end
  if length > (schema.maxLength or math.huge) or #value > (schema.maxBytes or math.huge) then
    return add(faults, pointer, "too_long", ("must have at most %d %s"):format(schema.maxLength or schema.maxBytes,
      schema.maxLength and "characters" or "bytes"))
  end
  if schema.format and not format[schema.format](value) then
    return add(faults, pointer, "format", format.DETAILS[schema.format])
  end
end

local function has_step(value, step)
  local steps = value / step
  local rest = steps - (steps + 0.5) // 1
  return -1e-6 < rest and rest < 1e-6
end

function check.number(schema, value, pointer, faults)
  if schema.minimum and value < schema.minimum then
    return add(faults, pointer, "too_small", "must be at least " .. schema.minimum)
  end
  if schema.maximum and value > schema.maximum then
    return add(faults, pointer, "too_large", "must be at most " .. schema.maximum)
  end
  if schema.multipleOf and not has_step(value, schema.multipleOf) then
    return add(faults, pointer, "multiple", "must be a multiple of " .. schema.multipleOf)
  end
end
check.integer = check.number

local check_value

function check.array(schema, value, pointer, faults)
  if #value > (schema.maxItems or math.huge) then
    return add(faults, pointer, "too_long", ("must have at most %d items"):format(schema.maxItems))
  end
  for index = 1, schema.items and #value or 0 do
    check_value(schema.items, value[index], pointer and child_pointer(pointer, index - 1), faults)
  end
end

function check.object(schema, value, pointer, faults)
  local required, properties = schema.required, schema.properties
  for index = 1, required and #required or 0 do
    if value[required[index]] == nil then
      add(faults, pointer and child_pointer(pointer, required[index]), "required", "is missing")
    end
  end
  for name, member in members(value, pointer) do
    local property = properties[name]
    if property then
      check_value(property, member, pointer and child_pointer(pointer, name), faults)
    else
      add(faults, pointer and child_pointer(pointer, name), "unknown", "is not known here")
    end
  end
end

function check_value(schema, value, pointer, faults)
  if value == NULL and schema.nullable then
    faults.has_null = true
    return
  end
  local expected = schema.type
  local narrower = is_narrower[expected]
  if type(value) ~= LUA_TYPES[expected] or narrower and not narrower(value) then
    return add(faults, pointer, "type", "must be of type " .. expected)
  end
  if schema.enum then
    for _, allowed in ipairs(schema.enum) do
      if value == allowed then
        return
      end
    end
    return add(faults, pointer, "enum", "must be one of " .. table.concat(schema.enum, ", "))
  end
  local more = check[expected]
  if more then
    more(schema, value, pointer, faults)
  end
end

-- Nearly all values are good: where faults are and in which order they are told is worked out for the others.
---@return boolean is_good
---@return boolean has_null
local function is_good(schema, value)
  local faults = { has_null = false }
  check_value(schema, value, nil, faults)
  return not faults[1], faults.has_null
end

local function faults_of(schema, value)
  local faults = {}
  check_value(schema, value, "", faults)
  faults.has_null = nil
  return faults
end

local function drop_nulls(object)
  for name, member in pairs(object) do
    if member == NULL then
      object[name] = nil
    end
  end
end

---Check a body. Members that are null because they may be are taken out of it, unless they clear.
---@param schema table
---@param value any
---@return table? body  the value
---@return validate.fault[]? faults
function validate.body(schema, value)
  local good, has_null = is_good(schema, value)
  if not good then
    return nil, faults_of(schema, value)
  end
  if has_null and not schema.nullClears then
    drop_nulls(value)
  end
  return value
end

local from_text = {
  string = function(text) return text end,
  integer = function(text) return text:find("^%-?%d+$") and math.tointeger(tonumber(text)) end,
  boolean = function(text)
    if text == "true" or text == "false" then
      return text == "true"
    end
  end,
}

-- The value of a parameter of this schema; nil if the text is none of its type.
local function value_of(property, text)
  local value = from_text[property.type](text)
  if value or property.type == "boolean" then
    return value
  end
end

-- The values of a query without any fault, as nearly all are; nil: there are faults.
local function good_values(schema, query)
  local values = {}
  for name, text in pairs(query) do
    local property = schema.properties[name]
    local value = property and value_of(property, text)
    if value == nil or not is_good(property, value) then
      return nil
    end
    values[name] = value
  end
  return values
end

local function faults_of_query(schema, query, malformed)
  local faults = {}
  for _, name in ipairs(sorted_keys(malformed)) do
    add(faults, child_pointer("", name), "format", malformed[name])
  end
  for _, name in ipairs(schema.required or {}) do
    if query[name] == nil and malformed[name] == nil then
      add(faults, child_pointer("", name), "required", "is missing")
    end
  end
  for _, name in ipairs(sorted_keys(query)) do
    local property, pointer = schema.properties[name], child_pointer("", name)
    local value = property and value_of(property, query[name])
    if not property then
      add(faults, pointer, "unknown", "is not known here")
    elseif value == nil then
      add(faults, pointer, "type", "must be of type " .. property.type)
    else
      check_value(property, value, pointer, faults)
    end
  end
  return faults
end

---Check query parameters, given as text, and turn them into the types of the schema.
---@param schema table  an object whose properties are strings, integers and booleans
---@param query? table<string, string>
---@param malformed? table<string, string>  what could not be read, in words by name
---@return table? values
---@return validate.fault[]? faults
function validate.query(schema, query, malformed)
  if not query and not schema.required then
    return {}
  end
  query, malformed = query or {}, malformed or {}
  local values = not (schema.required or next(malformed)) and good_values(schema, query)
  if values then
    return values
  end
  local faults = faults_of_query(schema, query, malformed)
  if #faults > 0 then
    return nil, faults
  end
  return good_values(schema, query)
end

return validate
