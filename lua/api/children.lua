-- A parent's children.
local actions = require "actions.children"
local idempotency = require "actions.idempotency"
local views = require "api.views"

local children = {}

children.new_child = {
  type = "object",
  required = { "name" },
  properties = {
    name = { type = "string", maxLength = 100, format = "line" },
    age = { type = "integer", minimum = 0, maximum = 25, nullable = true },
  },
}

function children.create(call)
  return idempotency.transaction(call, function(tx)
    return actions.add(tx, call.caller.parent_id, call.body)
  end, function(added)
    local child = added:one()
    return { status = 201, headers = { Location = "/v1/children/" .. child.id }, json = views.child(child) }
  end)
end

function children.list(call)
  local rows = actions.list(call.caller.parent_id)
  return { status = 200, json = { items = views.each(rows, views.child) } }
end

function children.get(call)
  local child, err = actions.find(call.params.child_id, call.caller.parent_id)
  if not child then
    return nil, err
  end
  return { status = 200, json = views.child(child) }
end

return children
