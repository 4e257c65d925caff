-- Named formats of strings in schemas. Each is a function: text → is it one?
local format = {}

-- What to tell who got it wrong.
format.DETAILS = {
  uuid = "must be a UUID",
  slug = "must be an id of lower-case letters, digits and _ . ' -",
  email = "must be an e-mail address",
  country = "must be a country's code of two capital letters",
  ["time-zone"] = "must be the name of a time zone, such as Asia/Taipei",
  line = "must be one line of text",
  date = "must be a date, such as 2026-03-02",
}

local UUID = "^" .. ("%x"):rep(8) .. ("%-" .. ("%x"):rep(4)):rep(3) .. "%-" .. ("%x"):rep(12) .. "$"

function format.uuid(text)
  return text:find(UUID) ~= nil
end

---An id of a learning point: beat_around_the_bush.
function format.slug(text)
  return #text <= 100 and text:find("^[a-z0-9][a-z0-9_.'-]*$") ~= nil
end

---Something before and something after the only @, no white space. Whether it exists only a message to it can tell.
function format.email(text)
  return #text <= 254 and text:find("^[^%s@%c]+@[^%s@%c]+$") ~= nil
end

---ISO 3166 alpha-2.
format["country"] = function(text)
  return text:find("^[A-Z][A-Z]$") ~= nil
end

---A name of the time zone database: Asia/Taipei. PostgreSQL knows which ones exist. Not those below right/, whose days begin
---half a minute late, as they count leap seconds, nor their twins below posix/.
format["time-zone"] = function(text)
  local folder = text:lower():match("^[^/]*")
  if folder == "right" or folder == "posix" then
    return false
  end
  return text == "UTC" or (#text <= 64 and text:find("^[A-Za-z_]+/[A-Za-z_/-]*[A-Za-z_]$") ~= nil and not text:find("//"))
end

local DAYS_OF_MONTH = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

---A day that the calendar has.
function format.date(text)
  local year, month, day = text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)$")
  if not year then
    return false
  end
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  local days = DAYS_OF_MONTH[month]
  if month == 2 and year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0) then
    days = 29
  end
  return year >= 1 and days ~= nil and day >= 1 and day <= days
end

---Text a person typed: no control characters.
function format.line(text)
  return not text:find("%c") and text:find("%S") ~= nil
end

return format
