-- A family in the database and a clock that stands still, for specs of stores and actions. Every family, child and
-- learning point is new, so specs need no empty database and do not see one another.
local auth = require "auth"
local clock = require "clock"
local db = require "db"
local rules = require "rules"

local world = {}

local DAY_S = 86400
local START_S = 1893981600 -- 2030-01-07 02:00 UTC, a Monday, ten o'clock in Taipei
local real_now, real_now_us

---Stop the clock. For before_each.
function world.begin()
  real_now, real_now_us = real_now or clock.now, real_now_us or clock.now_us
  world.time_s = START_S
  clock.now = function()
    return os.date("!%Y-%m-%dT%H:%M:%S.000000Z", world.time_s)
  end
  clock.now_us = function()
    return world.time_s * 1000000
  end
  db.exec("insert into rule_versions (version, sources) values ($1, '{}') on conflict do nothing", rules.version())
end

---Let the clock run again. For after_each.
function world.finish()
  clock.now, clock.now_us = real_now, real_now_us
end

function world.advance(days, hours)
  world.time_s = world.time_s + days * DAY_S + (hours or 0) * 3600
end

---A name that was never used before.
function world.unique(prefix)
  return prefix .. auth.random(16):lower():gsub("[^a-z0-9]", "x")
end

---@return { parent_id: string, child_id: string }
function world.family(time_zone)
  local users = require "store.users"
  local children = require "actions.children"
  local parent = db.transaction(function(tx)
    return users.add(tx, {
      email = world.unique("p") .. "@example.org", password_hash = "none", time_zone = time_zone,
    }, clock.now())
  end):one()
  local child = db.transaction(function(tx)
    return children.add(tx, parent.id, { name = "Mei" })
  end):one()
  return { parent_id = parent.id, child_id = child.id }
end

---@return string id  of a new learning point
function world.learning_point(tier, word)
  local id = world.unique("point_")
  require("store.learning_points").save {
    { id = id, word = word or id, type = "word", tier = tier, definition = "what it means" },
  }
  return id
end

---@return table? progress
---@return table next_or_err
function world.learn(family, learning_point_id)
  local progress = require "actions.progress"
  local begun, err = db.transaction(function(tx)
    return progress.begin(tx, family.child_id, family.parent_id, learning_point_id)
  end)
  if not begun then
    return nil, err
  end
  return begun.progress:one(), begun.next:one()
end

---Report the result of a test: { verification, progress, account, transactions, next }, or nil, err.
function world.report(family, id, passed, given)
  local verifications = require "actions.verifications"
  local result = given or { passed = passed, score = passed and 100 or 0, questions = {}, answers = {} }
  for _, name in ipairs { "questions", "answers" } do
    require("json").array(result[name])
  end
  local outcome, err = db.transaction(function(tx)
    return verifications.complete(tx, family.child_id, family.parent_id, id, result)
  end)
  if not outcome then
    return nil, err
  end
  local transactions = {}
  for _, pending in ipairs(outcome.transactions) do
    for _, row in ipairs(pending:rows()) do
      transactions[#transactions + 1] = row
    end
  end
  return {
    verification = outcome.verification:one(),
    progress = outcome.progress,
    account = outcome.account,
    transactions = transactions,
    next = outcome.next and outcome.next:one(),
  }
end

---Move the clock until the test is due, at least a day, then report.
function world.report_when_due(family, test, passed)
  local wait_days = 0
  while clock.now() < test.due_at do
    world.advance(1)
    wait_days = wait_days + 1
    assert(wait_days < 400, "the test never falls due")
  end
  return assert(world.report(family, test.id, passed))
end

---A request to withdraw, without its move.
---@return integer id
function world.request_withdrawal(tx, family, points)
  return tx:one([[
    insert into withdrawal_requests
      (child_id, parent_id, amount_ntd, points_amount, bank_account, created_at, updated_at)
    values ($1, $2, $3::bigint, $3::bigint, '001', $4, $4)
    returning id]], family.child_id, family.parent_id, points, clock.now()).id
end

---Withdraw points: a request and its move.
---@return integer withdrawal_request_id
function world.withdraw(family, points)
  local ledger = require "actions.ledger"
  return db.transaction(function(tx)
    local account = require("store.points_accounts").lock(tx, family.child_id, family.parent_id):one()
    local id = world.request_withdrawal(tx, family, points)
    world.add_move(tx, family, account, assert(ledger.withdrawn(account, points)), { withdrawal_request_id = id })
    return id
  end)
end

---A withdrawal fails at the bank; its points stay where they are.
---@return integer points
function world.set_failed(tx, family, id)
  local request = tx:one([[
    update withdrawal_requests
    set status = 'processing', processing_at = $3, processing_by = 'operator'
    where child_id = $1 and id = $2
    returning points_amount]], family.child_id, id, clock.now())
  tx:exec([[
    update withdrawal_requests
    set status = 'failed', completed_at = $3, completed_by = 'operator'
    where child_id = $1 and id = $2]], family.child_id, id, clock.now())
  return request.points_amount
end

---A withdrawal fails at the bank, and its points come back.
function world.fail_withdrawal(family, id)
  local ledger = require "actions.ledger"
  db.transaction(function(tx)
    local account = require("store.points_accounts").lock(tx, family.child_id, family.parent_id):one()
    local points = world.set_failed(tx, family, id)
    return world.add_move(tx, family, account, ledger.returned(account, points), { withdrawal_request_id = id })
  end)
end

---Insert a ledger row made of a move, with these columns changed or added.
function world.add_move(tx, family, account, move, columns)
  local row = {
    child_id = family.child_id,
    sequence = account.last_sequence + 1,
    transaction_type = move.transaction_type,
    points = move.points,
    total_earned_delta = move.deltas.total_earned,
    available_delta = move.deltas.available,
    locked_delta = move.deltas.locked,
    withdrawn_delta = move.deltas.withdrawn,
    deficit_delta = move.deltas.deficit,
    rule_version = rules.version(),
    rule_name = "spec.rule",
    rule_input = "{}",
    rule_result = "{}",
    created_at = clock.now(),
  }
  for name, value in pairs(columns or {}) do
    row[name] = value
  end
  local names, places, values = {}, {}, {}
  for name, value in pairs(row) do
    names[#names + 1] = name
    places[#places + 1] = "$" .. #names
    values[#values + 1] = value
  end
  return tx:exec(("insert into points_transactions (%s) values (%s)"):format(table.concat(names, ", "),
    table.concat(places, ", ")), table.unpack(values))
end

function world.account(family)
  return db.one([[
    select child_id, total_earned, available_points, locked_points, withdrawn_points, deficit_points, updated_at
    from points_accounts
    where child_id = $1]], family.child_id)
end

---earned, available, locked, withdrawn, deficit
function world.balances(family)
  local account = world.account(family)
  return {
    account.total_earned, account.available_points, account.locked_points, account.withdrawn_points,
    account.deficit_points,
  }
end

---The balances that replaying the ledger gives.
function world.replayed(family)
  local sums = db.one([[
    select coalesce(sum(total_earned_delta), 0)::bigint as earned, coalesce(sum(available_delta), 0)::bigint as available,
           coalesce(sum(locked_delta), 0)::bigint as locked, coalesce(sum(withdrawn_delta), 0)::bigint as withdrawn,
           coalesce(sum(deficit_delta), 0)::bigint as deficit
    from points_transactions
    where child_id = $1]], family.child_id)
  return { sums.earned, sums.available, sums.locked, sums.withdrawn, sums.deficit }
end

---The error a function raises; fails if it raises none.
function world.error_of(run)
  local ok, err = pcall(run)
  assert(not ok, "no error was raised")
  return err
end

return world
