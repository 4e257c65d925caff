-- Parents log in, stay logged in with refresh tokens, and log out.
--
-- A refresh token is "SESSION.SECRET". It is good for one use, which puts a new secret in its place; only the hash of the
-- latest one is kept. Any other secret of the session is one used before, so somebody has a copy, and the session ends.
local auth = require "auth"
local clock = require "clock"
local config = require "config"
local format = require "lib.format"
local problem = require "lib.problem"
local rate = require "rate"
local store = require "store.sessions"
local users = require "store.users"

local sessions = {}

local SECRET_BYTES = 32

---@class sessions.session
---@field access_token string
---@field refresh_token string
---@field expires_in integer  of the access token, seconds
---@field user_id string

-- Attempts are counted whether they succeed or not, per address and per account; the address first, so that one that is
-- refused anyway cannot use up the attempts of other people's accounts.
local function limit_attempts(email, remote)
  local limits = config.limits
  for _, bucket in ipairs {
    { key = "login:address:" .. remote, attempts = limits.login_attempts_per_address },
    { key = "login:account:" .. email:lower(), attempts = limits.login_attempts },
  } do
    local ok, retry_after_s = rate.take(bucket.key, bucket.attempts, limits.login_window_s)
    if not ok then
      return problem.new("rate_limited", "Too many attempts to log in.", nil,
        { ["Retry-After"] = tostring(retry_after_s) })
    end
  end
end

local function show(id, secret, user_id)
  local expires_in = config.auth.access_token_s
  return {
    access_token = auth.issue_token({ sub = user_id, role = "parent", sid = id }, expires_in),
    refresh_token = id .. "." .. secret,
    expires_in = expires_in,
    user_id = user_id,
  }
end

---@return sessions.session? session
---@return problem? err
function sessions.log_in(email, password, remote)
  local err = limit_attempts(email, remote)
  if err then
    return nil, err
  end
  local user = users.credentials(email)
  -- The same work for an unknown address, so that the time tells nothing.
  local is_right = auth.verify_password(user and user.password_hash, password)
  local secret, now_s = auth.random(SECRET_BYTES), clock.real()
  local id = is_right and store.add(user.id, user.password_hash, auth.sha256(secret), now_s,
    now_s + config.auth.refresh_token_s)
  if not id then
    return nil, problem.new("invalid_credentials", "E-mail address or password is wrong.")
  end
  return show(id, secret, user.id)
end

---@return sessions.session? session  with a new refresh token in place of this one
---@return problem? err
function sessions.refresh(token)
  local refused = problem.new("invalid_credentials", "The refresh token is not valid. Log in again.")
  local id, secret = token:match("^([%x-]+)%.([%w_-]+)$")
  if not id or not format.uuid(id) then
    return nil, refused
  end
  local new_secret, now_s = auth.random(SECRET_BYTES), clock.real()
  local user_id = store.rotate(id, auth.sha256(secret), auth.sha256(new_secret), now_s,
    now_s + config.auth.refresh_token_s)
  if not user_id then
    store.remove(id)
    return nil, refused
  end
  return show(id, new_secret, user_id)
end

---End the session that an access token came from; its refresh token is worth nothing from now on.
---@param id any  of the token's claim; nil: it came from none
function sessions.log_out(id, user_id)
  if type(id) == "string" and format.uuid(id) then
    store.remove(id, user_id)
  end
end

return sessions
