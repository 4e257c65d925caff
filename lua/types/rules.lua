---@meta rules
local rules = {}

---@class rules.call  What is kept with every ledger and schedule row.
---@field rule string     "points.award"
---@field version string  rule version, 64 hex digits
---@field input string    canonical JSON
---@field result string   canonical JSON

---Call a rule function in the rule VM. Raises err.code "script", "limit" or "invalid" (logged with rule, file and line).
---@param rule string      file name below lua/rules/ without .lua
---@param name string      function
---@param input table
---@return any result
---@return rules.call call
function rules.call(rule, name, input) end

---The live rule version.
---@return string
function rules.version() end

return rules
