-- What a test asks: how many questions, how many right answers it takes, and when answers come too fast to be honest.
---@type rules.verification
local verification = {}

verification.parameters = {
  -- Questions by test day: from that day of the ladder on. In the order of the days; the first is from day 1.
  questions = {
    { from_day = 1, asked = 3, needed = 2 }, -- the first test: 3 questions, 2 right answers pass it
    { from_day = 2, asked = 1, needed = 1 }, -- every later test
  },

  minutes_to_answer = 30, -- so long after its start a test can be answered; then it has to be started again

  -- An answer sooner than this after its question was shown, in milliseconds, is suspicious: nobody reads six options so
  -- fast. Nothing is paid or scheduled then until staff accept the test. 0 suspects nobody.
  fastest_answer_ms = 1500,

  -- So many fast answers in one test are forgiven.
  fast_answers_forgiven = 0,
}

verification.shapes = {
  questions = {
    input = { test_day = "integer 1..3650" }, -- of the test about to be given
    result = {
      asked = "integer 1..20",  -- questions of the test
      needed = "integer 1..20", -- right answers that pass it
      minutes = "integer 1..1440", -- from its start until it can no longer be answered
    },
  },
  grade = {
    input = {
      test_day = "integer 1..3650",
      asked = "integer 1..20", -- questions the test had
      right = "integer 0..20", -- of these, answered with the correct option
    },
    result = {
      passed = "boolean",
      score = "number 0..100", -- percent answered right, two decimals
    },
  },
  suspect = {
    input = {
      answer_ms = { list = "integer 0..86400000", max = 20 }, -- from question shown to answer given, by question
    },
    result = {
      suspicious = "boolean",
      fast_answers = "integer 0..20", -- how many came too soon
    },
  },
}

local function questions_on(test_day)
  local found
  for _, step in ipairs(verification.parameters.questions) do
    if step.from_day <= test_day then
      found = step
    end
  end
  return found
end

-- How many questions does the test of this day ask, how many right answers pass it, and how long may it take?
function verification.questions(input)
  local questions = questions_on(input.test_day)
  return { asked = questions.asked, needed = questions.needed, minutes = verification.parameters.minutes_to_answer }
end

-- The test is answered: is it passed, and with which score? A test that was made when other numbers held asked more or fewer
-- questions than today's tests; it is passed with the same part of right answers, rounded up.
function verification.grade(input)
  local questions = questions_on(input.test_day)
  local needed = -(-questions.needed * input.asked // questions.asked)
  local score = (input.right * 20000 + input.asked) // (2 * input.asked) / 100
  return { passed = input.right >= needed, score = score }
end

-- Were the answers too fast to be the child's own?
function verification.suspect(input)
  local fast = 0
  for _, milliseconds in ipairs(input.answer_ms) do
    if milliseconds < verification.parameters.fastest_answer_ms then
      fast = fast + 1
    end
  end
  return { suspicious = fast > verification.parameters.fast_answers_forgiven, fast_answers = fast }
end

function verification.examples()
  local first = verification.parameters.questions[1]
  local fastest, forgiven = verification.parameters.fastest_answer_ms, verification.parameters.fast_answers_forgiven
  local examples = {
    -- All right, none right, and the scores of parts.
    { call = "grade", input = { test_day = 1, asked = first.asked, right = first.asked },
      expect = { passed = true, score = 100.0 } },
    { call = "grade", input = { test_day = 1, asked = first.asked, right = 0 }, expect = { passed = false, score = 0.0 } },
    { call = "grade", input = { test_day = 1, asked = first.asked, right = first.needed },
      expect = { passed = true, score = math.floor(first.needed / first.asked * 10000 + 0.5) / 100 } },
    { call = "grade", input = { test_day = 1, asked = first.asked, right = first.needed - 1 },
      expect = { passed = false, score = math.floor((first.needed - 1) / first.asked * 10000 + 0.5) / 100 } },

    -- Slow enough, and no answer at all.
    { call = "suspect", input = { answer_ms = { fastest, fastest + 1000 } },
      expect = { suspicious = false, fast_answers = 0 } },
    { call = "suspect", input = { answer_ms = {} }, expect = { suspicious = false, fast_answers = 0 } },
  }
  -- Each line of the questions holds on its day.
  for _, step in ipairs(verification.parameters.questions) do
    examples[#examples + 1] = { call = "questions", input = { test_day = step.from_day },
      expect = { asked = step.asked, needed = step.needed, minutes = verification.parameters.minutes_to_answer } }
  end
  -- One fast answer more than are forgiven.
  if fastest > 0 then
    local answers = {}
    for index = 1, forgiven + 1 do
      answers[index] = fastest - 1
    end
    examples[#examples + 1] = { call = "suspect", input = { answer_ms = answers },
      expect = { suspicious = true, fast_answers = forgiven + 1 } }
  end
  return examples
end

return verification
