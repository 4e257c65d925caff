-- One account per child. Only the ledger changes it.
local db = require "db"

local points_accounts = {}

local lock = db.sql_one [[
  select a.child_id, a.total_earned, a.available_points, a.locked_points, a.withdrawn_points, a.deficit_points,
         a.last_sequence, a.updated_at
  from points_accounts a
  join children c on c.id = a.child_id
  where a.child_id = $1::uuid and ($2::uuid is null or c.parent_id = $2::uuid)
  for update of a]]

local find = db.sql_one [[
  select a.child_id, a.total_earned, a.available_points, a.locked_points, a.withdrawn_points, a.deficit_points,
         a.updated_at
  from points_accounts a
  join children c on c.id = a.child_id
  where a.child_id = $1::uuid and ($2::uuid is null or c.parent_id = $2::uuid)]]

local lock_family = db.sql [[
  select a.child_id
  from points_accounts a
  join children c on c.id = a.child_id
  where c.parent_id = $1 and ($2::uuid is null or c.id = $2)
  order by a.child_id
  for update of a]]

---Queue: hold the accounts of one child or of all children of a parent, always in the same order.
---@param child_id string?  nil: of all
---@return db.pending
function points_accounts.lock_family(tx, parent_id, child_id)
  return tx:later(lock_family, parent_id, child_id)
end

---Queue: hold the account. Everything that changes what a child has learned or earned begins with this.
---@return db.pending  no row: no such child
function points_accounts.lock(tx, child_id, parent_id)
  return tx:later(lock, child_id, parent_id)
end

---@param view json.view
---@return userdata? json
function points_accounts.show(child_id, parent_id, view)
  return db.one_json(view, find, child_id, parent_id)
end

return points_accounts
