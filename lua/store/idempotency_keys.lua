-- Answers kept for repeated requests.
local db = require "db"

local idempotency_keys = {}

-- Expired rows removed with every new key, so that the table never needs a sweep.
local PURGE_MAX = 20

-- Waits for another transaction with the same key. An expired row is taken over.
local claim = db.sql [[
  insert into idempotency_keys (caller, route, key, request_hash, created_at, expires_at)
  values ($1, $2, $3, $4, to_timestamp($5::bigint), to_timestamp($6::bigint))
  on conflict (caller, route, key) do update set
    request_hash = excluded.request_hash, user_id = null, status = null, location = null, body = null,
    created_at = excluded.created_at, expires_at = excluded.expires_at
  where idempotency_keys.expires_at <= excluded.created_at
  returning true as claimed]]

local find = db.sql [[
  select request_hash, status, location, body
  from idempotency_keys
  where caller = $1 and route = $2 and key = $3]]

local save = db.sql [[
  update idempotency_keys
  set status = $4, location = $5, body = $6,
      user_id = coalesce($7::uuid, (select parent_id from children where id = $8::uuid))
  where caller = $1 and route = $2 and key = $3]]

local purge = db.sql [[
  delete from idempotency_keys
  where ctid = any(array(
    select ctid
    from idempotency_keys
    where expires_at <= to_timestamp($1::bigint)
    order by expires_at
    limit $2
    for update skip locked))]]

-- Whatever names the child: the key's own answer, also that of the request that added the child.
local forget_child = db.sql [[
  delete from idempotency_keys
  where user_id = $1 and position($2::text in coalesce(location, '') || coalesce(body, '')) > 0]]

---Queue: forget every answer that tells of this child.
---@return db.pending
function idempotency_keys.forget_child(tx, parent_id, child_id)
  return tx:later(forget_child, parent_id, child_id:lower())
end

---Queue: take the key.
---@param once pipeline.once
---@param now_s integer
---@param expires_s integer?  nil: never
---@return db.pending  no row: the key was used before
function idempotency_keys.claim(tx, once, now_s, expires_s)
  return tx:later(claim, once.caller, once.route, once.key, once.hash, now_s, expires_s)
end

---Queue.
---@return db.pending
function idempotency_keys.find(tx, once)
  return tx:later(find, once.caller, once.route, once.key)
end

---Queue: keep the answer, and remove some expired ones.
---@param answer { status: integer, location: string?, body: string }
---@param parent_id string?  whose family the answer tells of
---@param child_id string?   or which child's family
function idempotency_keys.save(tx, once, answer, parent_id, child_id, now_s)
  tx:later(purge, now_s, PURGE_MAX)
  return tx:later(save, once.caller, once.route, once.key, answer.status, answer.location, answer.body, parent_id,
    child_id)
end

return idempotency_keys
