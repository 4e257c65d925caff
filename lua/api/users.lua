-- Parents: sign up, read, change, erase.
local actions = require "actions.users"
local erasure = require "actions.erasure"
local etag = require "lib.etag"
local idempotency = require "actions.idempotency"
local views = require "api.views"

local users = {}

users.new_user = {
  type = "object",
  required = { "email", "password" },
  properties = {
    email = { type = "string", format = "email" },
    password = { type = "string", minBytes = 8, maxBytes = 1024 },
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

users.query = {
  type = "object",
  required = { "email" },
  properties = { email = { type = "string", maxBytes = 254 } },
}

function users.create(call)
  local user, err = actions.sign_up(call.body)
  if not user then
    return nil, err
  end
  return { status = 201, headers = { Location = "/v1/users/me" }, json = views.user(user) }
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

function users.delete(call)
  return idempotency.transaction(call, function(tx)
    return erasure.user(tx, call.caller.parent_id)
  end, function()
    return { status = 204 }
  end)
end

return users
