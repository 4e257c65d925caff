-- What must hold of lua/rules/withdrawal.lua whatever its numbers are. Run on every reload and by `lexicraft check`.
local bounds = require "lib.bounds"

local AMOUNTS = { 1, 2, 9, 10, 11, 50, 99, 100, 101, 1000, 99999, 100000, 100001, 1000000 }
-- 1 point = 1 NTD is promised: a fifth of it, or five times as much, can only be a slip of the hand.
local LEAST_CENTS_PER_POINT, MOST_CENTS_PER_POINT = 20, 500

-- A request that could hardly be more harmless, with some of its circumstances changed.
local function request(call, points, changed)
  local input = {
    points = points, available = points, deficit = 0, days_overdue = 0, requests_today = 0, points_today = 0,
  }
  for name, value in pairs(changed or {}) do
    input[name] = value
  end
  return call("withdrawal", "request", input)
end

local function check_answer(call)
  for _, points in ipairs(AMOUNTS) do
    local result = request(call, points)
    if (result.refusal == nil) == (result.ntd_cents == nil) then
      return ("%d points are neither refused nor paid, or both"):format(points)
    end
  end
end

local function check_no_more_than_there_is(call)
  for _, points in ipairs(AMOUNTS) do
    for _, missing in ipairs { 1, points } do
      if not request(call, points, { available = points - missing }).refusal then
        return ("%d points are paid out of %d"):format(points, points - missing)
      end
    end
    for _, deficit in ipairs { 1, points } do
      if not request(call, points, { available = 0, deficit = deficit }).refusal
        or not request(call, points, { deficit = deficit }).refusal then
        return ("%d points are paid while %d must be earned back"):format(points, deficit)
      end
    end
  end
end

local function check_worth(call)
  local worth_before = 0
  for _, points in ipairs(AMOUNTS) do
    local cents = request(call, points).ntd_cents
    if cents and cents > points * MOST_CENTS_PER_POINT then
      return ("%d points are worth %d cents"):format(points, cents)
    elseif cents and cents <= worth_before then
      return ("%d points are worth no more than fewer points are"):format(points)
    end
    worth_before = cents or worth_before
  end
end

local function check_absence(call)
  for _, points in ipairs(AMOUNTS) do
    if not request(call, points, { days_overdue = 1000 }).refusal then
      return ("%d points are paid with a test overdue for 1000 days"):format(points)
    end
  end
end

-- Otherwise nothing could be withdrawn at all.
local function check_room(parameters)
  if parameters.points_per_day < parameters.least_points then
    return ("points_per_day is %d, less than least_points, %d (requests_per_day = 0 closes withdrawals)")
      :format(parameters.points_per_day, parameters.least_points)
  end
end

return {
  bounds.property("withdrawal", {
    ntd_cents_per_point = bounds.integer(LEAST_CENTS_PER_POINT, MOST_CENTS_PER_POINT,
      "hundredths of an NTD; 100 is what is promised"),
    least_points = bounds.integer(1, 10000),
    days_overdue_allowed = bounds.integer(0, 999),
    requests_per_day = bounds.integer(0, 10000, "0 closes withdrawals"),
    points_per_day = bounds.integer(1, 1000000),
  }, check_room),
  { name = "every request is either refused or paid", check = check_answer },
  { name = "no more is paid than there is, and nothing in debt", check = check_no_more_than_there_is },
  { name = "more points are worth more, and none above 5 NTD", check = check_worth },
  { name = "nobody withdraws who has not been tested for years", check = check_absence },
}
