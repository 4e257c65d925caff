-- Points in time as rows have them: "2026-11-22T14:39:00.123456Z".
local instant = {}

local PATTERN = "^(%d+)-(%d%d)-(%d%d)T(%d%d):(%d%d):(%d%d)%.(%d%d%d%d%d%d)Z$"
local SECONDS_PER_DAY, MICROSECONDS_PER_SECOND = 86400, 1000000

-- Days from 1 March of the year 0 to 1 January 1970.
local DAYS_TO_1970 = 719468

-- Of the Gregorian calendar. The year begins in March, so that the day that not every year has is its last.
local function days_since_1970(year, month, day)
  local months = (month + 9) % 12
  year = year - months // 10
  local days_before_month = (months * 306 + 5) // 10
  return year * 365 + year // 4 - year // 100 + year // 400 + days_before_month + day - 1 - DAYS_TO_1970
end

---Microseconds since 1970, exactly. Here rather than as a column of its own: PostgreSQL counts them in `numeric`, for each row
---of a list, and a list needs those of its last row.
---@param text string  a timestamptz of a row
---@return integer
function instant.microseconds(text)
  local year, month, day, hour, minute, second, fraction = text:match(PATTERN)
  assert(year, "a time of a row is expected")
  local seconds = days_since_1970(year + 0, month + 0, day + 0) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second
  return seconds * MICROSECONDS_PER_SECOND + fraction
end

return instant
