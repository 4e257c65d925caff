-- The ledger's rows. Inserting one moves the account; nothing else does.
local db = require "db"

local points_transactions = {}

local add = db.sql [[
  insert into points_transactions
    (child_id, sequence, transaction_type, points, total_earned_delta, available_delta, locked_delta, withdrawn_delta,
     deficit_delta, tier, learning_progress_id, attempt, test_day, verification_schedule_id, description, rule_version,
     rule_name, rule_input, rule_result, created_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18::jsonb, $19::jsonb, $20)
  returning id, sequence, transaction_type, bonus_type, points, tier, learning_progress_id, description,
            total_earned_delta, available_delta, locked_delta, withdrawn_delta, deficit_delta, rule_version, created_at]]

local list = db.sql [[
  select t.id, t.sequence, t.transaction_type, t.bonus_type, t.points, t.tier, t.learning_progress_id, t.description,
         t.total_earned_delta, t.available_delta, t.locked_delta, t.withdrawn_delta, t.deficit_delta, t.rule_version,
         t.created_at
  from points_transactions t
  join children c on c.id = t.child_id
  where t.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and t.sequence < $3
  order by t.sequence desc
  limit $4]]

local list_of_type = db.sql [[
  select t.id, t.sequence, t.transaction_type, t.bonus_type, t.points, t.tier, t.learning_progress_id, t.description,
         t.total_earned_delta, t.available_delta, t.locked_delta, t.withdrawn_delta, t.deficit_delta, t.rule_version,
         t.created_at
  from points_transactions t
  join children c on c.id = t.child_id
  where t.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and t.sequence < $3 and t.transaction_type = $5
  order by t.sequence desc
  limit $4]]

local of_test = db.sql [[
  select t.id, t.sequence, t.transaction_type, t.bonus_type, t.points, t.tier, t.learning_progress_id, t.description,
         t.total_earned_delta, t.available_delta, t.locked_delta, t.withdrawn_delta, t.deficit_delta, t.rule_version,
         t.created_at
  from points_transactions t
  where t.child_id = $1 and t.learning_progress_id = $2 and t.verification_schedule_id = $3
  order by t.sequence]]

---@class points_transactions.cause
---@field tier integer?
---@field learning_progress_id integer?
---@field attempt integer?
---@field test_day integer?
---@field verification_schedule_id integer?
---@field description string?

---Queue.
---@param sequence integer  one more than the account's last
---@param move ledger.move
---@param cause points_transactions.cause
---@param call rules.call
---@return db.pending
function points_transactions.add(tx, child_id, sequence, move, cause, call, now)
  local deltas = move.deltas
  return tx:later(add, child_id, sequence, move.transaction_type, move.points, deltas.total_earned, deltas.available,
    deltas.locked, deltas.withdrawn, deltas.deficit, cause.tier, cause.learning_progress_id, cause.attempt,
    cause.test_day, cause.verification_schedule_id, cause.description, call.version, call.rule, call.input, call.result,
    now)
end

---Newest first.
function points_transactions.list(child_id, parent_id, transaction_type, before_sequence, limit)
  if transaction_type then
    return db.query(list_of_type, child_id, parent_id, before_sequence, limit, transaction_type)
  end
  return db.query(list, child_id, parent_id, before_sequence, limit)
end

---Queue: the rows a test led to.
---@return db.pending
function points_transactions.of_test(tx, child_id, learning_progress_id, verification_schedule_id)
  return tx:later(of_test, child_id, learning_progress_id, verification_schedule_id)
end

return points_transactions
