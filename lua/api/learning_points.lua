-- What can be learned.
local actions = require "actions.learning_points"
local page = require "lib.page"
local views = require "api.views"

local learning_points = {}

local PLACE = { { field = "sort_word", kind = "text" }, { field = "id", kind = "text" } }

learning_points.query = page.query {
  tier = { type = "integer", minimum = 1, maximum = 7 },
  type = { type = "string", enum = { "word", "phrase", "idiom", "prefix", "suffix" } },
  difficulty = { type = "string", enum = { "A1", "A2", "B1", "B2", "C1", "C2" } },
  band = { type = "integer", minimum = 1, maximum = 100, doc = "how common: the smaller, the more common" },
  prefix = { type = "string", minLength = 1, maxLength = 100, doc = "what the word begins with" },
  suffix = {
    type = "string", minLength = 1, maxLength = 100,
    doc = "what the word ends with; then the list is in the order of words read backwards",
  },
  affix = {
    type = "string", minLength = 2, maxLength = 50,
    doc = "what the word is made with, as un- or -ness; then the list is in the order of ids",
  },
}

function learning_points.list(call)
  local limit, after = page.position(call, PLACE, { "", "" })
  if not limit then
    return nil, after
  end
  local query = call.query
  local filter = {
    tier = query.tier, type = query.type, difficulty = query.difficulty, band = query.band, affix = query.affix,
    prefix = query.prefix and query.prefix:lower(), suffix = query.suffix and query.suffix:lower(),
  }
  local rows = actions.list(filter, after, limit + 1)
  return page.response(call, rows, limit, PLACE, views.LEARNING_POINT)
end

function learning_points.get(call)
  local learning_point, err = actions.find(call.params.id)
  if not learning_point then
    return nil, err
  end
  return { status = 200, json = views.learning_point(learning_point) }
end

return learning_points
