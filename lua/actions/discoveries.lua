-- Relationships between known words that a child has found, and their bonus.
local bonuses = require "actions.bonuses"
local children = require "store.children"
local clock = require "clock"
local points_accounts = require "store.points_accounts"
local problem = require "lib.problem"
local store = require "store.relationship_discoveries"

local discoveries = {}

-- Relationships that hold both ways: (x, y) and (y, x) are one discovery.
local UNDIRECTED = { COLLOCATES_WITH = true, RELATED_TO = true, OPPOSITE_OF = true }

---Record a discovery.
---@param tx db.tx
---@param pair { source_learning_point_id: string, target_learning_point_id: string, relationship_type: string }
---@return db.row? discovery
---@return problem? err
function discoveries.record(tx, child_id, parent_id, pair)
  if pair.source_learning_point_id == pair.target_learning_point_id then
    return nil, problem.new("same_learning_point", "A discovery is of two learning points.")
  end
  local account = points_accounts.lock(tx, child_id, parent_id)
  local points = store.points_exist(tx, pair):one()
  if not account:one() then
    return nil, problem.not_found()
  end
  if not points.both then
    return nil, problem.new("unknown_learning_point", "There is no such learning point.")
  end
  local row = store.add(tx, child_id, pair, clock.now()):one()
  if not row then
    return nil, problem.new("already_discovered", "This was discovered before.")
  end
  return row
end

-- The same for both directions of a relationship that has none.
local function subject_of(discovery)
  local first, second = discovery.source_learning_point_id, discovery.target_learning_point_id
  if UNDIRECTED[discovery.relationship_type] and second < first then
    first, second = second, first
  end
  return table.concat({ first, discovery.relationship_type, second }, " ")
end

---Pay the bonus of a discovery.
---@param tx db.tx
---@param staff string?  sub of the person of staff who decides it; nil: the platform
---@return bonuses.outcome? outcome
---@return problem? err
function discoveries.pay(tx, child_id, parent_id, id, staff)
  local locked = points_accounts.lock(tx, child_id, parent_id)
  local discovery = store.read(tx, child_id, parent_id, id):one()
  local account = locked:one()
  if not account or not discovery then
    return nil, problem.not_found()
  end
  return bonuses.award(tx, account, {
    kind = "relationship_discovery",
    subject = subject_of(discovery),
    learning_point_id = discovery.source_learning_point_id,
    needs = { discovery.source_learning_point_id, discovery.target_learning_point_id },
    relationship_discovery_id = id,
  }, staff, clock.now())
end

---@return db.row? discovery
---@return problem? err
function discoveries.find(child_id, parent_id, id)
  local row = store.find(child_id, parent_id, id)
  if not row then
    return nil, problem.not_found()
  end
  return row
end

---In the order in which they were recorded. A pair is found in either direction where its relationship has none.
---@param filter { source_learning_point_id: string?, target_learning_point_id: string?, relationship_type: string? }
---@return db.rows? rows
---@return problem? err
function discoveries.list(child_id, parent_id, filter, after_id, limit)
  local rows = store.list(child_id, parent_id, filter, after_id, limit)
  if #rows == 0 and not children.find(child_id, parent_id) then
    return nil, problem.not_found()
  end
  return rows
end

return discoveries
