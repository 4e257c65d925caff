-- Tests: what is due, and what a result leads to. The heart of the program: status, next test, ledger and account follow
-- from one result in one transaction of two round trips; a third one when a point becomes known.
local calendar = require "store.calendar"
local children = require "store.children"
local clock = require "clock"
local ledger = require "actions.ledger"
local learning_progress = require "store.learning_progress"
local mastery = require "actions.mastery"
local points_accounts = require "store.points_accounts"
local points_transactions = require "store.points_transactions"
local problem = require "lib.problem"
local rules = require "rules"
local store = require "store.verification_schedule"

local verifications = {}

local NOTHING_REACHED = { discoveries = {}, bonuses = {} }
local NO_STATE = {}

---@return db.row? verification
---@return problem? err
function verifications.find(child_id, parent_id, id)
  local verification = store.find(child_id, parent_id, id)
  if not verification then
    return nil, problem.not_found()
  end
  return verification
end

-- What a list shows of a span of days: only what is due already, or only what is not due yet; both are open.
local function narrowed(span, filter)
  local from_us, until_us, completed = span.from_us, span.until_us, filter.completed
  if filter.due == nil then
    return from_us, until_us, completed
  end
  local next_us = clock.now_us() + 1
  if filter.due then
    until_us = math.min(until_us, next_us)
  else
    from_us = math.max(from_us, next_us)
  end
  return from_us, completed and 0 or until_us, false
end

---@class verifications.filter
---@field due boolean?        true: open and due; false: open and not due yet
---@field completed boolean?
---@field learning_progress_id integer?
---@field from string?        first day on which they fall due, where the parent lives
---@field to string?          last day

---In the order in which they fall due.
---@param filter verifications.filter
---@param after { [1]: integer, [2]: integer }  due_at, in microseconds since 1970, and id of the last one seen
---@return db.rows? rows
---@return problem? err
function verifications.list(child_id, parent_id, filter, after, limit)
  local span = calendar.always()
  if filter.from or filter.to then
    span = calendar.of_child(child_id, parent_id, filter.from, filter.to)
    if not span then
      return nil, problem.not_found()
    end
  end
  local from_us, until_us, completed = narrowed(span, filter)
  local rows = store.list(child_id, parent_id, {
    learning_progress_id = filter.learning_progress_id, completed = completed, before_us = until_us,
  }, after[1] < from_us and { from_us, 0 } or after, limit)
  if #rows == 0 and not children.find(child_id, parent_id) then
    return nil, problem.not_found()
  end
  return rows
end

---@class completion  What a result leads to: decided by the rules first, then written.
---@field now string
---@field test db.row          from store.before_completion
---@field progress table       as it will be
---@field account table        as it will be
---@field moves { sequence: integer, move: ledger.move, description: string, call: rules.call }[]
---@field plan? { next: table, call: rules.call }
---@field algorithm_state table  of the attempt, as it will be
---@field mastery? mastery       if the point has become known by it

-- One more move of the ledger, and the rule call that decided it.
local function add_move(completion, move, description, call)
  completion.account = ledger.apply(completion.account, move)
  completion.account.updated_at = completion.now
  local moves = completion.moves
  moves[#moves + 1] = {
    move = move,
    sequence = completion.account.last_sequence,
    description = "Test of day " .. completion.test.test_day .. " " .. description,
    call = call,
  }
end

-- The first pass of an attempt earns the points of the tier, all locked.
local function earn(completion)
  local award, call = rules.call("points", "award", {
    tier = completion.test.tier,
    earned_before = completion.test.earned_before,
  })
  if award.points == 0 then
    return
  end
  completion.progress.points = award.points
  add_move(completion, ledger.earned(completion.account, award.points), "passed: points earned", call)
end

-- Every pass may unlock a share of them.
local function unlock(completion, is_last)
  local progress = completion.progress
  local share, call = rules.call("points", "unlock", {
    points = progress.points,
    unlocked = progress.unlocked_points,
    test_day = completion.test.test_day,
    is_last = is_last,
  })
  if share.points == 0 then
    return
  end
  progress.unlocked_points = progress.unlocked_points + share.points
  add_move(completion, ledger.unlocked(completion.account, share.points), "passed: points unlocked", call)
end

-- Ask the schedule what a pass or a failure leads to. The attempt's own algorithm plans the date, whichever one the rules
-- prefer by now.
---@param outcome "pass"|"fail"
---@param highest_day integer?      of a pass
---@param failures_before integer?  of a failure
local function schedule(completion, outcome, highest_day, failures_before)
  local test = completion.test
  local plan, call = rules.call("schedule", outcome, {
    tier = test.tier,
    test_day = test.test_day,
    is_verified = completion.progress.status == "verified",
    algorithm = test.algorithm,
    state = next(test.algorithm_state) and test.algorithm_state or nil,
    days_since_test = test.days_since_test,
    progress_id = test.progress_id,
    attempt = test.attempt,
    highest_day = highest_day,
    failures_before = failures_before,
  })
  completion.algorithm_state = plan.state or NO_STATE
  completion.plan = plan.next and { next = plan.next, call = call }
  return plan, call
end

local function pass(completion)
  local test, progress = completion.test, completion.progress
  local is_verified = progress.status == "verified"
  local plan = schedule(completion, "pass", progress.highest_day)
  if not is_verified then
    if progress.highest_day == 0 then
      earn(completion)
    end
    unlock(completion, plan.is_last)
    progress.highest_day = math.max(progress.highest_day, test.test_day)
    progress.status = plan.status
    progress.verified_at = plan.status == "verified" and completion.now or nil
  end
end

-- The point is lost: what its attempt has earned is taken back.
local function lose(completion, call)
  local progress = completion.progress
  if progress.points > 0 then
    local move = ledger.deficit(completion.account, progress.points, progress.unlocked_points)
    add_move(completion, move, "failed: points taken back", call)
  end
  progress.status = "failed"
  progress.points = 0
  progress.unlocked_points = 0
  progress.verified_at = nil
end

local function fail(completion)
  local plan, call = schedule(completion, "fail", nil, completion.test.failures_before)
  if plan.is_failed then
    lose(completion, call)
  end
end

---Why no result can be taken now; nil: it can.
---@param test { is_too_early: boolean, due_at: string, completed_today: integer }
---@return problem?
function verifications.refusal(test)
  if test.flagged_at then
    return problem.new("under_review", "The test was answered so fast that staff look at it first.")
  end
  if test.is_too_early then
    return problem.new("too_early", "The test is not due yet.", { due_at = test.due_at })
  end
  local decided = rules.call("limits", "complete_test", { completed_today = test.completed_today })
  if not decided.allowed then
    return problem.new("daily_limit", "No more tests can be completed today.", { limit = decided.limit })
  end
end

-- The completed test is written first: its place as the point's open test must be free for the next one.
local function write(tx, completion, result)
  local test, progress, account, now = completion.test, completion.progress, completion.account, completion.now
  local reached = completion.mastery or NOTHING_REACHED
  local verification = store.complete(tx, progress.child_id, test, now, result, {
    progress = progress,
    account = account,
    discoveries = reached.discoveries,
    bonuses = reached.bonuses,
  })
  learning_progress.save(tx, progress, completion.algorithm_state, now)
  if test.is_open_in_other_tier then
    store.put_off_others(tx, progress, now)
  end
  local transactions = {}
  for index, entry in ipairs(completion.moves) do
    transactions[index] = points_transactions.add(tx, progress.child_id, entry.sequence, entry.move, {
      tier = test.tier,
      learning_progress_id = test.progress_id,
      attempt = test.attempt,
      test_day = test.test_day,
      verification_schedule_id = test.id,
      description = entry.description,
    }, entry.call, now)
  end
  if completion.mastery then
    for _, pending in ipairs(mastery.write(tx, completion.mastery, completion)) do
      table.insert(transactions, pending)
    end
  end
  local plan = completion.plan
  return {
    verification = verification,
    progress = progress,
    account = account,
    discoveries = reached.discoveries,
    bonuses = reached.bonuses,
    transactions = transactions,
    next = plan and store.plan(tx, progress.child_id, test, now, plan.next, plan.call, now),
  }
end

---The answer given to the result of a completed test, from what it left behind.
---@param test db.row  from store.before_completion
---@return verifications.outcome
function verifications.outcome_of(tx, child_id, test)
  return {
    verification = store.completed(tx, child_id, test.id),
    progress = test.outcome.progress,
    account = test.outcome.account,
    discoveries = test.outcome.discoveries or {},
    bonuses = test.outcome.bonuses or {},
    transactions = { points_transactions.of_test(tx, child_id, test.progress_id, test.id) },
    next = store.planned_by(tx, child_id, test.id),
  }
end

-- The same result again: the same answer.
local function repeated(tx, child_id, test)
  if test.cancelled_at then
    return nil, problem.new("already_completed", "The test has ended without a result.")
  end
  if not test.is_same_result then
    return nil, problem.new("already_completed", "The test was completed with another result.")
  end
  return verifications.outcome_of(tx, child_id, test)
end

local function progress_of(child_id, test, now)
  return {
    child_id = child_id,
    id = test.progress_id,
    learning_point_id = test.learning_point_id,
    tier = test.tier,
    status = test.status,
    attempt = test.attempt,
    learned_at = test.learned_at,
    highest_day = test.highest_day,
    points = test.points,
    unlocked_points = test.unlocked_points,
    verified_at = test.verified_at,
    created_at = test.created_at,
    updated_at = now,
  }
end

---@class verifications.outcome  Pending results are read after COMMIT, with which they travel.
---@field verification db.pending
---@field progress table
---@field account table
---@field transactions db.pending[]  of one row or several
---@field discoveries table[]        if the point has become known
---@field bonuses table[]
---@field next? db.pending           of one row or none

---Do what the result of a test leads to: status, ledger, account, next test.
---@param tx db.tx
---@param account ledger.account  locked
---@param test db.row              from store.before_completion
---@param result verification_schedule.result
---@return verifications.outcome
function verifications.settle(tx, account, test, result, now)
  local progress = progress_of(account.child_id, test, now)
  local completion = { now = now, test = test, progress = progress, account = account, moves = {} }
  if result.passed then
    pass(completion)
  else
    fail(completion)
  end
  if progress.status == "verified" and test.status ~= "verified" then
    completion.mastery = mastery.reach(tx, completion)
  end
  return write(tx, completion, result)
end

---Take the result of a test that a service reports; whether the test was started does not matter.
---@param tx db.tx
---@param reported { passed: boolean, score: number, questions: any[], answers: any[] }
---@return verifications.outcome? outcome
---@return problem? err
function verifications.complete(tx, child_id, parent_id, id, reported)
  local now = clock.now()
  local result = store.result(reported)
  local locked = points_accounts.lock(tx, child_id, parent_id)
  local test = store.before_completion(tx, child_id, parent_id, id, now, result):one()
  local account = locked:one()
  if not account or not test then
    return nil, problem.not_found()
  end
  if test.completed then
    return repeated(tx, child_id, test)
  end
  local err = verifications.refusal(test)
  if err then
    return nil, err
  end
  return verifications.settle(tx, account, test, result, now)
end

return verifications
