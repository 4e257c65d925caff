-- When a child is tested on a learning point: the test days of each tier, repeats after a failure, the check much later.
--
-- An algorithm, ladder.lua or fsrs.lua, plans the dates and nothing else. Whatever it plans:
--   the steps are those of the tier, day 1 first and due at once;
--   no step is tested before the day it is named after (day 3 is two days after learning began), so nothing is unlocked
--   and nothing is verified earlier than promised;
--   a verified point is not checked again before the retention check's own days.
--
-- Rules count in days; the program turns them into dates. A test falls on
--   the day it begins to learn + days_after_learning, or
--   today + days_after_today, or the later of the two if both are given,
-- and never sooner than hours_between_tests after the last test of the same learning point, nor than hours_after_now from
-- now if that is given.
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

  -- What plans the dates: "ladder" (the days above) or "fsrs" (a model of memory). One for all tiers, or one for each:
  --   algorithm = { "ladder", "ladder", "ladder", "fsrs", "ladder", "ladder", "fsrs" },
  -- What is being learned already keeps the algorithm it began with.
  algorithm = "ladder",

  failures_allowed = 2, -- of one test day in one attempt; one more fails the point

  -- A verified point is checked once more, on the later of these two.
  retention_day = 60,                  -- this day of the ladder: 59 days after learning began
  retention_days_after_verified = 30,  -- days after the last test was passed

  hours_between_tests = 24, -- two tests of one learning point are never closer

  -- Staff do not believe the answers of a test: it is given again so long after they said so.
  hours_after_rejection = 24,
}

-- The next test, as every function here describes it.
local next_test = {
  record = {
    test_day = "integer 1..3650",
    days_after_learning = "integer 0..3650?",
    days_after_today = "integer 0..3650?",
    hours_between_tests = "integer 0..720",
    hours_after_now = "integer 0..720?",
  },
}
local next_test_if_any = { record = next_test.record, optional = true }

-- What an algorithm remembers from one test to the next. The ladder needs nothing.
local state = {
  record = { stability = "number 0.001..36500", difficulty = "number 1..10" },
  optional = true,
}

-- A test is taken. What only algorithms look at may be left out: then it is the ladder.
local function taken(more)
  local input = {
    tier = "integer 1..7",
    test_day = "integer 1..3650", -- the day of the test just passed or failed
    is_verified = "boolean",      -- then this was the retention check
    algorithm = "text?",          -- with which this attempt began
    state = state,                -- what the algorithm remembers of this attempt
    days_since_test = "integer 0..1000000?",           -- since the test before
    progress_id = "integer 0..9007199254740991?",      -- this and the attempt tell one child's luck from another's
    attempt = "integer 1..1000000?",
  }
  for name, shape in pairs(more) do
    input[name] = shape
  end
  return input
end

schedule.shapes = {
  begin = {
    input = { tier = "integer 1..7" },
    result = { algorithm = "text", next = next_test },
  },
  pass = {
    input = taken { highest_day = "integer 0..3650" }, -- highest day passed before it
    result = { status = "text", is_last = "boolean", next = next_test_if_any, state = state },
  },
  fail = {
    input = taken { failures_before = "integer 0..1000" }, -- of this test day in this attempt
    result = { is_failed = "boolean", next = next_test_if_any, state = state },
  },
}

schedule.shapes.reject = {
  input = { test_day = "integer 1..3650" }, -- of the test whose answers staff rejected
  result = { next = next_test },
}

local function algorithm_named(name)
  if name == "ladder" then
    return require "ladder"
  elseif name == "fsrs" then
    return require "fsrs"
  end
  error(("there is no algorithm \"%s\", only \"ladder\" and \"fsrs\""):format(tostring(name)))
end

-- A number from 0 to 1 that looks like chance and is the same whenever it is asked for again.
local function luck_of(input)
  local number = 1
  for _, part in ipairs { input.progress_id or 0, input.attempt or 1, input.test_day } do
    number = (number * 48271 + part % 2147483647) % 2147483647
  end
  return (number * 48271 % 2147483647) / 2147483647
end

-- What the algorithm says: days_after_today, or nil for the step's own day; and its new state, if it keeps one.
local function planned(input, passed)
  local algorithm = algorithm_named(input.algorithm or "ladder")
  return algorithm.plan {
    passed = passed,
    test_day = input.test_day,
    state = input.state,
    days_since_test = input.days_since_test,
    luck = algorithm.parameters.fuzz and luck_of(input) or nil, -- for one that spreads tests over some days
  }
end

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

-- The next step: on its own day, or later if the algorithm wants that.
local function step(test_day, days_after_today)
  return {
    test_day = test_day,
    days_after_learning = test_day - 1,
    days_after_today = days_after_today,
    hours_between_tests = schedule.parameters.hours_between_tests,
  }
end

local function retention_check(days_after_today)
  return step(schedule.parameters.retention_day,
    math.max(schedule.parameters.retention_days_after_verified, days_after_today or 0))
end

local function repeated_test(test_day, days_after_today)
  return {
    test_day = test_day,
    days_after_today = days_after_today,
    hours_between_tests = schedule.parameters.hours_between_tests,
  }
end

-- Learning begins, or begins again: the algorithm for this attempt, and the first test, due at once unless the point was
-- tested in the last hours. Every attempt begins with day 1.
function schedule.begin(input)
  local algorithm = schedule.parameters.algorithm
  if type(algorithm) == "table" then
    algorithm = algorithm[input.tier]
  end
  algorithm_named(algorithm)
  return { algorithm = algorithm, next = repeated_test(1, 0) }
end

-- A test is passed: what becomes of the point, and which test is next?
function schedule.pass(input)
  local plan = planned(input, true)
  if input.is_verified then
    return { status = "verified", is_last = false, state = plan.state }
  end
  local test_day = day_above(input.tier, math.max(input.test_day, input.highest_day))
  if not test_day then
    return { status = "verified", is_last = true, next = retention_check(plan.days_after_today), state = plan.state }
  end
  return { status = "pending", is_last = false, next = step(test_day, plan.days_after_today), state = plan.state }
end

-- A test is failed: is the point lost, or is the test repeated?
function schedule.fail(input)
  local plan = planned(input, false)
  local is_last_day = not day_above(input.tier, input.test_day)
  local is_one_too_many = input.failures_before >= schedule.parameters.failures_allowed
  if input.is_verified or is_last_day or is_one_too_many then
    return { is_failed = true, state = plan.state }
  end
  return { is_failed = false, next = repeated_test(input.test_day, plan.days_after_today), state = plan.state }
end

-- Staff rejected the answers of a test: it has neither been passed nor failed, and is given again.
function schedule.reject(input)
  local hours = schedule.parameters.hours_after_rejection
  local again = repeated_test(input.test_day, hours // 24)
  again.hours_after_now = hours
  return { next = again }
end

-- Written with the parameters above, so that they hold when a number is changed: tier 4 stands for every tier.
function schedule.examples()
  local p = schedule.parameters
  local days = p.test_days[4]
  local first, second, last = days[1], days[2], days[#days]
  local hours = p.hours_between_tests
  local algorithm = type(p.algorithm) == "table" and p.algorithm[4] or p.algorithm
  local repeated = {
    test_day = first, hours_between_tests = hours,
    days_after_today = require("ladder").plan({ passed = false, test_day = first }).days_after_today,
  }
  -- Known by heart: FSRS waits about as long as it ever does.
  local by_heart = { stability = 36500, difficulty = 5 }
  local long_wait = require("fsrs").plan {
    passed = true, state = by_heart, days_since_test = 100000, luck = luck_of({ test_day = first }),
  }
  return {
    -- The first test, today.
    { call = "begin", input = { tier = 4 },
      expect = { algorithm = algorithm, next = { test_day = 1, days_after_today = 0, hours_between_tests = hours } } },

    -- Day 1 passed: day 3, two days after learning began.
    { call = "pass", input = { tier = 4, test_day = first, highest_day = 0, is_verified = false },
      expect = { status = "pending", is_last = false,
                 next = { test_day = second, days_after_learning = second - 1, hours_between_tests = hours } } },
    -- The last day passed: verified, with a check much later.
    { call = "pass", input = { tier = 4, test_day = last, highest_day = second, is_verified = false },
      expect = { status = "verified", is_last = true,
                 next = { test_day = p.retention_day, days_after_learning = p.retention_day - 1,
                          days_after_today = p.retention_days_after_verified, hours_between_tests = hours } } },
    -- The retention check passed: nothing more to do.
    { call = "pass", input = { tier = 4, test_day = p.retention_day, highest_day = last, is_verified = true },
      expect = { status = "verified", is_last = false } },

    -- Day 1 failed for the first time: again after some days, as ladder.lua says, if a failure is allowed at all.
    { call = "fail", input = { tier = 4, test_day = first, failures_before = 0, is_verified = false },
      expect = { is_failed = p.failures_allowed == 0, next = p.failures_allowed > 0 and repeated or nil } },
    -- One failure of one day too many, a failure of the last day, a failed retention check: the point is lost.
    { call = "fail", input = { tier = 4, test_day = first, failures_before = p.failures_allowed, is_verified = false },
      expect = { is_failed = true } },
    { call = "fail", input = { tier = 4, test_day = last, failures_before = 0, is_verified = false },
      expect = { is_failed = true } },
    { call = "fail", input = { tier = 4, test_day = p.retention_day, failures_before = 0, is_verified = true },
      expect = { is_failed = true } },

    -- Rejected: the same test day again.
    { call = "reject", input = { test_day = second },
      expect = { next = { test_day = second, days_after_today = p.hours_after_rejection // 24, hours_between_tests = hours,
                          hours_after_now = p.hours_after_rejection } } },

    -- FSRS: so many days after today, though not before the step's own day; it remembers something.
    { call = "pass",
      input = { tier = 4, test_day = first, highest_day = 0, is_verified = false, algorithm = "fsrs", state = by_heart,
                days_since_test = 100000 },
      expect = { status = "pending", is_last = false, state = long_wait.state,
                 next = { test_day = second, days_after_learning = second - 1, hours_between_tests = hours,
                          days_after_today = long_wait.days_after_today } } },
  }
end

return schedule
