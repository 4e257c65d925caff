-- Log-ins that have not ended, each with the hash of the only refresh secret that is good for it. Times are real.
local db = require "db"

local sessions = {}

-- Expired rows removed with every log-in.
local PURGE_MAX = 20

-- Only while the password is still the one that was checked: one that is changed meanwhile opens no session, and one that
-- is changed afterwards waits for this row and ends it.
local add = db.sql [[
  insert into sessions (user_id, secret_hash, created_at, expires_at)
  select holder.id, $3, to_timestamp($4::bigint), to_timestamp($5::bigint)
  from (select id from users where id = $1 and password_hash = $2 for no key update) holder
  returning id]]

local rotate = db.sql [[
  update sessions
  set secret_hash = $3, expires_at = to_timestamp($5::bigint)
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
  where user_id = $1]]

local purge = db.sql [[
  delete from sessions
  where ctid = any(array(
    select ctid
    from sessions
    where expires_at <= to_timestamp($1::bigint)
    order by expires_at
    limit $2
    for update skip locked))]]

---@return string? id  nil: the password is not this one any more
function sessions.add(user_id, password_hash, secret_hash, now_s, expires_s)
  db.exec(purge, now_s, PURGE_MAX)
  local _, rows = db.exec(add, user_id, password_hash, secret_hash, now_s, expires_s)
  return rows[1] and rows[1].id
end

---Put a new secret in the place of this one.
---@return string? user_id  nil: this is not the session's secret, or the session has ended
function sessions.rotate(id, secret_hash, new_secret_hash, now_s, expires_s)
  local _, rows = db.exec(rotate, id, secret_hash, new_secret_hash, now_s, expires_s)
  return rows[1] and rows[1].user_id
end

---@param user_id? string  end it only if it is this user's
function sessions.remove(id, user_id)
  if user_id then
    return db.exec(remove_own, id, user_id)
  end
  return db.exec(remove, id)
end

---Queue: end all of a user's sessions.
---@return db.pending
function sessions.remove_all(tx, user_id)
  return tx:later(remove_all, user_id)
end

return sessions
