-- How many points a learning point earns, and when they can be spent. 1 point is 1 NTD when it is withdrawn.
--
-- Change the numbers below and save: new awards follow, points that are under way keep theirs. What the numbers must never
-- lead to (lua/checks/points.lua) is tried out before they go live; `lexicraft rules check` tries it at any time.
---@type rules.points
local points = {}

points.parameters = {
  -- Points earned for a learning point, by tier. At most 500 each.
  tier_points = {
    [1] = 10,  -- basic recognition
    [2] = 25,  -- multiple meanings
    [3] = 50,  -- phrase, collocation
    [4] = 100, -- idiom
    [5] = 30,  -- morphology (word family)
    [6] = 40,  -- register variant
    [7] = 75,  -- specialised context
  },

  -- Percent of these points unlocked (they can be spent from then on) by passing the test of a day. Together at most 100.
  -- Other days unlock nothing; the last day of a tier unlocks all that is left. In the order of the days.
  unlock_percent = {
    { day = 1, percent = 30 },
    { day = 3, percent = 20 },
    { day = 7, percent = 20 },
  },

  -- Most points one child can earn with one learning point, all tiers and bonuses together. What exceeds it is cut.
  most_per_learning_point = 500,
}

points.shapes = {
  award = {
    input = {
      tier = "integer 1..7?",                  -- of the learning point just learned; or else
      bonus = "integer 1..500?",               -- points a bonus is worth
      earned_before = "integer 0..1000000",    -- points the child holds for this learning point already
    },
    result = { points = "integer 0..500" },    -- points earned now
  },
  unlock = {
    input = {
      points = "integer 0..500",    -- earned by this attempt
      unlocked = "integer 0..500",  -- of these, unlocked so far
      test_day = "integer 1..3650", -- the day just passed
      is_last = "boolean",          -- no test day is left
    },
    result = { points = "integer 0..500" }, -- points unlocked now
  },
}

-- The first test is passed, or a bonus is due: how many points is that worth?
function points.award(input)
  local worth = input.bonus or points.parameters.tier_points[input.tier]
  local room = points.parameters.most_per_learning_point - input.earned_before
  return { points = math.max(0, math.min(worth, room)) }
end

-- The percents of all days up to and including test_day.
local function percent_until(test_day)
  local percent = 0
  for _, share in ipairs(points.parameters.unlock_percent) do
    if share.day <= test_day then
      percent = percent + share.percent
    end
  end
  return percent
end

-- A test is passed: how many of the earned points can be spent from now on? The share of all days so far is rounded as a
-- whole (halves up), so that the parts always add up to the points earned.
function points.unlock(input)
  local percent = input.is_last and 100 or percent_until(input.test_day)
  local so_far = (2 * input.points * percent + 100) // 200
  return { points = math.max(0, so_far - input.unlocked) }
end

function points.examples()
  local worth, most = points.parameters.tier_points, points.parameters.most_per_learning_point
  local examples = {
    -- With almost or exactly the most already earned, the rest is cut.
    { call = "award", input = { tier = 4, earned_before = most - 1 }, expect = { points = math.min(worth[4], 1) } },
    { call = "award", input = { tier = 4, earned_before = most }, expect = { points = 0 } },
    { call = "award", input = { tier = 1, earned_before = most + 120 }, expect = { points = 0 } },
    -- A bonus is cut the same way.
    { call = "award", input = { bonus = 15, earned_before = math.max(0, most - 15) }, expect = { points = math.min(15, most) } },
    { call = "award", input = { bonus = 15, earned_before = math.max(0, most - 10) }, expect = { points = math.min(10, most) } },

    -- The last day unlocks all that is left, whatever its percent is.
    { call = "unlock", input = { points = 25, unlocked = 18, test_day = 14, is_last = true }, expect = { points = 7 } },
    { call = "unlock", input = { points = 10, unlocked = 10, test_day = 7, is_last = true }, expect = { points = 0 } },
    -- More was unlocked than the percents say now (they were lowered meanwhile): nothing is taken back.
    { call = "unlock", input = { points = 100, unlocked = 100, test_day = 1, is_last = false }, expect = { points = 0 } },
  }
  local function example(call, input, expected)
    examples[#examples + 1] = { call = call, input = input, expect = { points = expected } }
  end
  -- Every tier earns the points of its line above.
  for tier = 1, 7 do
    example("award", { tier = tier, earned_before = 0 }, math.min(worth[tier], most))
  end
  -- Of 100 points, each day unlocks its percent on top of what is unlocked; a day without percents unlocks nothing.
  local unlocked = 0
  for _, share in ipairs(points.parameters.unlock_percent) do
    example("unlock", { points = 100, unlocked = unlocked, test_day = share.day, is_last = false }, share.percent)
    unlocked = unlocked + share.percent
  end
  example("unlock", { points = 100, unlocked = unlocked, test_day = 3650, is_last = false }, 0)
  return examples
end

return points
