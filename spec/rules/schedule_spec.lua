local modules = require "spec.support.modules"

describe("rules/schedule", function()
  local schedule

  before_each(function()
    schedule = modules.rule("schedule")
  end)

  local function hold_examples()
    for index, example in ipairs(schedule.examples()) do
      assert.are.same(example.expect, schedule[example.call](example.input), "example " .. index)
    end
  end

  it("holds its own examples", hold_examples)

  local edits = {
    { name = "other test days", change = function(p) p.test_days[4] = { 1, 2, 5, 40 } end },
    { name = "two test days", change = function(p) p.test_days[4] = { 1, 30 } end },
    { name = "no failure allowed", change = function(p) p.failures_allowed = 0 end },
    { name = "five failures allowed", change = function(p) p.failures_allowed = 5 end },
    { name = "a later retention check", change = function(p) p.retention_day = 90 end },
    { name = "more days after verified", change = function(p) p.retention_days_after_verified = 45 end },
    { name = "fewer hours between tests", change = function(p) p.hours_between_tests = 20 end },
    { name = "FSRS for all", change = function(p) p.algorithm = "fsrs" end },
    { name = "FSRS for some", change = function(p)
      p.algorithm = { "ladder", "ladder", "fsrs", "fsrs", "ladder", "ladder", "ladder" }
    end },
  }
  for _, edit in ipairs(edits) do
    it("holds its own examples with " .. edit.name, function()
      edit.change(schedule.parameters)
      hold_examples()
    end)
  end

  -- Pass every test of a tier; the test days met.
  local function climb(tier)
    local met, highest_day = {}, 0
    local test_day = schedule.begin({ tier = tier }).next.test_day
    for _ = 1, 100 do
      met[#met + 1] = test_day
      local plan = schedule.pass {
        tier = tier, test_day = test_day, highest_day = highest_day, is_verified = false,
      }
      highest_day = test_day
      if plan.status == "verified" then
        return met, plan
      end
      test_day = plan.next.test_day
    end
  end

  for tier = 1, 7 do
    it("leads tier " .. tier .. " through all its days and no further", function()
      local met, last = climb(tier)
      assert.are.same(schedule.parameters.test_days[tier], met)
      assert.is_true(last.is_last)
      assert.are.equal(60, last.next.test_day)
    end)
  end

  it("begins every attempt with day 1, whatever the list says", function()
    schedule.parameters.test_days[1] = { 2, 5 }
    assert.are.equal(1, schedule.begin({ tier = 1 }).next.test_day)
  end)

  it("follows a list that was edited while a child is under way", function()
    schedule.parameters.test_days[4] = { 1, 2, 5, 40 }
    local plan = schedule.pass { tier = 4, test_day = 7, highest_day = 3, is_verified = false }
    assert.are.equal(40, plan.next.test_day)
    schedule.parameters.test_days[4] = { 1, 3 }
    plan = schedule.pass { tier = 4, test_day = 7, highest_day = 3, is_verified = false }
    assert.are.equal("verified", plan.status)
    assert.is_true(plan.is_last)
  end)

  it("does not mind the order of the list", function()
    schedule.parameters.test_days[1] = { 7, 1, 3 }
    assert.are.same({ 1, 3, 7 }, (climb(1)))
  end)

  it("never falls back below the highest day passed", function()
    local plan = schedule.pass { tier = 4, test_day = 3, highest_day = 14, is_verified = false }
    assert.are.equal(21, plan.next.test_day)
  end)

  it("repeats a failed test twice, then gives the point up", function()
    for failures_before = 0, 1 do
      local plan = schedule.fail { tier = 3, test_day = 7, failures_before = failures_before, is_verified = false }
      assert.is_false(plan.is_failed)
      assert.are.equal(7, plan.next.test_day)
    end
    assert.is_true(schedule.fail({ tier = 3, test_day = 7, failures_before = 2, is_verified = false }).is_failed)
  end)

  it("has a repeat for every test day of every tier but the last", function()
    for tier, days in ipairs(schedule.parameters.test_days) do
      for index, day in ipairs(days) do
        local plan = schedule.fail { tier = tier, test_day = day, failures_before = 0, is_verified = false }
        assert.are.equal(index == #days, plan.is_failed)
        assert.is_true(plan.is_failed or plan.next.days_after_today >= 1)
      end
    end
  end)
end)
