local modules = require "spec.support.modules"

-- What domain.md's table promises: points, test days, unlocked on them.
local TIERS = {
  { points = 10, days = { 1, 3, 7 }, unlocked = { 3, 2, 5 } },
  { points = 25, days = { 1, 3, 7, 14 }, unlocked = { 8, 5, 5, 7 } },
  { points = 50, days = { 1, 3, 7, 14, 21 }, unlocked = { 15, 10, 10, 0, 15 } },
  { points = 100, days = { 1, 3, 7, 14, 21, 30 }, unlocked = { 30, 20, 20, 0, 0, 30 } },
  { points = 30, days = { 1, 3, 7, 14 }, unlocked = { 9, 6, 6, 9 } },
  { points = 40, days = { 1, 3, 7, 14, 21 }, unlocked = { 12, 8, 8, 0, 12 } },
  { points = 75, days = { 1, 3, 7, 14, 21, 30 }, unlocked = { 23, 15, 15, 0, 0, 22 } },
}

describe("rules/points", function()
  local points

  before_each(function()
    points = modules.rule("points")
  end)

  -- The shares of one learning point worth `worth`, passed on these days.
  local function shares(worth, days)
    local given, unlocked = {}, 0
    for index, day in ipairs(days) do
      local share = points.unlock {
        points = worth, unlocked = unlocked, test_day = day, is_last = index == #days,
      }
      given[index] = share.points
      unlocked = unlocked + share.points
    end
    return given, unlocked
  end

  it("holds its own examples", function()
    for _, example in ipairs(points.examples()) do
      assert.are.same(example.expect, points[example.call](example.input))
    end
  end)

  for tier, expected in ipairs(TIERS) do
    it("awards and unlocks tier " .. tier .. " as the table says", function()
      assert.are.equal(expected.points, points.award({ tier = tier, earned_before = 0 }).points)
      assert.are.same(expected.unlocked, (shares(expected.points, expected.days)))
    end)
  end

  it("unlocks exactly what was earned, for every amount and every list of days", function()
    for worth = 1, 500 do
      for _, tier in ipairs(TIERS) do
        local given, unlocked = shares(worth, tier.days)
        assert.are.equal(worth, unlocked)
        for _, share in ipairs(given) do
          assert.is_true(math.type(share) == "integer" and share >= 0)
        end
      end
    end
  end)

  it("never lets a learning point exceed the most", function()
    for tier = 1, 7 do
      for earned_before = 0, 600 do
        local award = points.award({ tier = tier, earned_before = earned_before }).points
        assert.is_true(award >= 0 and (award == 0 or earned_before + award <= 500))
      end
    end
  end)

  it("unlocks all at once when the only day left is the last", function()
    assert.are.equal(100, points.unlock({ points = 100, unlocked = 0, test_day = 1, is_last = true }).points)
  end)

  it("takes nothing back when more is unlocked than the shares say", function()
    assert.are.equal(0, points.unlock({ points = 100, unlocked = 90, test_day = 3, is_last = false }).points)
  end)
end)
