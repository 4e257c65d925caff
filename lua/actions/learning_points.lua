-- What can be learned.
local lists = require "store.learning_point_lists"
local problem = require "lib.problem"
local store = require "store.learning_points"

local learning_points = {}

learning_points.list = lists.list

---@return db.row? learning_point
---@return problem? err
function learning_points.find(id)
  local learning_point = store.find(id)
  if not learning_point then
    return nil, problem.not_found()
  end
  return learning_point
end

return learning_points
