-- The ledger's rows. Inserting one moves the account; nothing else does.
local db = require "db"

local points_transactions = {}

local add = db.sql_one [[
  insert into points_transactions
    (child_id, sequence, transaction_type, points, total_earned_delta, available_delta, locked_delta, withdrawn_delta,
     deficit_delta, tier, learning_progress_id, attempt, test_day, verification_schedule_id, description, rule_version,
     rule_name, rule_input, rule_result, created_at, withdrawal_request_id, bonus_type, bonus_subject,
     relationship_discovery_id, reverses_id, actor)
  select $1::uuid, $2::bigint, $3::text, $4::bigint, $5::bigint, $6::bigint, $7::bigint, $8::bigint, $9::bigint,
         $10::integer, $11::bigint, $12::integer, $13::integer, $14::bigint, $15::text, $16::text, $17::text, $18::jsonb,
         $19::jsonb, $20::timestamptz, $21::bigint, $22::text, $23::text, $24::bigint, $25::bigint, $26::text
  returning child_id, id, sequence, transaction_type, bonus_type, points, tier, learning_progress_id, withdrawal_request_id,
            reverses_id, description, total_earned_delta, available_delta, locked_delta, withdrawn_delta, deficit_delta,
            rule_version, created_at]]

-- $3: from this sequence number on; $4: before this one.
local list = db.sql [[
  select t.id, t.sequence, t.transaction_type, t.bonus_type, t.points, t.tier, t.learning_progress_id,
         t.withdrawal_request_id, t.reverses_id, t.description, t.total_earned_delta, t.available_delta, t.locked_delta,
         t.withdrawn_delta, t.deficit_delta, t.rule_version, t.created_at
  from points_transactions t
  join children c on c.id = t.child_id
  where t.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and t.sequence >= $3 and t.sequence < $4
  order by t.sequence desc
  limit $5]]

local list_of_type = db.sql [[
  select t.id, t.sequence, t.transaction_type, t.bonus_type, t.points, t.tier, t.learning_progress_id,
         t.withdrawal_request_id, t.reverses_id, t.description, t.total_earned_delta, t.available_delta, t.locked_delta,
         t.withdrawn_delta, t.deficit_delta, t.rule_version, t.created_at
  from points_transactions t
  join children c on c.id = t.child_id
  where t.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and t.sequence >= $3 and t.sequence < $4
    and t.transaction_type = $6
  order by t.sequence desc
  limit $5]]

-- The moves of one learning point are few.
local list_of_progress = db.sql [[
  select t.id, t.sequence, t.transaction_type, t.bonus_type, t.points, t.tier, t.learning_progress_id,
         t.withdrawal_request_id, t.reverses_id, t.description, t.total_earned_delta, t.available_delta, t.locked_delta,
         t.withdrawn_delta, t.deficit_delta, t.rule_version, t.created_at
  from points_transactions t
  join children c on c.id = t.child_id
  where t.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and t.sequence >= $3 and t.sequence < $4
    and t.learning_progress_id = $6 and ($7::text is null or t.transaction_type = $7)
  order by t.sequence desc
  limit $5]]

-- Days as sequence numbers: the first move on or after the day $3, and the first one after the day $4. So every move is of
-- one day, also where two that raced at midnight have their numbers the other way round than their times.
local span = db.sql [[
  select case when $3::date is not null then coalesce(
           (select t.sequence
            from points_transactions t
            where t.child_id = c.id and t.created_at >= $3::date::timestamp at time zone u.time_zone
            order by t.created_at, t.sequence
            limit 1), $5::bigint) end as first,
         case when $4::date is not null then coalesce(
           (select t.sequence
            from points_transactions t
            where t.child_id = c.id and t.created_at >= ($4::date + 1)::timestamp at time zone u.time_zone
            order by t.created_at, t.sequence
            limit 1), $5::bigint) end as next_after
  from children c
  join users u on u.id = c.parent_id
  where c.id = $1 and ($2::uuid is null or c.parent_id = $2)]]

local of_test = db.sql [[
  select t.child_id, t.id, t.sequence, t.transaction_type, t.bonus_type, t.points, t.tier, t.learning_progress_id,
         t.withdrawal_request_id, t.reverses_id, t.description, t.total_earned_delta, t.available_delta, t.locked_delta,
         t.withdrawn_delta, t.deficit_delta, t.rule_version, t.created_at
  from points_transactions t
  where t.child_id = $1 and t.learning_progress_id = $2 and t.verification_schedule_id = $3
  order by t.sequence]]

-- Of one earlier move: may it be taken back?
local before_reversal = db.sql [[
  select t.id, t.transaction_type, t.points, t.learning_progress_id,
         exists (select from points_transactions r where r.child_id = t.child_id and r.reverses_id = t.id) as is_reversed
  from points_transactions t
  where t.child_id = $1 and t.id = $2]]

---@class points_transactions.cause  What a row names, as its type demands.
---@field tier integer?
---@field learning_progress_id integer?
---@field attempt integer?
---@field test_day integer?
---@field verification_schedule_id integer?
---@field withdrawal_request_id integer?
---@field bonus_type string?
---@field bonus_subject string?
---@field relationship_discovery_id integer?
---@field reverses_id integer?
---@field actor string?  sub of the person who decided it
---@field description string?

---Queue.
---@param sequence integer  one more than the account's last
---@param move ledger.move
---@param cause points_transactions.cause
---@param call rules.call|{ version: string }  of a person's decision only the version
---@return db.pending
function points_transactions.add(tx, child_id, sequence, move, cause, call, now)
  local deltas = move.deltas
  return tx:later(add, child_id, sequence, move.transaction_type, move.points, deltas.total_earned, deltas.available,
    deltas.locked, deltas.withdrawn, deltas.deficit, cause.tier, cause.learning_progress_id, cause.attempt,
    cause.test_day, cause.verification_schedule_id, cause.description, call.version, call.rule, call.input, call.result,
    now, cause.withdrawal_request_id, cause.bonus_type, cause.bonus_subject, cause.relationship_discovery_id,
    cause.reverses_id, cause.actor)
end

---Newest first.
---@param filter { type: string?, learning_progress_id: integer? }
---@param from_sequence integer    this one and later ones
---@param before_sequence integer  earlier ones
---@return db.rows
function points_transactions.list(child_id, parent_id, filter, from_sequence, before_sequence, limit)
  if filter.learning_progress_id then
    return db.rows(list_of_progress, child_id, parent_id, from_sequence, before_sequence, limit,
      filter.learning_progress_id, filter.type)
  elseif filter.type then
    return db.rows(list_of_type, child_id, parent_id, from_sequence, before_sequence, limit, filter.type)
  end
  return db.rows(list, child_id, parent_id, from_sequence, before_sequence, limit)
end

---Which moves are of these days, where the parent lives.
---@param from string?  first day
---@param to string?    last day
---@return { first: integer?, next_after: integer? }?  nil: no such child; members nil: no limit
function points_transactions.span(child_id, parent_id, from, to)
  return db.one(span, child_id, parent_id, from, to, math.maxinteger)
end

---Queue: the rows a test led to.
---@return db.pending
function points_transactions.of_test(tx, child_id, learning_progress_id, verification_schedule_id)
  return tx:later(of_test, child_id, learning_progress_id, verification_schedule_id)
end

---Queue: the move that is to be taken back.
---@return db.pending  no row: no such move
function points_transactions.before_reversal(tx, child_id, id)
  return tx:later(before_reversal, child_id, id)
end

return points_transactions
