-- One-time tokens for parents who have forgotten their password, hashed. Times are real.
local db = require "db"

local password_resets = {}

local put = db.sql [[
  insert into password_resets (user_id, token_hash, created_at, expires_at)
  select id, $2, to_timestamp($3::bigint), to_timestamp($4::bigint)
  from users
  where email = lower($1)
  on conflict (user_id) do update set
    token_hash = excluded.token_hash, created_at = excluded.created_at, expires_at = excluded.expires_at
  returning user_id]]

local find = db.sql [[
  select user_id
  from password_resets
  where token_hash = $1 and expires_at > to_timestamp($2::bigint)]]

local take = db.sql [[
  delete from password_resets
  where token_hash = $1 and expires_at > to_timestamp($2::bigint)
  returning user_id]]

local remove = db.sql [[
  delete from password_resets
  where user_id = $1]]

---Keep a token for the holder of this e-mail address, in place of an earlier one.
---@return string? user_id  nil: nobody has this address
function password_resets.put(email, token_hash, now_s, expires_s)
  local _, rows = db.exec(put, email, token_hash, now_s, expires_s)
  return rows[1] and rows[1].user_id
end

---@return string? user_id
function password_resets.find(token_hash, now_s)
  local row = db.one(find, token_hash, now_s)
  return row and row.user_id
end

---Queue: use the token up.
---@return db.pending  no row: there is none any more
function password_resets.take(tx, token_hash, now_s)
  return tx:later(take, token_hash, now_s)
end

---Queue.
---@return db.pending
function password_resets.remove(tx, user_id)
  return tx:later(remove, user_id)
end

return password_resets
