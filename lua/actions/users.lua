-- Parents sign up, are found, and change what is known of them.
local clock = require "clock"
local db = require "db"
local format = require "lib.format"
local merge = require "lib.merge"
local passwords = require "actions.passwords"
local problem = require "lib.problem"
local resets = require "store.password_resets"
local sessions = require "actions.sessions"
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

local function email_taken()
  return problem.new("email_taken", "There is already an account with this e-mail address.")
end

---@param tx db.tx
---@param given { email: string, name: string?, phone: string?, country: string?, time_zone: string? }
---@param password_hash string  made before the transaction began, as that takes long
---@return db.row? user
---@return problem? err
function users.sign_up(tx, given, password_hash)
  local rows, err = with_time_zone(function()
    return store.add(tx, {
      email = given.email,
      password_hash = password_hash,
      name = given.name,
      phone = given.phone,
      country = given.country,
      time_zone = given.time_zone,
    }, clock.now()):rows()
  end)
  if not rows or not rows[1] then
    return nil, err or email_taken()
  end
  return rows[1]
end

---The parent with this id; one who logs in elsewhere is signed up the first time.
---@param id string
---@param newcomer { email: string? }?  what is known from there; nil: nobody vouches for an unknown one
---@param given { name: string?, phone: string?, country: string?, time_zone: string? }  of one who is signed up now
---@return db.row? user
---@return problem? err
function users.join(id, newcomer, given)
  local user = store.find(id)
  if user then
    return user
  end
  if not newcomer then
    return nil, problem.not_found()
  end
  if not newcomer.email then
    return nil, problem.new("email_missing", "The token names no e-mail address.")
  end
  local err
  user, err = with_time_zone(store.join, {
    id = id,
    email = newcomer.email,
    name = given.name,
    phone = given.phone,
    country = given.country,
    time_zone = given.time_zone,
  }, clock.now())
  user = user or (not err and store.find(id)) -- a racer was first
  if not user then
    return nil, err or email_taken()
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

-- A family may move. But the limits of a day begin anew at midnight, and somewhere it always is.
local function move_refusal(user, updated)
  if updated.time_zone ~= user.time_zone and user.is_time_zone_fixed then
    return problem.new("time_zone_changed", "The time zone was changed less than a week ago.",
      { changeable_at = user.time_zone_changeable_at })
  end
end

---@param tx db.tx
---@param change table                           new values by name; json.null takes one away
---@param refusal fun(user: db.row): problem?    may it be changed as it is now?
---@return db.row? user
---@return problem? err
function users.update(tx, id, change, refusal)
  local now = clock.now()
  local user = store.lock_to_change(tx, id, now):one()
  if not user then
    return nil, problem.not_found()
  end
  local err = refusal(user)
  if err then
    return nil, err
  end
  local updated
  updated, err = with_time_zone(function()
    return store.update(tx, merge(user, change), now):one()
  end)
  err = err or move_refusal(user, updated)
  if err then
    return nil, err
  end
  return updated
end

---Another e-mail address, for who knows the password. It is half of what a log-in takes: whoever else was in goes, as does
---a token for a new password, which was given to the holder of the address before.
---@param claim any  session of the access token, which stays
---@return db.row? user
---@return problem? err
function users.change_email(id, claim, password, email)
  local password_hash, refused = passwords.confirm(id, password)
  if not password_hash then
    return nil, refused
  end
  return db.transaction(function(tx)
    local ok, changed = pcall(function()
      return store.set_email(tx, id, email, password_hash, clock.now()):rows()
    end)
    if not ok and changed.constraint == "users_email_key" then
      return nil, email_taken()
    elseif not ok then
      error(changed, 0)
    elseif not changed[1] then
      return nil, passwords.wrong()
    end
    sessions.finish_others(tx, id, claim)
    resets.remove(tx, id)
    return changed[1]
  end)
end

return users
