-- What a child should learn next: how much speaks for each learning point that it could begin.
--
-- Change the numbers below and save. Only their proportions matter: what has more points is suggested first, and of equals the
-- more frequent. 0 for a reason switches it off.
---@type rules.suggestion
local suggestion = {}

suggestion.parameters = {
  -- What each reason adds to the score.
  reasons = {
    completes_phrase = 300,  -- a phrase or idiom, all of whose words the child knows
    prerequisites_met = 200, -- it builds on something, all of which the child knows
    related = 120,           -- for each point it knows that this one is directly related to
    same_affix = 100,        -- made with an affix that a word it knows is made with
    failed_before = 80,      -- it tried this one and failed
    related_to_current = 60, -- directly related to something it is learning
    at_level = 120,          -- as difficult as what it has come to know last
    frequent = 60,           -- among the most frequent of its level that it does not know
    two_steps = 40,          -- related to something that is related to what it knows or learns
  },
  related_counted = 3, -- relationships to known points; more add nothing

  -- What is taken away.
  for_each_level_above = 100,    -- more difficult than what the child has come to know last
  for_each_level_below = 40,     -- easier
  for_each_missing_word = 80,    -- a phrase or idiom with words that the child does not know

  missing_prerequisites = 0, -- with more of what it builds on unknown, a point is not suggested at all

  -- Who knows so little yet begins at the bottom.
  beginner_knows = 5,        -- fewer points than this
  beginner_tier = 1,         -- for beginners nothing above this tier is suggested
}

suggestion.shapes = {
  score = {
    input = {
      tier = "integer 1..7",
      known = "integer 0..1000000",               -- learning points the child knows, up to a few dozens
      level_gap = "integer -5..5?",               -- levels above (below: negative) what it has come to know last
      prerequisites = "integer 0..1000",          -- what it builds on
      prerequisites_known = "integer 0..1000",    -- and of that the child knows
      components = "integer 0..1000",             -- words of a phrase or idiom
      components_known = "integer 0..1000",
      related_known = "integer 0..1000",          -- known points it is directly related to
      is_related_to_current = "boolean",          -- to something the child is learning
      has_known_affix = "boolean",
      is_two_steps_away = "boolean",
      is_frequent = "boolean",                    -- among the most frequent of the level that the child does not know
      has_failed = "boolean",                     -- tried and failed before
    },
    -- 0: not to be suggested.
    result = { score = "integer 0..1000", reasons = { list = "text", max = 9 } },
  },
}

local MOST = 1000

-- How often each reason holds.
local function reasons_of(input)
  local missing = input.prerequisites - input.prerequisites_known
  return {
    { "completes_phrase", input.components > 0 and input.components_known >= input.components and 1 or 0 },
    { "prerequisites_met", input.prerequisites > 0 and missing <= 0 and 1 or 0 },
    { "related", math.min(input.related_known, suggestion.parameters.related_counted) },
    { "same_affix", input.has_known_affix and 1 or 0 },
    { "failed_before", input.has_failed and 1 or 0 },
    { "related_to_current", input.is_related_to_current and 1 or 0 },
    { "at_level", input.level_gap == 0 and 1 or 0 },
    { "frequent", input.is_frequent and 1 or 0 },
    { "two_steps", input.is_two_steps_away and 1 or 0 },
  }
end

-- What speaks against it, in points.
local function against(input)
  local parameters = suggestion.parameters
  local gap = input.level_gap or 0
  return math.max(0, gap) * parameters.for_each_level_above + math.max(0, -gap) * parameters.for_each_level_below
    + math.max(0, input.components - input.components_known) * parameters.for_each_missing_word
end

-- May it be suggested at all?
local function is_possible(input)
  local parameters = suggestion.parameters
  if input.prerequisites - input.prerequisites_known > parameters.missing_prerequisites then
    return false
  end
  return input.known >= parameters.beginner_knows or input.tier <= parameters.beginner_tier
end

-- How good would this learning point be next, and why?
function suggestion.score(input)
  if not is_possible(input) then
    return { score = 0, reasons = {} }
  end
  local score, reasons = 0, {}
  for _, reason in ipairs(reasons_of(input)) do
    local code, times = reason[1], reason[2]
    local points = times * suggestion.parameters.reasons[code]
    if points > 0 then
      score = score + points
      reasons[#reasons + 1] = code
    end
  end
  if score == 0 then
    return { score = 0, reasons = {} }
  end
  -- Something speaks for it: it comes last rather than not at all.
  return { score = math.max(1, math.min(MOST, score - against(input))), reasons = reasons }
end

function suggestion.examples()
  local parameters = suggestion.parameters
  local worth = parameters.reasons
  -- A point that nothing speaks for, with some of its circumstances changed.
  local function candidate(changed)
    local input = {
      tier = 1, known = 40, prerequisites = 0, prerequisites_known = 0, components = 0, components_known = 0,
      related_known = 0, is_related_to_current = false, has_known_affix = false, is_two_steps_away = false,
      is_frequent = false, has_failed = false,
    }
    for name, value in pairs(changed) do
      input[name] = value
    end
    return input
  end
  local function expected(points, ...)
    points = math.min(MOST, points)
    return points > 0 and { score = points, reasons = { ... } } or { score = 0, reasons = {} }
  end
  local function example(changed, expect)
    return { call = "score", input = candidate(changed), expect = expect }
  end
  local examples = {
    -- Nothing speaks for it; nothing that it builds on is known.
    example({}, expected(0)),
    example({ prerequisites = parameters.missing_prerequisites + 1, is_frequent = true }, expected(0)),
    -- Not for beginners.
    example({ tier = parameters.beginner_tier, known = 0, is_frequent = true }, expected(worth.frequent, "frequent")),
    -- Each reason alone.
    example({ components = 3, components_known = 3 }, expected(worth.completes_phrase, "completes_phrase")),
    example({ prerequisites = 2, prerequisites_known = 2 }, expected(worth.prerequisites_met, "prerequisites_met")),
    example({ related_known = 1 }, expected(math.min(1, parameters.related_counted) * worth.related, "related")),
    example({ related_known = 50 }, expected(parameters.related_counted * worth.related, "related")),
    example({ has_known_affix = true }, expected(worth.same_affix, "same_affix")),
    example({ has_failed = true }, expected(worth.failed_before, "failed_before")),
    example({ is_related_to_current = true }, expected(worth.related_to_current, "related_to_current")),
    example({ level_gap = 0 }, expected(worth.at_level, "at_level")),
    example({ is_two_steps_away = true }, expected(worth.two_steps, "two_steps")),
  }
  if parameters.beginner_tier < 7 and parameters.beginner_knows > 0 then
    table.insert(examples, example({ tier = parameters.beginner_tier + 1, known = 0, is_frequent = true }, expected(0)))
  end
  -- What is too difficult, too easy, or made of unknown words: less.
  local function less(changed, cost)
    changed.has_failed = true
    local points = worth.failed_before > 0 and math.max(1, math.min(MOST, worth.failed_before - cost)) or 0
    table.insert(examples, example(changed, expected(points, "failed_before")))
  end
  less({ level_gap = 2 }, 2 * parameters.for_each_level_above)
  less({ level_gap = -1 }, parameters.for_each_level_below)
  less({ components = 3, components_known = 2 }, parameters.for_each_missing_word)
  return examples
end

return suggestion
