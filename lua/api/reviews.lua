-- Tests that were answered too fast to be believed, and what staff decide about them.
local actions = require "actions.reviews"
local idempotency = require "actions.idempotency"
local json = require "json"
local page = require "lib.page"
local verifications = require "api.verifications"
local views = require "api.views"

local reviews = {}

local PLACE = { { field = "flagged_at", kind = "time" }, { field = "id", kind = "integer" } }

local REASON_LENGTH_MAX = 500

reviews.decision = {
  type = "object",
  required = { "decision", "reason" },
  properties = {
    decision = { type = "string", enum = { "accept", "reject" } },
    reason = { type = "string", minLength = 1, maxLength = REASON_LENGTH_MAX },
  },
}

reviews.query = page.query()

local function show_flagged(row)
  return {
    verification = views.verification(row),
    questions = views.answered_questions(row.questions, row.answers),
    milliseconds_per_answer = row.elapsed_ms // #row.questions,
  }
end

function reviews.list(call)
  local limit, after = page.position(call, PLACE, { page.BEFORE_FIRST, page.BEFORE_FIRST })
  if not limit then
    return nil, after
  end
  return page.response(call, actions.list(after, limit + 1), limit, PLACE, show_flagged)
end

local function show_decided(decision, decided)
  local outcome = decided.outcome and verifications.show_outcome(decided.outcome)
  local next_test = decided.next and decided.next:one()
  return {
    decision = decision,
    verification = outcome and outcome.verification or views.verification(decided.verification:one()),
    next_verification = next_test and views.verification(next_test) or json.null,
    outcome = outcome or json.null,
  }
end

function reviews.decide(call)
  local review = { by = call.caller.sub, reason = call.body.reason }
  return idempotency.transaction(call, function(tx)
    return actions.decide(tx, call.params.child_id, call.params.id, call.body.decision, review)
  end, function(decided)
    return { status = 200, json = show_decided(call.body.decision, decided) }
  end)
end

return reviews
