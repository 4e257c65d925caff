-- Who calls, by the token: whose rows the caller may see. Roles that are not here see everybody's.
local devices = require "actions.devices"
local format = require "lib.format"

local callers = { roles = {}, present = {} }

---@param claims auth.claims
---@return { parent_id: string, session_id: any }?  nil: the token is not valid
function callers.roles.parent(claims)
  if not format.uuid(claims.sub) then
    return nil
  end
  return { parent_id = claims.sub, session_id = claims.sid }
end

-- A device's token can be revoked.
---@param claims auth.claims
---@return { parent_id: string, child_id: string }?
function callers.present.child(claims)
  local parent_id = devices.parent_of(claims)
  return parent_id and { parent_id = parent_id, child_id = claims.sub }
end

-- Somebody who has logged in at Supabase is the parent with the same id. Its other roles, anon and service_role, are those of
-- keys that are public or good for everything, and are nobody here; so are its guests, who have shown nothing of themselves.
---@param claims auth.claims
---@return pipeline.caller?
function callers.foreign(claims)
  if claims.role ~= "authenticated" or (claims.is_anonymous or false) ~= false or not format.uuid(claims.sub) then
    return nil
  end
  local id, email = claims.sub:lower(), claims.email
  local is_email = type(email) == "string" and format.email(email)
  return { role = "parent", sub = id, parent_id = id, newcomer = { email = is_email and email or nil } }
end

return callers
