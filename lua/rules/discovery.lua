-- Which event earns which bonus. Each is paid once for each child and subject, ever.
--
-- Change the numbers below; the examples at the end follow them and show what they lead to.
local learning_points = require "points"

local discovery = {}

discovery.parameters = {
  bonus_points = {
    relationship_discovery = 15, -- two known points that are related
    phrase_completion = 30,      -- a phrase all of whose components are known
    idiom_unlock = 70,           -- an idiom known with all its prerequisites
    context_mastery = 20,        -- all senses of a word known
    pattern_recognition = 20,    -- second known point of one affix
    pattern_mastery = 50,        -- fifth known point of one affix
  },

  -- What exceeds these stays unpaid until staff pay it.
  bonuses_per_day = 20,  -- of one child (the parent's local day)
  bonuses_per_test = 10, -- when one test makes a point known that is related to many others

  -- Known points of one affix.
  pattern_recognized_at = 2,
  pattern_mastered_at = 5,
}

discovery.shapes = {
  events = {
    input = { tier = "integer 1..7" },            -- of the point that has become known
    result = {
      recognized_at = "integer 1..1000",
      mastered_at = "integer 1..1000",
      paid_at_most = "integer 0..1000",
    },
  },
  bonus = {
    input = {
      kind = "text",                            -- one of bonus_points
      is_known = "boolean",                     -- the child has verified everything the bonus is for
      earned_before = "integer 0..1000000",     -- points the child already holds for this learning point
      bonuses_today = "integer 0..1000000",     -- paid so far on this day
      is_decided_by_staff = "boolean",          -- then the daily limit does not hold
    },
    -- Either why it is refused, or what it pays.
    result = { refusal = "text?", points = "integer 1..500?" },
  },
}

-- What to look for when a point becomes known.
function discovery.events()
  local parameters = discovery.parameters
  return {
    recognized_at = parameters.pattern_recognized_at,
    mastered_at = parameters.pattern_mastered_at,
    paid_at_most = parameters.bonuses_per_test,
  }
end

-- Is this bonus paid now, and how many points?
function discovery.bonus(input)
  local parameters = discovery.parameters
  if not input.is_known then
    return { refusal = "not_known" }
  end
  if input.bonuses_today >= parameters.bonuses_per_day and not input.is_decided_by_staff then
    return { refusal = "daily_limit" }
  end
  local worth = parameters.bonus_points[input.kind]
  -- Cut as every award is (points.lua).
  local points = worth > 0 and learning_points.award({ bonus = worth, earned_before = input.earned_before }).points or 0
  if points == 0 then
    return { refusal = "nothing_to_pay" }
  end
  return { points = points }
end

function discovery.examples()
  local parameters = discovery.parameters
  local most = learning_points.parameters.most_per_learning_point
  local worth = parameters.bonus_points.relationship_discovery
  -- A bonus that staff pay in full, with some of its circumstances changed.
  local function bonus(changed)
    local input = {
      kind = "relationship_discovery", is_known = true, earned_before = 0, bonuses_today = 0, is_decided_by_staff = true,
    }
    for name, value in pairs(changed) do
      input[name] = value
    end
    return input
  end
  -- No bonus exceeds the most; one of 0 points is switched off.
  local function paid(points)
    points = math.min(points, most)
    return points > 0 and { points = points } or { refusal = "nothing_to_pay" }
  end
  local examples = {
    { call = "events", input = { tier = 1 }, expect = {
      recognized_at = parameters.pattern_recognized_at, mastered_at = parameters.pattern_mastered_at,
      paid_at_most = parameters.bonuses_per_test,
    } },
    -- Not all of it is known.
    { call = "bonus", input = bonus { is_known = false }, expect = { refusal = "not_known" } },
    -- Enough for one day, unless staff say otherwise.
    { call = "bonus", input = bonus { bonuses_today = parameters.bonuses_per_day, is_decided_by_staff = false },
      expect = { refusal = "daily_limit" } },
    { call = "bonus", input = bonus { bonuses_today = parameters.bonuses_per_day }, expect = paid(worth) },
    -- What exceeds the most for one learning point is cut.
    { call = "bonus", input = bonus { earned_before = most - 1 }, expect = paid(math.min(worth, 1)) },
    { call = "bonus", input = bonus { earned_before = most }, expect = { refusal = "nothing_to_pay" } },
  }
  -- Every kind pays the points of its line above.
  for kind, points in pairs(parameters.bonus_points) do
    table.insert(examples, { call = "bonus", input = bonus { kind = kind }, expect = paid(points) })
  end
  return examples
end

return discovery
