-- rules/schedule with either algorithm, and the properties that bound both.
local modules = require "spec.support.modules"

describe("algorithms of rules/schedule", function()
  local schedule, fsrs, ladder

  before_each(function()
    fsrs, ladder = modules.rule("fsrs"), modules.rule("ladder")
    schedule = modules.rule("schedule", { fsrs = fsrs, ladder = ladder })
  end)

  -- A test of tier 4 under FSRS.
  local function taken(more)
    local input = { tier = 4, test_day = 3, is_verified = false, algorithm = "fsrs", progress_id = 7, attempt = 1 }
    for name, value in pairs(more) do
      input[name] = value
    end
    return input
  end

  it("are chosen when learning begins, for all tiers or for each", function()
    assert.are.equal("ladder", schedule.begin({ tier = 4 }).algorithm)
    schedule.parameters.algorithm = "fsrs"
    assert.are.equal("fsrs", schedule.begin({ tier = 4 }).algorithm)
    schedule.parameters.algorithm = { "ladder", "ladder", "ladder", "fsrs", "ladder", "ladder", "ladder" }
    assert.are.equal("fsrs", schedule.begin({ tier = 4 }).algorithm)
    assert.are.equal("ladder", schedule.begin({ tier = 5 }).algorithm)
    schedule.parameters.algorithm = "leitner"
    assert.has_error(function() schedule.begin { tier = 4 } end)
  end)

  it("begin with day 1, at once", function()
    for _, name in ipairs { "ladder", "fsrs" } do
      schedule.parameters.algorithm = name
      assert.are.same({ test_day = 1, days_after_today = 0, hours_between_tests = 24 }, schedule.begin({ tier = 1 }).next)
    end
  end)

  it("stay what they were when another one is preferred", function()
    schedule.parameters.algorithm = "fsrs"
    local plan = schedule.pass { tier = 4, test_day = 3, highest_day = 1, is_verified = false, algorithm = "ladder" }
    assert.are.same({ test_day = 7, days_after_learning = 6, hours_between_tests = 24 }, plan.next)
    assert.is_nil(plan.state)
  end)

  describe("FSRS", function()
    before_each(function()
      fsrs.parameters.fuzz = false
    end)

    it("plans the days after a pass, and no step before its own day", function()
      local plan = schedule.pass(taken { test_day = 1, highest_day = 0 })
      assert.are.same({ test_day = 3, days_after_learning = 2, days_after_today = 2, hours_between_tests = 24 }, plan.next)
      plan = schedule.pass(taken { test_day = 3, highest_day = 1, state = plan.state, days_since_test = 2 })
      assert.are.same({ test_day = 7, days_after_learning = 6, days_after_today = 11, hours_between_tests = 24 }, plan.next)
      assert.are.equal("pending", plan.status)
    end)

    it("repeats a failed test when the model says so, as often as is allowed", function()
      local known = { stability = 40, difficulty = 5 }
      local plan = schedule.fail(taken { failures_before = 1, state = known, days_since_test = 40 })
      assert.is_false(plan.is_failed)
      assert.are.equal(3, plan.next.test_day)
      assert.is_nil(plan.next.days_after_learning)
      assert.are.equal(math.floor(plan.state.stability + 0.5), plan.next.days_after_today)
      plan = schedule.fail(taken { failures_before = 2, state = known, days_since_test = 40 })
      assert.is_true(plan.is_failed)
      assert.is_nil(plan.next)
      assert.is_true(plan.state.stability < known.stability)
    end)

    it("checks a verified point when the model says so, but not before the retention check's own days", function()
      local input = taken { test_day = 30, highest_day = 21, state = { stability = 200, difficulty = 3 },
        days_since_test = 200 }
      local plan = schedule.pass(input)
      assert.are.equal("verified", plan.status)
      assert.are.equal(365, plan.next.days_after_today)
      assert.are.equal(59, plan.next.days_after_learning)
      input.state = { stability = 1, difficulty = 10 }
      input.days_since_test = 1
      assert.are.equal(30, schedule.pass(input).next.days_after_today)
    end)

    it("remembers what the retention check says", function()
      local plan = schedule.pass(taken { test_day = 60, highest_day = 30, is_verified = true,
        state = { stability = 50, difficulty = 3 }, days_since_test = 60 })
      assert.is_nil(plan.next)
      assert.is_true(plan.state.stability > 50)
    end)
  end)

  it("FSRS spreads what was begun together, the same way each time", function()
    local seen, count = {}, 0
    for progress_id = 1, 50 do
      local input = taken { highest_day = 1, state = { stability = 10, difficulty = 3 }, days_since_test = 10,
        progress_id = progress_id }
      local days = schedule.pass(input).next.days_after_today
      assert.are.equal(days, schedule.pass(input).next.days_after_today)
      count = count + (seen[days] and 0 or 1)
      seen[days] = true
    end
    assert.is_true(count >= 3)
  end)
end)

describe("properties of rules/schedule and rules/fsrs", function()
  local files

  local function call(rule, name, input)
    return files[rule][name](input)
  end

  local function parameters(rule)
    return files[rule].parameters
  end

  before_each(function()
    files = { fsrs = modules.rule("fsrs"), ladder = modules.rule("ladder") }
    files.schedule = modules.rule("schedule", files)
  end)

  -- The faults by the name of the property.
  local function faults()
    local found = {}
    for _, file in ipairs { "schedule", "fsrs" } do
      for _, property in ipairs(dofile("lua/checks/" .. file .. ".lua")) do
        local ok, fault = pcall(property.check, call, parameters)
        assert(ok or fault)
        found[property.name] = found[property.name] or fault
      end
    end
    return found
  end

  it("hold", function()
    assert.are.same({}, faults())
  end)

  local kept = {
    ["FSRS for all"] = function() files.schedule.parameters.algorithm = "fsrs" end,
    ["another list"] = function() files.schedule.parameters.test_days[4] = { 1, 2, 10, 60 } end,
    ["repeats a day earlier"] = function()
      for _, step in ipairs(files.ladder.parameters.repeat_after_days) do
        step.days = math.max(1, step.days - 1)
      end
    end,
    ["a desired retention of 80 %"] = function() files.fsrs.parameters.desired_retention = 0.8 end,
    ["a desired retention of 97 %"] = function() files.fsrs.parameters.desired_retention = 0.97 end,
    ["the weights of FSRS-5"] = function()
      files.fsrs.parameters.weights = require("spec.rules.fsrs_vectors").long_term.weights
    end,
  }
  for name, change in pairs(kept) do
    it("hold with " .. name, function()
      change()
      assert.are.same({}, faults())
    end)
  end

  local function breaks(name, property, pattern, change)
    it("say what " .. name .. " breaks", function()
      change()
      local fault = faults()[property]
      assert(fault, "the property holds")
      assert(tostring(fault):find(pattern), fault)
    end)
  end

  breaks("a list without day 1", "parameters", "^test_days%[2%]%[1%] is 2, the first has to be 1$", function()
    files.schedule.parameters.test_days[2] = { 2, 5 }
  end)
  breaks("a list out of order", "parameters", "^test_days%[5%]%[3%] is 3, though 7 stands before it", function()
    files.schedule.parameters.test_days[5] = { 1, 7, 3 }
  end)
  breaks("a tier without a list", "parameters", "^test_days%[7%] is missing", function()
    files.schedule.parameters.test_days[7] = nil
  end)
  breaks("an algorithm that is not there", "learning begins with day 1, due at once", "there is no algorithm", function()
    files.schedule.parameters.algorithm = "leitner"
  end)

  local ORDER = "a pass is never planned earlier than a fail"
  breaks("a long repeat", ORDER,
    "^tier 4, test day 7, ladder .*: a pass is planned for day 14, a fail for day 16 %(by repeat_after_days, 9 days", function()
      files.schedule.parameters.test_days = { { 1 }, { 1 }, { 1 }, { 1, 7, 14 }, { 1 }, { 1 }, { 1 } }
      files.ladder.parameters.repeat_after_days[3].days = 9
    end)
  breaks("a weight that rewards failing", ORDER, "^tier 1, test day 1, fsrs after no test: a pass .*, a fail", function()
    files.fsrs.parameters.weights[1] = 40
  end)

  local BOUNDS = "the next test is 1 to 3650 days away"
  breaks("a repeat on the same day", BOUNDS, "^tier 1, test day 1, ladder .*: a fail is followed by a test after 0 days$",
    function()
      files.ladder.parameters.repeat_after_days[1].days = 0
    end)
  breaks("an interval of twenty years", BOUNDS, "fsrs after many passed tests: a pass .* after %d%d%d%d%d? days$", function()
    files.fsrs.parameters.longest_interval_days = 7300
    files.fsrs.parameters.desired_retention = 0.7
  end)
  breaks("a weight too few", "parameters", "^weights%[21%] is missing, allowed are 0.1 to 0.8 %(this is w20%)$", function()
    table.remove(files.fsrs.parameters.weights)
  end)
  breaks("a weight out of bounds", "parameters", "^weights%[21%] is 0.9, allowed are 0.1 to 0.8 %(this is w20%)$", function()
    files.fsrs.parameters.weights[21] = 0.9
  end)
  breaks("percents instead of a chance", "parameters",
    "^desired_retention is 90, allowed are 0.5 to 0.99 ", function()
      files.fsrs.parameters.desired_retention = 90
    end)

  breaks("a planner that forgets the days", "no step comes before its own day", "test day %d+ is planned for day %d+$",
    function()
      local pass = files.schedule.pass
      files.schedule.pass = function(input)
        local plan = pass(input)
        plan.next.days_after_learning = nil
        plan.next.days_after_today = 1
        return plan
      end
    end)
  breaks("a step that is skipped", "every pass leads to the next step, the last to verified", "^tier 1, ladder: ", function()
    local pass = files.schedule.pass
    files.schedule.pass = function(input)
      local plan = pass(input)
      plan.is_last = true
      return plan
    end
  end)
end)
