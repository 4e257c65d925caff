-- What a parent wants to see at a glance.
local clock = require "clock"
local db = require "db"
local problem = require "lib.problem"
local store = require "store.summaries"

local summaries = {}

local SNAPSHOT = { isolation = "repeatable read", read_only = true }

---How a child is doing, and its last days.
---@param count integer  of days, today included
---@return { totals: db.row, days: table[] }? summary  oldest day first
---@return problem? err
function summaries.find(child_id, parent_id, count)
  local now = clock.now()
  local found, listed
  db.transaction(SNAPSHOT, function(tx)
    found, listed = store.find(tx, child_id, parent_id, now), store.days(tx, child_id, parent_id, now, count)
    return true
  end)
  local totals = found:one()
  if not totals then
    return nil, problem.not_found()
  end
  local days = {}
  for _, day in ipairs(listed:rows()) do
    days[count - day.ago] = day
  end
  -- What had been earned by the end of each day, from today back.
  local total_earned = totals.total_earned
  for index = count, 1, -1 do
    days[index].total_earned = total_earned
    total_earned = total_earned - days[index].points
  end
  return { totals = totals, days = days }
end

return summaries
