-- Thousands of random histories through rules/fsrs.lua and through its reference implementation, npm's ts-fsrs: not one
-- interval may differ. The histories are the same in every run.
local modules = require "spec.support.modules"

local HISTORIES = 4000
local REVIEWS = 15

-- Lowest and highest value of each weight, w0 to w20.
local BOUNDS = {
  { 0.001, 100 }, { 0.001, 100 }, { 0.001, 100 }, { 0.001, 100 }, { 1, 10 }, { 0.001, 4 }, { 0.001, 4 }, { 0.001, 0.75 },
  { 0, 4.5 }, { 0, 0.8 }, { 0.001, 3.5 }, { 0.001, 5 }, { 0.001, 0.25 }, { 0.001, 0.9 }, { 0, 4 }, { 0, 1 }, { 1, 6 },
  { 0, 2 }, { 0, 2 }, { 0.01, 0.8 }, { 0.1, 0.8 },
}

-- A generator of our own, so that no version of Lua changes the histories.
local seed = 20260715
local function random()
  seed = seed * 48271 % 2147483647
  return seed / 2147483647
end

local function pick(list)
  return list[1 + math.floor(random() * #list)]
end

-- Half of the histories have the default weights, a quarter weights around them, a quarter any that are allowed.
local function random_weights(defaults, index)
  local weights = {}
  for place, default in ipairs(defaults) do
    local low, high = BOUNDS[place][1], BOUNDS[place][2]
    local value = default
    if index % 4 == 2 then
      value = default * (0.7 + 0.6 * random())
    elseif index % 4 == 3 then
      value = low + (high - low) * random()
    end
    weights[place] = tonumber(("%.4f"):format(math.min(math.max(value, low), high)))
  end
  return weights
end

-- On the day the test is due, some days late, at any time, or on the same day again.
local function random_wait(days)
  local kind = random()
  if kind < 0.5 then
    return days
  elseif kind < 0.75 then
    return days + math.floor(random() * 30)
  elseif kind < 0.95 then
    return math.floor(random() * days * 2)
  end
  return 0
end

-- One history as the oracle reads it, and what rules/fsrs.lua makes of it.
local function random_history(index)
  local fsrs = modules.rule("fsrs")
  local p = fsrs.parameters
  p.weights = random_weights(p.weights, index)
  p.desired_retention = pick { 0.7, 0.8, 0.85, 0.9, 0.9, 0.9, 0.95, 0.97 }
  p.longest_interval_days = pick { 30, 365, 365, 3650, 36500 }
  p.fuzz = random() < 0.5
  local chance_to_pass = pick { 0.3, 0.7, 0.9, 1 }
  local reviews, plans, state, wait = {}, {}, nil, 0
  for number = 1, REVIEWS do
    local passed, luck = random() < chance_to_pass, random()
    local plan = fsrs.plan { passed = passed, state = state, days_since_test = wait, luck = luck }
    reviews[number] = ("[%d,%d,%.17g]"):format(passed and 3 or 1, wait, luck)
    plans[number] = plan
    state, wait = plan.state, random_wait(plan.days_after_today)
  end
  local line = ('{"weights":[%s],"retention":%.17g,"longest":%d,"fuzz":%s,"reviews":[%s]}'):format(
    table.concat(p.weights, ","), p.desired_retention, p.longest_interval_days, p.fuzz, table.concat(reviews, ","))
  return line, plans
end

-- Each line as a list of numbers.
local function ask_oracle(lines)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(table.concat(lines, "\n"), "\n")
  file:close()
  local answers = {}
  local oracle <close> = assert(io.popen(("tests/oracle/run fsrs <'%s'"):format(path)))
  for line in oracle:lines() do
    local numbers = {}
    for number in line:gmatch("[%d.e+-]+") do
      numbers[#numbers + 1] = tonumber(number)
    end
    answers[#answers + 1] = numbers
  end
  os.remove(path)
  return answers
end

local function is_near(a, b)
  return math.abs(a - b) <= 1e-6 * math.max(1, math.abs(b))
end

describe("rules/fsrs and ts-fsrs", function()
  it("agree about thousands of random histories", function()
    local lines, histories = {}, {}
    for index = 1, HISTORIES do
      lines[index], histories[index] = random_history(index)
    end
    local answers = ask_oracle(lines)
    assert.are.equal(HISTORIES, #answers, "histories answered (npm and Node.js 20 are needed)")
    for index, plans in ipairs(histories) do
      assert.are.equal(3 * REVIEWS, #answers[index])
      for number, plan in ipairs(plans) do
        local at = 3 * (number - 1)
        local stability, difficulty, days = table.unpack(answers[index], at + 1, at + 3)
        if days ~= plan.days_after_today or not is_near(plan.state.stability, stability)
          or not is_near(plan.state.difficulty, difficulty) then
          error(("history %d, review %d: expected %d days, %.8f, %.8f, got %d days, %.8f, %.8f\n%s"):format(index, number,
            days, stability, difficulty, plan.days_after_today, plan.state.stability, plan.state.difficulty,
            lines[index]))
        end
      end
    end
  end)
end)
