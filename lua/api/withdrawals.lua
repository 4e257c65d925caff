-- Points turned into money.
local actions = require "actions.withdrawals"
local idempotency = require "actions.idempotency"
local page = require "lib.page"
local views = require "api.views"

local withdrawals = {}

local PLACE = { { field = "created_at", kind = "time" }, { field = "id", kind = "integer" } }

withdrawals.request = {
  type = "object",
  required = { "points_amount", "bank_account" },
  properties = {
    points_amount = { type = "integer", minimum = 1, maximum = 1000000000 },
    bank_account = { type = "string", maxLength = 100, format = "line" },
  },
}

withdrawals.move = {
  type = "object",
  required = { "status" },
  properties = {
    status = { type = "string", enum = { "processing", "completed", "failed" } },
    transaction_id = { type = "string", maxLength = 200, format = "line", nullable = true },
  },
}

withdrawals.query = page.query {
  status = { type = "string", enum = { "pending", "processing", "completed", "failed", "cancelled" } },
  from = { type = "string", format = "date", doc = "first day of their requests, where the parent lives; of UTC for operators" },
  to = { type = "string", format = "date", doc = "last day of their requests" },
}

-- Each caller's way to see a withdrawal: bank accounts are for operators.
local function view_for(call)
  return function(row)
    return views.withdrawal(row, call.caller.role == "operator")
  end
end

function withdrawals.create(call)
  return idempotency.transaction(call, function(tx)
    return actions.request(tx, call.params.child_id, call.caller.parent_id, call.body, call.caller.sub)
  end, function(row)
    local path = call.request.path .. "/" .. row.id
    return { status = 201, headers = { Location = path }, json = view_for(call)(row) }
  end)
end

local function answer_with_page(call, list)
  local limit, after = page.position(call, PLACE, { page.BEFORE_FIRST, page.BEFORE_FIRST })
  if not limit then
    return nil, after
  end
  local rows, err = list(after, limit + 1)
  if not rows then
    return nil, err
  end
  return page.response(call, rows, limit, PLACE, view_for(call))
end

function withdrawals.list(call)
  return answer_with_page(call, function(after, limit)
    return actions.list(call.params.child_id, call.caller.parent_id, call.query, after, limit)
  end)
end

function withdrawals.list_all(call)
  return answer_with_page(call, function(after, limit)
    return actions.list_all(call.caller.parent_id, call.query, after, limit)
  end)
end

function withdrawals.get(call)
  local row, err = actions.find(call.params.child_id, call.caller.parent_id, call.params.id)
  if not row then
    return nil, err
  end
  return { status = 200, json = view_for(call)(row) }
end

function withdrawals.get_any(call)
  local row, err = actions.find_by_id(call.caller.parent_id, call.params.id)
  if not row then
    return nil, err
  end
  return { status = 200, json = view_for(call)(row) }
end

local function move(call, status, transaction_id)
  return idempotency.transaction(call, function(tx)
    return actions.move(tx, call.params.child_id, call.caller.parent_id, call.params.id, status, transaction_id,
      call.caller.sub)
  end, function(row)
    return { status = 200, json = view_for(call)(row) }
  end)
end

function withdrawals.set_status(call)
  return move(call, call.body.status, call.body.transaction_id)
end

function withdrawals.cancel(call)
  return move(call, "cancelled")
end

return withdrawals
