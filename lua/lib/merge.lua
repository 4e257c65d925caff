-- A row with some values replaced, as a JSON merge patch does it: null takes a value away.
local json = require "json"

---@param row table
---@param change table
---@return table  a copy
return function(row, change)
  local merged = {}
  for name, value in pairs(row) do
    merged[name] = value
  end
  for name, value in pairs(change) do
    merged[name] = value ~= json.null and value or nil
  end
  return merged
end
