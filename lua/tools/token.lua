-- `lexicraft token`: signs a token for a role that a route knows. Any other would be good for nothing, and nobody would say so.
local auth = require "auth"
local roles = require "routes.roles"

---@param role string
---@param sub string
---@param ttl_s integer
---@return string? token
---@return string? reason
return function(role, sub, ttl_s)
  for _, known in ipairs(roles.EVERYBODY) do
    if known == role then
      return auth.issue_token({ sub = sub, role = role }, ttl_s)
    end
  end
  return nil, ("there is no role %q; there are %s"):format(role, table.concat(roles.EVERYBODY, ", "))
end
