-- Plans tests by FSRS-6, a model of memory: the next test comes when the chance to still know the answer has sunk to the
-- desired one. What is known well is asked seldom, what was forgotten soon again.
--
-- One of the algorithms that schedule.lua chooses from. Each has one function, `plan`: a test has been passed or failed,
-- so how many days from today does the next one come?
--
-- The model keeps two numbers for each learning point of a child:
--   stability    days until the chance to know the answer has sunk to 90 %
--   difficulty   1 (easy) to 10 (hard)
-- It knows four grades; a test knows two: passed is "Good" (3), failed is "Again" (1). Its minutes-long learning steps are
-- not used: a test is days away or nothing. A failed test is repeated when the model says so, at least a day later.
local fsrs = {}

fsrs.parameters = {
  desired_retention = 0.9,     -- the chance to still know the answer when the next test comes; 0.8 tests less, 0.95 more
  longest_interval_days = 365, -- never more days than this between two tests

  -- Spread tests over some days around the best one, so that what was begun on one day does not come back on one day.
  fuzz = true,

  -- The 21 numbers of the model, w0 to w20, as an optimiser gives them. These are the published defaults.
  weights = {
    0.212, 1.2931, 2.3065, 8.2956,         -- w0-w3: first stability, by grade
    6.4133, 0.8334, 3.0194, 0.001,         -- w4-w7: difficulty
    1.8722, 0.1666, 0.796,                 -- w8-w10: stability when remembered
    1.4835, 0.0614, 0.2629, 1.6483,        -- w11-w14: stability when forgotten
    0.6014, 1.8729,                        -- w15, w16: grades "Hard" and "Easy", not used here
    0.5425, 0.0912, 0.0658,                -- w17-w19: a second test on the same day
    0.1542,                                -- w20: how fast memory fades
  },
}

local state = {
  record = { stability = "number 0.001..36500", difficulty = "number 1..10" },
}

fsrs.shapes = {
  plan = {
    input = {
      passed = "boolean",
      state = { record = state.record, optional = true }, -- what an earlier test led to; none: the first test
      days_since_test = "integer 0..1000000?",            -- since that test
      luck = "number 0..1?",                              -- which of the days around the best one
    },
    result = { days_after_today = "integer 1..3650", state = state },
  },
  recall = {
    input = { state = state, days_since_test = "integer 0..1000000" },
    result = { chance = "number 0..1" },
  },
}

local AGAIN, GOOD, EASY = 1, 3, 4
local STABILITY_MIN, STABILITY_MAX = 0.001, 36500

-- Weight w0 … w20.
local function weight(index)
  return fsrs.parameters.weights[index + 1]
end

local function clamp(value, low, high)
  return math.min(math.max(value, low), high)
end

local function whole(value)
  return math.floor(value + 0.5)
end

-- Eight decimals are kept, as the reference implementation does, so that both stay equal for ever.
local function rounded(value)
  return whole(value * 1e8) / 1e8
end

-- The shape of forgetting: made so that after `stability` days the chance is 90 %.
local function fading()
  local decay = -weight(20)
  return decay, rounded(math.exp(math.log(0.9) / decay) - 1)
end

local function first_difficulty(grade)
  return rounded(weight(4) - math.exp(weight(5) * (grade - 1)) + 1)
end

-- A failure makes the point harder, less so the harder it is; every test pulls it a little towards easy.
local function next_difficulty(difficulty, grade)
  local change = rounded(-weight(6) * (grade - GOOD) * (10 - difficulty) / 9)
  local pulled = weight(7) * first_difficulty(EASY) + (1 - weight(7)) * (difficulty + change)
  return clamp(rounded(pulled), 1, 10)
end

local function stability_on_same_day(stability, grade)
  local factor = stability ^ -weight(19) * math.exp(weight(17) * (grade - GOOD + weight(18)))
  return stability * (grade == GOOD and math.max(factor, 1) or factor)
end

-- Grows the more, the easier the point, the smaller the stability and the less likely the pass was.
local function stability_when_remembered(before, chance)
  return before.stability * (1 + math.exp(weight(8)) * (11 - before.difficulty) * before.stability ^ -weight(9)
    * (math.exp((1 - chance) * weight(10)) - 1))
end

local function stability_when_forgotten(before, chance)
  local left = weight(11) * before.difficulty ^ -weight(12) * ((before.stability + 1) ^ weight(13) - 1)
    * math.exp((1 - chance) * weight(14))
  return math.min(left, before.stability / math.exp(weight(17) * weight(18)))
end

-- How likely is it that the answer is still known so many days after the last test?
function fsrs.recall(input)
  local decay, factor = fading()
  return { chance = rounded((1 + factor * input.days_since_test / input.state.stability) ^ decay) }
end

-- What the model knows after a test.
local function after_test(before, grade, days_since_test)
  if not before then
    return { stability = math.max(weight(grade - 1), 0.1), difficulty = clamp(first_difficulty(grade), 1, 10) }
  end
  local stability
  if days_since_test == 0 then
    stability = stability_on_same_day(before.stability, grade)
  else
    local chance = fsrs.recall({ state = before, days_since_test = days_since_test }).chance
    local update = grade == GOOD and stability_when_remembered or stability_when_forgotten
    stability = update(before, chance)
  end
  return {
    stability = rounded(clamp(stability, STABILITY_MIN, STABILITY_MAX)),
    difficulty = next_difficulty(before.difficulty, grade),
  }
end

-- The days until the chance has sunk to the desired one.
local function best_interval(stability)
  local decay, factor = fading()
  local per_day = rounded((fsrs.parameters.desired_retention ^ (1 / decay) - 1) / factor)
  return clamp(whole(stability * per_day), 1, fsrs.parameters.longest_interval_days)
end

-- Another day that will do as well, by luck from 0 to 1: 15 % around intervals up to 7 days, from there 10 %, beyond 20 days
-- 5 %. What is longer than the last interval stays longer.
local function spread(days, days_since_test, luck)
  if not fsrs.parameters.fuzz or days < 2.5 then
    return days
  end
  local delta = 1 + 0.15 * (math.min(days, 7) - 2.5) + 0.1 * math.max(math.min(days, 20) - 7, 0)
    + 0.05 * math.max(days - 20, 0)
  local first = math.max(2, whole(days - delta))
  local last = math.min(whole(days + delta), fsrs.parameters.longest_interval_days)
  if days > days_since_test then
    first = math.max(first, days_since_test + 1)
  end
  first = math.min(first, last)
  return math.min(first + math.floor(luck * (last - first + 1)), last)
end

-- A test is taken: when is the next one, and what does the model know now?
function fsrs.plan(input)
  local days_since_test = input.days_since_test or 0
  local after = after_test(input.state, input.passed and GOOD or AGAIN, days_since_test)
  local days = spread(best_interval(after.stability), days_since_test, input.luck or 0.5)
  return { days_after_today = days, state = after }
end

function fsrs.examples()
  local weights, longest = fsrs.parameters.weights, fsrs.parameters.longest_interval_days
  return {
    -- Nothing is forgotten at once; one in ten after `stability` days, whatever the weights.
    { call = "recall", input = { state = { stability = 12, difficulty = 5 }, days_since_test = 0 },
      expect = { chance = 1.0 } },
    { call = "recall", input = { state = { stability = 12, difficulty = 5 }, days_since_test = 12 },
      expect = { chance = 0.9 } },

    -- The first test: failed it begins with w0, passed with w2.
    { call = "plan", input = { passed = false },
      expect = { days_after_today = spread(best_interval(weights[1]), 0, 0.5),
                 state = { stability = math.max(weights[1], 0.1), difficulty = first_difficulty(AGAIN) } } },
    { call = "plan", input = { passed = true },
      expect = { days_after_today = spread(best_interval(weights[3]), 0, 0.5),
                 state = { stability = math.max(weights[3], 0.1), difficulty = first_difficulty(GOOD) } } },

    -- Known by heart: the longest interval, even by bad luck, and however soon it was asked again.
    { call = "plan",
      input = { passed = true, state = { stability = 36500, difficulty = 5 }, days_since_test = 100000, luck = 1 },
      expect = { days_after_today = longest, state = { stability = 36500.0, difficulty = next_difficulty(5, GOOD) } } },
    { call = "plan",
      input = { passed = true, state = { stability = 36500, difficulty = 5 }, days_since_test = 0, luck = 1 },
      expect = { days_after_today = longest, state = { stability = 36500.0, difficulty = next_difficulty(5, GOOD) } } },
    -- Hardly known and forgotten again: tomorrow.
    { call = "plan",
      input = { passed = false, state = { stability = 0.001, difficulty = 10 }, days_since_test = 1 },
      expect = { days_after_today = 1, state = { stability = 0.001, difficulty = next_difficulty(10, AGAIN) } } },
    { call = "plan",
      input = { passed = false, state = { stability = 0.001, difficulty = 10 }, days_since_test = 0 },
      expect = { days_after_today = 1, state = { stability = 0.001, difficulty = next_difficulty(10, AGAIN) } } },
  }
end

return fsrs
