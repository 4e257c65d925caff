-- What a child is learning.
local actions = require "actions.progress"
local etag = require "lib.etag"
local idempotency = require "actions.idempotency"
local page = require "lib.page"
local problem = require "lib.problem"
local views = require "api.views"

local progress = {}

local PLACE = { { field = "id", kind = "integer" } }
local KNOWN_PLACE = { { field = "learning_point_id", kind = "text" } }

progress.beginning = {
  type = "object",
  required = { "learning_point_id" },
  properties = { learning_point_id = { type = "string", format = "slug" } },
}

progress.query = page.query {
  status = { type = "string", enum = { "learning", "pending", "verified", "failed" } },
  tier = { type = "integer", minimum = 1, maximum = 7 },
  learning_point_id = { type = "string", format = "slug" },
}

progress.known_query = page.query()

progress.change = {
  type = "object",
  required = { "status" },
  properties = {
    status = { type = "string", enum = { "learning", "failed" } },
    reason = { type = "string", maxLength = 500, format = "line", nullable = true },
  },
}

function progress.create(call)
  return idempotency.transaction(call, function(tx)
    return actions.begin(tx, call.params.child_id, call.caller.parent_id, call.body.learning_point_id)
  end, function(begun)
    local row = begun.progress:one()
    return {
      status = 201,
      headers = { Location = call.request.path .. "/" .. row.id },
      json = views.progress(row, begun.next:one()),
    }
  end, call.params.child_id)
end

-- Which change is whose: a family begins again, staff fail a point.
local CHANGED_BY = {
  learning = { parent = true, child = true, service = true },
  failed = { staff = true },
}

function progress.update(call)
  local status = call.body.status
  if not CHANGED_BY[status][call.caller.role] then
    return nil, problem.new("forbidden", ("The role %q may not set this status."):format(call.caller.role))
  end
  local function may_change(row)
    return etag.refusal(call.request, views.progress(row, row.next), "optional")
  end
  return idempotency.transaction(call, function(tx)
    if status == "failed" then
      return actions.fail(tx, call.params.child_id, call.params.id, call.body.reason, call.caller.sub, may_change)
    end
    return actions.begin_again(tx, call.params.child_id, call.caller.parent_id, call.params.id, may_change)
  end, function(changed)
    local row = changed.progress:one()
    return etag.response(views.progress(row, changed.next and changed.next:one()))
  end)
end

function progress.delete(call)
  return idempotency.transaction(call, function(tx)
    return actions.remove(tx, call.params.child_id, call.caller.parent_id, call.params.id)
  end, function()
    return { status = 204 }
  end)
end

function progress.list(call)
  local limit, after = page.position(call, PLACE, { page.BEFORE_FIRST })
  if not limit then
    return nil, after
  end
  local rows, err = actions.list(call.params.child_id, call.caller.parent_id, call.query, after[1], limit + 1)
  if not rows then
    return nil, err
  end
  return page.response(call, rows, limit, PLACE, function(row)
    return views.progress(row, row.next)
  end)
end

function progress.get(call)
  local row, err = actions.find(call.params.child_id, call.caller.parent_id, call.params.id)
  if not row then
    return nil, err
  end
  return etag.response(views.progress(row, row.next))
end

function progress.known(call)
  local limit, after = page.position(call, KNOWN_PLACE, { "" })
  if not limit then
    return nil, after
  end
  local rows, err = actions.known(call.params.child_id, call.caller.parent_id, after[1], limit + 1)
  if not rows then
    return nil, err
  end
  return page.response(call, rows, limit, KNOWN_PLACE, views.KNOWN_POINT)
end

return progress
