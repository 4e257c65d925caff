---@meta
-- Made by `lexicraft lua lua/tools/rule_types.lua` from the shapes in lua/rules/ladder.lua; do not edit.

---@class rules.ladder.plan.input
---@field passed boolean
---@field test_day integer  1..3650, the day of the test just taken

---@class rules.ladder.plan.result
---@field days_after_today? integer  1..3650

---@class rules.ladder
---@field plan fun(input: rules.ladder.plan.input): rules.ladder.plan.result

---@class rules
---@field call fun(rule: "ladder", name: "plan", input: rules.ladder.plan.input): rules.ladder.plan.result, rules.call
