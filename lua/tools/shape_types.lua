-- Turns the shapes that a rule file declares into declarations for editors.
local shape_types = {}

local HEAD = [[
---@meta
-- Made by `lexicraft lua lua/tools/rule_types.lua` from the shapes in lua/rules/%s.lua; do not edit.

]]

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

-- What the source says behind a field: comments["award.input.tier"] = "of the learning point".
local function comments_of(source)
  local comments, name, side = {}, nil, nil
  for line in source:gmatch("[^\n]+") do
    name = line:match("^  ([%w_]+) = {") or name
    side = line:match("^    (input) =") or line:match("^    (result) =") or side
    local comment = line:match("%-%-%s*(.+)$")
    local field = comment and (line:match("^      ([%w_]+) =") or line:match("^    %w+ = { ([%w_]+) = [^=]+$"))
    if field and name and side then
      comments[("%s.%s.%s"):format(name, side, field)] = comment
    end
  end
  return comments
end

local function is_optional(shape)
  if type(shape) == "string" then
    return shape:sub(-1) == "?"
  end
  return shape.optional == true
end

local writer = {}
writer.__index = writer

-- The type of a shape and what is worth saying about it; records become classes of their own.
function writer:type_of(shape, class)
  if type(shape) == "string" then
    local kind, range = shape:match("^(%a+) ?([^?]*)%??$")
    return kind == "text" and "string" or kind, range ~= "" and range or nil
  elseif shape.list then
    local element = self:type_of(shape.list, class)
    return element .. "[]", "at most " .. shape.max
  end
  self:add_class(class, shape.record)
  return class
end

function writer:add_class(class, fields)
  local lines = { "---@class " .. class }
  for _, name in ipairs(sorted_keys(fields)) do
    local kind, range = self:type_of(fields[name], class .. "." .. name)
    local notes = {}
    notes[#notes + 1] = range
    notes[#notes + 1] = self.comments[(class .. "." .. name):sub(#self.prefix + 1)]
    local line = ("---@field %s%s %s  %s"):format(name, is_optional(fields[name]) and "?" or "", kind,
      table.concat(notes, ", "))
    lines[#lines + 1] = line:gsub("%s+$", "")
  end
  self.classes[#self.classes + 1] = table.concat(lines, "\n")
end

---The text of lua/types/rules/NAME.lua.
---@param name string    of the rule file
---@param shapes table   as it declares them
---@param source string  its text, for the comments
---@return string
function shape_types.write(name, shapes, source)
  local prefix = ("rules.%s."):format(name)
  local self = setmetatable({ classes = {}, prefix = prefix, comments = comments_of(source) }, writer)
  local rule, calls = { "---@class rules." .. name }, { "---@class rules" }
  for _, call in ipairs(sorted_keys(shapes)) do
    local input, result = prefix .. call .. ".input", prefix .. call .. ".result"
    self:add_class(input, shapes[call].input)
    self:add_class(result, shapes[call].result)
    rule[#rule + 1] = ("---@field %s fun(input: %s): %s"):format(call, input, result)
    calls[#calls + 1] = ('---@field call fun(rule: "%s", name: "%s", input: %s): %s, rules.call'):format(name, call,
      input, result)
  end
  self.classes[#self.classes + 1] = table.concat(rule, "\n")
  if #calls > 1 then
    self.classes[#self.classes + 1] = table.concat(calls, "\n")
  end
  return HEAD:format(name) .. table.concat(self.classes, "\n\n") .. "\n"
end

return shape_types
