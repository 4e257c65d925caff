-- How many points a learning point earns, and when they can be spent.
--
-- Change the numbers below; the examples at the end show what they lead to and must be changed with them.
local points = {}

points.parameters = {
  -- Points earned for a learning point, by tier.
  tier_points = {
    [1] = 10,  -- basic recognition
    [2] = 25,  -- multiple meanings
    [3] = 50,  -- phrase, collocation
    [4] = 100, -- idiom
    [5] = 30,  -- morphology (word family)
    [6] = 40,  -- register variant
    [7] = 75,  -- specialised context
  },

  -- Percent of the points unlocked by passing the test of a day. Other days unlock nothing; the last day of a tier
  -- unlocks all that is left.
  unlock_percent = {
    { day = 1, percent = 30 },
    { day = 3, percent = 20 },
    { day = 7, percent = 20 },
  },

  -- Most points one child can hold for one learning point, over all tiers and bonuses.
  most_per_learning_point = 500,
}

points.shapes = {
  award = {
    input = {
      tier = "integer 1..7",
      earned_before = "integer 0..1000000", -- points the child already holds for this learning point
    },
    result = { points = "integer 0..500" },
  },
  unlock = {
    input = {
      points = "integer 0..500",   -- earned by this attempt
      unlocked = "integer 0..500", -- of these, unlocked so far
      test_day = "integer 1..3650", -- the day just passed
      is_last = "boolean",         -- no test day is left
    },
    result = { points = "integer 0..500" },
  },
}

-- The first test is passed: how many points is that worth?
function points.award(input)
  local worth = points.parameters.tier_points[input.tier]
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
  return {
    { call = "award", input = { tier = 1, earned_before = 0 }, expect = { points = 10 } },
    { call = "award", input = { tier = 2, earned_before = 0 }, expect = { points = 25 } },
    { call = "award", input = { tier = 3, earned_before = 0 }, expect = { points = 50 } },
    { call = "award", input = { tier = 4, earned_before = 0 }, expect = { points = 100 } },
    { call = "award", input = { tier = 5, earned_before = 0 }, expect = { points = 30 } },
    { call = "award", input = { tier = 6, earned_before = 0 }, expect = { points = 40 } },
    { call = "award", input = { tier = 7, earned_before = 0 }, expect = { points = 75 } },
    -- 500 is the most: what exceeds it is cut.
    { call = "award", input = { tier = 4, earned_before = 460 }, expect = { points = 40 } },
    { call = "award", input = { tier = 4, earned_before = 500 }, expect = { points = 0 } },
    { call = "award", input = { tier = 1, earned_before = 620 }, expect = { points = 0 } },

    -- Tier 2, 25 points: 8, 5, 5, and the last day the remaining 7.
    { call = "unlock", input = { points = 25, unlocked = 0, test_day = 1, is_last = false }, expect = { points = 8 } },
    { call = "unlock", input = { points = 25, unlocked = 8, test_day = 3, is_last = false }, expect = { points = 5 } },
    { call = "unlock", input = { points = 25, unlocked = 13, test_day = 7, is_last = false }, expect = { points = 5 } },
    { call = "unlock", input = { points = 25, unlocked = 18, test_day = 14, is_last = true }, expect = { points = 7 } },
    -- A day without a share of its own.
    { call = "unlock", input = { points = 100, unlocked = 70, test_day = 21, is_last = false }, expect = { points = 0 } },
    -- Everything is unlocked already.
    { call = "unlock", input = { points = 10, unlocked = 10, test_day = 7, is_last = true }, expect = { points = 0 } },
  }
end

return points
