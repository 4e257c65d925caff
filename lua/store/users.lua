-- Parents. An e-mail address is kept in lower case as PostgreSQL understands it: Lua knows the letters of ASCII only.
local db = require "db"

local users = {}

local add = db.sql [[
  insert into users (email, password_hash, name, phone, country, time_zone, created_at, updated_at)
  values (lower($1), $2, $3, $4, coalesce($5, 'TW'), coalesce($6, 'Asia/Taipei'), $7, $7)
  on conflict (email) do nothing
  returning id, email, name, phone, country, time_zone, created_at, updated_at]]

local find = db.sql [[
  select id, email, name, phone, country, time_zone, created_at, updated_at
  from users
  where id = $1]]

local credentials = db.sql [[
  select id, password_hash
  from users
  where email = lower($1)]]

local lock = db.sql [[
  select id
  from users
  where id = $1
  for no key update]]

---@return db.row? user  nil if the e-mail address is taken
function users.add(user, now)
  local _, rows = db.exec(add, user.email, user.password_hash, user.name, user.phone, user.country, user.time_zone, now)
  return rows[1]
end

function users.find(id)
  return db.one(find, id)
end

---@return { id: string, password_hash: string }?
function users.credentials(email)
  return db.one(credentials, email)
end

---Queue: hold the parent's row, so that counting children and adding one is a single step.
---@return db.pending
function users.lock(tx, id)
  return tx:later(lock, id)
end

return users
