local world = require "spec.support.world"

describe("actions/progress", function()
  local progress = require "actions.progress"
  local family

  before_each(function()
    world.begin()
    family = world.family()
  end)

  after_each(world.finish)

  it("begins with a test that is due at once", function()
    local id = world.learning_point(3)
    local row, test = world.learn(family, id)
    assert.are.same({ id, 3, "learning", 1, 0, 0 },
      { row.learning_point_id, row.tier, row.status, row.attempt, row.points, row.highest_day })
    assert.are.same({ row.id, 1, "2030-01-07", false },
      { test.learning_progress_id, test.test_day, test.scheduled_date, test.completed })
    local due = require("actions.verifications").list(family.child_id, family.parent_id, { due = true }, { 0, 0 }, 10)
    assert.are.equal(1, #due)
    assert.are.equal(test.id, due[1].id)
  end)

  it("refuses what is learned already, what is unknown and what is another family's", function()
    local id = world.learning_point(1)
    local row = world.learn(family, id)
    local _, err = world.learn(family, id)
    assert.are.equal("already_learning", err.code)
    _, err = world.learn(family, "no_such_point")
    assert.are.equal("unknown_learning_point", err.code)
    local other = world.family()
    _, err = world.learn({ child_id = family.child_id, parent_id = other.parent_id }, id)
    assert.are.equal("not_found", err.code)
    _, err = progress.find(family.child_id, other.parent_id, row.id)
    assert.are.equal("not_found", err.code)
    _, err = progress.find(other.child_id, other.parent_id, row.id)
    assert.are.equal("not_found", err.code)
    _, err = progress.list(family.child_id, other.parent_id, {}, 0, 10)
    assert.are.equal("not_found", err.code)
  end)

  it("begins another tier of the same learning point beside the first", function()
    local id = world.learning_point(1)
    local first = world.learn(family, id)
    require("store.learning_points").save { { id = id, word = id, type = "word", tier = 2, definition = "more" } }
    local second = world.learn(family, id)
    assert.are_not.equal(first.id, second.id)
    assert.are.equal(2, second.tier)
  end)

  it("allows twenty new points in a day of the parent's time zone", function()
    for _ = 1, 20 do
      assert.is_table(world.learn(family, world.learning_point(1)))
    end
    local _, err = world.learn(family, world.learning_point(1))
    assert.are.equal("daily_limit", err.code)
    world.advance(0, 13)
    _, err = world.learn(family, world.learning_point(1))
    assert.are.equal("daily_limit", err.code)
    world.advance(0, 1) -- midnight in Taipei
    assert.is_table(world.learn(family, world.learning_point(1)))
  end)

  it("lists by status, in pages, each with its open test", function()
    local ids = {}
    for index = 1, 3 do
      local row, test = world.learn(family, world.learning_point(1))
      ids[index] = row.id
      if index == 2 then
        assert(world.report(family, test.id, true))
      end
    end
    local rows = progress.list(family.child_id, family.parent_id, {}, 0, 2)
    assert.are.same({ ids[1], ids[2] }, { rows[1].id, rows[2].id })
    assert.are.equal(3, rows[2].next.test_day)
    rows = progress.list(family.child_id, family.parent_id, {}, ids[2], 2)
    assert.are.same({ ids[3] }, { rows[1].id })
    rows = progress.list(family.child_id, nil, { status = "pending" }, 0, 10)
    assert.are.same({ 1, ids[2] }, { #rows, rows[1].id })
    assert.are.same({}, progress.list(family.child_id, nil, { status = "failed" }, 0, 10))
  end)
end)
