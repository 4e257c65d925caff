-- A parent's view of a child's learning.
local actions = require "actions.summaries"
local views = require "api.views"

local summaries = {}

local DAYS, DAYS_MAX = 30, 366

summaries.query = { type = "object", properties = { days = { type = "integer", minimum = 1, maximum = DAYS_MAX } } }

function summaries.get(call)
  local summary, err = actions.find(call.params.child_id, call.caller.parent_id, call.query.days or DAYS)
  if not summary then
    return nil, err
  end
  return { status = 200, json = views.summary(summary) }
end

return summaries
