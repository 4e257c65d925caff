-- Relationships between known words that a child has found.
local actions = require "actions.discoveries"
local idempotency = require "actions.idempotency"
local views = require "api.views"

local discoveries = {}

discoveries.pair = {
  type = "object",
  required = { "source_learning_point_id", "target_learning_point_id", "relationship_type" },
  properties = {
    source_learning_point_id = { type = "string", format = "slug" },
    target_learning_point_id = { type = "string", format = "slug" },
    relationship_type = {
      type = "string",
      enum = {
        "PREREQUISITE_OF", "COLLOCATES_WITH", "RELATED_TO", "PART_OF", "OPPOSITE_OF", "MORPHOLOGICAL", "REGISTER_VARIANT",
        "FREQUENCY_RANK",
      },
    },
  },
}

function discoveries.create(call)
  return idempotency.transaction(call, function(tx)
    return actions.record(tx, call.params.child_id, call.caller.parent_id, call.body)
  end, function(row)
    return { status = 201, json = views.discovery(row) }
  end)
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
        transaction = views.transaction(outcome.transaction:one()),
        account = views.account(outcome.account),
      },
    }
  end)
end

return discoveries
