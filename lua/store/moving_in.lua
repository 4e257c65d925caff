-- Writes families that move in from the server before this one, and tells which have. Rows come as lists and are written by
-- few statements for each table, in their order, so that their new numbers keep it.
local db = require "db"

local moving_in = {}

-- So that the rows of a statement stay below what one JSON value may have (16 MiB).
local ROWS_AT_ONCE = 1000

local store_version = db.sql [[
  insert into rule_versions (version, sources)
  values ($1, $2::jsonb)
  on conflict do nothing]]

-- Which of these are here.
local users_here = db.sql [[
  select u.id
  from users u
  where u.id = any($1::uuid[])]]

local email_owners = db.sql [[
  select u.id, u.email
  from users u
  where u.email = any($1::text[])]]

local children_here = db.sql [[
  select c.id, m.last_progress_id, m.last_verification_id, m.last_transaction_id, m.last_withdrawal_id, m.last_discovery_id
  from children c
  left join moved_children m on m.child_id = c.id
  where c.id = any($1::uuid[])]]

local points_here = db.sql [[
  select l.id
  from learning_points l
  where l.id = any($1::text[])]]

-- Numbers that moved in, of one table after the other.
local rows_here = db.sql [[
  select 'learning_progress' as name, p.original_id
  from learning_progress p
  where p.child_id = $1 and p.original_id is not null
  union all
  select 'verification_schedule', v.original_id
  from verification_schedule v
  where v.child_id = $1 and v.original_id is not null
  union all
  select 'points_transactions', t.original_id
  from moved_transactions t
  where t.child_id = $1
  union all
  select 'withdrawal_requests', w.original_id
  from withdrawal_requests w
  where w.child_id = $1 and w.original_id is not null
  union all
  select 'relationship_discoveries', d.original_id
  from relationship_discoveries d
  where d.child_id = $1 and d.original_id is not null]]

local add_points = db.sql [[
  insert into learning_points (id, word, type, tier, definition, metadata)
  select r.id, r.word, 'word', r.tier, r.definition, '{"moved_in": true}'
  from jsonb_to_recordset($1::jsonb) as r (id text, word text, tier integer, definition text)
  on conflict do nothing]]

local add_user = db.sql [[
  insert into users (id, email, password_hash, name, phone, country, created_at, updated_at)
  values ($1, lower($2), $3, $4, $5, $6, $7, $8)]]

local add_children = db.sql [[
  insert into children (id, parent_id, name, age, created_at, updated_at)
  select r.id, r.parent_id, r.name, r.age, r.created_at, r.updated_at
  from jsonb_to_recordset($1::jsonb) as r (id uuid, parent_id uuid, name text, age integer, created_at timestamptz,
                                           updated_at timestamptz)]]

local add_moved = db.sql [[
  insert into moved_children (child_id, moved_at, last_progress_id, last_verification_id, last_transaction_id,
                              last_withdrawal_id, last_discovery_id)
  select r.id, $2::timestamptz, r.learning_progress, r.verification_schedule, r.points_transactions, r.withdrawal_requests,
         r.relationship_discoveries
  from jsonb_to_recordset($1::jsonb) as r (id uuid, learning_progress bigint, verification_schedule bigint,
                                           points_transactions bigint, withdrawal_requests bigint,
                                           relationship_discoveries bigint)]]

local add_progress = db.sql [[
  insert into learning_progress
    (child_id, original_id, learning_point_id, tier, status, learned_at, learned_on, highest_day, points, unlocked_points,
     opening_points, opening_unlocked, verified_at, last_tested_at, created_at, updated_at)
  select r.child_id, r.id, r.learning_point_id, r.tier, r.status, r.learned_at, (r.learned_at at time zone u.time_zone)::date,
         r.highest_day, r.points, r.unlocked, r.points, r.unlocked, r.verified_at, r.last_tested_at, r.created_at,
         r.updated_at
  from jsonb_to_recordset($1::jsonb) as r (
    child_id uuid, id bigint, learning_point_id text, tier integer, status text, learned_at timestamptz,
    highest_day integer, points bigint, unlocked bigint, verified_at timestamptz, last_tested_at timestamptz,
    created_at timestamptz, updated_at timestamptz)
  join children c on c.id = r.child_id
  join users u on u.id = c.parent_id
  order by r.child_id, r.id]]

-- A test falls due when its day begins where the parent lives, not sooner than $3 hours after the last test of the point.
local add_tests = db.sql [[
  insert into verification_schedule
    (child_id, original_id, learning_progress_id, learning_point_id, attempt, test_day, scheduled_date, due_at, completed,
     completed_at, passed, score, questions, answers, outcome, rule_version, created_at, updated_at)
  select r.child_id, r.id, p.id, p.learning_point_id, 1, r.test_day, r.scheduled_date,
         case when r.completed then r.scheduled_date::timestamp at time zone u.time_zone
              else greatest(r.scheduled_date::timestamp at time zone u.time_zone,
                            p.last_tested_at + make_interval(hours => $3)) end,
         r.completed, r.completed_at, r.passed, r.score, r.questions::jsonb, r.answers::jsonb,
         case when r.completed then '{}'::jsonb end, $2, r.created_at, r.updated_at
  from jsonb_to_recordset($1::jsonb) as r (
    child_id uuid, id bigint, learning_progress_id bigint, test_day integer, scheduled_date date, completed boolean,
    completed_at timestamptz, passed boolean, score numeric, questions text, answers text, created_at timestamptz,
    updated_at timestamptz)
  join learning_progress p on p.child_id = r.child_id and p.original_id = r.learning_progress_id
  join children c on c.id = r.child_id
  join users u on u.id = c.parent_id
  order by r.child_id, r.id]]

local add_withdrawals = db.sql [[
  insert into withdrawal_requests
    (child_id, original_id, parent_id, amount_ntd, points_amount, status, opening_status, bank_account, transaction_id,
     created_at, updated_at, processing_at, processing_by, completed_at, completed_by)
  select r.child_id, r.id, r.parent_id, r.amount_ntd, r.points_amount, r.status, r.status, r.bank_account, r.transaction_id,
         r.created_at, r.updated_at,
         case when r.status in ('processing', 'completed', 'failed') then r.updated_at end,
         case when r.status in ('processing', 'completed', 'failed') then 'import' end,
         case when r.status in ('completed', 'failed', 'cancelled') then r.completed_at end,
         case when r.status in ('completed', 'failed', 'cancelled') then 'import' end
  from jsonb_to_recordset($1::jsonb) as r (
    child_id uuid, id bigint, parent_id uuid, amount_ntd numeric, points_amount bigint, status text, bank_account text,
    transaction_id text, created_at timestamptz, updated_at timestamptz, completed_at timestamptz)
  order by r.child_id, r.id]]

-- What each was paid for, as it is called here: of all meanings of a word the word, of a pattern the affix. Of several
-- affixes nobody knows which one it was, so none of them is paid again.
local add_bonuses = db.sql [[
  insert into moved_bonuses (child_id, bonus_type, bonus_subject)
  select r.child_id, r.bonus_type, paid.subject
  from jsonb_to_recordset($1::jsonb) as r (
    child_id uuid, bonus_type text, learning_point_id text, source_learning_point_id text, relationship_type text,
    target_learning_point_id text)
  cross join lateral (
    select discovery_subject(r.source_learning_point_id, r.relationship_type, r.target_learning_point_id) as subject
    where r.bonus_type = 'relationship_discovery'
    union all
    select r.learning_point_id
    where r.bonus_type in ('phrase_completion', 'idiom_unlock')
    union all
    select lower(p.word)
    from learning_points p
    where p.id = r.learning_point_id and r.bonus_type = 'context_mastery'
    union all
    select e.affix
    from relationships e
    where e.target_id = r.learning_point_id and e.type = 'MORPHOLOGICAL'
      and r.bonus_type in ('pattern_recognition', 'pattern_mastery')) paid
  on conflict do nothing]]

local add_discoveries = db.sql [[
  insert into relationship_discoveries
    (child_id, original_id, source_learning_point_id, target_learning_point_id, relationship_type, discovered_at,
     bonus_awarded)
  select r.child_id, r.id, r.source_learning_point_id, r.target_learning_point_id, r.relationship_type, r.discovered_at,
         r.bonus_awarded
  from jsonb_to_recordset($1::jsonb) as r (
    child_id uuid, id bigint, source_learning_point_id text, target_learning_point_id text, relationship_type text,
    discovered_at timestamptz, bonus_awarded boolean)
  order by r.child_id, r.id]]

local add_transactions = db.sql [[
  insert into moved_transactions
    (child_id, original_id, transaction_type, bonus_type, points, tier, learning_point_id, description, created_at)
  select r.child_id, r.id, r.transaction_type, r.bonus_type, r.points, r.tier, r.learning_point_id, r.description,
         r.created_at
  from jsonb_to_recordset($1::jsonb) as r (
    child_id uuid, id bigint, transaction_type text, bonus_type text, points bigint, tier integer, learning_point_id text,
    description text, created_at timestamptz)]]

local function set_of(rows, column)
  local set = {}
  for _, row in ipairs(rows) do
    set[row[column]] = row
  end
  return set
end

---@param sources table<string, string>
function moving_in.store_version(tx, version, sources)
  return tx:later(store_version, version, db.json(sources))
end

---@param ids string[]
---@return table<string, db.row>  by id
function moving_in.users_here(ids)
  return set_of(db.query(users_here, db.array(ids)), "id")
end

---@param emails string[]
---@return table<string, db.row>  by address
function moving_in.email_owners(emails)
  return set_of(db.query(email_owners, db.array(emails)), "email")
end

---@param ids string[]
---@return table<string, db.row>  by id; with last_progress_id and the rest if the child moved in
function moving_in.children_here(ids)
  return set_of(db.query(children_here, db.array(ids)), "id")
end

---@param ids string[]
---@return table<string, db.row>  by id
function moving_in.points_here(ids)
  return set_of(db.query(points_here, db.array(ids)), "id")
end

---The numbers there of the rows that moved in with a child.
---@return table<string, table<integer, true>>  by table
function moving_in.rows_here(child_id)
  local found = {}
  for _, row in ipairs(db.query(rows_here, child_id)) do
    found[row.name] = found[row.name] or {}
    found[row.name][row.original_id] = true
  end
  return found
end

---@param user table
---@return db.pending
function moving_in.add_user(tx, user)
  return tx:later(add_user, user.id, user.email, user.password_hash, user.name, user.phone, user.country, user.created_at,
    user.updated_at)
end

---@class moving_in.rows  Of a whole family.
---@field points table[]        learning points that were not known here
---@field children table[]
---@field moved table[]         of each child the highest number in each table
---@field progress table[]
---@field tests table[]
---@field withdrawals table[]
---@field bonuses table[]
---@field discoveries table[]
---@field transactions table[]

-- The others come in this order.
local function by_id(one, other)
  return one.id < other.id
end

---Queue everything but the moves of the ledger and the tests that rules plan.
---@param rows moving_in.rows
---@param version string  of the rules, kept with the tests
---@param hours_between_tests integer
function moving_in.add_rows(tx, rows, version, hours_between_tests, now)
  tx:later("set local enable_seqscan = off") -- tables that were empty a moment ago would be read as such, again and again
  table.sort(rows.tests, by_id)
  table.sort(rows.discoveries, by_id)
  local function add(list, statement, ...)
    for first = 1, #list, ROWS_AT_ONCE do
      local part = table.move(list, first, math.min(first + ROWS_AT_ONCE - 1, #list), 1, {})
      tx:later(statement, db.json(part), ...)
    end
  end
  add(rows.points, add_points)
  add(rows.children, add_children)
  add(rows.moved, add_moved, now)
  add(rows.progress, add_progress)
  add(rows.tests, add_tests, version, hours_between_tests)
  add(rows.withdrawals, add_withdrawals)
  add(rows.bonuses, add_bonuses)
  add(rows.discoveries, add_discoveries)
  add(rows.transactions, add_transactions)
end

---What is checked at the end of a transaction is checked now.
function moving_in.check_now(tx)
  tx:exec("set constraints all immediate")
end

return moving_in
