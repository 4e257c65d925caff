-- What a child should learn next.
local actions = require "actions.suggestions"
local views = require "api.views"

local suggestions = {}

local DEFAULT, MOST = 10, 50

suggestions.query = {
  type = "object",
  properties = { limit = { type = "integer", minimum = 1, maximum = MOST, doc = "10 if it is left out" } },
}

function suggestions.list(call)
  local found, err = actions.list(call.params.child_id, call.caller.parent_id, call.query.limit or DEFAULT)
  if not found then
    return nil, err
  end
  return { status = 200, json = { items = views.each(found, views.suggestion) } }
end

return suggestions
