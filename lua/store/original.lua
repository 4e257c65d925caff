-- The database of the server before this one, read only. Its tables are other ones than ours, so nothing here is registered
-- by db.sql; its times have no zone and mean UTC.
local db = require "db"

local original = {}

local LEAST_ID = "00000000-0000-0000-0000-000000000000"

-- What must be there, and what would show that this is a database of ours.
local tables = [[
  select count(*) filter (where t.name <> 'rule_versions') as originals,
         coalesce(string_agg(t.name, ', ') filter (where t.name <> 'rule_versions' and to_regclass(t.name) is null), '')
           as missing,
         bool_or(t.name = 'rule_versions' and to_regclass(t.name) is not null) as is_ours
  from unnest(array['users', 'children', 'learning_progress', 'verification_schedule', 'points_accounts',
                    'points_transactions', 'withdrawal_requests', 'relationship_discoveries', 'rule_versions']) as t (name)]]

local size = [[
  select count(*) as users
  from users]]

-- E-mail addresses that two users have once letters are small, and transfers that have paid two withdrawals.
local twice = [[
  select 'email' as kind, lower(btrim(u.email, E' \t\n\v\f\r')) as value
  from users u
  group by 2
  having count(*) > 1
  union all
  select 'transfer', btrim(w.transaction_id, E' \t\n\v\f\r')
  from withdrawal_requests w
  where btrim(w.transaction_id, E' \t\n\v\f\r') <> '' and lower(btrim(w.status, E' \t\n\v\f\r')) = 'completed'
  group by 2
  having count(*) > 1]]

local users_from = [[
  select u.id, u.email, lower(btrim(u.email, E' \t\n\v\f\r')) as email_key, u.password_hash, u.name, u.phone, u.country,
         u.created_at at time zone 'UTC' as created_at, u.updated_at at time zone 'UTC' as updated_at
  from users u
  where u.id >= $1::uuid and u.id is distinct from $3
  order by u.id
  limit $2]]

local stray_children = [[
  select r.id::text as key, count(*) over () as total
  from %s r
  where not exists (select from users u where u.id = r.parent_id)
  order by r.id
  limit 20]]

local strays = [[
  select r.id::text as key, count(*) over () as total
  from %s r
  where not exists (select from children c join users u on u.id = c.parent_id where c.id = r.child_id)
  order by r.id
  limit 20]]

local children_of = [[
  select c.id, c.parent_id, c.name, c.age, c.created_at at time zone 'UTC' as created_at,
         c.updated_at at time zone 'UTC' as updated_at
  from children c
  where c.parent_id = any($1::uuid[])
  order by c.parent_id, c.id]]

-- The rows of some children, by table.
local OF_CHILDREN = {
  learning_progress = [[
    select p.child_id, p.id, p.learning_point_id, p.learned_at at time zone 'UTC' as learned_at, p.tier, p.status,
           p.created_at at time zone 'UTC' as created_at, p.updated_at at time zone 'UTC' as updated_at
    from learning_progress p
    where p.child_id = any($1::uuid[])
    order by p.child_id, p.id]],
  verification_schedule = [[
    select v.child_id, v.id, v.learning_progress_id, v.test_day, v.scheduled_date, v.completed,
           v.completed_at at time zone 'UTC' as completed_at, v.passed, v.score::text as score,
           v.questions::text as questions, v.answers::text as answers, v.created_at at time zone 'UTC' as created_at,
           v.updated_at at time zone 'UTC' as updated_at
    from verification_schedule v
    where v.child_id = any($1::uuid[])
    order by v.child_id, v.id]],
  points_accounts = [[
    select a.child_id, a.id, a.total_earned, a.available_points, a.locked_points, a.withdrawn_points, a.deficit_points
    from points_accounts a
    where a.child_id = any($1::uuid[])
    order by a.child_id, a.id]],
  points_transactions = [[
    select t.child_id, t.id, t.learning_progress_id, t.transaction_type, t.bonus_type, t.points, t.tier, t.description,
           t.created_at at time zone 'UTC' as created_at
    from points_transactions t
    where t.child_id = any($1::uuid[])
    order by t.child_id, t.id]],
  withdrawal_requests = [[
    select w.child_id, w.id, w.parent_id, w.amount_ntd::text as amount_ntd, w.points_amount, w.status, w.bank_account,
           w.transaction_id, w.created_at at time zone 'UTC' as created_at, w.updated_at at time zone 'UTC' as updated_at,
           w.completed_at at time zone 'UTC' as completed_at
    from withdrawal_requests w
    where w.child_id = any($1::uuid[])
    order by w.child_id, w.id]],
  relationship_discoveries = [[
    select d.child_id, d.id, d.source_learning_point_id, d.target_learning_point_id, d.relationship_type,
           d.discovered_at at time zone 'UTC' as discovered_at, d.bonus_awarded
    from relationship_discoveries d
    where d.child_id = any($1::uuid[])
    order by d.child_id, d.id]],
}

---Its tables, in the order in which they are reported.
original.TABLES = {
  "users", "children", "learning_progress", "verification_schedule", "points_accounts", "points_transactions",
  "withdrawal_requests", "relationship_discoveries",
}

---Run fn in one snapshot of that database.
---@param url string
---@param fn fun(source: db.tx): any, any
function original.read(url, fn)
  return db.connect(url):transaction({ isolation = "repeatable read", read_only = true }, fn)
end

---@return string? fault  why this is no database of the server before this one
function original.fault(source)
  local found = source:one(tables)
  if found.is_ours then
    return "that is a database of this server, not of the one before it"
  elseif found.missing ~= "" then
    return "that database lacks the tables " .. found.missing
  end
end

---@return integer
function original.count_users(source)
  return source:one(size).users
end

---@return { email: table<string, true>, transfer: table<string, true> }
function original.twice(source)
  local found = { email = {}, transfer = {} }
  for _, row in ipairs(source:query(twice)) do
    found[row.kind][row.value] = true
  end
  return found
end

---@param after string?  id of the last one seen
---@return db.row[]
function original.users_after(source, after, limit)
  return source:query(users_from, after or LEAST_ID, limit, after)
end

---What belongs to nobody: a copy without foreign keys may have such rows.
---@return { name: string, total: integer, keys: string[] }[]  of each table with such rows the first keys
function original.orphans(source)
  local found = {}
  for _, name in ipairs(original.TABLES) do
    local rows = name ~= "users" and source:query((name == "children" and stray_children or strays):format(name)) or {}
    if #rows > 0 then
      local keys = {}
      for index, row in ipairs(rows) do
        keys[index] = row.key
      end
      found[#found + 1] = { name = name, total = rows[1].total, keys = keys }
    end
  end
  return found
end

---@param user_ids string[]
---@return db.row[]
function original.children_of(source, user_ids)
  return source:query(children_of, db.array(user_ids))
end

---Everything of these children.
---@param child_ids string[]
---@return table<string, table<string, db.row[]>>  by table, then by child
function original.rows_of(source, child_ids)
  local pending, found = {}, {}
  for name, statement in pairs(OF_CHILDREN) do
    pending[name] = source:later(statement, db.array(child_ids))
  end
  for name, rows in pairs(pending) do
    found[name] = {}
    for _, row in ipairs(rows:rows()) do
      local list = found[name][row.child_id] or {}
      found[name][row.child_id] = list
      list[#list + 1] = row
    end
  end
  return found
end

return original
