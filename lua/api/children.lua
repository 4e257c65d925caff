-- A parent's children.
local actions = require "actions.children"
local erasure = require "actions.erasure"
local etag = require "lib.etag"
local idempotency = require "actions.idempotency"
local log = require "log"
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

children.change = {
  type = "object",
  nullClears = true,
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

function children.list_of_user(call)
  local rows, err = actions.list_of(call.params.user_id)
  if not rows then
    return nil, err
  end
  return { status = 200, json = { items = views.each(rows, views.child) } }
end

local function answer(child, err)
  if not child then
    return nil, err
  end
  return etag.response(views.child(child))
end

function children.get(call)
  return answer(actions.find(call.params.child_id, call.caller.parent_id))
end

function children.update(call)
  return idempotency.transaction(call, function(tx)
    return actions.update(tx, call.params.child_id, call.caller.parent_id, call.body, function(child)
      return etag.refusal(call.request, views.child(child))
    end)
  end, answer)
end

function children.delete(call)
  return idempotency.transaction(call, function(tx)
    return erasure.child(tx, call.caller.parent_id, call.params.child_id, call.caller.sub)
  end, function()
    log.info("child erased", { child_id = call.params.child_id, role = call.caller.role, by = call.caller.sub })
    return { status = 204 }
  end)
end

return children
