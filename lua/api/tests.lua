-- Tests whose questions the server makes: started and answered. Which option is right is shown when all are answered.
local actions = require "actions.tests"
local idempotency = require "actions.idempotency"
local json = require "json"
local verifications = require "api.verifications"
local views = require "api.views"

local tests = {}

local QUESTIONS_MAX = 20
local ID_LENGTH_MAX = 64

local ID = { type = "string", minLength = 1, maxLength = ID_LENGTH_MAX }

tests.answers = {
  type = "object",
  required = { "answers" },
  properties = {
    answers = {
      type = "array", maxItems = QUESTIONS_MAX,
      items = {
        type = "object", required = { "question_id", "option_id" }, properties = { question_id = ID, option_id = ID },
      },
    },
  },
}

function tests.start(call)
  return idempotency.transaction(call, function(tx)
    return actions.start(tx, call.params.child_id, call.caller.parent_id, call.params.id)
  end, function(started)
    return { status = 200, json = views.started_test(started.verification:one(), started.questions) }
  end)
end

local function show_answered(answered)
  local outcome = answered.outcome and verifications.show_outcome(answered.outcome)
  return {
    status = answered.status,
    verification = outcome and outcome.verification or views.verification(answered.verification:one()),
    questions = views.answered_questions(answered.questions, answered.answers),
    outcome = outcome or json.null,
  }
end

function tests.answer(call)
  return idempotency.transaction(call, function(tx)
    return actions.answer(tx, call.params.child_id, call.caller.parent_id, call.params.id, call.body.answers)
  end, function(answered)
    return { status = 200, json = show_answered(answered) }
  end)
end

return tests
