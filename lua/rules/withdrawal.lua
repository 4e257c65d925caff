-- When points may be turned into money, and into how much.
--
-- Change the numbers below; the examples at the end follow them and show what they lead to.
local withdrawal = {}

withdrawal.parameters = {
  ntd_cents_per_point = 100, -- hundredths of a New Taiwan dollar for one point: 1 point = 1 NTD

  least_points = 10, -- of one withdrawal

  -- Withdrawing waits while a test of a point with unlocked points is overdue for longer: to unlock, withdraw and never
  -- come back would be too easy.
  days_overdue_allowed = 14,

  -- Of one child in one day (the parent's local day). So generous that no family meets them: they bound the damage that
  -- a stolen password or a program gone wild can do. 0 requests close withdrawals.
  requests_per_day = 500,
  points_per_day = 100000,
}

withdrawal.shapes = {
  request = {
    input = {
      points = "integer 1..1000000000",        -- to be withdrawn
      available = "integer 0..1000000000000",  -- points that can be spent
      deficit = "integer 0..1000000000000",    -- points that must be earned back first
      days_overdue = "integer 0..1000000",     -- of the most overdue test of a point with unlocked points, begun days
      requests_today = "integer 0..1000000",   -- earlier ones of this day
      points_today = "integer 0..1000000000",  -- of these, without those that failed or were cancelled
    },
    -- Either why it is refused, or what it is worth.
    result = {
      refusal = "text?", ntd_cents = "integer 1..9999999999?",
      least_points = "integer 1..1000000000?", -- where these were too few
      points_left = "integer 0..1000000000?",  -- of this day, where these were too many
    },
  },
}

-- May so many points be withdrawn now, and what are they worth?
function withdrawal.request(input)
  local parameters = withdrawal.parameters
  if input.points < parameters.least_points then
    return { refusal = "below_minimum", least_points = parameters.least_points }
  end
  if input.deficit > 0 then
    return { refusal = "in_deficit" }
  end
  if input.points > input.available then
    return { refusal = "insufficient_points" }
  end
  if input.days_overdue > parameters.days_overdue_allowed then
    return { refusal = "tests_overdue" }
  end
  local is_open = input.requests_today < parameters.requests_per_day
  local points_left = is_open and math.max(0, parameters.points_per_day - input.points_today) or 0
  if input.points > points_left then
    return { refusal = "daily_limit", points_left = points_left }
  end
  return { ntd_cents = input.points * parameters.ntd_cents_per_point }
end

function withdrawal.examples()
  local parameters = withdrawal.parameters
  local least = parameters.least_points
  -- A request of exactly the least points that is allowed, with some of its circumstances changed.
  local function request(changed)
    local input = { points = least, available = least, deficit = 0, days_overdue = 0, requests_today = 0, points_today = 0 }
    for name, value in pairs(changed) do
      input[name] = value
    end
    return input
  end
  -- requests_per_day = 0 closes withdrawals; of a request above points_per_day nothing is paid either.
  local function too_many(points_left)
    return { refusal = "daily_limit", points_left = parameters.requests_per_day > 0 and points_left or 0 }
  end
  local function paid(points)
    local is_open = parameters.requests_per_day > 0 and points <= parameters.points_per_day
    return is_open and { ntd_cents = points * parameters.ntd_cents_per_point } or too_many(parameters.points_per_day)
  end
  local examples = {
    { call = "request", input = request {}, expect = paid(least) },
    { call = "request", input = request { points = least + 40, available = least + 100 }, expect = paid(least + 40) },
    -- A test may be late, but not for too long.
    { call = "request", input = request { days_overdue = parameters.days_overdue_allowed }, expect = paid(least) },
    { call = "request", input = request { days_overdue = parameters.days_overdue_allowed + 1 },
      expect = { refusal = "tests_overdue" } },
    -- One point too many or too much.
    { call = "request", input = request { points = least + 1 }, expect = { refusal = "insufficient_points" } },
    { call = "request", input = request { available = 0, deficit = 1 }, expect = { refusal = "in_deficit" } },
    { call = "request", input = request { requests_today = parameters.requests_per_day }, expect = too_many(0) },
    { call = "request", input = request { points_today = parameters.points_per_day - least }, expect = paid(least) },
    { call = "request", input = request { points_today = parameters.points_per_day - least + 1 },
      expect = too_many(least - 1) },
  }
  if least > 1 then
    table.insert(examples,
      { call = "request", input = request { points = least - 1 }, expect = { refusal = "below_minimum", least_points = least } })
  end
  return examples
end

return withdrawal
