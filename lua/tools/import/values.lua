-- Single values of the original that may be missing or odd. What had to be changed is written down in `notes`.
local values = {}

local YEAR_MIN = 1900

---A number that a column of type integer holds as a whole number between two others.
function values.within(number, least, most)
  return math.type(number) == "integer" and number >= least and number <= most
end

---@return string?  trimmed; nil if nothing is left
function values.text(value)
  local trimmed = value and value:match("^%s*(.-)%s*$")
  return trimmed ~= "" and trimmed or nil
end

---At most so many characters.
function values.cut(value, characters, notes, what)
  if value and utf8.len(value) > characters then
    notes[#notes + 1] = ("%s cut to %d characters"):format(what, characters)
    return value:sub(1, utf8.offset(value, characters + 1) - 1)
  end
  return value
end

---Is it in a year that it can be in? Infinity is not, nor what API and calendar cannot write.
---@param time string  a time or a date
---@param years integer  how many after this one
function values.is_possible(time, now, years)
  local year = tonumber(time:match("^(%d%d%d%d)%-"))
  return year ~= nil and year >= YEAR_MIN and year <= tonumber(now:sub(1, 4)) + years
end

---A time at which something has happened; nil if it is none, which is noted. Clocks may be wrong, but not by years.
---@param time string?
---@return string?
function values.past(notes, what, now, time)
  if time and not values.is_possible(time, now, 1) then
    notes[#notes + 1] = ("%s is none (%s)"):format(what, time)
    return nil
  end
  return time
end

---The first time that is given; `now` if none is, which is noted.
---@param notes string[]
---@param what string
function values.time(notes, what, now, ...)
  local noted = #notes
  for index = 1, select("#", ...) do
    local time = values.past(notes, what, now, (select(index, ...)))
    if time then
      return time
    end
  end
  if #notes == noted then
    notes[#notes + 1] = what .. " was missing"
  end
  return now
end

---@param row { created_at: string?, updated_at: string? }
---@return string created_at
---@return string updated_at
function values.times(row, notes, now)
  local created_at = values.time(notes, "time of creation", now, row.created_at, row.updated_at)
  return created_at, values.past(notes, "time of change", now, row.updated_at) or created_at
end

return values
