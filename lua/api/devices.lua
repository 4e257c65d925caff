-- A child's devices and their tokens.
local actions = require "actions.devices"
local idempotency = require "actions.idempotency"
local views = require "api.views"

local devices = {}

devices.new_device = {
  type = "object",
  required = { "name" },
  properties = { name = { type = "string", maxLength = 100, format = "line" } },
}

-- Not once for each Idempotency-Key: that would keep the token.
function devices.create(call)
  return idempotency.transaction(call, function(tx)
    return actions.add(tx, call.params.child_id, call.caller.parent_id, call.body.name)
  end, function(device)
    local shown = views.device(device)
    shown.token = actions.token(device)
    return { status = 201, headers = { Location = call.request.path .. "/" .. device.id }, json = shown }
  end)
end

function devices.list(call)
  local rows, err = actions.list(call.params.child_id, call.caller.parent_id)
  if not rows then
    return nil, err
  end
  return { status = 200, json = { items = views.each(rows, views.device) } }
end

function devices.revoke(call)
  local revoked, err = actions.revoke(call.params.child_id, call.caller.parent_id, call.params.device_id)
  if not revoked then
    return nil, err
  end
  return { status = 204 }
end

return devices
