-- Children, as their parent sees them (or a service, which sees every family: parent_id nil).
local db = require "db"

local children = {}

local count = db.sql [[
  select count(*) as children
  from children
  where parent_id = $1]]

local add = db.sql [[
  insert into children (parent_id, name, age, created_at, updated_at)
  values ($1, $2, $3, $4, $4)
  returning id, parent_id, name, age, created_at, updated_at]]

local list = db.sql [[
  select id, parent_id, name, age, created_at, updated_at
  from children
  where parent_id = $1
  order by created_at, id]]

local find = db.sql_one [[
  select id, parent_id, name, age, created_at, updated_at
  from children
  where id = $1::uuid and ($2::uuid is null or parent_id = $2::uuid)]]

local lock = db.sql [[
  select id, parent_id, name, age, created_at, updated_at
  from children
  where id = $1 and parent_id = $2
  for no key update]]

local update = db.sql [[
  update children
  set name = $2, age = $3, updated_at = $4
  where id = $1
  returning id, parent_id, name, age, created_at, updated_at]]

local remove = db.sql [[
  delete from children
  where id = $1]]

---Queue.
---@return db.pending
function children.count(tx, parent_id)
  return tx:later(count, parent_id)
end

---Queue. The child's account comes with it.
---@return db.pending
function children.add(tx, parent_id, child, now)
  return tx:later(add, parent_id, child.name, child.age, now)
end

function children.list(parent_id)
  return db.query(list, parent_id)
end

function children.find(child_id, parent_id)
  return db.one(find, child_id, parent_id)
end

---Queue.
---@return db.pending
function children.read(tx, child_id)
  return tx:later(find, child_id, nil)
end

---Queue: hold the child's row.
---@return db.pending
function children.lock(tx, child_id, parent_id)
  return tx:later(lock, child_id, parent_id)
end

---Queue.
---@return db.pending
function children.update(tx, child, now)
  return tx:later(update, child.id, child.name, child.age, now)
end

---Queue: the child with all that it has learned and earned.
---@return db.pending
function children.remove(tx, child_id)
  return tx:later(remove, child_id)
end

return children
