-- Staff look at tests that were answered too fast to be believed, and accept or reject them.
local clock = require "clock"
local points_accounts = require "store.points_accounts"
local problem = require "lib.problem"
local rules = require "rules"
local schedule = require "store.verification_schedule"
local store = require "store.started_tests"
local tests = require "actions.tests"

local reviews = {}

---@param after { [1]: integer, [2]: integer }  flagged_at, in microseconds since 1970, and id of the last one seen
---@return db.row[]
function reviews.list(after, limit)
  return store.list_flagged(after, limit)
end

-- Neither passed nor failed: it ends without a result, and is given again.
local function reject(tx, child_id, test, review, now)
  local plan, call = rules.call("schedule", "reject", { test_day = test.test_day })
  store.reject(tx, child_id, test.id, review, now)
  return {
    verification = store.shown(tx, child_id, test.id),
    next = schedule.plan(tx, child_id, test, test.last_tested_at, plan.next, call, now),
  }
end

---Accept answers, which then are graded and lead to what they lead to; or reject them.
---@param tx db.tx
---@param decision "accept"|"reject"
---@param review { by: string, reason: string }
---@return { verification: db.pending, next: db.pending?, outcome: verifications.outcome? }?
---@return problem? err
function reviews.decide(tx, child_id, id, decision, review)
  local now = clock.now()
  local locked = points_accounts.lock(tx, child_id, nil)
  local test = schedule.before_completion(tx, child_id, nil, id, now):one()
  local account = locked:one()
  if not account or not test then
    return nil, problem.not_found()
  end
  if not test.flagged_at or test.completed then
    return nil, problem.new("not_under_review", "The test does not wait for a review.")
  end
  if decision == "reject" then
    return reject(tx, child_id, test, review, now)
  end
  local outcome = tests.grade(tx, account, test, test.answers, test.answered_at, review)
  return { verification = outcome.verification, next = outcome.next, outcome = outcome }
end

return reviews
