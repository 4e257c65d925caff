-- New passwords.
local actions = require "actions.passwords"

local passwords = {}

local PASSWORD = { type = "string", minBytes = 8, maxBytes = 1024 }

passwords.change = {
  type = "object",
  required = { "current_password", "new_password" },
  properties = { current_password = { type = "string", minBytes = 1, maxBytes = 1024 }, new_password = PASSWORD },
}

passwords.reset = {
  type = "object",
  required = { "token", "new_password" },
  properties = { token = { type = "string", minBytes = 1, maxBytes = 200 }, new_password = PASSWORD },
}

local function answer(changed, err)
  if not changed then
    return nil, err
  end
  return { status = 204 }
end

function passwords.put(call)
  return answer(actions.change(call.caller.parent_id, call.body.current_password, call.body.new_password))
end

function passwords.complete_reset(call)
  return answer(actions.reset(call.body.token, call.body.new_password))
end

return passwords
