-- What must hold of lua/rules/suggestion.lua whatever its numbers are. Run on every reload and by `lexicraft check`.
local bounds = require "lib.bounds"

local REASONS = {
  "completes_phrase", "prerequisites_met", "related", "same_affix", "failed_before", "related_to_current", "at_level",
  "frequent", "two_steps",
}

local FLAGS = { "is_related_to_current", "has_known_affix", "is_two_steps_away", "is_frequent", "has_failed" }

-- A learning point of many that differ in everything: number chooses which.
local function candidate(number)
  local function digit(base)
    local value = number % base
    number = number // base
    return value
  end
  local input = {}
  for _, name in ipairs(FLAGS) do
    input[name] = digit(2) == 1
  end
  input.related_known = digit(5)
  input.level_gap = digit(11) - 5
  input.components = digit(4)
  input.components_known = math.min(input.components, digit(4))
  input.prerequisites = digit(3)
  input.prerequisites_known = math.min(input.prerequisites, digit(3))
  input.tier = digit(7) + 1
  input.known = digit(2) * 40
  return input
end

-- Two hundred of them, far apart.
local STEP, ALL = 17989, 32 * 5 * 11 * 4 * 4 * 3 * 3 * 7 * 2

local function each_candidate(visit)
  for number = 0, ALL - 1, STEP do
    local fault = visit(candidate(number))
    if fault then
      return fault
    end
  end
end

local function score_of(call, input, name, value)
  local changed = {}
  for key, each in pairs(input) do
    changed[key] = each
  end
  if name then
    changed[name] = value
  end
  return call("suggestion", "score", changed)
end

local function check_reasons(call)
  return each_candidate(function(input)
    local result = score_of(call, input)
    if (result.score > 0) ~= (#result.reasons > 0) then
      return ("a score of %d has %d reasons"):format(result.score, #result.reasons)
    end
    local seen = {}
    for _, code in ipairs(result.reasons) do
      if seen[code] then
        return ("the reason %s is given twice"):format(code)
      end
      seen[code] = true
    end
  end)
end

local function check_prerequisites(call, parameters)
  local missing = parameters("suggestion").missing_prerequisites + 1
  return each_candidate(function(input)
    input.prerequisites, input.prerequisites_known = missing, 0
    if score_of(call, input).score > 0 then
      return ("suggested, though %d of what it builds on are not known"):format(missing)
    end
  end)
end

local function check_more_is_better(call)
  return each_candidate(function(input)
    local before = score_of(call, input, "related_known", 0).score
    for related = 1, 5 do
      local score = score_of(call, input, "related_known", related).score
      if score < before then
        return ("related to %d known points: %d, to one fewer: %d"):format(related, score, before)
      end
      before = score
    end
  end)
end

local function check_difficulty(call)
  return each_candidate(function(input)
    local before = score_of(call, input, "level_gap", 0).score
    for gap = 1, 5 do
      local score = score_of(call, input, "level_gap", gap).score
      if score > before then
        return ("%d levels too difficult: %d, one level easier: %d"):format(gap, score, before)
      end
      before = score
    end
  end)
end

local function each_reason(bound)
  local reasons = {}
  for _, code in ipairs(REASONS) do
    reasons[code] = bound
  end
  return bounds.record(reasons)
end

-- Beginners would never get anything.
local function something_for_beginners(parameters)
  local reasons = parameters.reasons
  if reasons.at_level + reasons.frequent == 0 then
    return "reasons.at_level and reasons.frequent are both 0: nothing would ever be suggested to who knows nothing"
  end
end

return {
  bounds.property("suggestion", {
    reasons = each_reason(bounds.integer(0, 1000, "points of 1000")),
    related_counted = bounds.integer(0, 20),
    for_each_level_above = bounds.integer(0, 1000, "points of 1000"),
    for_each_level_below = bounds.integer(0, 1000, "points of 1000"),
    for_each_missing_word = bounds.integer(0, 1000, "points of 1000"),
    missing_prerequisites = bounds.integer(0, 10),
    beginner_knows = bounds.integer(0, 40, "only so many are looked at"),
    beginner_tier = bounds.integer(1, 7),
  }, something_for_beginners),
  { name = "what is suggested has reasons, each once", check = check_reasons },
  { name = "nothing is suggested before what it builds on", check = check_prerequisites },
  { name = "more that is known speaks for it, not against", check = check_more_is_better },
  { name = "what is more difficult is not suggested sooner", check = check_difficulty },
}
