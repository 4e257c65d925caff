-- Bonuses: each paid once for each child and subject, ever. What a rule or a limit holds back stays recorded.
local children = require "store.children"
local clock = require "clock"
local ledger = require "actions.ledger"
local points_accounts = require "store.points_accounts"
local points_transactions = require "store.points_transactions"
local problem = require "lib.problem"
local relationship_discoveries = require "store.relationship_discoveries"
local rules = require "rules"
local store = require "store.bonuses"

local bonuses = {}

-- What the rule may answer, in words.
local REFUSALS = {
  not_known = "The child does not know all of it yet.",
  daily_limit = "No more bonuses can be paid today.",
  nothing_to_pay = "The child holds the most points for this learning point.",
}

-- What the ledger says of each kind, before the subject.
local DESCRIPTIONS = {
  relationship_discovery = "Discovered: ",
  phrase_completion = "Phrase completed: ",
  idiom_unlock = "Idiom unlocked: ",
  context_mastery = "All meanings known: ",
  pattern_recognition = "Pattern recognized: ",
  pattern_mastery = "Pattern mastered: ",
}

---@return string
function bonuses.description(kind, subject)
  return DESCRIPTIONS[kind] .. subject
end

---@class bonuses.bonus
---@field kind string              one of the rule's bonus_points
---@field subject string           what it is for, once for each kind
---@field learning_point_id string?  whose points it counts to, unless that is recorded
---@field needs string[]           learning points the child must know, unless the event is recorded
---@field relationship_discovery_id integer?

---@class bonuses.outcome
---@field transaction db.pending
---@field discovery db.pending?  if it is a discovery's
---@field account ledger.account

---Pay a bonus.
---@param tx db.tx
---@param account ledger.account  locked
---@param bonus bonuses.bonus
---@param staff string?  sub of the person of staff who decides it; nil: the platform
---@return bonuses.outcome? outcome
---@return problem? err
function bonuses.award(tx, account, bonus, staff, now)
  local child_id = account.child_id
  local before = store.before_award(tx, child_id, bonus, now):one()
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
  local outcome = {
    transaction = points_transactions.add(tx, child_id, after.last_sequence, move, {
      learning_progress_id = before.learning_progress_id,
      bonus_type = bonus.kind,
      bonus_subject = bonus.subject,
      relationship_discovery_id = bonus.relationship_discovery_id,
      actor = staff,
      description = bonuses.description(bonus.kind, bonus.subject),
    }, call, now),
    account = after,
  }
  store.record_paid(tx, child_id, bonus, before.learning_progress_id, now)
  if bonus.relationship_discovery_id then
    outcome.discovery = relationship_discoveries.mark_paid(tx, child_id, { bonus.relationship_discovery_id })
  end
  return outcome
end

---Staff pay what was held back.
---@param tx db.tx
---@param staff string  sub of the person
---@return { bonus: db.pending, transaction: db.pending, account: ledger.account }? outcome
---@return problem? err
function bonuses.pay(tx, child_id, parent_id, id, staff)
  local locked = points_accounts.lock(tx, child_id, parent_id)
  local bonus = store.read(tx, child_id, parent_id, id):one()
  local account = locked:one()
  if not account or not bonus then
    return nil, problem.not_found()
  end
  local outcome, err = bonuses.award(tx, account, {
    kind = bonus.bonus_type,
    subject = bonus.bonus_subject,
    needs = {},
    relationship_discovery_id = bonus.relationship_discovery_id,
  }, staff, clock.now())
  if not outcome then
    return nil, err
  end
  return { bonus = store.read(tx, child_id, parent_id, id), transaction = outcome.transaction, account = outcome.account }
end

---In the order in which they were recorded.
---@param is_awarded boolean?  only what is paid, or only what is not
---@return db.row[]? rows
---@return problem? err
function bonuses.list(child_id, parent_id, is_awarded, after_id, limit)
  local rows = store.list(child_id, parent_id, is_awarded, after_id, limit)
  if #rows == 0 and not children.find(child_id, parent_id) then
    return nil, problem.not_found()
  end
  return rows
end

return bonuses
