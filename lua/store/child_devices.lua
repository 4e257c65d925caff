-- What a child may learn with. Times are real.
local db = require "db"

local child_devices = {}

local purge = db.sql [[
  delete from child_devices
  where child_id = $1 and expires_at <= to_timestamp($2::bigint)]]

local count = db.sql [[
  select count(*) as devices
  from child_devices
  where child_id = $1]]

local add = db.sql [[
  insert into child_devices (child_id, name, created_at, expires_at)
  values ($1, $2, to_timestamp($3::bigint), to_timestamp($4::bigint))
  returning child_id, id, name, created_at, expires_at]]

local list = db.sql [[
  select d.child_id, d.id, d.name, d.created_at, d.expires_at
  from child_devices d
  join children c on c.id = d.child_id
  where d.child_id = $1 and c.parent_id = $2 and d.expires_at > to_timestamp($3::bigint)
  order by d.created_at, d.id]]

local find = db.sql [[
  select c.parent_id
  from child_devices d
  join children c on c.id = d.child_id
  where d.child_id = $1 and d.id = $2 and d.expires_at > to_timestamp($3::bigint)]]

local remove = db.sql [[
  delete from child_devices d
  using children c
  where c.id = d.child_id and d.child_id = $1 and c.parent_id = $2 and d.id = $3]]

---Queue, for whoever holds the child's row: forget what has expired, and count what is left.
---@return db.pending
function child_devices.count(tx, child_id, now_s)
  tx:later(purge, child_id, now_s)
  return tx:later(count, child_id)
end

---Queue.
---@return db.pending
function child_devices.add(tx, child_id, name, now_s, expires_s)
  return tx:later(add, child_id, name, now_s, expires_s)
end

function child_devices.list(child_id, parent_id, now_s)
  return db.query(list, child_id, parent_id, now_s)
end

---@return string? parent_id  of the child that this is a device of
function child_devices.parent_of(child_id, id, now_s)
  local row = db.one(find, child_id, id, now_s)
  return row and row.parent_id
end

---@return boolean  was there one?
function child_devices.remove(child_id, parent_id, id)
  return db.exec(remove, child_id, parent_id, id) > 0
end

return child_devices
