-- What can be learned.
local actions = require "actions.learning_points"
local page = require "lib.page"
local views = require "api.views"

local learning_points = {}

learning_points.query = page.query {
  tier = { type = "integer", minimum = 1, maximum = 7 },
  type = { type = "string", enum = { "word", "phrase", "idiom", "prefix", "suffix" } },
  prefix = { type = "string", minLength = 1, maxLength = 100 },
}

function learning_points.list(call)
  local limit, after = page.position(call.query, { "text", "text" }, { "", "" })
  if not limit then
    return nil, after
  end
  local filter = {
    tier = call.query.tier,
    type = call.query.type,
    prefix = call.query.prefix and call.query.prefix:lower(),
  }
  local rows = actions.list(filter, after, limit + 1)
  return page.response(call, rows, limit, { "sort_word", "id" }, views.learning_point)
end

function learning_points.get(call)
  local learning_point, err = actions.find(call.params.id)
  if not learning_point then
    return nil, err
  end
  return { status = 200, json = views.learning_point(learning_point) }
end

return learning_points
