---@meta
-- Made by `lexicraft lua lua/tools/rule_types.lua` from the shapes in lua/rules/fsrs.lua; do not edit.

---@class rules.fsrs.plan.input.state
---@field difficulty number  1..10
---@field stability number  0.001..36500

---@class rules.fsrs.plan.input
---@field days_since_test? integer  0..1000000, since that test
---@field luck? number  0..1, which of the days around the best one
---@field passed boolean
---@field state? rules.fsrs.plan.input.state  what an earlier test led to; none: the first test

---@class rules.fsrs.plan.result.state
---@field difficulty number  1..10
---@field stability number  0.001..36500

---@class rules.fsrs.plan.result
---@field days_after_today integer  1..3650
---@field state rules.fsrs.plan.result.state

---@class rules.fsrs.recall.input.state
---@field difficulty number  1..10
---@field stability number  0.001..36500

---@class rules.fsrs.recall.input
---@field days_since_test integer  0..1000000
---@field state rules.fsrs.recall.input.state

---@class rules.fsrs.recall.result
---@field chance number  0..1

---@class rules.fsrs
---@field plan fun(input: rules.fsrs.plan.input): rules.fsrs.plan.result
---@field recall fun(input: rules.fsrs.recall.input): rules.fsrs.recall.result

---@class rules
---@field call fun(rule: "fsrs", name: "plan", input: rules.fsrs.plan.input): rules.fsrs.plan.result, rules.call
---@field call fun(rule: "fsrs", name: "recall", input: rules.fsrs.recall.input): rules.fsrs.recall.result, rules.call
