-- What must hold of the schedule, whatever numbers staff write into it and into the algorithms.
local bounds = require "lib.bounds"

local TIERS = 7
local LONGEST_DAYS = 3650
local ALGORITHMS = { "ladder", "fsrs" }

-- What an algorithm may remember: nothing, something fresh, something known by heart, something that will not stick.
local STATES = {
  { after = "no test" },
  { after = "a failed test", state = { stability = 0.212, difficulty = 6.4 } },
  { after = "a passed test", state = { stability = 2.3065, difficulty = 2.1 } },
  { after = "many passed tests", state = { stability = 900, difficulty = 1 } },
  { after = "many failed tests", state = { stability = 0.001, difficulty = 10 } },
}
local WAITS = { -- of children whose luck differs
  { days = 0, progress_id = 1 },
  { days = 1, progress_id = 4711 },
  { days = 12, progress_id = 27 },
  { days = 500, progress_id = 3 },
}

-- The day of learning's own count on which a planned test falls when it is planned on `today`; learning began on day 1.
local function day_of(next_test, today)
  return math.max(next_test.days_after_learning and next_test.days_after_learning + 1 or 1,
    next_test.days_after_today and today + next_test.days_after_today or 1)
end

-- visit(tier, day, highest_day): every test day of every tier with the one before it, 0 if there is none.
local function each_step(parameters, visit)
  for tier, days in ipairs(parameters("schedule").test_days) do
    local highest_day = 0
    for _, day in ipairs(days) do
      local fault = visit(tier, day, highest_day, days[#days])
      if fault then
        return fault
      end
      highest_day = day
    end
  end
end

local function add_history(list, algorithm, step, today, memory, wait)
  list[#list + 1] = {
    input = {
      tier = step.tier, test_day = step.day, highest_day = step.highest_day, is_verified = false, algorithm = algorithm,
      state = memory.state, days_since_test = wait.days, progress_id = wait.progress_id, attempt = 1,
    },
    today = today,
    text = ("tier %d, test day %d, %s after %s"):format(step.tier, step.day, algorithm, memory.after),
  }
end

-- The histories in which a test may be taken. The ladder's dates depend on the calendar only, so a test taken on its own day
-- stands for all; one that is late may be followed by the next at once.
local function list_histories(parameters)
  local list = {}
  each_step(parameters, function(tier, day, highest_day)
    local step = { tier = tier, day = day, highest_day = highest_day }
    add_history(list, "ladder", step, day, STATES[1], WAITS[2])
    for _, memory in ipairs(STATES) do
      for _, wait in ipairs(WAITS) do
        add_history(list, "fsrs", step, math.max(day, highest_day + wait.days), memory, wait)
      end
    end
  end)
  return list
end

-- Several properties look at the same histories: each is planned once, as most of the time of a reload goes into planning.
local histories

local function each_history(parameters, visit)
  histories = histories or list_histories(parameters)
  for _, history in ipairs(histories) do
    local fault = visit(history)
    if fault then
      return history.text .. fault
    end
  end
end

local function without(input, name)
  local copy = {}
  for key, value in pairs(input) do
    copy[key] = value
  end
  copy[name] = nil
  return copy
end

local function pass(call, input)
  return call("schedule", "pass", input)
end

local function fail(call, input)
  local failed = without(input, "highest_day")
  failed.failures_before = 0
  return call("schedule", "fail", failed)
end

-- The next test if this one is passed, and if it is failed.
local function after_pass(call, history)
  history.passed = history.passed or pass(call, history.input)
  return history.passed.next
end

local function after_fail(call, history)
  history.failed = history.failed or fail(call, history.input)
  return history.failed.next
end

local function each_tier(bound)
  local tiers = {}
  for tier = 1, TIERS do
    tiers[tier] = bound
  end
  return bounds.record(tiers)
end

-- One for all tiers, or one for each.
local function check_algorithm(value, name)
  local known = bounds.one_of(ALGORITHMS)
  return (type(value) == "table" and each_tier(known) or known)(value, name)
end

-- Every tier begins with day 1, due at once, planned by an algorithm there is.
local function check_beginning(call)
  for tier = 1, TIERS do
    local begun = call("schedule", "begin", { tier = tier })
    if begun.next.test_day ~= 1 or day_of(begun.next, 1) ~= 1 then
      return ("tier %d: the first test is not day 1, due at once"):format(tier)
    end
    local is_known = false
    for _, name in ipairs(ALGORITHMS) do
      is_known = is_known or name == begun.algorithm
    end
    if not is_known then
      return ("tier %d: there is no algorithm %q"):format(tier, begun.algorithm)
    end
  end
end

-- Passing leads from each step to the one after it; the last one verifies.
local function check_steps(call, parameters)
  return each_step(parameters, function(tier, day, highest_day, last_day)
    for _, algorithm in ipairs(ALGORITHMS) do
      local passed = pass(call, {
        tier = tier, test_day = day, highest_day = highest_day, is_verified = false, algorithm = algorithm,
      })
      if passed.is_last ~= (day == last_day) or passed.is_last ~= (passed.status == "verified") then
        return ("tier %d, %s: passing test day %d leads to status %s"):format(tier, algorithm, day, passed.status)
      end
      if not passed.is_last and passed.next.test_day <= day then
        return ("tier %d, %s: after test day %d comes day %d"):format(tier, algorithm, day, passed.next.test_day)
      end
    end
  end)
end

local function check_pass_not_before_fail(call, parameters)
  return each_history(parameters, function(history)
    local today, passed, failed = history.today, after_pass(call, history), after_fail(call, history)
    if passed and failed and day_of(passed, today) < day_of(failed, today) then
      local repeated = history.input.algorithm == "ladder"
        and (" (by repeat_after_days, %d days later; test_days goes on sooner)"):format(failed.days_after_today) or ""
      return (": a pass is planned for day %d, a fail for day %d%s"):format(day_of(passed, today), day_of(failed, today),
        repeated)
    end
  end)
end

local function check_bounds(call, parameters)
  return each_history(parameters, function(history)
    for outcome, planned in pairs { pass = after_pass(call, history), fail = after_fail(call, history) } do
      local wait = day_of(planned, history.today) - history.today
      if wait < 1 or wait > LONGEST_DAYS then
        return (": a %s is followed by a test after %d days"):format(outcome, wait)
      end
    end
  end)
end

-- No step is tested before the day it is named after, so nothing is unlocked and nothing verified before its day: not even
-- if the test before it was taken on the first day.
local function check_not_before_its_day(call, parameters)
  return each_history(parameters, function(history)
    local planned = after_pass(call, history)
    if planned and day_of(planned, 1) < planned.test_day then
      return (": test day %d is planned for day %d"):format(planned.test_day, day_of(planned, 1))
    end
  end)
end

return {
  bounds.property("schedule", {
    test_days = each_tier(bounds.ascending(bounds.integer(1, LONGEST_DAYS), 2, 100, { first = 1 })),
    algorithm = check_algorithm,
    failures_allowed = bounds.integer(0, 20),
    retention_day = bounds.integer(2, LONGEST_DAYS),
    retention_days_after_verified = bounds.integer(0, LONGEST_DAYS),
    hours_between_tests = bounds.integer(1, 168, "no waiting invites guessing; more than a week is longer than a step"),
    hours_after_rejection = bounds.integer(1, 168),
  }),
  { name = "learning begins with day 1, due at once", check = check_beginning },
  { name = "every pass leads to the next step, the last to verified", check = check_steps },
  { name = "a pass is never planned earlier than a fail", check = check_pass_not_before_fail },
  { name = "the next test is 1 to 3650 days away", check = check_bounds },
  { name = "no step comes before its own day", check = check_not_before_its_day },
}
