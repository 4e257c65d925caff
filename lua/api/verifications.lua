-- Tests: what is due, and the results a service reports.
local actions = require "actions.verifications"
local idempotency = require "actions.idempotency"
local json = require "json"
local page = require "lib.page"
local views = require "api.views"

local verifications = {}

local PLACE = { { field = "due_at", kind = "time" }, { field = "id", kind = "integer" } }
local BEFORE_FIRST = { page.BEFORE_FIRST, page.BEFORE_FIRST }

local QUESTIONS_MAX = 50

verifications.result = {
  type = "object",
  required = { "passed", "score", "questions", "answers" },
  properties = {
    passed = { type = "boolean" },
    score = { type = "number", minimum = 0, maximum = 100, multipleOf = 0.01 },
    questions = { type = "array", maxItems = QUESTIONS_MAX },
    answers = { type = "array", maxItems = QUESTIONS_MAX },
  },
}

verifications.query = page.query {
  due = { type = "boolean", doc = "true: open tests that can be taken now; false: open tests that cannot yet" },
  completed = { type = "boolean" },
  learning_progress_id = { type = "integer", minimum = 1 },
  from = { type = "string", format = "date", doc = "first day on which they fall due, where the parent lives" },
  to = { type = "string", format = "date", doc = "last day on which they fall due" },
}

function verifications.list(call)
  local limit, after = page.position(call, PLACE, BEFORE_FIRST)
  if not limit then
    return nil, after
  end
  local rows, err = actions.list(call.params.child_id, call.caller.parent_id, call.query, after, limit + 1)
  if not rows then
    return nil, err
  end
  -- Rows that do not say it are of open tests.
  local same = { child_id = call.params.child_id, completed = false }
  return page.response(call, rows, limit, PLACE, views.VERIFICATION, same)
end

function verifications.get(call)
  local row, err = actions.find(call.params.child_id, call.caller.parent_id, call.params.id)
  if not row then
    return nil, err
  end
  local shown = views.verification(row)
  shown.questions = row.questions and views.answered_questions(row.questions, row.answers) or json.null
  return { status = 200, json = shown }
end

-- The rows of all that is pending: those of the first statement, and what the others have is added to them.
local function show_transactions(pending)
  local shown = pending[1] and pending[1]:json(views.TRANSACTION) or json.array {}
  for index = 2, #pending do
    for _, transaction in ipairs(pending[index]:json(views.TRANSACTION)) do
      table.insert(shown, transaction)
    end
  end
  return shown
end

---What a result has led to. The next test is added to the progress of the outcome, which is this answer's alone.
---@param outcome verifications.outcome
function verifications.show_outcome(outcome)
  local transactions = show_transactions(outcome.transactions)
  local next_test = outcome.next and outcome.next:json(views.VERIFICATION)[1] or json.null
  outcome.progress.next_verification = next_test
  return {
    verification = outcome.verification:json(views.VERIFICATION)[1],
    progress = views.PROGRESS:of(outcome.progress),
    next_verification = next_test,
    transactions = transactions,
    discoveries = views.each(outcome.discoveries, views.discovery),
    bonuses = views.each(outcome.bonuses, views.bonus),
    account = views.ACCOUNT:of(outcome.account),
  }
end

function verifications.complete(call)
  return idempotency.transaction(call, function(tx)
    return actions.complete(tx, call.params.child_id, call.caller.parent_id, call.params.id, call.body)
  end, function(outcome)
    return { status = 200, json = verifications.show_outcome(outcome) }
  end, call.params.child_id)
end

return verifications
