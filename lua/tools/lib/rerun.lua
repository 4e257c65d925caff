-- Asks a candidate's rules what was asked before, and compares the answers. The same question is asked once only: rules
-- are pure functions, and children are much alike.
local compare = require "tools.lib.compare"
local json = require "json"

local rerun = {}

local KEPT_MAX = 20000 -- answers kept at once

---@class rerun.outcome
---@field refused string?    why the candidate cannot be asked this
---@field is_same boolean?
---@field changes string[]?  in plain words
---@field before table?
---@field after table?

local function ask(candidate, row)
  local rule, name = row.rule_name:match("^(.*)%.([^.]*)$")
  if not rule then
    return { refused = "not the name of a rule" }
  end
  local ok, after = pcall(candidate.call, candidate, rule, name, (json.decode(row.input)))
  if not ok then
    return { refused = type(after) == "table" and after.message or tostring(after) }
  end
  local before = json.decode(row.result)
  local changes = compare.changes(before, after)
  for index, change in ipairs(changes) do
    changes[index] = compare.describe(change)
  end
  return { is_same = #changes == 0, changes = changes, before = before, after = after }
end

---@param candidate rules.candidate
---@return fun(row: db.row): rerun.outcome  of a row with rule_name, input and result
function rerun.with(candidate)
  local kept, count = {}, 0
  return function(row)
    local question = row.rule_name .. "\n" .. row.input .. "\n" .. row.result
    local outcome = kept[question]
    if not outcome then
      if count == KEPT_MAX then
        kept, count = {}, 0
      end
      outcome = ask(candidate, row)
      kept[question], count = outcome, count + 1
    end
    return outcome
  end
end

return rerun
