-- Lists in pages: a limit, an opaque cursor that names the list and the last item seen, and a Link to the next page.
local auth = require "auth"
local config = require "config"
local instant = require "lib.instant"
local json = require "json"
local problem = require "lib.problem"

---What tells an item's place in its list: fields that the list is ordered by, and the kind of each.
---@class page.part
---@field field string
---@field kind "integer"|"time"|"text"

local page = {}

-- Where a list in ascending or descending order of an integer begins.
page.BEFORE_FIRST = 0
page.AFTER_LAST = math.maxinteger

-- Hexadecimal digits of a cursor before its values. They keep a client from mistakes, not from secrets.
local LIST_DIGITS = 16

-- From here on PostgreSQL's intervals are no longer exact to the microsecond (the year 2255).
local MICROSECONDS_MAX = 9007199254740991

---The schema of a list's query: its own parameters, limit and cursor.
---@param properties? table<string, table>
function page.query(properties)
  local all = {
    limit = { type = "integer", minimum = 1, maximum = config.limits.page_max },
    cursor = { type = "string", minLength = 1, maxLength = 1024 },
  }
  for name, schema in pairs(properties or {}) do
    all[name] = schema
  end
  return { type = "object", properties = all }
end

local function escape(text)
  return (tostring(text):gsub("[^%w_.-]", function(byte) return ("%%%02X"):format(byte:byte()) end))
end

-- A query without these parameters, always in the same order.
local function query_text(query, without)
  local parts = {}
  for name, value in pairs(query) do
    if not without[name] then
      parts[#parts + 1] = name .. "=" .. escape(value)
    end
  end
  table.sort(parts)
  return table.concat(parts, "&")
end

-- A place in one list is none in another, nor in the same one filtered otherwise. A page may be of any size.
local function digits_of_list(call)
  local list = call.request.path .. "?" .. query_text(call.query, { cursor = true, limit = true })
  return auth.sha256(list):sub(1, LIST_DIGITS)
end

---@param call pipeline.call
---@param values (string|integer)[]
---@return string
function page.cursor(call, values)
  local place = table.concat(values, "\0"):gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
  return digits_of_list(call) .. place
end

local function integer_until(maximum)
  return function(text)
    local value = text:find("^%d+$") and math.tointeger(tonumber(text))
    return value and value <= maximum and value or nil
  end
end

-- From the text in a cursor.
local read = {
  integer = integer_until(math.maxinteger),
  time = integer_until(MICROSECONDS_MAX),
  text = function(text) return utf8.len(text) and text end,
}

-- The values in a cursor, nil if it is not one that page.cursor made for such a place in this list.
local function cursor_values(call, place)
  local list, hex_digits = call.query.cursor:sub(1, LIST_DIGITS), call.query.cursor:sub(LIST_DIGITS + 1)
  if list ~= digits_of_list(call) or #hex_digits % 2 == 1 or hex_digits:find("[^0-9a-f]") then
    return nil
  end
  local plain = hex_digits:gsub("..", function(hex) return string.char(tonumber(hex, 16)) end)
  local values = {}
  for text in (plain .. "\0"):gmatch("(%Z*)%z") do
    local part = place[#values + 1]
    local value = part and read[part.kind](text)
    if not value then
      return nil
    end
    values[#values + 1] = value
  end
  return #values == #place and values or nil
end

local function place_of(row, place)
  local values = {}
  for index, part in ipairs(place) do
    local value = row[part.field]
    values[index] = part.kind == "time" and instant.microseconds(value) or value
  end
  return values
end

---Where the page that was asked for begins.
---@param call pipeline.call  its query checked against page.query
---@param place page.part[]
---@param first (string|integer)[]  the values before the first item
---@return integer? limit
---@return any after  the values in the cursor, times in microseconds since 1970; or err
function page.position(call, place, first)
  local after = first
  if call.query.cursor then
    after = cursor_values(call, place)
    if not after then
      return nil, problem.invalid("invalid_query", {
        { pointer = "/cursor", code = "format", detail = "must be a next_cursor of this list with these filters" },
      })
    end
  end
  return call.query.limit or config.limits.page_default, after
end

local function link_to_next(call, cursor)
  local others = query_text(call.query, { cursor = true })
  return ("<%s?%scursor=%s>; rel=\"next\""):format(call.request.path, others == "" and "" or others .. "&", cursor)
end

local function items_of(rows, limit, view, same)
  if type(view) == "userdata" then
    return rows:json(view, limit, same)
  end
  local items = {}
  for index = 1, math.min(#rows, limit) do
    items[index] = view(rows[index])
  end
  return json.array(items)
end

---The response with one page.
---@param call pipeline.call
---@param rows db.row[]|db.rows  one more than limit if there is a next page
---@param limit integer
---@param place page.part[]
---@param view (fun(row: db.row): table)|json.view  how an item is shown; a view of rows that are db.rows
---@param same? table<string, any>  for a json.view: what all rows have that are without such a column
---@return http.response
function page.response(call, rows, limit, place, view, same)
  local headers, next_cursor = nil, json.null
  if #rows > limit then
    next_cursor = page.cursor(call, place_of(rows[limit], place))
    headers = { Link = link_to_next(call, next_cursor) }
  end
  return { status = 200, headers = headers, json = { items = items_of(rows, limit, view, same), next_cursor = next_cursor } }
end

return page
