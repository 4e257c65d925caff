-- Plans tests by a fixed ladder: every test on the day it is named after, a failed one again after some days.
--
-- One of the algorithms that schedule.lua chooses from. Each has one function, `plan`: a test has been passed or failed,
-- so how many days from today does the next one come? No number: on its own day of the ladder, counted from the day
-- learning began.
local ladder = {}

ladder.parameters = {
  -- A failed test is repeated after so many days, depending on its test day.
  repeat_after_days = {
    { from_day = 1, days = 1 },
    { from_day = 3, days = 2 },
    { from_day = 7, days = 3 },
    { from_day = 14, days = 5 },
  },
}

ladder.shapes = {
  plan = {
    input = {
      passed = "boolean",
      test_day = "integer 1..3650", -- the day of the test just taken
    },
    result = { days_after_today = "integer 1..3650?" },
  },
}

-- A test is taken: when is the next one?
function ladder.plan(input)
  if input.passed then
    return {}
  end
  local days
  for _, step in ipairs(ladder.parameters.repeat_after_days) do
    if step.from_day <= input.test_day then
      days = step.days
    end
  end
  return { days_after_today = days }
end

function ladder.examples()
  local steps = ladder.parameters.repeat_after_days
  local first, last = steps[1], steps[#steps]
  return {
    -- Passed: the next test comes on its own day.
    { call = "plan", input = { passed = true, test_day = 3 }, expect = {} },
    -- Failed on day 1, and on the last day of the longest tiers.
    { call = "plan", input = { passed = false, test_day = 1 }, expect = { days_after_today = first.days } },
    { call = "plan", input = { passed = false, test_day = 3650 }, expect = { days_after_today = last.days } },
  }
end

return ladder
