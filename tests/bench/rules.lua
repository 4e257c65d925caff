-- What calling a rule costs on one core, checking and copying input and result and writing both down included:
-- `lexicraft lua tests/bench/rules.lua`. The smallest rule is the overhead of a call. Fails above the target.
local rules = require "rules"

local TARGET_US = 15 -- for the first line
local BATCHES, CALLS = 21, 2000

local CALLS_OF_RULES = {
  { "limits", "add_child", { children = 3 } },
  { "points", "award", { tier = 2, earned_before = 0 } },
  { "points", "unlock", { points = 100, unlocked = 30, test_day = 3, is_last = false } },
  { "verification", "grade", { test_day = 1, asked = 3, right = 2 } },
  { "schedule", "begin", { tier = 4 } },
  { "schedule", "pass", { tier = 4, test_day = 3, highest_day = 1, is_verified = false } },
}

-- CPU time of one call in microseconds: the median of the batches, and the best.
local function measure(rule, name, input)
  local times = {}
  for batch = 1, BATCHES do
    local begun = os.clock()
    for _ = 1, CALLS do
      rules.call(rule, name, input)
    end
    times[batch] = (os.clock() - begun) / CALLS * 1e6
  end
  table.sort(times)
  return times[BATCHES // 2 + 1], times[1]
end

print(("%-22s %10s %10s"):format("rule", "median µs", "best µs"))
local smallest
for _, call in ipairs(CALLS_OF_RULES) do
  local median, best = measure(table.unpack(call))
  smallest = smallest or median
  print(("%-22s %9.2f %9.2f"):format(call[1] .. "." .. call[2], median, best))
end
print(("a call costs %.2f µs, at most %d are wanted"):format(smallest, TARGET_US))
os.exit(smallest < TARGET_US)
