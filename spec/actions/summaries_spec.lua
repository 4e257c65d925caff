local world = require "spec.support.world"

describe("actions/summaries", function()
  local summaries = require "actions.summaries"

  before_each(world.begin)
  after_each(world.finish)

  local function summary(family, days)
    return assert(summaries.find(family.child_id, family.parent_id, days or 3))
  end

  local function passed_by_day(family)
    local list = {}
    for index, day in ipairs(summary(family).days) do
      list[index] = day.date .. " " .. day.passed
    end
    return list
  end

  it("counts days where the parent lives", function()
    local here, there = world.family("Asia/Taipei"), world.family("America/Los_Angeles")
    for _, family in ipairs { here, there } do
      local _, test = world.learn(family, world.learning_point(1))
      assert(world.report(family, test.id, true))
    end
    assert.are.same({ "2030-01-05 0", "2030-01-06 0", "2030-01-07 1" }, passed_by_day(here))
    assert.are.same({ "2030-01-04 0", "2030-01-05 0", "2030-01-06 1" }, passed_by_day(there))
    world.advance(0, 7) -- one in the morning of the 7th over there
    assert.are.same({ "2030-01-05 0", "2030-01-06 1", "2030-01-07 0" }, passed_by_day(there))
    assert.are.equal(1, summary(there).totals.streak_days)
  end)

  it("counts a streak across the change of clocks", function()
    local family = world.family("America/Los_Angeles")
    world.time_s = 1899014400 -- 2030-03-06 08:00 UTC, midnight in Los Angeles; clocks go forward on the 10th
    for day = 1, 7 do
      local _, test = world.learn(family, world.learning_point(1))
      assert(world.report(family, test.id, day % 2 == 1))
      assert.are.equal(day, summary(family).totals.streak_days)
      world.advance(1)
    end
  end)

  it("is of one's own children only", function()
    local family, other = world.family(), world.family()
    local _, err = summaries.find(family.child_id, other.parent_id, 3)
    assert.are.equal("not_found", err.code)
    assert.are.equal(0, summary({ child_id = family.child_id }).totals.learning)
  end)
end)
