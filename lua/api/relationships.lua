-- How learning points are related.
local actions = require "actions.relationships"
local page = require "lib.page"
local views = require "api.views"

local relationships = {}

local PLACE = {
  { field = "relationship_type", kind = "text" }, { field = "id", kind = "text" }, { field = "way", kind = "text" },
}
local RELATED_PLACE = {
  { field = "distance", kind = "integer" }, { field = "rank", kind = "integer" }, { field = "id", kind = "text" },
}

local DEGREES_MAX = 3

relationships.query = page.query {
  type = { type = "string", enum = actions.TYPES },
  direction = {
    type = "string", enum = actions.DIRECTIONS, doc = "out: from the point, in: to it, both: it has no direction",
  },
}

relationships.collocations_query = page.query()

relationships.related_query = page.query {
  degrees = {
    type = "integer", minimum = 1, maximum = DEGREES_MAX,
    doc = "how many steps; 1 if it is left out. Being more common (FREQUENCY_RANK) is no step",
  },
}

local function list(call, filter)
  local limit, after = page.position(call, PLACE, { "", "", "" })
  if not limit then
    return nil, after
  end
  local rows, err = actions.list(call.params.id, filter, after, limit + 1)
  if not rows then
    return nil, err
  end
  return page.response(call, rows, limit, PLACE, views.relationship)
end

function relationships.list(call)
  return list(call, call.query)
end

function relationships.collocations(call)
  return list(call, { type = "COLLOCATES_WITH" })
end

function relationships.prerequisites(call)
  local rows, err = actions.prerequisites(call.params.id)
  if not rows then
    return nil, err
  end
  return { status = 200, json = { items = views.each(rows, views.related_point) } }
end

function relationships.prerequisites_of_child(call)
  local rows, err = actions.prerequisites_of_child(call.params.child_id, call.caller.parent_id, call.params.id)
  if not rows then
    return nil, err
  end
  return { status = 200, json = { items = views.each(rows, views.prerequisite_of_child) } }
end

-- A page in the order of distance and frequency; read(degrees, after, limit) gives its rows.
local function nearest(call, read, view)
  local limit, after = page.position(call, RELATED_PLACE, { 0, 0, "" })
  if not limit then
    return nil, after
  end
  local rows, err = read(call.query.degrees or 1, after, limit + 1)
  if not rows then
    return nil, err
  end
  return page.response(call, rows, limit, RELATED_PLACE, view)
end

function relationships.related(call)
  return nearest(call, function(degrees, after, limit)
    return actions.related(call.params.id, degrees, after, limit)
  end, views.related_point)
end

function relationships.known(call)
  return nearest(call, function(degrees, after, limit)
    return actions.known(call.params.child_id, call.caller.parent_id, call.params.id, degrees, after, limit)
  end, views.known_relation)
end

return relationships
