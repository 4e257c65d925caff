-- Numbers, times, lists and tables as a person reads them.
local json = require "json"

local text = {}

---@return string  1234567 → "1,234,567"; a float keeps at most two decimals
function text.number(value)
  local whole, rest = tostring(value), ""
  if math.type(value) == "float" then
    whole, rest = ("%.2f"):format(value):match("^(-?%d+)(%.%d+)$")
    if not whole then
      return tostring(value)
    end
    rest = rest:gsub("%.?0+$", "")
  end
  local sign, digits = whole:match("^(-?)(%d+)$")
  local grouped = digits:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", "")
  return sign .. grouped .. rest
end

---@return string  5 → "+5", 0 → "0"
function text.signed(value)
  return (value > 0 and "+" or "") .. text.number(value)
end

---@return string  "1 award", "2 awards"
function text.count(number, one, many)
  return ("%s %s"):format(text.number(number), number == 1 and one or many or one .. "s")
end

---@return string  of a value of a rule: 25, yes, pending, nothing
function text.value(value)
  if value == nil or value == json.null then
    return "nothing"
  elseif type(value) == "boolean" then
    return value and "yes" or "no"
  elseif type(value) == "number" then
    return tostring(value)
  elseif type(value) ~= "table" then
    return tostring(value)
  end
  local parts = {}
  for index, item in ipairs(value) do
    parts[index] = type(item) == "table" and "{ " .. text.value(item) .. " }" or text.value(item)
  end
  if #parts > 0 then
    return table.concat(parts, ", ")
  end
  for _, key in ipairs(text.sorted_keys(value)) do
    local item = value[key]
    local shown = type(item) == "table" and "{ " .. text.value(item) .. " }" or text.value(item)
    parts[#parts + 1] = ("%s %s"):format(key, shown)
  end
  return #parts > 0 and table.concat(parts, ", ") or "nothing"
end

---@return any[]  keys of any kind, in an order that is always the same
function text.sorted_keys(map)
  local keys = {}
  for key in pairs(map) do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b)
    if type(a) == type(b) then
      return a < b
    end
    return type(a) < type(b)
  end)
  return keys
end

---@return string  "2030-01-07 02:00 UTC" of an RFC 3339 time
function text.time(timestamp)
  local date, minute = timestamp:match("^(%d+-%d+-%d+)T(%d+:%d+)")
  return date and ("%s %s UTC"):format(date, minute) or timestamp
end

---@return string  what a person types and compares
function text.version(version)
  return version:sub(1, 12)
end

-- Characters, not bytes: an arrow takes three bytes and one column.
local function width(cell)
  return utf8.len(cell) or #cell
end

---Columns side by side; a column of numbers is aligned to the right.
---@param rows string[][]
---@param options? { indent?: integer, right?: table<integer, boolean> }
---@return string[] lines
function text.columns(rows, options)
  local indent = (" "):rep(options and options.indent or 2)
  local right = options and options.right or {}
  local widths, lines = {}, {}
  for _, row in ipairs(rows) do
    for column, cell in ipairs(row) do
      widths[column] = math.max(widths[column] or 0, width(cell))
    end
  end
  for index, row in ipairs(rows) do
    local cells = {}
    for column, cell in ipairs(row) do
      local room = (" "):rep(widths[column] - width(cell))
      cells[column] = right[column] and room .. cell or cell .. room
    end
    lines[index] = (indent .. table.concat(cells, "  ")):gsub("%s+$", "")
  end
  return lines
end

---Append lines to lines.
function text.append(lines, more)
  return table.move(more, 1, #more, #lines + 1, lines)
end

return text
