-- Plain bounds of what people write into a table of parameters, and refusals that name the parameter, its value and why.
--
-- A bound is a function: given a value and its name it returns nothing, or a text saying what is wrong.
local bounds = {}

---@alias bound fun(value: any, name: string): string?

local function shown(value)
  if value == nil then
    return "missing"
  elseif type(value) == "table" then
    return "a table"
  end
  return type(value) == "string" and ('"%s"'):format(value) or tostring(value)
end

local function refusal(value, name, allowed, note)
  return ("%s is %s, allowed are %s%s"):format(name, shown(value), allowed, note and (" (%s)"):format(note) or "")
end

---@param least integer
---@param most integer
---@param note string?  what it counts, or why no more
---@return bound
function bounds.integer(least, most, note)
  return function(value, name)
    if math.type(value) ~= "integer" or value < least or value > most then
      return refusal(value, name, ("whole numbers from %d to %d"):format(least, most), note)
    end
  end
end

---@param least number
---@param most number
---@param note string?
---@return bound
function bounds.number(least, most, note)
  return function(value, name)
    if type(value) ~= "number" or not (value >= least and value <= most) then
      return refusal(value, name, ("%g to %g"):format(least, most), note)
    end
  end
end

---@return bound
function bounds.boolean()
  return function(value, name)
    if type(value) ~= "boolean" then
      return refusal(value, name, "true and false")
    end
  end
end

---@param texts string[]
---@return bound
function bounds.one_of(texts)
  return function(value, name)
    for _, text in ipairs(texts) do
      if value == text then
        return nil
      end
    end
    return refusal(value, name, ('"%s"'):format(table.concat(texts, '", "')))
  end
end

local function field_name(name, key)
  if math.type(key) == "integer" then
    return ("%s[%d]"):format(name, key)
  end
  return name and ("%s.%s"):format(name, key) or key
end

-- Of names and numbers, always in the same order.
local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

local function check_fields(fields, value, name)
  for _, key in ipairs(sorted_keys(fields)) do
    local fault = fields[key](value[key], field_name(name, key))
    if fault then
      return fault
    end
  end
end

---These fields and no others. `also` looks at a record each of whose fields is well.
---@param fields table<string|integer, bound>
---@param also bound?
---@return bound
function bounds.record(fields, also)
  return function(value, name)
    if type(value) ~= "table" then
      return ("%s is %s, it needs braces"):format(name, shown(value))
    end
    for _, key in ipairs(sorted_keys(value)) do
      if not fields[key] then
        return ("%s is not known here"):format(field_name(name, key))
      end
    end
    return check_fields(fields, value, name) or also and also(value, name)
  end
end

---From `least` to `most` items of one kind.
---@param item bound
---@param least integer
---@param most integer
---@return bound
function bounds.list(item, least, most)
  return function(value, name)
    if type(value) ~= "table" or #sorted_keys(value) ~= #value then
      return ("%s is %s, it needs to be a list in braces"):format(name, shown(value))
    elseif #value < least or #value > most then
      return ("%s has %d entries, allowed are %d to %d"):format(name, #value, least, most)
    end
    for index, each in ipairs(value) do
      local fault = item(each, field_name(name, index))
      if fault then
        return fault
      end
    end
  end
end

---A list of numbers, or of records with a number under `key`, each above the one before.
---@param item bound
---@param least integer
---@param most integer
---@param options { key: string?, first: integer? }  first: what the list has to begin with
---@return bound
function bounds.ascending(item, least, most, options)
  local list, suffix = bounds.list(item, least, most), options.key and "." .. options.key or ""
  local function check_order(value, name)
    local before
    for index, each in ipairs(value) do
      local number = options.key and each[options.key] or each
      if index == 1 and number ~= (options.first or number) then
        return ("%s[1]%s is %s, the first has to be %d"):format(name, suffix, number, options.first)
      elseif before and number <= before then
        return ("%s[%d]%s is %s, though %s stands before it: they have to ascend"):format(name, index, suffix, number, before)
      end
      before = number
    end
  end
  return function(value, name)
    return list(value, name) or check_order(value, name)
  end
end

---The property of a rule file, tried before its examples: what they lead to is nonsense when these do not hold. Parameters
---that are not named here are the file's own affair.
---@param rule string
---@param fields table<string, bound>
---@param also (fun(parameters: table): string?)?
function bounds.property(rule, fields, also)
  return {
    name = "parameters",
    is_first = true,
    check = function(_, parameters)
      local written = parameters(rule)
      if type(written) ~= "table" then
        return ("parameters is %s"):format(shown(written))
      end
      return check_fields(fields, written) or also and also(written)
    end,
  }
end

return bounds
