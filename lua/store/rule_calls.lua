-- The rule calls kept with the rows of the ledger and of the schedule: what was decided, by which version, from what.
local db = require "db"

local rule_calls = {}

local of_transaction = db.sql [[
  select t.id, t.transaction_type, t.points, t.tier, t.test_day, t.attempt, t.bonus_type, t.bonus_subject, t.actor,
         t.description, t.created_at, t.rule_version, t.rule_name, t.rule_input, t.rule_result,
         (select p.learning_point_id
          from learning_progress p
          where p.child_id = t.child_id and p.id = t.learning_progress_id) as learning_point_id,
         (select v.created_at from rule_versions v where v.version = t.rule_version) as live_since
  from points_transactions t
  where t.child_id = $1 and t.id = $2]]

local of_verification = db.sql [[
  select s.id, s.test_day, s.attempt, s.scheduled_date, s.due_at, s.completed, s.passed, s.created_at, s.rule_version,
         s.rule_name, s.rule_input, s.rule_result,
         (select p.learning_point_id
          from learning_progress p
          where p.child_id = s.child_id and p.id = s.learning_progress_id) as learning_point_id,
         (select v.created_at from rule_versions v where v.version = s.rule_version) as live_since
  from verification_schedule s
  where s.child_id = $1 and s.id = $2]]

-- A batch is of so many rows read, not of so many found: however little falls into the time asked for, a batch takes no
-- longer. The last row read is always among them, because the next batch begins after it.
local transactions_after = db.sql [[
  select marked.child_id, marked.id, marked.created_at >= $3 as is_asked_for, marked.transaction_type, marked.points,
         marked.rule_name, marked.rule_input::text as input, marked.rule_result::text as result
  from (select page.*, lead(page.id) over (order by page.child_id, page.id) is null as is_last
        from (select t.child_id, t.id, t.created_at, t.transaction_type, t.points, t.rule_name, t.rule_input,
                     t.rule_result
              from points_transactions t
              where (t.child_id, t.id) > ($1::uuid, $2::bigint)
              order by t.child_id, t.id
              limit $4) page) marked
  where marked.created_at >= $3 or marked.is_last]]

-- points_at_stake: what the attempt of a failed test had earned, if it was not lost in the end anyway.
local verifications_after = db.sql [[
  select marked.child_id, marked.id, marked.created_at >= $3 as is_asked_for, marked.learning_progress_id,
         marked.attempt, marked.rule_name, marked.rule_input::text as input, marked.rule_result::text as result,
         case when marked.rule_name = 'schedule.fail' and marked.created_at >= $3 then
           (select sum(case when t.transaction_type = 'earned' then t.points else -t.points end)::bigint
            from points_transactions t
            where t.child_id = marked.child_id and t.learning_progress_id = marked.learning_progress_id
              and t.attempt = marked.attempt and t.transaction_type in ('earned', 'deficit'))
         end as points_at_stake
  from (select page.*, lead(page.id) over (order by page.child_id, page.id) is null as is_last
        from (select s.child_id, s.id, s.created_at, s.learning_progress_id, s.attempt, s.rule_name, s.rule_input,
                     s.rule_result
              from verification_schedule s
              where (s.child_id, s.id) > ($1::uuid, $2::bigint)
              order by s.child_id, s.id
              limit $4) page) marked
  where marked.created_at >= $3 or marked.is_last]]

local still_here = db.sql [[select true as yes]]

---@return db.row?
function rule_calls.of_transaction(child_id, id)
  return db.one(of_transaction, child_id, id)
end

---@return db.row?
function rule_calls.of_verification(child_id, id)
  return db.one(of_verification, child_id, id)
end

---Rows of the ledger in the order of child and id, with input and result as JSON text.
---@param tx db.tx
---@param after { child_id: string, id: integer }
---@param since string  timestamptz
---@param limit integer  rows to read
---@return db.row[]  those since then, and the last one read; none: there are no more
function rule_calls.transactions_after(tx, after, since, limit)
  return tx:query(transactions_after, after.child_id, after.id, since, limit)
end

---Likewise of the schedule.
---@return db.row[]
function rule_calls.verifications_after(tx, after, since, limit)
  return tx:query(verifications_after, after.child_id, after.id, since, limit)
end

---Say something, so that a transaction that computes for long does not count as forgotten.
---@param tx db.tx
function rule_calls.keep_alive(tx)
  tx:query(still_here)
end

return rule_calls
