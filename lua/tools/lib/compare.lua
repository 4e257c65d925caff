-- What differs between two values: parameters of two versions, results of two calls.
local json = require "json"
local text = require "tools.lib.text"

local compare = {}

-- JSON's null and an absent field mean the same.
local function given(value)
  if value == json.null then
    return nil
  end
  return value
end

---Equal in content: 1 and 1.0 are, as they are in JSON.
function compare.same(a, b)
  a, b = given(a), given(b)
  if type(a) ~= "table" or type(b) ~= "table" then
    return a == b
  end
  for key, value in pairs(a) do
    if not compare.same(value, b[key]) then
      return false
    end
  end
  for key, value in pairs(b) do
    if given(value) ~= nil and given(a[key]) == nil then
      return false
    end
  end
  return true
end

local function is_plain_list(value)
  for key, item in pairs(value) do
    if math.type(key) ~= "integer" or type(item) == "table" then
      return false
    end
  end
  return true
end

local function path_of(path, key)
  if type(key) == "number" then
    return ("%s[%d]"):format(path, key)
  end
  return path == "" and tostring(key) or ("%s.%s"):format(path, key)
end

local function all_keys(a, b)
  local keys = {}
  for _, map in ipairs { a, b } do
    for key in pairs(map) do
      keys[key] = true
    end
  end
  return text.sorted_keys(keys)
end

local function collect(changes, path, before, after)
  before, after = given(before), given(after)
  if compare.same(before, after) then
    return
  end
  local tables = type(before) == "table" and type(after) == "table"
  -- A list that became longer or shorter is best seen whole.
  if not tables or is_plain_list(before) and is_plain_list(after) and #before ~= #after then
    changes[#changes + 1] = { path = path, before = before, after = after }
    return
  end
  for _, key in ipairs(all_keys(before, after)) do
    collect(changes, path_of(path, key), before[key], after[key])
  end
end

---@class compare.change
---@field path string   "points.tier_points[2]"
---@field before any    nil: added
---@field after any     nil: removed

---@return compare.change[]
function compare.changes(before, after)
  local changes = {}
  collect(changes, "", before, after)
  return changes
end

---@param change compare.change
---@return string  "points: 25 → 30"
function compare.describe(change)
  local what = change.path == "" and "" or change.path .. ": "
  if change.before == nil then
    return ("%snew, %s"):format(what, text.value(change.after))
  elseif change.after == nil then
    return ("%sgone, was %s"):format(what, text.value(change.before))
  end
  return ("%s%s → %s"):format(what, text.value(change.before), text.value(change.after))
end

---Every single value in a table, with its path, in order.
---@return { [1]: string, [2]: string }[]
function compare.flatten(value, path)
  local rows = {}
  local function visit(at, item)
    if type(item) ~= "table" or next(item) == nil or is_plain_list(item) then
      rows[#rows + 1] = { at, text.value(item) }
      return
    end
    for _, key in ipairs(text.sorted_keys(item)) do
      visit(path_of(at, key), item[key])
    end
  end
  visit(path or "", value)
  return rows
end

return compare
