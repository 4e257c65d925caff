-- Reads comma-separated values as RFC 4180 defines them, strictly: a quote stands only around a whole field, or twice within.
local csv = {}

-- The field that begins at position: its value, the position after it, or nil, nil, why.
local function read_quoted(text, position)
  local parts = {}
  local from = position + 1
  while true do
    local quote = text:find('"', from, true)
    if not quote then
      return nil, position, "a quote that is not closed"
    end
    parts[#parts + 1] = text:sub(from, quote - 1)
    if text:sub(quote + 1, quote + 1) ~= '"' then
      return table.concat(parts), quote + 1
    end
    parts[#parts + 1] = '"'
    from = quote + 2
  end
end

local function read_field(text, position)
  if text:sub(position, position) == '"' then
    return read_quoted(text, position)
  end
  local stop = text:find('[,\r\n"]', position) or #text + 1
  if text:sub(stop, stop) == '"' then
    return nil, stop, "a quote within a field that does not begin with one"
  end
  return text:sub(position, stop - 1), stop
end

local function count_lines(text, first, last)
  local _, count = text:sub(first, last):gsub("\n", "")
  return count
end

-- The position after the end of a record, if one is here.
local function after_end(text, position)
  if position > #text then
    return position
  elseif text:sub(position, position) == "\n" then
    return position + 1
  elseif text:sub(position, position + 1) == "\r\n" then
    return position + 2
  end
end

---@class csv.record
---@field line integer     where it begins
---@field fields string[]

---@param text string
---@return csv.record[]? records
---@return { line: integer, column: integer, why: string }? fault  column: number of the field
function csv.read(text)
  local records = {}
  local position, line = 1, 1
  while position <= #text do
    local record = { line = line, fields = {} }
    local next_record
    repeat
      local value, after, why = read_field(text, position)
      if value then
        record.fields[#record.fields + 1] = value
        next_record = after_end(text, after)
        why = not next_record and text:sub(after, after) ~= "," and "something after the end of the field" or nil
      end
      if why then
        local column = #record.fields + (value and 0 or 1)
        return nil, { line = line + count_lines(text, position, after - 1), column = column, why = why }
      end
      line = line + count_lines(text, position, (next_record or after + 1) - 1)
      position = next_record or after + 1
    until next_record
    records[#records + 1] = record
  end
  return records
end

return csv
