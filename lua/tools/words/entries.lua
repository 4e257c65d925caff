-- Reads a publisher's list, as CSV or as JSON lines, into entries: tables of what each line says, with its line and with the
-- faults of its form. Which values are right is decided in lua/tools/words/checked.lua.
local csv = require "tools.lib.csv"
local json = require "json"

local entries = {}

-- Columns with a list in them separate its parts by this.
local SEPARATOR = "|"

-- Names of CSV columns and JSON members. Besides these: translation.LANGUAGE, in JSON translations.
local POINT_COLUMNS = {
  id = "text", word = "text", type = "text", tier = "integer", definition = "text", example = "text", difficulty = "text",
  register = "text", part_of_speech = "text", band = "integer", frequency_rank = "integer", contexts = "list",
}
local EDGE_COLUMNS = { source = "text", target = "text", type = "text", kind = "text", affix = "text" }

local BYTE_ORDER_MARK = "\u{FEFF}"

-- Where a value is wrong: LINE, column.
local function fault(found, line, column, why)
  found[#found + 1] = { line = line, column = column, why = why }
end

local function read_cell(text, kind)
  if kind == "integer" then
    return text:match("^%d+$") and math.tointeger(tonumber(text)) or text
  elseif kind == "list" then
    local parts = {}
    for part in (text .. SEPARATOR):gmatch("([^|]*)|") do
      parts[#parts + 1] = part
    end
    return parts
  end
  return text
end

-- Column names → where each goes; unknown and repeated ones are faults.
local function read_header(record, columns, faults)
  local places, seen = {}, {}
  for i, name in ipairs(record.fields) do
    local language = columns == POINT_COLUMNS and name:match("^translation%.(.+)$")
    if seen[name] then
      fault(faults, record.line, name, "is there twice")
    elseif not columns[name] and not language then
      fault(faults, record.line, name, "no such column")
    end
    seen[name] = true
    places[i] = { name = name, kind = columns[name], language = language or nil }
  end
  return places
end

-- An empty cell says nothing.
local function read_record(record, places)
  local entry = { line = record.line }
  for i, place in ipairs(places) do
    local cell = record.fields[i]
    if cell ~= "" and place.language then
      entry.translations = entry.translations or {}
      entry.translations[place.language] = cell
    elseif cell ~= "" then
      entry[place.name] = read_cell(cell, place.kind)
    end
  end
  return entry
end

local function read_csv(text, columns, faults)
  local records, wrong = csv.read(text)
  if not records then
    fault(faults, wrong.line, "field " .. wrong.column, wrong.why)
    return {}
  elseif #records == 0 then
    fault(faults, 1, nil, "has no header")
    return {}
  end
  local places = read_header(records[1], columns, faults)
  local found = {}
  for i = 2, #records do
    if #records[i].fields ~= #places then
      fault(faults, records[i].line, nil, ("has %d fields, not %d as the header"):format(#records[i].fields, #places))
    else
      found[#found + 1] = read_record(records[i], places)
    end
  end
  return found
end

-- One line of JSON; the members it may have are those of the columns, and more.
local function read_object(line, number, faults)
  local object, err = json.decode(line)
  if type(object) ~= "table" or json.is_array(object) then
    fault(faults, number, nil, err and err.message or "is not an object")
    return nil
  end
  for name in pairs(object) do
    if not POINT_COLUMNS[name] and name ~= "translations" and name ~= "relationships" then
      fault(faults, number, tostring(name), "no such member")
    end
  end
  for name, value in pairs(object) do
    if value == json.null then
      object[name] = nil
    end
  end
  object.line = number
  return object
end

local function read_json_lines(text, faults)
  local found, number = {}, 0
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    if line:find("%S") then
      found[#found + 1] = read_object(line, number, faults)
    end
  end
  return found
end

local function read_file(path, faults)
  local file, why = io.open(path, "rb")
  if not file then
    return nil, why
  end
  local text
  text, why = file:read("a")
  file:close()
  if not text then
    return nil, ("%s: %s"):format(path, why) -- a folder
  end
  if text:sub(1, #BYTE_ORDER_MARK) == BYTE_ORDER_MARK then
    text = text:sub(#BYTE_ORDER_MARK + 1)
  end
  local is_utf8, at = utf8.len(text)
  local bad = not is_utf8 and at or text:find("\0", 1, true)
  if bad then
    local _, lines = text:sub(1, bad):gsub("\n", "")
    fault(faults, lines + 1, nil, is_utf8 and "holds a NUL byte" or "is not UTF-8")
    return ""
  end
  return text
end

---@class words.fault
---@field line integer
---@field column string?
---@field why string

---Learning points of a file; what begins with "{" is JSON lines, all else CSV.
---@param path string
---@param faults words.fault[]  gets what is wrong
---@return table[]? found
---@return string? why  the file cannot be read
function entries.points(path, faults)
  local text, why = read_file(path, faults)
  if not text then
    return nil, why
  elseif text:find("^%s*{") then
    return read_json_lines(text, faults)
  end
  return #faults == 0 and read_csv(text, POINT_COLUMNS, faults) or {}
end

---Relationships of a CSV file.
---@param path string
---@param faults words.fault[]
---@return table[]? found
---@return string? why
function entries.edges(path, faults)
  local text, why = read_file(path, faults)
  if not text then
    return nil, why
  end
  return #faults == 0 and read_csv(text, EDGE_COLUMNS, faults) or {}
end

return entries
