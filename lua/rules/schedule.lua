-- When a child is tested on a learning point: the ladder of test days, repeats after a failure, the check much later.
--
-- Rules count in days; the program turns them into dates. A test falls on
--   the day it begins to learn + days_after_learning, or
--   today + days_after_today, or the later of the two if both are given,
-- and never sooner than hours_between_tests after the last test of the same learning point.
local schedule = {}

schedule.parameters = {
  -- Test days, by tier. Day 1 is the day learning begins, so day 3 is two days later.
  test_days = {
    [1] = { 1, 3, 7 },
    [2] = { 1, 3, 7, 14 },
    [3] = { 1, 3, 7, 14, 21 },
    [4] = { 1, 3, 7, 14, 21, 30 },
    [5] = { 1, 3, 7, 14 },
    [6] = { 1, 3, 7, 14, 21 },
    [7] = { 1, 3, 7, 14, 21, 30 },
  },

  -- A failed test is repeated after so many days, depending on its test day.
  repeat_after_days = {
    { from_day = 1, days = 1 },
    { from_day = 3, days = 2 },
    { from_day = 7, days = 3 },
    { from_day = 14, days = 5 },
  },

  failures_allowed = 2, -- of one test day in one attempt; one more fails the point

  -- A verified point is checked once more, on the later of these two.
  retention_day = 60,                  -- this day of the ladder: 59 days after learning began
  retention_days_after_verified = 30,  -- days after the last test was passed

  hours_between_tests = 24, -- two tests of one learning point are never closer
}

-- The next test, as every function here describes it.
local next_test = {
  record = {
    test_day = "integer 1..3650",
    days_after_learning = "integer 0..3650?",
    days_after_today = "integer 0..3650?",
    hours_between_tests = "integer 0..720",
  },
}
local next_test_if_any = { record = next_test.record, optional = true }

schedule.shapes = {
  begin = {
    input = { tier = "integer 1..7" },
    result = { next = next_test },
  },
  pass = {
    input = {
      tier = "integer 1..7",
      test_day = "integer 1..3650",    -- the day of the test just passed
      highest_day = "integer 0..3650", -- highest day passed before it
      is_verified = "boolean",         -- then this was the retention check
    },
    result = { status = "text", is_last = "boolean", next = next_test_if_any },
  },
  fail = {
    input = {
      tier = "integer 1..7",
      test_day = "integer 1..3650",        -- the day of the test just failed
      failures_before = "integer 0..1000", -- of this test day in this attempt
      is_verified = "boolean",
    },
    result = { is_failed = "boolean", next = next_test_if_any },
  },
}

-- The smallest test day of the tier above `day`; nil if there is none.
local function day_above(tier, day)
  local found
  for _, test_day in ipairs(schedule.parameters.test_days[tier]) do
    if test_day > day and (not found or test_day < found) then
      found = test_day
    end
  end
  return found
end

-- A test of the ladder: test day 3 is two days after learning began.
local function test_on_ladder(test_day)
  return {
    test_day = test_day,
    days_after_learning = test_day - 1,
    hours_between_tests = schedule.parameters.hours_between_tests,
  }
end

local function retention_check()
  return {
    test_day = schedule.parameters.retention_day,
    days_after_learning = schedule.parameters.retention_day - 1,
    days_after_today = schedule.parameters.retention_days_after_verified,
    hours_between_tests = schedule.parameters.hours_between_tests,
  }
end

local function repeated_test(test_day)
  local days
  for _, step in ipairs(schedule.parameters.repeat_after_days) do
    if step.from_day <= test_day then
      days = step.days
    end
  end
  return {
    test_day = test_day,
    days_after_today = days,
    hours_between_tests = schedule.parameters.hours_between_tests,
  }
end

-- Learning begins, or begins again: the first test, due at once unless the point was tested in the last hours. Every
-- attempt begins with day 1.
function schedule.begin()
  local first = test_on_ladder(1)
  first.days_after_learning = nil
  first.days_after_today = 0
  return { next = first }
end

-- A test is passed: what becomes of the point, and which test is next?
function schedule.pass(input)
  if input.is_verified then
    return { status = "verified", is_last = false }
  end
  local test_day = day_above(input.tier, math.max(input.test_day, input.highest_day))
  if not test_day then
    return { status = "verified", is_last = true, next = retention_check() }
  end
  return { status = "pending", is_last = false, next = test_on_ladder(test_day) }
end

-- A test is failed: is the point lost, or is the test repeated?
function schedule.fail(input)
  local is_last_day = not day_above(input.tier, input.test_day)
  local is_one_too_many = input.failures_before >= schedule.parameters.failures_allowed
  if input.is_verified or is_last_day or is_one_too_many then
    return { is_failed = true }
  end
  return { is_failed = false, next = repeated_test(input.test_day) }
end

function schedule.examples()
  return {
    -- The first test, today.
    { call = "begin", input = { tier = 4 },
      expect = { next = { test_day = 1, days_after_today = 0, hours_between_tests = 24 } } },

    -- Day 1 passed: day 3, two days after learning began.
    { call = "pass", input = { tier = 1, test_day = 1, highest_day = 0, is_verified = false },
      expect = { status = "pending", is_last = false,
                 next = { test_day = 3, days_after_learning = 2, hours_between_tests = 24 } } },
    -- Day 21 of an idiom passed: day 30.
    { call = "pass", input = { tier = 4, test_day = 21, highest_day = 14, is_verified = false },
      expect = { status = "pending", is_last = false,
                 next = { test_day = 30, days_after_learning = 29, hours_between_tests = 24 } } },
    -- The last day passed: verified, with a check much later.
    { call = "pass", input = { tier = 1, test_day = 7, highest_day = 3, is_verified = false },
      expect = { status = "verified", is_last = true,
                 next = { test_day = 60, days_after_learning = 59, days_after_today = 30, hours_between_tests = 24 } } },
    -- The retention check passed: nothing more to do.
    { call = "pass", input = { tier = 1, test_day = 60, highest_day = 7, is_verified = true },
      expect = { status = "verified", is_last = false } },

    -- Failures are repeated after 1, 2, 3 and 5 days.
    { call = "fail", input = { tier = 4, test_day = 1, failures_before = 0, is_verified = false },
      expect = { is_failed = false, next = { test_day = 1, days_after_today = 1, hours_between_tests = 24 } } },
    { call = "fail", input = { tier = 4, test_day = 3, failures_before = 0, is_verified = false },
      expect = { is_failed = false, next = { test_day = 3, days_after_today = 2, hours_between_tests = 24 } } },
    { call = "fail", input = { tier = 4, test_day = 7, failures_before = 1, is_verified = false },
      expect = { is_failed = false, next = { test_day = 7, days_after_today = 3, hours_between_tests = 24 } } },
    { call = "fail", input = { tier = 4, test_day = 21, failures_before = 1, is_verified = false },
      expect = { is_failed = false, next = { test_day = 21, days_after_today = 5, hours_between_tests = 24 } } },
    -- The third failure of one day, a failure of the last day, a failed retention check: the point is lost.
    { call = "fail", input = { tier = 4, test_day = 3, failures_before = 2, is_verified = false },
      expect = { is_failed = true } },
    { call = "fail", input = { tier = 2, test_day = 14, failures_before = 0, is_verified = false },
      expect = { is_failed = true } },
    { call = "fail", input = { tier = 1, test_day = 60, failures_before = 0, is_verified = true },
      expect = { is_failed = true } },
  }
end

return schedule
