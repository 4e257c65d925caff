-- Points that staff give, and earlier bonuses and adjustments that staff take back.
local clock = require "clock"
local ledger = require "actions.ledger"
local points_accounts = require "store.points_accounts"
local points_transactions = require "store.points_transactions"
local problem = require "lib.problem"
local rules = require "rules"

local adjustments = {}

---@class adjustments.outcome
---@field transaction db.pending
---@field account ledger.account

local function write(tx, account, move, cause, now)
  local after = ledger.apply(account, move)
  after.updated_at = now
  return {
    transaction = points_transactions.add(tx, account.child_id, after.last_sequence, move, cause,
      { version = rules.version() }, now),
    account = after,
  }
end

---Give points.
---@param tx db.tx
---@param given { points: integer, reason: string }
---@param actor string  sub of the person who decides it
---@return adjustments.outcome? outcome
---@return problem? err
function adjustments.give(tx, child_id, given, actor)
  local account = points_accounts.lock(tx, child_id, nil):one()
  if not account then
    return nil, problem.not_found()
  end
  return write(tx, account, ledger.adjusted(account, given.points), { actor = actor, description = given.reason },
    clock.now())
end

---Take one earlier bonus or adjustment back, whole and once.
---@param tx db.tx
---@param id integer     of the transaction
---@param reason string
---@param actor string   sub of the person who decides it
---@return adjustments.outcome? outcome
---@return problem? err
function adjustments.reverse(tx, child_id, id, reason, actor)
  local locked = points_accounts.lock(tx, child_id, nil)
  local earlier = points_transactions.before_reversal(tx, child_id, id):one()
  local account = locked:one()
  if not account or not earlier then
    return nil, problem.not_found()
  end
  if earlier.transaction_type ~= "bonus" and earlier.transaction_type ~= "adjusted" or earlier.points < 0 then
    return nil, problem.new("not_reversible", "Only a bonus or an adjustment can be taken back.")
  end
  if earlier.is_reversed then
    return nil, problem.new("already_reversed", "This was taken back before.")
  end
  -- Named, so that what the child holds for the learning point shrinks as well.
  local cause = {
    reverses_id = id, learning_progress_id = earlier.learning_progress_id, actor = actor, description = reason,
  }
  return write(tx, account, ledger.reversed(account, earlier.points), cause, clock.now())
end

return adjustments
