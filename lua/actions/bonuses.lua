-- Bonuses: each paid once for each child and subject, ever.
local ledger = require "actions.ledger"
local points_transactions = require "store.points_transactions"
local problem = require "lib.problem"
local rules = require "rules"

local bonuses = {}

-- What the rule may answer, in words.
local REFUSALS = {
  not_known = "The child does not know all of it yet.",
  daily_limit = "No more bonuses can be paid today.",
  nothing_to_pay = "The child holds the most points for this learning point.",
}

---@class bonuses.bonus
---@field kind string              one of the rule's bonus_points
---@field subject string            what it is for, once for each kind
---@field learning_point_id string  whose points it counts to
---@field needs string[]            learning points the child must know
---@field relationship_discovery_id integer?
---@field description string

---Pay a bonus.
---@param tx db.tx
---@param account ledger.account  locked
---@param bonus bonuses.bonus
---@param staff string?  sub of the person of staff who decides it; nil: the platform
---@return { transaction: db.pending, account: ledger.account }? outcome
---@return problem? err
function bonuses.award(tx, account, bonus, staff, now)
  local before = points_transactions.before_bonus(tx, account.child_id, bonus, now):one()
  if before.is_awarded then
    return nil, problem.new("already_awarded", "This bonus was paid before.")
  end
  local decided, call = rules.call("discovery", "bonus", {
    kind = bonus.kind,
    is_known = before.is_known,
    earned_before = before.earned_before,
    bonuses_today = before.bonuses_today,
    is_decided_by_staff = staff ~= nil,
  })
  if decided.refusal then
    return nil, problem.new(decided.refusal, REFUSALS[decided.refusal])
  end
  local move = ledger.bonus(account, decided.points)
  local after = ledger.apply(account, move)
  after.updated_at = now
  return {
    transaction = points_transactions.add(tx, account.child_id, after.last_sequence, move, {
      learning_progress_id = before.learning_progress_id,
      bonus_type = bonus.kind,
      bonus_subject = bonus.subject,
      relationship_discovery_id = bonus.relationship_discovery_id,
      actor = staff,
      description = bonus.description,
    }, call, now),
    account = after,
  }
end

return bonuses
