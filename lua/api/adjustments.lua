-- What staff do to a child's points.
local actions = require "actions.adjustments"
local idempotency = require "actions.idempotency"
local views = require "api.views"

local adjustments = {}

local REASON = { type = "string", maxLength = 500, format = "line" }

adjustments.gift = {
  type = "object",
  required = { "points", "reason" },
  properties = { points = { type = "integer", minimum = 1, maximum = 1000000 }, reason = REASON },
}

adjustments.reversal = {
  type = "object",
  required = { "reason" },
  properties = { reason = REASON },
}

local function show(outcome)
  return {
    status = 201,
    json = { transaction = outcome.transaction:json(views.TRANSACTION)[1], account = views.account(outcome.account) },
  }
end

function adjustments.create(call)
  return idempotency.transaction(call, function(tx)
    return actions.give(tx, call.params.child_id, call.body, call.caller.sub)
  end, show)
end

function adjustments.reverse(call)
  return idempotency.transaction(call, function(tx)
    return actions.reverse(tx, call.params.child_id, call.params.id, call.body.reason, call.caller.sub)
  end, show)
end

return adjustments
