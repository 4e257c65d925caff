-- A parent's children.
local clock = require "clock"
local merge = require "lib.merge"
local problem = require "lib.problem"
local rules = require "rules"
local store = require "store.children"
local users = require "store.users"

local children = {}

---@param tx db.tx
---@param parent_id string
---@param given { name: string, age: integer? }
---@return db.pending? child
---@return problem? err
function children.add(tx, parent_id, given)
  local parent = users.lock(tx, parent_id)
  local count = store.count(tx, parent_id):one().children
  if not parent:one() then
    return nil, problem.not_found()
  end
  local decided = rules.call("limits", "add_child", { children = count })
  if not decided.allowed then
    return nil, problem.new("too_many_children", "No more children can be added.", { limit = decided.limit })
  end
  return store.add(tx, parent_id, given, clock.now())
end

---@return db.row[]
function children.list(parent_id)
  return store.list(parent_id)
end

---The same for somebody else than the parent, who may ask for a parent that is not there.
---@return db.row[]? rows
---@return problem? err
function children.list_of(user_id)
  local rows = store.list(user_id)
  if #rows == 0 and not users.find(user_id) then
    return nil, problem.not_found()
  end
  return rows
end

---@return db.row? child
---@return problem? err
function children.find(child_id, parent_id)
  local child = store.find(child_id, parent_id)
  if not child then
    return nil, problem.not_found()
  end
  return child
end

---@param tx db.tx
---@param change table                            new values by name; json.null takes one away
---@param refusal fun(child: db.row): problem?    may it be changed as it is now?
---@return db.row? child
---@return problem? err
function children.update(tx, child_id, parent_id, change, refusal)
  local child = store.lock(tx, child_id, parent_id):one()
  if not child then
    return nil, problem.not_found()
  end
  local err = refusal(child)
  if err then
    return nil, err
  end
  return store.update(tx, merge(child, change), clock.now()):one()
end

return children
