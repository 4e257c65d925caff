-- Points turned into money: a parent asks, an operator pays, or the points come back.
local calendar = require "store.calendar"
local children = require "store.children"
local clock = require "clock"
local ledger = require "actions.ledger"
local points_accounts = require "store.points_accounts"
local points_transactions = require "store.points_transactions"
local problem = require "lib.problem"
local rules = require "rules"
local store = require "store.withdrawal_requests"

local withdrawals = {}

-- What the rule may answer, in words.
local REFUSALS = {
  below_minimum = "So few points cannot be withdrawn.",
  in_deficit = "Points taken back must be earned again first.",
  insufficient_points = "So many points are not available.",
  tests_overdue = "Tests that are overdue for too long must be taken first.",
  daily_limit = "No more can be withdrawn today.",
}

-- From which status a withdrawal may become what. The database knows the same moves.
local FROM = { processing = "pending", completed = "processing", failed = "processing", cancelled = "pending" }

-- What a client needs to ask better, by refusal.
local function facts(refusal, account, before, decided)
  return ({
    below_minimum = { least_points = decided.least_points },
    in_deficit = { deficit_points = account.deficit_points },
    insufficient_points = { available_points = account.available_points },
    tests_overdue = { days_overdue = before.days_overdue },
    daily_limit = { points_left = decided.points_left },
  })[refusal]
end

-- The move that a rule has decided on, written with the account as it was locked.
local function add_move(tx, account, move, request, actor, call, now)
  return points_transactions.add(tx, account.child_id, account.last_sequence + 1, move, {
    withdrawal_request_id = request.id,
    actor = actor,
    description = ("Withdrawal %d %s"):format(request.id, move.points > 0 and "requested" or request.status),
  }, call, now)
end

---Ask for a withdrawal. What it is worth is fixed here.
---@param tx db.tx
---@param given { points_amount: integer, bank_account: string }
---@param actor string  sub of the parent
---@return db.row? withdrawal
---@return problem? err
function withdrawals.request(tx, child_id, parent_id, given, actor)
  local now = clock.now()
  local locked = points_accounts.lock(tx, child_id, parent_id)
  local before = store.before_request(tx, child_id, now):one()
  local account = locked:one()
  if not account or not before then
    return nil, problem.not_found()
  end
  local decided, call = rules.call("withdrawal", "request", {
    points = given.points_amount,
    available = account.available_points,
    deficit = account.deficit_points,
    days_overdue = before.days_overdue,
    requests_today = before.requests_today,
    points_today = before.points_today,
  })
  if decided.refusal then
    return nil, problem.new(decided.refusal, REFUSALS[decided.refusal], facts(decided.refusal, account, before, decided))
  end
  -- Whatever the rule says, the ledger gives no more than there is.
  local move, err = ledger.withdrawn(account, given.points_amount)
  if not move then
    return nil, problem.new(err.code, err.message, facts(err.code, account, before, decided))
  end
  local request = store.add(tx, child_id, decided.ntd_cents, given, now):one()
  add_move(tx, account, move, request, actor, call, now)
  return request
end

---Move a withdrawal on. One that fails or is cancelled gives its points back.
---@param tx db.tx
---@param status "processing"|"completed"|"failed"|"cancelled"
---@param transaction_id string?  the payment provider's
---@param actor string            sub of who moves it
---@return db.row? withdrawal
---@return problem? err
function withdrawals.move(tx, child_id, parent_id, id, status, transaction_id, actor)
  local now = clock.now()
  local locked = points_accounts.lock(tx, child_id, parent_id)
  local request = store.read(tx, child_id, parent_id, id):one()
  local account = locked:one()
  if not account or not request then
    return nil, problem.not_found()
  end
  if request.status ~= FROM[status] then
    local message = ("A withdrawal that is %s cannot become %s."):format(request.status, status)
    return nil, problem.new("wrong_status", message, { current_status = request.status })
  end
  local ok, moved = pcall(function()
    return store.move(tx, child_id, id, status, transaction_id, actor, now):one()
  end)
  if not ok and moved.constraint == "withdrawal_requests_transaction_once" then
    return nil, problem.new("transaction_id_used", "This transaction_id has paid another withdrawal.")
  end
  if not ok then
    error(moved, 0)
  end
  if status == "failed" or status == "cancelled" then
    local returned = ledger.returned(account, moved.points_amount)
    add_move(tx, account, returned, moved, actor, { version = rules.version() }, now)
  end
  return moved
end

---@return db.row? withdrawal
---@return problem? err
function withdrawals.find(child_id, parent_id, id)
  local row = store.find(child_id, parent_id, id)
  if not row then
    return nil, problem.not_found()
  end
  return row
end

---By its id alone.
---@param parent_id string?  nil: of any family
---@return db.row? withdrawal
---@return problem? err
function withdrawals.find_by_id(parent_id, id)
  local row = store.find_by_id(parent_id, id)
  if not row then
    return nil, problem.not_found()
  end
  return row
end

---@class withdrawals.filter
---@field status string?
---@field from string?  first day of their requests
---@field to string?    last day

-- The filter of the store, and where the list begins, in a span of days.
local function within(span, filter, after)
  return { status = filter.status, before_us = span.until_us }, after[1] < span.from_us and { span.from_us, 0 } or after
end

---In the order of their requests; days are those of where the parent lives.
---@param filter withdrawals.filter
---@param after { [1]: integer, [2]: integer }  created_at, in microseconds since 1970, and id of the last one seen
---@return db.row[]? rows
---@return problem? err
function withdrawals.list(child_id, parent_id, filter, after, limit)
  local span = calendar.always()
  if filter.from or filter.to then
    span = calendar.of_child(child_id, parent_id, filter.from, filter.to)
    if not span then
      return nil, problem.not_found()
    end
  end
  local narrowed, start = within(span, filter, after)
  local rows = store.list(child_id, parent_id, narrowed, start, limit)
  if #rows == 0 and not children.find(child_id, parent_id) then
    return nil, problem.not_found()
  end
  return rows
end

---Of one parent's children; of all families where parent_id is nil, by days of UTC.
---@param filter withdrawals.filter
---@param after { [1]: integer, [2]: integer }  created_at, in microseconds since 1970, and id of the last one seen
---@return db.row[]
function withdrawals.list_all(parent_id, filter, after, limit)
  local has_days = filter.from or filter.to
  local span = has_days and calendar.of_parent(parent_id, filter.from, filter.to) or calendar.always()
  local narrowed, start = within(span, filter, after)
  return store.list_all(parent_id, narrowed, start, limit)
end

return withdrawals
