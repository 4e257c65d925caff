-- What a child may learn with: a token for each device, good until it expires or the parent revokes it.
local auth = require "auth"
local children = require "store.children"
local clock = require "clock"
local config = require "config"
local format = require "lib.format"
local problem = require "lib.problem"
local store = require "store.child_devices"

local devices = {}

-- Enough for a home and a school; each is a way in.
local DEVICES_MAX = 10

---@param tx db.tx
---@return db.row? device
---@return problem? err
function devices.add(tx, child_id, parent_id, name)
  local now_s = clock.real()
  local child = children.lock(tx, child_id, parent_id):one()
  if not child then
    return nil, problem.not_found()
  end
  if store.count(tx, child_id, now_s):one().devices >= DEVICES_MAX then
    return nil, problem.new("too_many_devices", "No more devices can be added. Revoke one first.",
      { limit = DEVICES_MAX })
  end
  return store.add(tx, child_id, name, now_s, now_s + config.auth.device_token_s):one()
end

---@return string  the token of a device, shown once
function devices.token(device)
  return auth.issue_token({ sub = device.child_id, role = "child", jti = device.id }, config.auth.device_token_s)
end

---@return db.row[]? rows
---@return problem? err
function devices.list(child_id, parent_id)
  local rows = store.list(child_id, parent_id, clock.real())
  if #rows == 0 and not children.find(child_id, parent_id) then
    return nil, problem.not_found()
  end
  return rows
end

---@return true? revoked
---@return problem? err
function devices.revoke(child_id, parent_id, id)
  if not store.remove(child_id, parent_id, id) then
    return nil, problem.not_found()
  end
  return true
end

---Whose child holds this token? Asked at every request, so that a revoked token is worth nothing at once.
---@param claims auth.claims
---@return string? parent_id
function devices.parent_of(claims)
  if not format.uuid(claims.sub) or type(claims.jti) ~= "string" or not format.uuid(claims.jti) then
    return nil
  end
  return store.parent_of(claims.sub, claims.jti, clock.real())
end

return devices
