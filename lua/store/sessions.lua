-- Log-ins that have not ended, each with the hash of the only refresh secret that is good for it. Times are real.
local db = require "db"

local sessions = {}

-- Expired rows removed with every log-in.
local PURGE_MAX = 20

-- A list is for people to read.
local LIST_MAX = 100

-- Only while address and password are still those that were checked: what is changed meanwhile opens no session, and what
-- is changed afterwards waits for this row and ends it.
local add = db.sql [[
  insert into sessions (user_id, secret_hash, created_at, used_at, expires_at, address)
  select holder.id, $3, to_timestamp($4::bigint), to_timestamp($4::bigint), to_timestamp($5::bigint), $7
  from (select id from users where id = $1 and password_hash = $2 and email = $6 for no key update) holder
  returning id]]

local list = db.sql [[
  select id, address, created_at, used_at, expires_at
  from sessions
  where user_id = $1 and expires_at > to_timestamp($2::bigint)
  order by used_at desc, created_at desc, id
  limit $3]]

local rotate = db.sql [[
  update sessions
  set secret_hash = $3, used_at = to_timestamp($4::bigint), expires_at = to_timestamp($5::bigint), address = $6
  where id = $1 and secret_hash = $2 and expires_at > to_timestamp($4::bigint)
  returning user_id]]

local remove = db.sql [[
  delete from sessions
  where id = $1]]

local remove_own = db.sql [[
  delete from sessions
  where id = $1 and user_id = $2]]

local remove_all = db.sql [[
  delete from sessions
  where user_id = $1 and ($2::uuid is null or id <> $2)]]

local purge = db.sql [[
  delete from sessions
  where ctid = any(array(
    select ctid
    from sessions
    where expires_at <= to_timestamp($1::bigint)
    order by expires_at
    limit $2
    for update skip locked))]]

---@param user { id: string, email: string, password_hash: string }  as they were checked
---@param address string  of the client
---@return string? id  nil: they are others by now
function sessions.add(user, secret_hash, address, now_s, expires_s)
  db.exec(purge, now_s, PURGE_MAX)
  local _, rows = db.exec(add, user.id, user.password_hash, secret_hash, now_s, expires_s, user.email, address)
  return rows[1] and rows[1].id
end

---The one used last first.
---@return db.row[]
function sessions.list(user_id, now_s)
  return db.query(list, user_id, now_s, LIST_MAX)
end

---Put a new secret in the place of this one.
---@param address string  of the client
---@return string? user_id  nil: this is not the session's secret, or the session has ended
function sessions.rotate(id, secret_hash, new_secret_hash, address, now_s, expires_s)
  local _, rows = db.exec(rotate, id, secret_hash, new_secret_hash, now_s, expires_s, address)
  return rows[1] and rows[1].user_id
end

---@param user_id? string  end it only if it is this user's
---@return integer  how many there were: 1 or 0
function sessions.remove(id, user_id)
  if user_id then
    return db.exec(remove_own, id, user_id)
  end
  return db.exec(remove, id)
end

---Queue: end all of a user's sessions.
---@param but_id? string  except this one
---@return db.pending
function sessions.remove_all(tx, user_id, but_id)
  return tx:later(remove_all, user_id, but_id)
end

return sessions
