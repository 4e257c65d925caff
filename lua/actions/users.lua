-- Parents sign up, are found, and change what is known of them.
local auth = require "auth"
local clock = require "clock"
local format = require "lib.format"
local merge = require "lib.merge"
local problem = require "lib.problem"
local store = require "store.users"

local users = {}

-- PostgreSQL's answer to a time zone it does not know.
local INVALID_PARAMETER_VALUE = "22023"

-- Run a statement that stores a time zone.
local function with_time_zone(run, ...)
  local ok, result = pcall(run, ...)
  if not ok and result.sqlstate == INVALID_PARAMETER_VALUE then
    return nil, problem.invalid("invalid_body", {
      { pointer = "/time_zone", code = "format", detail = format.DETAILS["time-zone"] },
    })
  end
  if not ok then
    error(result, 0)
  end
  return result
end

---@param given { email: string, password: string, name: string?, phone: string?, country: string?, time_zone: string? }
---@return db.row? user
---@return problem? err
function users.sign_up(given)
  local password_hash = auth.hash_password(given.password)
  local user, err = with_time_zone(store.add, {
    email = given.email,
    password_hash = password_hash,
    name = given.name,
    phone = given.phone,
    country = given.country,
    time_zone = given.time_zone,
  }, clock.now())
  if not user then
    return nil, err or problem.new("email_taken", "There is already an account with this e-mail address.")
  end
  return user
end

---@return db.row? user
---@return problem? err
function users.find(id)
  local user = store.find(id)
  if not user then
    return nil, problem.not_found()
  end
  return user
end

---@return db.row? user
function users.find_by_email(email)
  return store.find_by_email(email)
end

---@param tx db.tx
---@param change table                           new values by name; json.null takes one away
---@param refusal fun(user: db.row): problem?    may it be changed as it is now?
---@return db.row? user
---@return problem? err
function users.update(tx, id, change, refusal)
  local user = store.lock(tx, id):one()
  if not user then
    return nil, problem.not_found()
  end
  local err = refusal(user)
  if err then
    return nil, err
  end
  return with_time_zone(function()
    return store.update(tx, merge(user, change), clock.now()):one()
  end)
end

return users
