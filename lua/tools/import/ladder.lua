-- What the rules say of the learning points that move in: test days, points, next tests.
local rules = require "rules"

---@class import.ladder
local ladder = {}

local function after(tier, test_day)
  return rules.call("schedule", "pass", {
    tier = tier, test_day = test_day, highest_day = test_day, is_verified = false,
  })
end

---Not the last day of a tier, nor beyond it: then the test day below.
---@param highest integer  the highest day passed
---@return integer
function ladder.before_last(tier, highest)
  if not after(tier, highest).is_last then
    return highest
  end
  local day = rules.call("schedule", "begin", { tier = tier }).next.test_day
  while true do
    local plan = after(tier, day)
    if plan.is_last or plan.next.test_day >= highest or after(tier, plan.next.test_day).is_last then
      return day
    end
    day = plan.next.test_day
  end
end

---Points that a tier earns, and how much of them the days so far unlock.
---@return { earned: integer, unlocked: integer }
function ladder.worth(tier, highest)
  local award = rules.call("points", "award", { tier = tier, earned_before = 0 })
  local share = rules.call("points", "unlock", {
    points = award.points, unlocked = 0, test_day = math.max(1, highest), is_last = false,
  })
  return { earned = award.points, unlocked = math.min(award.points, share.points) }
end

---The next test of a point that has none.
---@param progress { tier: integer, status: string, highest_day: integer }
---@return table? next
---@return rules.call call
function ladder.next(progress)
  if progress.status == "learning" then
    local plan, call = rules.call("schedule", "begin", { tier = progress.tier })
    return plan.next, call
  end
  local day = progress.highest_day
  if progress.status == "verified" then
    day = 3650
  end
  local plan, call = rules.call("schedule", "pass", {
    tier = progress.tier, test_day = day, highest_day = day, is_verified = false,
  })
  return plan.next, call
end

---@return integer
function ladder.hours_between_tests()
  return rules.call("schedule", "begin", { tier = 1 }).next.hours_between_tests
end

return ladder
