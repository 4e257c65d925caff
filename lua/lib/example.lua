-- An example of a value for a schema: samples by name where they fit, else the simplest value the schema allows. Members that
-- must suit one another are in samples.objects, by the name of the object's schema.
local format = require "lib.format"
local json = require "json"

local example = {}

local OF_FORMAT = {
  uuid = "5f0c1d1e-7f2b-4f57-9d1c-3f1f6b0c2a11",
  slug = "beat_around_the_bush",
  date = "2026-03-02",
  ["date-time"] = "2026-03-02T01:30:00.000000Z",
}

local fits = {
  string = function(schema, value)
    local is_format = format[schema.format]
    return type(value) == "string" and (type(is_format) ~= "function" or is_format(value))
  end,
  integer = function(schema, value)
    return math.type(value) == "integer" and value >= (schema.minimum or value) and value <= (schema.maximum or value)
  end,
  number = function(_, value) return type(value) == "number" end,
  boolean = function(_, value) return type(value) == "boolean" end,
  array = function(schema, value)
    return json.is_array(value) and (not schema.items or type(value[1]) == schema.items.type)
  end,
  object = function() return false end,
}

local simplest = {
  string = function(schema) return OF_FORMAT[schema.format] or ("text"):rep(schema.minLength or schema.minBytes or 1) end,
  integer = function(schema) return schema.minimum or 1 end,
  number = function(schema) return schema.minimum or 1 end,
  boolean = function() return true end,
  array = function(schema, samples) return json.array { schema.items and example.of(schema.items, samples) } end,
}

-- given: members that are known, also those of objects in it.
function simplest.object(schema, samples, given)
  local known, value = samples.objects and samples.objects[schema.name] or {}, {}
  given = given or {}
  for name, property in pairs(schema.properties or {}) do
    local member = given[name]
    if member == nil then
      member = known[name]
    end
    if member == nil then
      member = example.of(property, samples, name)
    elseif property.type == "object" and type(member) == "table" then
      member = simplest.object(property, samples, member)
    end
    value[name] = member
  end
  return value
end

---@param schema table
---@param samples table<string, any>  by name
---@param name? string  of the member or parameter
---@return any
function example.of(schema, samples, name)
  if schema.enum then
    return schema.enum[1]
  end
  local sample = samples[name]
  if sample ~= nil and fits[schema.type](schema, sample) then
    return sample
  end
  return simplest[schema.type](schema, samples)
end

return example
