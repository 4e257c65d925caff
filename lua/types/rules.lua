---@meta rules
---@class rules  Calls by rule and function are in lua/types/rules/, made from the shapes in lua/rules/.
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

---The rule files of the live version, as rule_versions.sources keeps them.
---@return table<string, string> sources  text by path, "lua/rules/points.lua"
function rules.sources() end

---Rule files that are not live, in a rule VM of their own with the same budget. For tools; closed by the collector, by
---`<close>` or by close().
---@class rules.candidate
local candidate = {}

---Open rule files given as texts: rules.sources(), or what rule_versions.sources keeps.
---@param sources table<string, string>  text by path
---@return rules.candidate? candidate
---@return err? err  err.message: "lua/rules/points.lua:12: …" of the first broken file
function rules.open(sources) end

---Open the rule files of a folder: those below PATH/lua/rules/ if there is that, else those below PATH.
---@param path string
---@return rules.candidate? candidate
---@return err? err
function rules.open_directory(path) end

---As rules.call; raises the same errors but logs none.
---@param rule string
---@param name string
---@param input table
---@return any result
---@return rules.call call
function candidate:call(rule, name, input) end

---Run the examples of its rule files, and on them the properties of the server's lua/checks/.
---@return string[] faults      empty if everything holds; each names its file, examples also the line
---@return integer examples     how many there are; -1 if one does not hold
---@return integer properties   how many there are; -1 if one does not hold
function candidate:check() end

---@return string version  what rules.version() would be with these files
function candidate:version() end

---@return table<string, string> sources
function candidate:sources() end

---@return table<string, any> parameters  by rule: { points = { tier_points = … }, … }
function candidate:parameters() end

---@return table<string, any> shapes  by rule, as the files declare them
function candidate:shapes() end

function candidate:close() end

return rules
