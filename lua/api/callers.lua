-- Who calls, by the role of the token: whose rows the caller may see. Roles that are not here see everybody's.
local devices = require "actions.devices"
local format = require "lib.format"

local callers = {}

---@param claims auth.claims
---@return { parent_id: string, session_id: any }?  nil: the token is not valid
function callers.parent(claims)
  if not format.uuid(claims.sub) then
    return nil
  end
  return { parent_id = claims.sub, session_id = claims.sid }
end

---@param claims auth.claims
---@return { parent_id: string, child_id: string }?
function callers.child(claims)
  local parent_id = devices.parent_of(claims)
  return parent_id and { parent_id = parent_id, child_id = claims.sub }
end

return callers
