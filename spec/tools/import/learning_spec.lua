local learning = require "tools.import.learning"

local NOW = "2030-01-31T00:00:00Z"

-- Tier 1: days 1, 3, 7.
local LADDER = {
  before_last = function(_, highest)
    return math.min(highest, 3)
  end,
}

local function row(status, more)
  local it = {
    child_id = "c", id = 1, learning_point_id = "x", tier = 1, status = status, learned_at = "2030-01-01T00:00:00Z",
    created_at = "2030-01-01T00:00:00Z",
  }
  for name, value in pairs(more or {}) do
    it[name] = value
  end
  return it
end

local function passed(day)
  return { test_day = day, completed = true, passed = true, completed_at = ("2030-01-%02dT00:00:00Z"):format(day) }
end

local function state(status, tests, earning)
  local progress, notes = learning.progress(row(status), tests, earning, LADDER, NOW)
  return { progress.status, progress.highest_day, progress.earned, progress.unlocked }, notes
end

describe("learning that moves in:", function()
  it("earned and unlocked count since the last failure", function()
    local function move(kind, points)
      return { learning_progress_id = 1, transaction_type = kind, points = points }
    end
    local sums = learning.earnings {
      move("earned", 10), move("unlocked", 3), move("deficit", -10), move("earned", 25), move("unlocked", 8), move("bonus", 15),
      { transaction_type = "earned", points = 99 },
    }
    assert.are.same({ { earned = 25, unlocked = 8 } }, sums)
  end)

  it("a state that fits together stays", function()
    for _, case in ipairs {
      { "learning", {}, nil, { "learning", 0, 0, 0 } },
      { "pending", { passed(1) }, { earned = 10, unlocked = 3 }, { "pending", 1, 10, 3 } },
      { "verified", { passed(1), passed(3), passed(7) }, { earned = 10, unlocked = 10 }, { "verified", 7, 10, 10 } },
      { "failed", { passed(1) }, { earned = 0, unlocked = 0 }, { "failed", 1, 0, 0 } },
    } do
      local found, notes = state(case[1], case[2], case[3])
      assert.are.same(case[4], found)
      assert.are.same({}, notes)
    end
  end)

  it("a state that does not is put right, and that is said", function()
    for _, case in ipairs {
      { "mastered", {}, nil, { "learning", 0, 0, 0 } },
      { nil, { passed(1) }, { earned = 10, unlocked = 3 }, { "pending", 1, 10, 3 } },
      { "learning", { passed(1) }, { earned = 10, unlocked = 3 }, { "pending", 1, 10, 3 } },
      { "learning", { passed(1) }, nil, { "learning", 0, 0, 0 } },
      { "pending", {}, { earned = 10, unlocked = 3 }, { "pending", 1, 10, 3 } },
      { "pending", { passed(7) }, { earned = 10, unlocked = 5 }, { "pending", 3, 10, 5 } },
    } do
      local found, notes = state(case[1], case[2], case[3])
      assert.are.same(case[4], found)
      assert.is_true(#notes > 0)
    end
  end)

  it("of open tests the first beyond what is passed is next", function()
    local function open(day)
      return { test_day = day, completed = false }
    end
    local tests = { open(14), open(7), open(3), passed(3) }
    assert.are.equal(tests[2], learning.open_test({ status = "pending", highest_day = 3 }, tests))
    assert.is_nil(learning.open_test({ status = "pending", highest_day = 14 }, tests))
    assert.is_nil(learning.open_test({ status = "verified", highest_day = 3 }, tests))
    assert.is_nil(learning.open_test({ status = "failed", highest_day = 3 }, tests))
  end)
end)
