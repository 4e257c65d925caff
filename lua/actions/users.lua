-- Parents sign up and log in.
local auth = require "auth"
local clock = require "clock"
local config = require "config"
local format = require "lib.format"
local problem = require "lib.problem"
local rate = require "rate"
local store = require "store.users"

local users = {}

-- PostgreSQL's answer to a time zone it does not know.
local INVALID_PARAMETER_VALUE = "22023"

local function unknown_time_zone()
  return problem.invalid("invalid_body", {
    { pointer = "/time_zone", code = "format", detail = format.DETAILS["time-zone"] },
  })
end

---@param given { email: string, password: string, name: string?, phone: string?, country: string?, time_zone: string? }
---@return db.row? user
---@return problem? err
function users.sign_up(given)
  local password_hash = auth.hash_password(given.password)
  local ok, user = pcall(store.add, {
    email = given.email,
    password_hash = password_hash,
    name = given.name,
    phone = given.phone,
    country = given.country,
    time_zone = given.time_zone,
  }, clock.now())
  if not ok and user.sqlstate == INVALID_PARAMETER_VALUE then
    return nil, unknown_time_zone()
  end
  if not ok then
    error(user, 0)
  end
  if not user then
    return nil, problem.new("email_taken", "There is already an account with this e-mail address.")
  end
  return user
end

-- Attempts are counted whether they succeed or not, per address and per account; the address first, so that one that is
-- refused anyway cannot use up the attempts of other people's accounts.
local function limit_attempts(email, remote)
  for _, key in ipairs { "login:address:" .. remote, "login:account:" .. email:lower() } do
    local ok, retry_after_s = rate.take(key, config.limits.login_attempts, config.limits.login_window_s)
    if not ok then
      return problem.new("rate_limited", "Too many attempts to log in.", nil,
        { ["Retry-After"] = tostring(retry_after_s) })
    end
  end
end

---@class users.session
---@field access_token string
---@field expires_in integer  seconds
---@field user_id string

---@return users.session? session
---@return problem? err
function users.log_in(email, password, remote)
  local err = limit_attempts(email, remote)
  if err then
    return nil, err
  end
  local user = store.credentials(email)
  -- The same work for an unknown address, so that the time tells nothing.
  if not auth.verify_password(user and user.password_hash, password) then
    return nil, problem.new("invalid_credentials", "E-mail address or password is wrong.")
  end
  local expires_in = config.auth.access_token_s
  return {
    access_token = auth.issue_token({ sub = user.id, role = "parent" }, expires_in),
    expires_in = expires_in,
    user_id = user.id,
  }
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

return users
