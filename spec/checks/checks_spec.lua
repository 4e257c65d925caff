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
    { "discovery", "bonuses_per_test = 10", "bonuses_per_test = 0" },
    { "discovery", "pattern_recognized_at = 2", "pattern_recognized_at = 3" },
    { "points", "most_per_learning_point = 500", "most_per_learning_point = 10" },
    { "points", "most_per_learning_point = 500", "most_per_learning_point = 1000" },
    { "withdrawal", "points_per_day = 100000", "points_per_day = 40" },
    { "withdrawal", "points_per_day = 100000", "points_per_day = 10" },
    { "withdrawal", "requests_per_day = 500", "requests_per_day = 0" },
    { "withdrawal", "ntd_cents_per_point = 100", "ntd_cents_per_point = 50" },
    { "withdrawal", "ntd_cents_per_point = 100", "ntd_cents_per_point = 200" },
    { "verification", "asked = 3, needed = 2", "asked = 20, needed = 12" },
    { "verification", "asked = 3, needed = 2", "asked = 3, needed = 1" },
    { "schedule", "hours_between_tests = 24", "hours_between_tests = 12" },
    { "schedule", "retention_day = 60", "retention_day = 90" },
    { "schedule", "failures_allowed = 2", "failures_allowed = 0" },
    { "schedule", "[4] = { 1, 3, 7, 14, 21, 30 }", "[4] = { 1, 3, 7, 14, 21, 30, 60 }" },
    { "schedule", 'algorithm = "ladder"', 'algorithm = { "ladder", "fsrs", "ladder", "fsrs", "ladder", "ladder", "fsrs" }' },
    { "ladder", "{ from_day = 14, days = 5 }", "{ from_day = 14, days = 4 }" },
    { "fsrs", "longest_interval_days = 365", "longest_interval_days = 180" },
    { "suggestion", "same_affix = 100", "same_affix = 0" },
    { "suggestion", "related = 120", "related = 1000" },
    { "suggestion", "related_counted = 3", "related_counted = 0" },
    { "suggestion", "missing_prerequisites = 0", "missing_prerequisites = 2" },
    { "suggestion", "beginner_knows = 5", "beginner_knows = 0" },
    { "suggestion", "for_each_level_above = 100", "for_each_level_above = 1000" },
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
    { "result.points is 12.5, a float", "points", "return { points = math.max(0, math.min(worth, room)) }",
      "return { points = math.max(0, math.min(worth, room)) / 2 }" },
    { 'limits.lua: property "a limit stays reached": begin_point: 20 is allowed', "limits",
      "input.begun_today < limits", "input.begun_today ~= 21 and input.begun_today <= limits",
      "input = { begun_today = new_points }, expect", "input = { begun_today = 21 }, expect" },
    { 'verification.lua: property "every test can be passed and failed": day 1', "verification",
      "input.right >= needed", "input.right > needed" },
    { 'withdrawal.lua: property "no more is paid than there is, and nothing in debt": 10 points are paid out of 9',
      "withdrawal", "input.points > input.available", "input.points > input.available + 1",
      "points = least + 1 }, expect", "points = least + 2 }, expect" },
    { '"no more is paid than there is, and nothing in debt": 10 points are paid while 1 must be earned back', "withdrawal",
      "input.deficit > 0", "input.deficit > 1", "deficit = 1 }", "deficit = 2 }" },
    { "more points are worth more, and none above 5 NTD", "withdrawal", "input.points * parameters",
      "input.points * 100 * parameters" },
    { 'discovery.lua: property "never above the most per learning point"', "discovery",
      "learning_points.award({ bonus = worth, earned_before = input.earned_before }).points", "worth",
      "earned_before = most - 1 }, expect", "}, expect", "earned_before = most }, expect = { refusal = \"nothing_to_pay\" }",
      "}, expect = paid(worth)", "paid(math.min(worth, 1))", "paid(worth)" },
    { 'schedule.lua: property "a pass is never planned earlier than a fail": tier 1, test day 1, ladder after no test: a pass is '
      .. "planned for day 3, a fail for day 6 (by repeat_after_days, 5 days later", "ladder", "{ from_day = 1, days = 1 }",
      "{ from_day = 1, days = 5 }" },
    { 'suggestion.lua: property "nothing is suggested before what it builds on": suggested, though 1 of', "suggestion",
      "> parameters.missing_prerequisites then", "> parameters.missing_prerequisites + 1 then",
      "prerequisites = parameters.missing_prerequisites + 1,", "prerequisites = parameters.missing_prerequisites + 2," },
    { 'suggestion.lua: property "what is more difficult is not suggested sooner"', "suggestion",
      "math.max(0, gap) * parameters", "math.max(0, 3 - gap) * parameters", "level_gap = 2 }, 2 *", "level_gap = 2 }, 1 *",
      "level_gap = -1 }, parameters.for_each_level_below", "level_gap = 3 }, 0" },
  }
  for index, edit in ipairs(harmful) do
    it("stops harm " .. index .. ": " .. edit[4], function()
      local found = table.concat(faults_of(table.unpack(edit, 2)), "\n")
      assert.is_truthy(found:find(edit[1], 1, true), found)
    end)
  end

  local meaningless = {
    { "points", "[2] = 25,", "[2] = 501,", "tier_points[2] is 501, allowed are whole numbers from 1 to 500" },
    { "points", "[2] = 25,", "[2] = 12.5,", "tier_points[2] is 12.5, allowed" },
    { "points", "[2] = 25,", "[2] = -8,", "tier_points[2] is -8, allowed" },
    { "points", "[2] = 25,", "", "tier_points[2] is missing, allowed" },
    { "points", "[7] = 75,", "[7] = 75, [8] = 25,", "tier_points[8] is not known here" },
    { "points", "most_per_learning_point = 500", "most_per_learning_point = 5000", "most_per_learning_point is 5000" },
    { "points", "most_per_learning_point = 500", "most_per_learning_point = 0", "most_per_learning_point is 0" },
    { "points", "{ day = 3, percent = 20 },", "{ day = 9, percent = 20 },",
      "unlock_percent[3].day is 7, though 9 stands before it" },
    { "points", "percent = 30", 'percent = "30"', 'unlock_percent[1].percent is "30", allowed' },
    { "limits", "tests_per_day = 50", "tests_per_day = 5000", "tests_per_day is 5000, allowed" },
    { "limits", "children_per_parent = 6", "children_per_parent = -1", "children_per_parent is -1, allowed" },
    { "verification", "asked = 3, needed = 2", "asked = 20, needed = 1",
      "questions[1].needed is 1 of 20 questions asked, allowed is a third of them or more" },
    { "verification", "asked = 3, needed = 2", "asked = 3, needed = 4", "questions[1].needed is 4, more than the 3" },
    { "verification", "asked = 1, needed = 1", "asked = 1, needed = 0", "questions[2].needed is 0, allowed" },
    { "verification", "from_day = 1,", "from_day = 2,", "questions[1].from_day is 2, the first has to be 1" },
    { "verification", "fastest_answer_ms = 1500", "fastest_answer_ms = 150000", "fastest_answer_ms is 150000" },
    { "withdrawal", "ntd_cents_per_point = 100", "ntd_cents_per_point = 1",
      "ntd_cents_per_point is 1, allowed are whole numbers from 20 to 500 (hundredths of an NTD; 100 is what is promised)" },
    { "withdrawal", "ntd_cents_per_point = 100", "ntd_cents_per_point = 10000", "ntd_cents_per_point is 10000" },
    { "withdrawal", "least_points = 10", "least_points = 0", "least_points is 0, allowed" },
    { "withdrawal", "points_per_day = 100000", "points_per_day = 5",
      "points_per_day is 5, less than least_points, 10 (requests_per_day = 0 closes withdrawals)" },
    { "withdrawal", "least_points = 10", "leest_points = 10", "least_points is missing" },
    { "discovery", "relationship_discovery = 15", "relationship_discovery = -15", "bonus_points.relationship_discovery is -15" },
    { "discovery", "idiom_unlock = 70", "idiom_unlok = 70", "bonus_points.idiom_unlok is not known here" },
    { "discovery", "bonuses_per_day = 20", "bonuses_per_day = 2000", "bonuses_per_day is 2000" },
    { "discovery", "bonuses_per_test = 10", "bonuses_per_test = 1000", "bonuses_per_test is 1000" },
    { "discovery", "pattern_mastered_at = 5", "pattern_mastered_at = 1", "pattern_mastered_at is 1" },
    { "discovery", "pattern_recognized_at = 2", "pattern_recognized_at = 5", "pattern_mastered_at is 5, it has to be above" },
    { "schedule", "hours_between_tests = 24", "hours_between_tests = 0", "hours_between_tests is 0, allowed" },
    { "schedule", "hours_between_tests = 24", "hours_between_tests = 240", "hours_between_tests is 240, allowed" },
    { "schedule", "[3] = { 1, 3,", "[3] = { 2, 3,", "test_days[3][1] is 2, the first has to be 1" },
    { "schedule", "[3] = { 1, 3, 7,", "[3] = { 1, 7, 3,", "test_days[3][3] is 3, though 7 stands before it" },
    { "schedule", "[3] = { 1, 3, 7, 14, 21 }", "[3] = { 1 }", "test_days[3] has 1 entries, allowed are 2 to 100" },
    { "schedule", "retention_day = 60", "retention_day = 0", "retention_day is 0, allowed" },
    { "schedule", 'algorithm = "ladder"', 'algorithm = "leitner"', 'algorithm is "leitner", allowed are "ladder", "fsrs"' },
    { "ladder", "{ from_day = 3, days = 2 },", "{ from_day = 9, days = 2 },",
      "repeat_after_days[3].from_day is 7, though 9 stands before it" },
    { "ladder", "{ from_day = 1, days = 1 }", "{ from_day = 1, days = 0 }", "repeat_after_days[1].days is 0, allowed" },
    { "ladder", "repeat_after_days = {", "repeat_after_days = 3, before = {", "repeat_after_days is 3, it needs" },
    { "fsrs", "0.1542, ", "", "weights[21] is missing, allowed are 0.1 to 0.8 (this is w20)" },
    { "fsrs", "desired_retention = 0.9,", "desired_retention = 90,", "desired_retention is 90, allowed are 0.5 to 0.99" },
    { "fsrs", "longest_interval_days = 365", "longest_interval_days = 0", "longest_interval_days is 0, allowed" },
    { "suggestion", "frequent = 60, ", "frequent = 6000, ", "reasons.frequent is 6000, allowed" },
    { "suggestion", "at_level = 120, ", "at_levl = 120, ", "reasons.at_levl is not known here" },
    { "suggestion", "beginner_tier = 1", "beginner_tier = 0", "beginner_tier is 0, allowed" },
    { "fsrs", "fuzz = true", 'fuzz = "yes"', 'fuzz is "yes", allowed are true and false' },
  }
  for _, edit in ipairs(meaningless) do
    it("names what makes no sense: " .. edit[3], function()
      local found = faults_of(edit[1], edit[2], edit[3])
      assert.are.equal(1, #found, table.concat(found, "\n"))
      local wanted = ('lua/rules/%s.lua: property "parameters": %s'):format(edit[1], edit[4])
      assert.are.equal(wanted, found[1]:sub(1, #wanted))
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
