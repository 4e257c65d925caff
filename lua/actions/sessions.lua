-- Parents log in, stay logged in with refresh tokens, and log out.
--
-- A refresh token is "SESSION.SECRET". It is good for one use, which puts a new secret in its place; only the hash of the
-- latest one is kept. Any other secret of the session is one used before, so somebody has a copy, and the session ends.
local address = require "lib.address"
local auth = require "auth"
local clock = require "clock"
local config = require "config"
local db = require "db"
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

local function limit(key, attempts)
  local ok, retry_after_s = rate.take(key, attempts, config.limits.login_window_s)
  if not ok then
    return problem.new("rate_limited", "Too many attempts to log in or to sign up.", nil,
      { ["Retry-After"] = tostring(retry_after_s) })
  end
end

---May this client address try to log in or to sign up once more? Both tell whether an account is there, and cost a hash.
---@param remote string
---@return problem? err
function sessions.limit_address(remote)
  return limit("login:address:" .. address.network(remote), config.limits.login_attempts_per_address)
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

local function wrong_credentials()
  return nil, problem.new("invalid_credentials", "E-mail address or password is wrong.")
end

---Whose are this address and this password? Attempts are counted whether they succeed or not, per client address and per
---account; the client's address first, so that one that is refused anyway cannot use up the attempts of other people's
---accounts. The account is counted by its address as it is kept, or each way to write that would have attempts of its own.
---Where the parent is logged in already, attempts are counted apart: who guesses elsewhere locks nobody out at home.
---@return { id: string, email: string, password_hash: string }? user
---@return problem? err
function sessions.check(email, password, remote)
  local err = sessions.limit_address(remote)
  if err then
    return nil, err
  end
  local user = users.credentials(email, remote, clock.real())
  local account = user.is_familiar and "login:home:" .. remote .. " " or "login:account:"
  err = limit(account .. user.email, config.limits.login_attempts)
  if err then
    return nil, err
  end
  -- The same work for an unknown address, so that the time tells nothing.
  if not auth.verify_password(user.password_hash, password) then
    return wrong_credentials()
  end
  return user
end

---@return sessions.session? session
---@return problem? err
function sessions.log_in(email, password, remote)
  local user, err = sessions.check(email, password, remote)
  if not user then
    return nil, err
  end
  local secret, now_s = auth.random(SECRET_BYTES), clock.real()
  local id = store.add(user, auth.sha256(secret), remote, now_s, now_s + config.auth.refresh_token_s)
  if not id then
    return wrong_credentials()
  end
  return show(id, secret, user.id)
end

---@return sessions.session? session  with a new refresh token in place of this one
---@return problem? err
function sessions.refresh(token, remote)
  local refused = problem.new("invalid_credentials", "The refresh token is not valid. Log in again.")
  local id, secret = token:match("^([%x-]+)%.([%w_-]+)$")
  if not id or not format.uuid(id) then
    return nil, refused
  end
  local new_secret, now_s = auth.random(SECRET_BYTES), clock.real()
  local user_id = store.rotate(id, auth.sha256(secret), auth.sha256(new_secret), remote, now_s,
    now_s + config.auth.refresh_token_s)
  if not user_id then
    store.remove(id)
    return nil, refused
  end
  return show(id, new_secret, user_id)
end

-- The session in an access token's claim; nil: the token came from none.
local function id_of(claim)
  return type(claim) == "string" and format.uuid(claim) and claim:lower() or nil
end

---A parent's sessions, each with is_current.
---@param claim any  session of the access token
---@return db.row[]
function sessions.list(user_id, claim)
  local rows = store.list(user_id, clock.real())
  for _, row in ipairs(rows) do
    row.is_current = row.id == id_of(claim)
  end
  return rows
end

---@return true? ended
---@return problem? err
function sessions.finish(id, user_id)
  if store.remove(id, user_id) == 0 then
    return nil, problem.not_found()
  end
  return true
end

---End all sessions of a parent but the one that an access token came from.
---@param tx db.tx
---@param claim any  session of the access token; nil: all of them
function sessions.finish_others(tx, user_id, claim)
  store.remove_all(tx, user_id, id_of(claim))
end

---Log out. A session's refresh token is worth nothing from now on; access tokens last until they expire, which is soon.
---@param which "this"|"others"|"all"
---@param claim any  session of the access token
function sessions.log_out(which, user_id, claim)
  local id = id_of(claim)
  if which ~= "this" then
    db.transaction(function(tx)
      sessions.finish_others(tx, user_id, which == "others" and claim or nil)
      return true
    end)
  elseif id then
    store.remove(id, user_id)
  end
end

return sessions
