-- Rows of the database as the API shows them: these fields only, NULL as null.
local json = require "json"

local pick = json.pick

local views = {}

local USER = { "id", "email", "name", "phone", "country", "time_zone", "created_at", "updated_at" }

local CHILD = { "id", "parent_id", "name", "age", "created_at", "updated_at" }

local SESSION = { "id", "address", "created_at", "used_at", "expires_at", "is_current" }

local DEVICE = { "child_id", "id", "name", "created_at", "expires_at" }

local LEARNING_POINT = {
  "id", "word", "type", "tier", "definition", "example", "frequency_rank", "difficulty", "register", "contexts",
  "part_of_speech", "band", "metadata",
}

local POINT_SUMMARY = { "id", "word", "type", "tier", "definition", "difficulty", "frequency_rank" }

local RELATIONSHIP = { "relationship_type", "direction", "kind", "affix" }

local PROGRESS = {
  "id", "child_id", "learning_point_id", "tier", "status", "attempt", "learned_at", "highest_day", "points",
  "unlocked_points", "verified_at", "created_at", "updated_at",
}

local VERIFICATION = {
  "id", "child_id", "learning_progress_id", "learning_point_id", "attempt", "test_day", "scheduled_date", "due_at",
  "completed", "completed_at", "cancelled_at", "started_at", "expires_at", "flagged_at", "passed", "score", "created_at",
}

local ACCOUNT = {
  "child_id", "total_earned", "available_points", "locked_points", "withdrawn_points", "deficit_points", "updated_at",
}

local WITHDRAWAL = {
  "id", "child_id", "parent_id", "points_amount", "amount_ntd", "status", "bank_account", "transaction_id", "created_at",
  "updated_at", "processing_at", "completed_at",
}

-- Who moved it on is for operators.
local WITHDRAWAL_STAFF = { "processing_by", "completed_by" }

local DISCOVERY = {
  "id", "child_id", "source_learning_point_id", "target_learning_point_id", "relationship_type", "discovered_at",
  "bonus_awarded",
}

local BONUS = {
  "id", "child_id", "bonus_type", "bonus_subject", "learning_point_id", "relationship_discovery_id", "points", "refusal",
  "created_at",
}

local SUMMARY = { "child_id", "learning", "verified", "failed", "due", "next_due_at", "streak_days", "today" }

local DAY = { "date", "passed", "failed", "points", "total_earned" }

-- Rows that nobody looks into on their way into an answer.
views.VERIFICATION = json.view(VERIFICATION)
views.ACCOUNT = json.view(ACCOUNT)
views.PROGRESS = json.view { "next_verification", table.unpack(PROGRESS) }
views.LEARNING_POINT = json.view(LEARNING_POINT)
views.KNOWN_POINT = json.view { "learning_point_id", "word", "type", "tier", "verified_at" }
views.DISCOVERY = json.view(DISCOVERY)
views.TRANSACTION = json.view {
  "id", "sequence", "transaction_type", "bonus_type", "points", "tier", "learning_progress_id", "withdrawal_request_id",
  "reverses_id", "description", "rule_version", "created_at",
  deltas = {
    total_earned = "total_earned_delta", available = "available_delta", locked = "locked_delta",
    withdrawn = "withdrawn_delta", deficit = "deficit_delta",
  },
}

function views.user(row)
  return pick(row, USER)
end

function views.child(row)
  return pick(row, CHILD)
end

function views.session(row)
  return pick(row, SESSION)
end

function views.device(row)
  return pick(row, DEVICE)
end

function views.learning_point(row)
  return pick(row, LEARNING_POINT)
end

function views.verification(row)
  return pick(row, VERIFICATION)
end

-- Not which learning point an option is of, nor which one is right.
local function option(row)
  return pick(row, { "id", "text" })
end

local function question_of(row)
  local shown = pick(row, { "id", "type", "prompt" })
  shown.options = views.each(row.options, option)
  return shown
end

---A test that is still to be answered. Not which learning point it is about: that often is the answer.
---@param row table
---@param questions questions.question[]
function views.started_test(row, questions)
  local shown = pick(row, { "id", "test_day", "started_at", "expires_at" })
  shown.questions = views.each(questions, question_of)
  return shown
end

---The questions of an answered test, with what is right and what was chosen.
---@param questions questions.question[]
---@param answers tests.answer[]  in the order of the questions
---@return table[]
function views.answered_questions(questions, answers)
  local shown = {}
  for index, question in ipairs(questions) do
    local each = question_of(question)
    each.right_option_id, each.chosen_option_id = question.right, answers[index].option_id
    each.is_right = each.chosen_option_id == each.right_option_id
    shown[index] = each
  end
  return json.array(shown)
end

---@param row table
---@param next_test? table  its open test
function views.progress(row, next_test)
  local shown = pick(row, PROGRESS)
  shown.next_verification = next_test and views.verification(next_test) or json.null
  return shown
end

function views.account(row)
  return pick(row, ACCOUNT)
end

-- Enough to recognise an account one knows: the last four characters, where that is not most of it.
local MASK, SHOWN, LONG_ENOUGH = "****", 4, 8

---@param account string
---@return string
function views.masked(account)
  local length = utf8.len(account)
  if not length or length < LONG_ENOUGH then
    return MASK
  end
  return MASK .. account:sub(utf8.offset(account, -SHOWN))
end

---@param is_operator boolean  who sees the whole bank account
function views.withdrawal(row, is_operator)
  local shown = pick(row, WITHDRAWAL)
  if is_operator then
    for name, value in pairs(pick(row, WITHDRAWAL_STAFF)) do
      shown[name] = value
    end
  else
    shown.bank_account = views.masked(row.bank_account)
  end
  return shown
end

function views.discovery(row)
  return pick(row, DISCOVERY)
end

function views.bonus(row)
  local shown = pick(row, BONUS)
  shown.awarded = row.refusal == nil
  return shown
end

---A learning point beside something else, shortly.
function views.point_summary(row)
  return pick(row, POINT_SUMMARY)
end

---@param row table  the other learning point, with how it is related
function views.relationship(row)
  local shown = pick(row, RELATIONSHIP)
  shown.origin, shown.learning_point = row.origin, views.point_summary(row)
  return shown
end

---@param row table  a learning point with its distance
function views.related_point(row)
  return { distance = row.distance, learning_point = views.point_summary(row) }
end

---@param row table  a learning point with its distance, and how far the child is with it
function views.prerequisite_of_child(row)
  local shown = views.related_point(row)
  shown.status, shown.is_known = row.status or json.null, row.status == "verified"
  return shown
end

---@param row table  a learning point with its distance and the path to it
function views.known_relation(row)
  local shown = views.related_point(row)
  shown.path = views.each(row.path, function(step)
    return {
      learning_point_id = step.learning_point_id, word = step.word,
      relationships = views.each(step.relationships, function(relationship) return pick(relationship, RELATIONSHIP) end),
    }
  end)
  return shown
end

---@param suggestion suggestion
function views.suggestion(suggestion)
  return {
    learning_point = views.point_summary(suggestion.point),
    score = suggestion.score,
    reasons = views.each(suggestion.reasons, function(reason)
      return { code = reason.code, text = reason.text, learning_points = json.array(reason.learning_points) }
    end),
  }
end

---@param summary { totals: db.row, days: table[] }
function views.summary(summary)
  local shown = pick(summary.totals, SUMMARY)
  shown.account = views.account(summary.totals)
  shown.days = views.each(summary.days, function(day)
    return pick(day, DAY)
  end)
  return shown
end

---@param rows table[]
---@param show fun(row: table): table
---@return table[]  an array, also when empty
function views.each(rows, show)
  local shown = {}
  for index, row in ipairs(rows) do
    shown[index] = show(row)
  end
  return json.array(shown)
end

return views
