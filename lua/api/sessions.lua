-- Logging in, staying logged in, logging out.
local actions = require "actions.sessions"
local views = require "api.views"

local sessions = {}

sessions.credentials = {
  type = "object",
  required = { "email", "password" },
  properties = {
    email = { type = "string", maxBytes = 254 },
    password = { type = "string", minBytes = 1, maxBytes = 1024 },
  },
}

sessions.renewal = {
  type = "object",
  required = { "refresh_token" },
  properties = { refresh_token = { type = "string", minBytes = 1, maxBytes = 200 } },
}

sessions.log_out_query = {
  type = "object",
  properties = {
    which = { type = "string", enum = { "this", "others", "all" }, doc = "sessions to end; this: the one of the access token" },
  },
}

local function answer(session, err)
  if not session then
    return nil, err
  end
  return {
    status = 200,
    headers = { ["Cache-Control"] = "no-store" },
    json = {
      access_token = session.access_token,
      token_type = "Bearer",
      expires_in = session.expires_in,
      refresh_token = session.refresh_token,
      user_id = session.user_id,
    },
  }
end

function sessions.log_in(call)
  return answer(actions.log_in(call.body.email, call.body.password, call.request.remote))
end

function sessions.refresh(call)
  return answer(actions.refresh(call.body.refresh_token, call.request.remote))
end

function sessions.list(call)
  local rows = actions.list(call.caller.parent_id, call.caller.session_id)
  return { status = 200, json = { items = views.each(rows, views.session) } }
end

function sessions.log_out(call)
  actions.log_out(call.query.which or "this", call.caller.parent_id, call.caller.session_id)
  return { status = 204 }
end

function sessions.delete(call)
  local ended, err = actions.finish(call.params.session_id, call.caller.parent_id)
  if not ended then
    return nil, err
  end
  return { status = 204 }
end

return sessions
