-- The gate: what staff may change goes through, what would hurt somebody does not.
local rules = require "rules"

-- The faults of today's rules with these texts replaced in one file.
local function faults_of(name, ...)
  local sources, path = rules.sources(), ("lua/rules/%s.lua"):format(name)
  local replaced = table.pack(...)
  for index = 1, replaced.n, 2 do
    local from, to = sources[path]:find(replaced[index], 1, true)
    assert(from, replaced[index])
    sources[path] = sources[path]:sub(1, from - 1) .. replaced[index + 1] .. sources[path]:sub(to + 1)
  end
  local candidate <close> = assert(rules.open(sources))
  return (candidate:check())
end

describe("the gate", function()
  it("lets today's rules through", function()
    assert.are.same({}, faults_of("points"))
  end)

  local harmless = {
    { "points", "[2] = 25,", "[2] = 30," },
    { "points", "[4] = 100,", "[4] = 1," },
    { "points", "most_per_learning_point = 500", "most_per_learning_point = 321" },
    { "points", "day = 1, percent = 30", "day = 1, percent = 0" },
    { "points", "day = 7, percent = 20", "day = 8, percent = 50" },
    { "points", "{ day = 3, percent = 20 },", "{ day = 3, percent = 7 }, { day = 5, percent = 3 }," },
    { "limits", "new_points_per_day = 20", "new_points_per_day = 0" },
    { "limits", "tests_per_day = 50", "tests_per_day = 200" },
    { "limits", "children_per_parent = 6", "children_per_parent = 1" },
    { "verification", "asked = 3, needed = 2", "asked = 5, needed = 3" },
    { "verification", "fastest_answer_ms = 1500", "fastest_answer_ms = 0" },
    { "verification", "fast_answers_forgiven = 0", "fast_answers_forgiven = 2" },
    { "withdrawal", "ntd_cents_per_point = 100", "ntd_cents_per_point = 90" },
    { "withdrawal", "least_points = 10", "least_points = 1" },
    { "withdrawal", "days_overdue_allowed = 14", "days_overdue_allowed = 0" },
    { "withdrawal", "requests_per_day = 500", "requests_per_day = 1" },
    { "discovery", "relationship_discovery = 15", "relationship_discovery = 0" },
    { "discovery", "idiom_unlock = 70", "idiom_unlock = 100" },
    { "points", "most_per_learning_point = 500", "most_per_learning_point = 40" },
    { "discovery", "bonuses_per_day = 20", "bonuses_per_day = 0" },
  }
  for _, edit in ipairs(harmless) do
    it("lets staff write " .. edit[3], function()
      assert.are.same({}, faults_of(table.unpack(edit)))
    end)
  end

  local harmful = {
    { 'points.lua: property "shares add up": tier ', "points", "day = 7, percent = 20", "day = 7, percent = 60" },
    { 'points.lua: property "shares add up": tier 1, 51 points: 50 are unlocked in the end', "points",
      "input.is_last and 100", "input.is_last and 99" },
    { 'points.lua: property "unlocked never exceeds earned"', "points", "math.max(0, so_far - input.unlocked)", "so_far" },
    { 'property "never above the most per learning point": a bonus of 499, 13 points held before: 499 more are above 500',
      "points", "math.min(worth, room)", "room >= 16 and worth or math.min(worth, room)" },
    { "result.points is 501, allowed are 0..500", "points", "[4] = 100,", "[4] = 501,",
      "most_per_learning_point = 500", "most_per_learning_point = 600" },
    { "result.points is 12.5, a float", "points", "[2] = 25,", "[2] = 12.5," },
    { "result.points is -8", "points", "[2] = 25,", "[2] = -8,", "math.max(0, math.min(worth, room))", "worth" },
    { 'limits.lua: property "a limit stays reached": begin_point: 20 is allowed', "limits",
      "input.begun_today < limits", "input.begun_today ~= 21 and input.begun_today <= limits",
      "input = { begun_today = new_points }, expect", "input = { begun_today = 21 }, expect" },
    { 'verification.lua: property "every test can be passed and failed": day 1 asks 3', "verification",
      "asked = 3, needed = 2", "asked = 3, needed = 4" },
    { 'withdrawal.lua: property "no more is paid than there is, and nothing in debt": 10 points are paid out of 9',
      "withdrawal", "input.points > input.available", "input.points > input.available + 1",
      "points = least + 1 }, expect", "points = least + 2 }, expect" },
    { '"no more is paid than there is, and nothing in debt": 10 points are paid while 1 must be earned back', "withdrawal",
      "input.deficit > 0", "input.deficit > 1", "deficit = 1 }", "deficit = 2 }" },
    { "more points are worth more, and none above 10 NTD", "withdrawal", "ntd_cents_per_point = 100",
      "ntd_cents_per_point = 10000" },
    { 'discovery.lua: property "never above the most per learning point"', "discovery",
      "learning_points.award({ bonus = worth, earned_before = input.earned_before }).points", "worth",
      "earned_before = most - 1 }, expect", "}, expect", "earned_before = most }, expect = { refusal = \"nothing_to_pay\" }",
      "}, expect = paid(worth)", "paid(math.min(worth, 1))", "paid(worth)" },
    { "tier_points of tier 2 is 501, allowed are whole points from 1 to 500", "points", "[2] = 25,", "[2] = 501," },
    { "tier_points names tier 8", "points", "[7] = 75,", "[7] = 75, [8] = 25," },
    { "bonus_points.relationship_discovery is -15", "discovery", "relationship_discovery = 15",
      "relationship_discovery = -15" },
    { "result.needed is 0, allowed are 1..20", "verification", "asked = 1, needed = 1", "asked = 1, needed = 0" },
  }
  for index, edit in ipairs(harmful) do
    it("stops harm " .. index .. ": " .. edit[4], function()
      local found = table.concat(faults_of(table.unpack(edit, 2)), "\n")
      assert.is_truthy(found:find(edit[1], 1, true), found)
    end)
  end

  it("is quick", function()
    local candidate <close> = assert(rules.open(rules.sources()))
    local begun = os.clock()
    local faults, examples, properties = candidate:check()
    assert.are.same({}, faults)
    assert.is_true(examples > 30 and properties > 5)
    assert.is_true(os.clock() - begun < 5, "a second is the most on a production build; instrumented ones are slower")
  end)
end)
