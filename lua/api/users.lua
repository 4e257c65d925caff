-- Parents: sign up, log in, me.
local actions = require "actions.users"
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

users.credentials = {
  type = "object",
  required = { "email", "password" },
  properties = {
    email = { type = "string", maxBytes = 254 },
    password = { type = "string", minBytes = 1, maxBytes = 1024 },
  },
}

function users.create(call)
  local user, err = actions.sign_up(call.body)
  if not user then
    return nil, err
  end
  return { status = 201, headers = { Location = "/v1/users/me" }, json = views.user(user) }
end

function users.log_in(call)
  local session, err = actions.log_in(call.body.email, call.body.password, call.request.remote)
  if not session then
    return nil, err
  end
  return {
    status = 200,
    json = {
      access_token = session.access_token,
      token_type = "Bearer",
      expires_in = session.expires_in,
      user_id = session.user_id,
    },
  }
end

function users.me(call)
  local user, err = actions.find(call.caller.parent_id)
  if not user then
    return nil, err
  end
  return { status = 200, json = views.user(user) }
end

return users
