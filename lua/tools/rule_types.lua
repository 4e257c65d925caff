-- Writes lua/types/rules/, declarations for editors, from the shapes that rule files declare:
-- `lexicraft lua lua/tools/rule_types.lua`, in the project's folder.
local rules = require "rules"
local shape_types = require "tools.shape_types"

local candidate = assert(rules.open_directory("."))
local sources = candidate:sources()

for name, shapes in pairs(candidate:shapes()) do
  local path = ("lua/types/rules/%s.lua"):format(name)
  local file = assert(io.open(path, "w"))
  file:write(shape_types.write(name, shapes, sources[("lua/rules/%s.lua"):format(name)]))
  file:close()
  print(path)
end
