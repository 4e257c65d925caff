-- Days as moments: when the days of a list begin and end, where the parent lives.
local db = require "db"

local calendar = {}

-- From here on PostgreSQL's intervals are no longer exact to the microsecond (the year 2255); nothing is later.
local END_US = 9007199254740991

local of_child = db.sql [[
  select (extract(epoch from $3::date::timestamp at time zone u.time_zone) * 1000000)::bigint as from_us,
         (extract(epoch from ($4::date + 1)::timestamp at time zone u.time_zone) * 1000000)::bigint as until_us
  from children c
  join users u on u.id = c.parent_id
  where c.id = $1 and ($2::uuid is null or c.parent_id = $2)]]

local of_parent = db.sql [[
  select (extract(epoch from $2::date::timestamp at time zone home.time_zone) * 1000000)::bigint as from_us,
         (extract(epoch from ($3::date + 1)::timestamp at time zone home.time_zone) * 1000000)::bigint as until_us
  from (select coalesce((select u.time_zone from users u where u.id = $1), 'UTC') as time_zone) home]]

---@class calendar.span  Microseconds since 1970.
---@field from_us integer   the first one
---@field until_us integer  the first one that does not belong to it

local function bounded(row)
  return row and { from_us = math.max(0, row.from_us or 0), until_us = math.min(END_US, row.until_us or END_US) }
end

local ALWAYS = bounded {}

---@return calendar.span  that leaves nothing out
function calendar.always()
  return ALWAYS
end

---@param from string?  its first day; nil: no limit
---@param to string?    its last day
---@return calendar.span?  nil: no such child
function calendar.of_child(child_id, parent_id, from, to)
  return bounded(db.one(of_child, child_id, parent_id, from, to))
end

---@param parent_id string?  nil: days of UTC
---@return calendar.span
function calendar.of_parent(parent_id, from, to)
  return bounded(db.one(of_parent, parent_id, from, to))
end

return calendar
