-- What must hold of lua/rules/points.lua whatever its numbers are. Run on every reload and by `lexicraft check`.
local bounds = require "lib.bounds"

local TIERS = 7
local MOST_SHARE_DAYS = 6 -- of those that staff list, more would take too long
local LAST_DAY = 3650
local WORTHS = { 1, 2, 3, 7, 10, 25, 30, 33, 40, 50, 75, 99, 100, 250, 499, 500 }
local BONUSES = { 1, 15, 20, 30, 50, 70, 100, 499, 500 }

local function join(days)
  return "days " .. table.concat(days, ", ")
end

-- The days that have a share, one day between or behind, and a day far off.
local function telling_days(parameters)
  local seen, days = {}, {}
  local function add(day)
    if not seen[day] and day >= 1 and day <= LAST_DAY then
      seen[day] = true
      days[#days + 1] = day
    end
  end
  for index, share in ipairs(parameters("points").unlock_percent) do
    if index <= MOST_SHARE_DAYS then
      add(share.day)
    end
  end
  table.sort(days)
  add((days[#days] or 0) + 1)
  add(LAST_DAY)
  return days
end

-- Every ascending list that can be made of these days.
local function lists_of(days)
  local lists = {}
  for _, day in ipairs(days) do
    for index = 1, #lists do
      local longer = { table.unpack(lists[index]) }
      longer[#longer + 1] = day
      lists[#lists + 1] = longer
    end
    lists[#lists + 1] = { day }
  end
  return lists
end

-- The lists that are live for the tiers, then what staff might make of them.
local function all_lists(parameters)
  local lists, names = {}, {}
  local function add(list, name)
    lists[#lists + 1] = list
    names[#names + 1] = name
  end
  for tier, days in ipairs(parameters("schedule").test_days) do
    local sorted = { table.unpack(days) }
    table.sort(sorted)
    add(sorted, "tier " .. tier)
  end
  for _, list in ipairs(lists_of(telling_days(parameters))) do
    add(list, join(list))
  end
  return lists, names
end

-- Rules are pure: the same input is asked once.
local function remembering_unlock(call, points)
  local known = {}
  return function(unlocked, test_day, is_last)
    local key = (unlocked * (LAST_DAY + 1) + test_day) * 2 + (is_last and 1 or 0)
    local share = known[key]
    if not share then
      share = call("points", "unlock", {
        points = points, unlocked = unlocked, test_day = test_day, is_last = is_last,
      }).points
      known[key] = share
    end
    return share
  end
end

local function shares_add_up(call, parameters)
  local lists, names = all_lists(parameters)
  for points = 1, 500 do
    local unlock = remembering_unlock(call, points)
    for index, days in ipairs(lists) do
      local unlocked = 0
      for position, day in ipairs(days) do
        unlocked = unlocked + unlock(unlocked, day, position == #days)
        if unlocked > points then
          break
        end
      end
      if unlocked ~= points then
        return ("%s, %d points: %d are unlocked in the end"):format(names[index], points, unlocked)
      end
    end
  end
end

local function unlocked_never_exceeds_earned(call, parameters)
  for _, points in ipairs(WORTHS) do
    local unlock = remembering_unlock(call, points)
    for _, unlocked in ipairs { 0, 1, points // 3, points // 2, points - 1, points } do
      unlocked = math.min(unlocked, points)
      for _, day in ipairs(telling_days(parameters)) do
        local share, rest = unlock(unlocked, day, false), unlock(unlocked, day, true)
        if unlocked + share > points then
          return ("%d points, %d unlocked: day %d unlocks %d more"):format(points, unlocked, day, share)
        end
        if unlocked + rest ~= points then
          return ("%d points, %d unlocked: day %d, the last, unlocks %d and not all the rest"):format(points, unlocked,
            day, rest)
        end
      end
    end
  end
end

-- Amounts held before: some everywhere, and all around the most there may be.
local function held_before(most)
  local held = {}
  for amount = 0, most + 60, 13 do
    held[#held + 1] = amount
  end
  for amount = math.max(0, most - 20), most + 3 do
    held[#held + 1] = amount
  end
  return held
end

local function never_above_the_most(call, parameters)
  local most = parameters("points").most_per_learning_point
  local function fault(what, input)
    local award = call("points", "award", input).points
    if award > 0 and input.earned_before + award > most then
      return ("%s, %d points held before: %d more are above %d"):format(what, input.earned_before, award, most)
    end
  end
  for _, earned_before in ipairs(held_before(most)) do
    for tier = 1, 7 do
      local text = fault("tier " .. tier, { tier = tier, earned_before = earned_before })
      if text then
        return text
      end
    end
    for _, bonus in ipairs(BONUSES) do
      local text = fault("a bonus of " .. bonus, { bonus = bonus, earned_before = earned_before })
      if text then
        return text
      end
    end
  end
end

-- A learning point in all tiers with all bonuses, again and again: the sum stays at the most.
local function all_together(call, parameters)
  local most = parameters("points").most_per_learning_point
  local earned = 0
  for _ = 1, 3 do
    for tier = 1, 7 do
      earned = earned + call("points", "award", { tier = tier, earned_before = earned }).points
    end
    for _, bonus in ipairs(BONUSES) do
      earned = earned + call("points", "award", { bonus = bonus, earned_before = earned }).points
    end
  end
  if earned > most then
    return ("all tiers and bonuses of one learning point make %d points, %d are the most"):format(earned, most)
  end
end

local function each_tier(bound)
  local tiers = {}
  for tier = 1, TIERS do
    tiers[tier] = bound
  end
  return bounds.record(tiers)
end

return {
  bounds.property("points", {
    tier_points = each_tier(bounds.integer(1, 500)),
    unlock_percent = bounds.ascending(bounds.record {
      day = bounds.integer(1, LAST_DAY),
      percent = bounds.integer(0, 100),
    }, 0, 100, { key = "day" }),
    most_per_learning_point = bounds.integer(1, 1000, "points of one child; twice what is promised at most"),
  }),
  { name = "shares add up", check = shares_add_up },
  { name = "unlocked never exceeds earned", check = unlocked_never_exceeds_earned },
  { name = "never above the most per learning point", check = never_above_the_most },
  { name = "tiers and bonuses together never above the most", check = all_together },
}
