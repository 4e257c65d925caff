-- What a child has earned, and how.
local actions = require "actions.accounts"
local page = require "lib.page"
local views = require "api.views"

local accounts = {}

local PLACE = { { field = "sequence", kind = "integer" } }

accounts.transactions_query = page.query {
  type = { type = "string", enum = { "opening", "earned", "unlocked", "bonus", "withdrawn", "deficit", "adjusted" } },
  learning_progress_id = { type = "integer", minimum = 1 },
  from = { type = "string", format = "date", doc = "first day, where the parent lives" },
  to = { type = "string", format = "date", doc = "last day, where the parent lives" },
}

function accounts.get(call)
  local account, err = actions.show(call.params.child_id, call.caller.parent_id, views.ACCOUNT)
  if not account then
    return nil, err
  end
  return { status = 200, json = account }
end

function accounts.transactions(call)
  local limit, before = page.position(call, PLACE, { page.AFTER_LAST })
  if not limit then
    return nil, before
  end
  local rows, err = actions.transactions(call.params.child_id, call.caller.parent_id, call.query, before[1], limit + 1)
  if not rows then
    return nil, err
  end
  return page.response(call, rows, limit, PLACE, views.TRANSACTION)
end

return accounts
