-- How learning points are related, seen from one of them; and what of that a child knows.
local children = require "store.children"
local learning_points = require "store.learning_points"
local problem = require "lib.problem"
local store = require "store.neighbours"

local relationships = {}

-- Those that hold both ways; they are kept once, so a way means nothing.
local UNDIRECTED = { COLLOCATES_WITH = true, RELATED_TO = true, OPPOSITE_OF = true }

-- Relationships that are a step away from a point. FREQUENCY_RANK is none: it joins what is not related.
local STEPS = {
  "PREREQUISITE_OF", "COLLOCATES_WITH", "RELATED_TO", "PART_OF", "OPPOSITE_OF", "MORPHOLOGICAL", "REGISTER_VARIANT",
}

relationships.TYPES = table.move(STEPS, 1, #STEPS, 1, {})
table.insert(relationships.TYPES, "FREQUENCY_RANK")
relationships.DIRECTIONS = { "out", "in", "both" }

-- What a relationship without direction is called when it is seen from its other end. Other kinds are the same from both.
local OTHER_END = {
  broader = "narrower", narrower = "broader", part = "whole", whole = "part", entails = "entailed by",
  causes = "caused by",
}

-- Say direction and kind as they are seen from the point that was asked about.
local function turn(row)
  row.direction = row.way
  if UNDIRECTED[row.relationship_type] then
    row.direction = "both"
    row.kind = row.way == "in" and OTHER_END[row.kind] or row.kind
  end
  return row
end

-- The types to look for from the point, and to it.
local function types_of(type, direction)
  local types = { out = {}, in_ = {} }
  for _, each in ipairs(type and { type } or relationships.TYPES) do
    if not direction or (direction == "both") == (UNDIRECTED[each] or false) then
      if direction ~= "in" then
        table.insert(types.out, each)
      end
      if direction ~= "out" then
        table.insert(types.in_, each)
      end
    end
  end
  return types
end

-- Nothing found: is the point at fault?
local function unless_missing(rows, id)
  if #rows == 0 and not learning_points.find(id) then
    return nil, problem.not_found()
  end
  return rows
end

---The relationships of a point, in the order of type and the other's id.
---@param filter { type: string?, direction: "out"|"in"|"both"|nil }
---@param after { [1]: string, [2]: string, [3]: string }  type, id and way of the last one seen
---@param limit integer
---@return db.row[]? rows  the other points, with relationship_type, direction, kind, affix and origin; way for the cursor
---@return problem? err
function relationships.list(id, filter, after, limit)
  if filter.type and after[1] < filter.type then
    after = { filter.type, "", "" }
  end
  local rows, err = unless_missing(store.relationships(id, types_of(filter.type, filter.direction), after, limit), id)
  for _, row in ipairs(rows or {}) do
    turn(row)
  end
  return rows, err
end

---What has to be learned before it, and before that; the nearest first, then the most frequent.
---@return db.row[]? rows  the points, with distance
---@return problem? err
function relationships.prerequisites(id)
  return unless_missing(store.prerequisites(id), id)
end

---All within so many steps; the nearest first, then the most frequent.
---@param degrees integer
---@param after neighbours.place
---@return db.row[]? rows  the points, with distance, and rank for the cursor
---@return problem? err
function relationships.related(id, degrees, after, limit)
  return unless_missing(store.related(id, degrees, after, limit), id)
end

-- The rows of a child, unless there is no such child or point.
local function of_child(child_id, parent_id, id, read)
  if not children.find(child_id, parent_id) then
    return nil, problem.not_found()
  end
  return unless_missing(read(), id)
end

---The same for a child: each with its status.
---@return db.row[]? rows  with status, nil: not begun
---@return problem? err
function relationships.prerequisites_of_child(child_id, parent_id, id)
  return of_child(child_id, parent_id, id, function()
    return store.prerequisites(id, child_id)
  end)
end

---What the child knows of what is related to a point, and how.
---@param degrees integer
---@param after neighbours.place
---@return db.row[]? rows  as relationships.related; path: the points on the way, each with its relationships to the one before
---@return problem? err
function relationships.known(child_id, parent_id, id, degrees, after, limit)
  return of_child(child_id, parent_id, id, function()
    local rows = store.known(child_id, id, degrees, STEPS, after, limit)
    for _, row in ipairs(rows) do
      for _, step in ipairs(row.path) do
        for _, relationship in ipairs(step.relationships) do
          turn(relationship)
        end
      end
    end
    return rows
  end)
end

return relationships
