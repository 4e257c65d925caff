-- A child begins to learn, begins again, or loses a point; and what it is learning.
local clock = require "clock"
local ledger = require "actions.ledger"
local points_accounts = require "store.points_accounts"
local points_transactions = require "store.points_transactions"
local problem = require "lib.problem"
local rules = require "rules"
local store = require "store.learning_progress"
local tests = require "store.verification_schedule"
local children = require "store.children"

local progress = {}

-- May this child begin this learning point now?
local function refusal(before)
  if not before.learning_point_id then
    return problem.new("unknown_learning_point", "There is no such learning point.")
  end
  if before.status and before.status ~= "failed" then
    return problem.new("already_learning", "The child is learning this already, or knows it.")
  end
  local decided = rules.call("limits", "begin_point", { begun_today = before.begun_today })
  if not decided.allowed then
    return problem.new("daily_limit", "No more learning points can be begun today.", { limit = decided.limit })
  end
end

-- The first test of a first or another attempt.
local function start(tx, child_id, learning_point_id, tier, now)
  local plan, call = rules.call("schedule", "begin", { tier = tier })
  return {
    progress = store.begin(tx, child_id, learning_point_id, tier, plan.algorithm, now),
    next = tests.plan_first(tx, child_id, learning_point_id, tier, plan.next, call, now),
  }
end

---Begin a learning point, or begin one that failed again, with its first test.
---@param tx db.tx
---@return { progress: db.pending, next: db.pending }?
---@return problem? err
function progress.begin(tx, child_id, parent_id, learning_point_id)
  local now = clock.now()
  local account = points_accounts.lock(tx, child_id, parent_id)
  local before = store.before_beginning(tx, child_id, parent_id, learning_point_id, now):one()
  if not account:one() or not before then
    return nil, problem.not_found()
  end
  local err = refusal(before)
  if err then
    return nil, err
  end
  return start(tx, child_id, learning_point_id, before.tier, now)
end

-- Hold the account; the progress row as it is then, with `next`, its open test.
local function hold(tx, child_id, parent_id, id)
  local locked = points_accounts.lock(tx, child_id, parent_id)
  local open = tests.open(tx, child_id, id)
  local row = store.read(tx, child_id, parent_id, id):one()
  local account = locked:one()
  if account and row then
    row.next = open:one()
    return account, row
  end
end

---Begin a point that failed again, in the tier it had.
---@param tx db.tx
---@param may_change fun(row: db.row): problem?  is this what the caller has seen?
---@return { progress: db.pending, next: db.pending }?
---@return problem? err
function progress.begin_again(tx, child_id, parent_id, id, may_change)
  local now = clock.now()
  local account, row = hold(tx, child_id, parent_id, id)
  if not account then
    return nil, problem.not_found()
  end
  local err = may_change(row)
  if err then
    return nil, err
  end
  local today = store.before_beginning(tx, child_id, parent_id, row.learning_point_id, now):one()
  err = refusal {
    learning_point_id = row.learning_point_id, status = row.status, begun_today = today.begun_today,
  }
  if err then
    return nil, err
  end
  return start(tx, child_id, row.learning_point_id, row.tier, now)
end

---Staff fail a point: its open test ends without a result, and what its attempt has earned is taken back.
---@param tx db.tx
---@param reason string?
---@param actor string  sub of the person who decides it
---@param may_change fun(row: db.row): problem?  is this what the caller has seen?
---@return { progress: db.pending }?
---@return problem? err
function progress.fail(tx, child_id, id, reason, actor, may_change)
  local now = clock.now()
  local account, row = hold(tx, child_id, nil, id)
  if not account then
    return nil, problem.not_found()
  end
  local err = may_change(row)
  if err then
    return nil, err
  end
  if row.status == "failed" then
    return nil, problem.new("wrong_status", "The point has failed already.", { current_status = row.status })
  end
  tests.cancel_open(tx, child_id, id, now)
  if row.points > 0 then
    local move = ledger.deficit(account, row.points, row.unlocked_points)
    points_transactions.add(tx, child_id, account.last_sequence + 1, move, {
      tier = row.tier,
      learning_progress_id = id,
      attempt = row.attempt,
      test_day = row.highest_day,
      actor = actor,
      description = reason or "Failed by staff: points taken back",
    }, { version = rules.version() }, now)
  end
  return { progress = store.lose(tx, child_id, id, now) }
end

-- Give each row its open test as `next`.
local function add_next(child_id, rows)
  local ids, open = {}, {}
  for index, row in ipairs(rows) do
    ids[index] = row.id
  end
  for _, test in ipairs(#ids > 0 and tests.open_of(child_id, ids) or {}) do
    open[test.learning_progress_id] = test
  end
  for _, row in ipairs(rows) do
    row.next = open[row.id]
  end
  return rows
end

---@return db.row? progress  with `next`, its open test
---@return problem? err
function progress.find(child_id, parent_id, id)
  local row = store.find(child_id, parent_id, id)
  if not row then
    return nil, problem.not_found()
  end
  return add_next(child_id, { row })[1]
end

---Forget a point that was begun and never tested.
---@param tx db.tx
---@return boolean? removed
---@return problem? err
function progress.remove(tx, child_id, parent_id, id)
  local account = points_accounts.lock(tx, child_id, parent_id)
  local before = store.before_removal(tx, child_id, parent_id, id):one()
  if not account:one() or not before then
    return nil, problem.not_found()
  end
  if before.is_in_ledger or before.is_tested then
    return nil, problem.new("progress_in_use", "A point that was tested, or that points were given for, is kept.")
  end
  tests.remove_of(tx, child_id, id)
  store.remove(tx, child_id, id)
  return true
end

---What the child knows: learning points, each with the highest tier that is verified.
---@param after_point string  id of the last one seen; "": from the start
---@return db.rows? rows
---@return problem? err
function progress.known(child_id, parent_id, after_point, limit)
  local rows = store.known(child_id, parent_id, after_point, limit)
  if #rows == 0 and not children.find(child_id, parent_id) then
    return nil, problem.not_found()
  end
  return rows
end

---@param filter { learning_point_id: string?, status: string?, tier: integer? }
---@return db.row[]? rows  each with `next`, its open test
---@return problem? err
function progress.list(child_id, parent_id, filter, after_id, limit)
  local rows = store.list(child_id, parent_id, filter, after_id, limit)
  if #rows == 0 and not children.find(child_id, parent_id) then
    return nil, problem.not_found()
  end
  return add_next(child_id, rows)
end

return progress
