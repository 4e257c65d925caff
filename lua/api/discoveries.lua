-- Relationships between known words that a child has found.
local actions = require "actions.discoveries"
local idempotency = require "actions.idempotency"
local page = require "lib.page"
local views = require "api.views"

local discoveries = {}

local PLACE = { { field = "id", kind = "integer" } }

local PAIR = {
  source_learning_point_id = { type = "string", format = "slug" },
  target_learning_point_id = { type = "string", format = "slug" },
  relationship_type = {
    type = "string",
    enum = {
      "PREREQUISITE_OF", "COLLOCATES_WITH", "RELATED_TO", "PART_OF", "OPPOSITE_OF", "MORPHOLOGICAL", "REGISTER_VARIANT",
      "FREQUENCY_RANK",
    },
  },
}

discoveries.pair = {
  type = "object",
  required = { "source_learning_point_id", "target_learning_point_id", "relationship_type" },
  properties = PAIR,
}

discoveries.query = page.query(PAIR)

function discoveries.create(call)
  return idempotency.transaction(call, function(tx)
    return actions.record(tx, call.params.child_id, call.caller.parent_id, call.body)
  end, function(row)
    return { status = 201, headers = { Location = call.request.path .. "/" .. row.id }, json = views.discovery(row) }
  end)
end

function discoveries.list(call)
  local limit, after = page.position(call, PLACE, { page.BEFORE_FIRST })
  if not limit then
    return nil, after
  end
  local rows, err = actions.list(call.params.child_id, call.caller.parent_id, call.query, after[1], limit + 1)
  if not rows then
    return nil, err
  end
  return page.response(call, rows, limit, PLACE, views.DISCOVERY)
end

function discoveries.get(call)
  local row, err = actions.find(call.params.child_id, call.caller.parent_id, call.params.id)
  if not row then
    return nil, err
  end
  return { status = 200, json = views.discovery(row) }
end

function discoveries.pay(call)
  local staff = call.caller.role == "staff" and call.caller.sub or nil
  return idempotency.transaction(call, function(tx)
    return actions.pay(tx, call.params.child_id, call.caller.parent_id, call.params.id, staff)
  end, function(outcome)
    return {
      status = 200,
      json = {
        discovery = views.discovery(outcome.discovery:one()),
        transaction = outcome.transaction:json(views.TRANSACTION)[1],
        account = views.account(outcome.account),
      },
    }
  end)
end

return discoveries
