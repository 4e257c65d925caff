-- Tests that the server makes: started, answered, graded. What a result leads to is the same as for a reported one.
local candidates = require "store.question_candidates"
local clock = require "clock"
local json = require "json"
local points_accounts = require "store.points_accounts"
local problem = require "lib.problem"
local questions = require "actions.questions"
local rules = require "rules"
local schedule = require "store.verification_schedule"
local statistics = require "store.question_statistics"
local store = require "store.started_tests"
local verifications = require "actions.verifications"

local tests = {}

-- "I don't know" is of no learning point.
local NO_POINT = "?"

---@class tests.started
---@field verification db.pending|db.row
---@field questions questions.question[]

---@class tests.answered
---@field status "completed"|"under_review"|"rejected"
---@field questions questions.question[]
---@field answers tests.answer[]
---@field verification? db.pending        where there is no outcome
---@field outcome? verifications.outcome  of a completed test

---@class tests.answer
---@field question_id string
---@field option_id string

-- Why the test cannot be started, nil: it can. One that is under way is not started again but shown again.
local function refusal(test)
  if test.completed then
    return problem.new("already_completed", "The test has been completed.")
  end
  local err = verifications.refusal(test)
  if err then
    return err
  end
  local decided = not test.is_running and rules.call("limits", "start_test", { starts_today = test.starts_today })
  if decided and not decided.allowed then
    return problem.new("too_many_starts", "The test was started too often today without being answered.",
      { limit = decided.limit })
  end
end

-- Questions about the point, other ones than in the tests before. Those that were not answered in time are asked again: who
-- sees other ones could tell what is right by comparing them.
local function make_questions(tx, point, test, count)
  if test.questions then
    return questions.again(test.questions)
  end
  local around = candidates.around(tx, point, questions.surroundings(point))
  return questions.make(point, around, count, test.earlier)
end

---Start a test, or see it again while it can be answered.
---@param tx db.tx
---@return tests.started?
---@return problem? err
function tests.start(tx, child_id, parent_id, id)
  local now = clock.now()
  local account = points_accounts.lock(tx, child_id, parent_id)
  local point = candidates.point(tx, child_id, id)
  local test = store.before_start(tx, child_id, parent_id, id, now):one()
  if not account:one() or not test then
    return nil, problem.not_found()
  end
  local err = refusal(test)
  if err then
    return nil, err
  end
  if test.is_running then
    return { verification = store.shown(tx, child_id, id), questions = test.questions }
  end
  local asked = rules.call("verification", "questions", { test_day = test.test_day })
  local made = make_questions(tx, point:one(), test, asked.asked)
  if not made then
    return nil, problem.new("no_questions", "There are too few learning points like this one to ask about it.")
  end
  return {
    verification = store.start(tx, child_id, id, made, now, asked.minutes, test.starts_today + 1),
    questions = made,
  }
end

-- The answers in the order of the questions, nil if not every question is answered exactly once by one of its options.
local function in_order(asked, given)
  local chosen, count, ordered = {}, 0, {}
  for _, answer in ipairs(given) do
    count = count + 1
    chosen[answer.question_id] = answer.option_id
  end
  for index, question in ipairs(asked) do
    for _, option in ipairs(question.options) do
      if option.id == chosen[question.id] then
        ordered[index] = { question_id = question.id, option_id = option.id }
      end
    end
    if not ordered[index] then
      return nil
    end
  end
  return count == #asked and ordered or nil
end

local function count_right(asked, answers)
  local right = 0
  for index, question in ipairs(asked) do
    right = right + (answers[index].option_id == question.right and 1 or 0)
  end
  return right
end

local function is_suspicious(elapsed_ms, asked)
  local times = {}
  for index in ipairs(asked) do
    times[index] = elapsed_ms // #asked
  end
  return rules.call("verification", "suspect", { answer_ms = times }).suspicious
end

-- What was shown and what was chosen.
local function count_options(tx, test, answers)
  local options = {}
  for index, question in ipairs(test.questions) do
    for _, option in ipairs(question.options) do
      table.insert(options, {
        type = question.type, option_id = option.point or NO_POINT, is_right = option.id == question.right,
        is_chosen = option.id == answers[index].option_id,
      })
    end
  end
  statistics.count(tx, test.learning_point_id, options)
end

---Grade the answers of a test and do what follows from that.
---@param tx db.tx
---@param account ledger.account  locked
---@param test db.row  from verification_schedule.before_completion
---@param answers tests.answer[]  in the order of the questions
---@param answered_at string
---@param review { by: string, reason: string }?  if staff have accepted it
---@return verifications.outcome
function tests.grade(tx, account, test, answers, answered_at, review)
  local grade = rules.call("verification", "grade", {
    test_day = test.test_day, asked = #test.questions, right = count_right(test.questions, answers),
  })
  local outcome = verifications.settle(tx, account, test, {
    passed = grade.passed, score = grade.score, questions = test.questions, answers = answers, answered_at = answered_at,
    review = review,
  }, clock.now())
  count_options(tx, test, answers)
  return outcome
end

-- What has become of a test that was answered before; the same answers again are told it again.
local function repeated(tx, child_id, test, given)
  local answers = in_order(test.questions, given)
  for index, answer in ipairs(test.answers) do
    if not answers or answers[index].option_id ~= answer.option_id then
      return nil, problem.new("already_completed", "The test was answered with other answers.")
    end
  end
  local answered = { questions = test.questions, answers = test.answers }
  if not test.completed then
    answered.status = "under_review"
    answered.verification = store.shown(tx, child_id, test.id)
  elseif test.cancelled_at then
    answered.status = "rejected"
    answered.verification = store.shown(tx, child_id, test.id)
  else
    answered.status = "completed"
    answered.outcome = verifications.outcome_of(tx, child_id, test)
  end
  return answered
end

-- Why these questions cannot be answered now.
local function answer_refusal(test)
  if test.completed then
    return problem.new("already_completed", "The test has ended without these answers.")
  elseif not test.is_started then
    return problem.new("not_started", "The test has not been started.")
  elseif test.is_expired then
    return problem.new("test_expired", "The time to answer is over; start the test again.")
  end
  return verifications.refusal(test)
end

---Take the answers of a started test. Too fast, they are kept for staff, and nothing follows until they have decided.
---@param tx db.tx
---@param given tests.answer[]
---@return tests.answered?
---@return problem? err
function tests.answer(tx, child_id, parent_id, id, given)
  local now = clock.now()
  local locked = points_accounts.lock(tx, child_id, parent_id)
  local test = schedule.before_completion(tx, child_id, parent_id, id, now):one()
  local account = locked:one()
  if not account or not test then
    return nil, problem.not_found()
  end
  if test.answered_at then
    return repeated(tx, child_id, test, given)
  end
  local err = answer_refusal(test)
  if err then
    return nil, err
  end
  local answers = in_order(test.questions, given)
  if not answers then
    return nil, problem.new("invalid_answers", "Every question must be answered once, with one of its own options.")
  end
  local answered = { questions = test.questions, answers = json.array(answers) }
  if is_suspicious(test.elapsed_ms, test.questions) then
    store.flag(tx, child_id, id, answered.answers, now)
    answered.status = "under_review"
    answered.verification = store.shown(tx, child_id, id)
  else
    answered.status = "completed"
    answered.outcome = tests.grade(tx, account, test, answered.answers, now)
  end
  return answered
end

return tests
