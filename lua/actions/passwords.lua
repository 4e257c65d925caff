-- A new password: by somebody who knows the old one, or with a token that an operator has handed out. Either ends every
-- session.
local auth = require "auth"
local clock = require "clock"
local config = require "config"
local db = require "db"
local problem = require "lib.problem"
local rate = require "rate"
local resets = require "store.password_resets"
local sessions = require "store.sessions"
local users = require "store.users"

local passwords = {}

-- Set it and end what the old one has opened. False if old_hash is not the present one.
local function set(tx, user_id, new_hash, old_hash)
  if not users.set_password(tx, user_id, new_hash, old_hash, clock.now()):one() then
    return false
  end
  sessions.remove_all(tx, user_id)
  resets.remove(tx, user_id)
  return true
end

---@return problem
function passwords.wrong()
  return problem.new("wrong_password", "The present password is another one.")
end

---Does this caller know the password? A stolen access token must not be a way to guess it.
---@return string? hash  of the present password
---@return problem? err
function passwords.confirm(user_id, current)
  local ok, retry_after_s = rate.take("password:account:" .. user_id:lower(), config.limits.login_attempts,
    config.limits.login_window_s)
  if not ok then
    return nil, problem.new("rate_limited", "Too many attempts.", nil, { ["Retry-After"] = tostring(retry_after_s) })
  end
  local old_hash = users.password_hash(user_id)
  if not old_hash then
    return nil, problem.not_found()
  end
  if not auth.verify_password(old_hash, current) then
    return nil, passwords.wrong()
  end
  return old_hash
end

---@return true? changed
---@return problem? err
function passwords.change(user_id, current, new)
  local old_hash, err = passwords.confirm(user_id, current)
  if not old_hash then
    return nil, err
  end
  local new_hash = auth.hash_password(new)
  return db.transaction(function(tx)
    if not set(tx, user_id, new_hash, old_hash) then
      return nil, passwords.wrong()
    end
    return true
  end)
end

---Use a token up. Hashing is dear, so a token that nobody has is refused before it.
---@return true? changed
---@return problem? err
function passwords.reset(token, new)
  local refused = problem.new("invalid_reset_token", "The token was used, has expired, or never was.")
  local token_hash = auth.sha256(token)
  if not resets.find(token_hash, clock.real()) then
    return nil, refused
  end
  local new_hash = auth.hash_password(new)
  return db.transaction(function(tx)
    local taken = resets.take(tx, token_hash, clock.real()):one()
    if not taken then
      return nil, refused
    end
    return set(tx, taken.user_id, new_hash, nil)
  end)
end

return passwords
