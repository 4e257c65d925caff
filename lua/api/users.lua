-- Parents: sign up, read, change, erase.
local actions = require "actions.users"
local auth = require "auth"
local erasure = require "actions.erasure"
local etag = require "lib.etag"
local idempotency = require "actions.idempotency"
local log = require "log"
local sessions = require "actions.sessions"
local views = require "api.views"

local users = {}

local ANYBODY = "anybody:"

users.new_user = {
  type = "object",
  required = { "email", "password" },
  properties = {
    email = { type = "string", format = "email" },
    password = { type = "string", minBytes = 8, maxBytes = 1024, secret = true },
    name = { type = "string", maxLength = 100, format = "line", nullable = true },
    phone = { type = "string", maxLength = 40, format = "line", nullable = true },
    country = { type = "string", format = "country", nullable = true },
    time_zone = { type = "string", format = "time-zone", nullable = true },
  },
}

users.newcomer = {
  type = "object",
  properties = {
    name = users.new_user.properties.name,
    phone = users.new_user.properties.phone,
    country = users.new_user.properties.country,
    time_zone = users.new_user.properties.time_zone,
  },
}

users.change = {
  type = "object",
  nullClears = true,
  properties = {
    name = { type = "string", maxLength = 100, format = "line", nullable = true },
    phone = { type = "string", maxLength = 40, format = "line", nullable = true },
    country = { type = "string", format = "country" },
    time_zone = { type = "string", format = "time-zone" },
  },
}

users.new_email = {
  type = "object",
  required = { "current_password", "email" },
  properties = {
    current_password = { type = "string", minBytes = 1, maxBytes = 1024 },
    email = { type = "string", format = "email" },
  },
}

users.query = {
  type = "object",
  required = { "email" },
  properties = { email = { type = "string", maxBytes = 254 } },
}

-- A repeated sign-up gets its answer only with its password, which the key's row knows nothing of: even a fast hash of it
-- would be something to guess at. Attempts are counted like log-ins, as it tells as much.
local function confirm(call)
  local user, err = sessions.check(call.body.email, call.body.password, call.request.remote)
  if not user and err.code == "invalid_credentials" then
    return idempotency.reused()
  end
  return err
end

-- Nobody is known yet, so an Idempotency-Key belongs to the e-mail address: others may choose the same key.
function users.create(call)
  local is_repeated = call.once ~= nil
  if call.once then
    call.once.caller = ANYBODY .. auth.sha256(call.body.email:lower())
  end
  local err = sessions.limit_address(call.request.remote)
  if err then
    return nil, err
  end
  local password_hash = auth.hash_password(call.body.password)
  local response
  response, err = idempotency.transaction(call, function(tx)
    is_repeated = false
    return actions.sign_up(tx, call.body, password_hash)
  end, function(user)
    if call.once then
      call.once.user_id = user.id
    end
    return { status = 201, headers = { Location = "/v1/users/me" }, json = views.user(user) }
  end)
  err = err or is_repeated and confirm(call) or nil
  if err then
    return nil, err
  end
  return response
end

local function answer(user, err)
  if not user then
    return nil, err
  end
  return etag.response(views.user(user))
end

function users.me(call)
  return answer(actions.find(call.caller.parent_id))
end

function users.join(call)
  return answer(actions.join(call.caller.parent_id, call.caller.newcomer, call.body))
end

function users.get(call)
  return answer(actions.find(call.params.user_id))
end

function users.search(call)
  return { status = 200, json = { items = views.each({ actions.find_by_email(call.query.email) }, views.user) } }
end

function users.update(call)
  return idempotency.transaction(call, function(tx)
    return actions.update(tx, call.caller.parent_id, call.body, function(user)
      return etag.refusal(call.request, views.user(user))
    end)
  end, answer)
end

function users.put_email(call)
  local caller, body = call.caller, call.body
  return answer(actions.change_email(caller.parent_id, caller.session_id, body.current_password, body.email))
end

local function erase(call, user_id)
  return idempotency.transaction(call, function(tx)
    return erasure.user(tx, user_id, call.caller.sub)
  end, function()
    log.info("user erased", { user_id = user_id, role = call.caller.role, by = call.caller.sub })
    return { status = 204 }
  end)
end

function users.delete_me(call)
  return erase(call, call.caller.parent_id)
end

function users.delete(call)
  return erase(call, call.params.user_id)
end

return users
