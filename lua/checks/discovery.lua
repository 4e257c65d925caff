-- What must hold of lua/rules/discovery.lua whatever its numbers are. Run on every reload and by `lexicraft check`.
local bounds = require "lib.bounds"

local KINDS = {
  "relationship_discovery", "phrase_completion", "idiom_unlock", "context_mastery", "pattern_recognition", "pattern_mastery",
}

local function bonus(call, kind, changed)
  local input = { kind = kind, is_known = true, earned_before = 0, bonuses_today = 0, is_decided_by_staff = false }
  for name, value in pairs(changed) do
    input[name] = value
  end
  return call("discovery", "bonus", input)
end

local function each_kind(bound)
  local kinds = {}
  for _, kind in ipairs(KINDS) do
    kinds[kind] = bound
  end
  return bounds.record(kinds)
end

local function check_answer(call)
  for _, kind in ipairs(KINDS) do
    for _, is_decided_by_staff in ipairs { false, true } do
      local result = bonus(call, kind, { is_decided_by_staff = is_decided_by_staff })
      if (result.refusal == nil) == (result.points == nil) then
        return kind .. " is neither refused nor paid, or both"
      end
    end
  end
end

local function check_known(call)
  for _, kind in ipairs(KINDS) do
    if bonus(call, kind, { is_known = false, is_decided_by_staff = true }).points then
      return kind .. " is paid for what is not known"
    end
  end
end

local function check_most(call, parameters)
  local most = parameters("points").most_per_learning_point
  for _, kind in ipairs(KINDS) do
    for _, room in ipairs { 0, 1, 14, 15, 69, 70, 499 } do
      local earned_before = math.max(0, most - room)
      local points = bonus(call, kind, { earned_before = earned_before }).points
      if points and earned_before + points > most then
        return ("%s, %d points held before: %d more are above %d"):format(kind, earned_before, points, most)
      end
    end
  end
end

local function check_limit(call)
  for _, kind in ipairs(KINDS) do
    if bonus(call, kind, { bonuses_today = 1000 }).points then
      return kind .. " is paid a thousand times a day"
    end
  end
end

-- Both would be paid for one point, or the mastery first.
local function recognized_before_mastered(parameters)
  if parameters.pattern_mastered_at <= parameters.pattern_recognized_at then
    return ("pattern_mastered_at is %d, it has to be above pattern_recognized_at, %d"):format(
      parameters.pattern_mastered_at, parameters.pattern_recognized_at)
  end
end

return {
  bounds.property("discovery", {
    bonus_points = each_kind(bounds.integer(0, 500, "points; 0 switches it off")),
    bonuses_per_day = bounds.integer(0, 1000),
    bonuses_per_test = bounds.integer(0, 100),
    pattern_recognized_at = bounds.integer(2, 1000, "known points of one affix"),
    pattern_mastered_at = bounds.integer(2, 1000, "known points of one affix"),
  }, recognized_before_mastered),
  { name = "every bonus is either refused or paid", check = check_answer },
  { name = "nothing is paid for what is not known", check = check_known },
  { name = "never above the most per learning point", check = check_most },
  { name = "there is a limit of one day", check = check_limit },
}
