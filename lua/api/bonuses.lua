-- Events that earn a bonus, and what staff pay later.
local actions = require "actions.bonuses"
local idempotency = require "actions.idempotency"
local page = require "lib.page"
local views = require "api.views"

local bonuses = {}

local PLACE = { { field = "id", kind = "integer" } }

bonuses.query = page.query { awarded = { type = "boolean" } }

function bonuses.list(call)
  local limit, after = page.position(call, PLACE, { page.BEFORE_FIRST })
  if not limit then
    return nil, after
  end
  local rows, err = actions.list(call.params.child_id, call.caller.parent_id, call.query.awarded, after[1], limit + 1)
  if not rows then
    return nil, err
  end
  return page.response(call, rows, limit, PLACE, views.bonus)
end

function bonuses.pay(call)
  return idempotency.transaction(call, function(tx)
    return actions.pay(tx, call.params.child_id, call.caller.parent_id, call.params.id, call.caller.sub)
  end, function(outcome)
    return {
      status = 200,
      json = {
        bonus = views.bonus(outcome.bonus:one()),
        transaction = outcome.transaction:json(views.TRANSACTION)[1],
        account = views.account(outcome.account),
      },
    }
  end)
end

return bonuses
