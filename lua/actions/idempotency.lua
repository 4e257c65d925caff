-- Runs an operation in a transaction, once for each Idempotency-Key: the answer is kept in the same transaction as the
-- effect, so there is never one without the other. Answers of refused requests are not kept.
local clock = require "clock"
local config = require "config"
local db = require "db"
local etag = require "lib.etag"
local idempotency_keys = require "store.idempotency_keys"
local json = require "json"
local problem = require "lib.problem"

local idempotency = {}

local HOUR_S = 3600
local LOCK_NOT_AVAILABLE = "55P03"

-- Take the key, waiting for whoever holds it.
local function claim(tx, once)
  local now_s = clock.real()
  local expires_s = not once.is_kept and now_s + config.limits.idempotency_hours * HOUR_S or nil
  local ok, result = pcall(function()
    return idempotency_keys.claim(tx, once, now_s, expires_s):one()
  end)
  if not ok and result.sqlstate == LOCK_NOT_AVAILABLE then
    return nil, problem.new("idempotency_in_progress", "A request with this Idempotency-Key is still under way.")
  end
  if not ok then
    error(result, 0)
  end
  return result ~= nil
end

---The refusal of a key that belongs to another request.
---@return problem
function idempotency.reused()
  return problem.new("idempotency_key_reused", "This Idempotency-Key belongs to another request.")
end

-- The answer given before for this key.
local function stored_answer(tx, once)
  local stored = idempotency_keys.find(tx, once):one()
  if stored.request_hash ~= once.hash then
    return nil, idempotency.reused()
  end
  return {
    status = stored.status,
    headers = { Location = stored.location, ETag = once.is_tagged and etag.of_text(stored.body) or nil },
    body = stored.body,
    content_type = "application/json",
  }
end

local function keep(tx, call, response)
  idempotency_keys.save(tx, call.once, {
    status = response.status,
    location = response.headers and response.headers.Location,
    body = json.encode(response.json),
  }, call.caller and call.caller.parent_id or call.once.user_id, call.params.child_id, clock.real())
end

---Run `operate` in a transaction and make its result a response.
---
---What `operate` returns may hold pending results. Without a key they are read after COMMIT, with which their statements
---then travel: that is how an operation costs two round trips.
---@generic T
---@param call pipeline.call
---@param operate fun(tx: db.tx): T?, problem?
---@param respond fun(result: T): http.response
---@param child_id string?  `operate` begins by locking this child's account and touches only what is this child's: without a
---key it may share a transaction of the database with what is done for other children (db.transaction)
---@return http.response? response
---@return problem? err
function idempotency.transaction(call, operate, respond, child_id)
  if not call.once then
    local result, err = db.transaction({ share = child_id and child_id:lower() }, operate)
    if not result then
      return nil, err
    end
    return respond(result)
  end
  return db.transaction(function(tx)
    local is_mine, claim_err = claim(tx, call.once)
    if claim_err then
      return nil, claim_err
    end
    if not is_mine then
      return stored_answer(tx, call.once)
    end
    local result, err = operate(tx)
    if not result then
      return nil, err
    end
    local response = respond(result)
    keep(tx, call, response)
    return response
  end)
end

return idempotency
