-- What must hold of lua/rules/verification.lua whatever its numbers are.
local bounds = require "lib.bounds"

local GUESSED_ONE_IN = 6 -- questions: each has six options

-- Days on which the questions may change, and their neighbours.
local function telling_days(parameters)
  local days = { 1, 2, 3, 7, 14, 21, 30, 60, 3650 }
  for _, step in ipairs(parameters("verification").questions) do
    for day = math.max(1, step.from_day - 1), step.from_day + 1 do
      days[#days + 1] = day
    end
  end
  return days
end

local function can_be_passed_and_failed(call, parameters)
  for _, day in ipairs(telling_days(parameters)) do
    local questions = call("verification", "questions", { test_day = day })
    if questions.needed > questions.asked then
      return ("day %d asks %d questions and needs %d right"):format(day, questions.asked, questions.needed)
    end
    local before = false
    for right = 0, questions.asked do
      local passed = call("verification", "grade", { test_day = day, asked = questions.asked, right = right }).passed
      if passed ~= (right >= questions.needed) then
        return ("day %d: %d right of %d %s, %d are needed"):format(day, right, questions.asked,
          passed and "pass" or "fail", questions.needed)
      end
      if before and not passed then
        return ("day %d: %d right fail, fewer pass"):format(day, right)
      end
      before = passed
    end
  end
end

-- Tests that were made under other numbers: the score is the percent, none right fails, all right passes.
local function grades_older_tests(call, parameters)
  for _, day in ipairs(telling_days(parameters)) do
    for asked = 1, 10 do
      for right = 0, asked do
        local grade = call("verification", "grade", { test_day = day, asked = asked, right = right })
        if math.abs(grade.score - 100 * right / asked) > 0.0051 then
          return ("%d right of %d score %.2f"):format(right, asked, grade.score)
        end
        if (right == 0 and grade.passed) or (right == asked and not grade.passed) then
          return ("day %d: %d right of %d %s"):format(day, right, asked, grade.passed and "pass" or "fail")
        end
      end
    end
  end
end

-- Answers that took longer are never more suspicious than faster ones.
local function slower_is_never_worse(call)
  local before = true
  for milliseconds = 0, 20000, 250 do
    local suspicious = call("verification", "suspect", { answer_ms = { milliseconds, milliseconds, milliseconds } }).suspicious
    if suspicious and not before then
      return ("answers after %d ms are suspicious, faster ones are not"):format(milliseconds)
    end
    before = suspicious
  end
end

-- Who only guesses must not pass: twice as many right as guessing gets on average.
local function more_than_guessed(step, name)
  if step.needed > step.asked then
    return ("%s.needed is %d, more than the %d questions asked"):format(name, step.needed, step.asked)
  elseif step.needed * GUESSED_ONE_IN < step.asked * 2 then
    return ("%s.needed is %d of %d questions asked, allowed is a third of them or more (guessing gets one in six right)")
      :format(name, step.needed, step.asked)
  end
end

return {
  bounds.property("verification", {
    questions = bounds.ascending(bounds.record({
      from_day = bounds.integer(1, 3650),
      asked = bounds.integer(1, 20),
      needed = bounds.integer(1, 20),
    }, more_than_guessed), 1, 100, { key = "from_day", first = 1 }),
    minutes_to_answer = bounds.integer(1, 1440, "minutes; a day at most"),
    fastest_answer_ms = bounds.integer(0, 10000, "milliseconds; honest answers take less than ten seconds"),
    fast_answers_forgiven = bounds.integer(0, 19, "a test has at most 20 answers; fastest_answer_ms = 0 forgives all"),
  }),
  { name = "every test can be passed and failed", check = can_be_passed_and_failed },
  { name = "tests made earlier are graded alike", check = grades_older_tests },
  { name = "slower answers are never more suspicious", check = slower_is_never_worse },
}
