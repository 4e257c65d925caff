---@meta
-- Made by `lexicraft lua lua/tools/rule_types.lua` from the shapes in lua/rules/limits.lua; do not edit.

---@class rules.limits.add_child.input
---@field children integer  0..1000000, children the parent has

---@class rules.limits.add_child.result
---@field allowed boolean
---@field limit? integer  0..1000000

---@class rules.limits.begin_point.input
---@field begun_today integer  0..1000000, learning points the child began today

---@class rules.limits.begin_point.result
---@field allowed boolean
---@field limit? integer  0..1000000

---@class rules.limits.complete_test.input
---@field completed_today integer  0..1000000, tests the child completed today

---@class rules.limits.complete_test.result
---@field allowed boolean
---@field limit? integer  0..1000000

---@class rules.limits.start_test.input
---@field starts_today integer  0..1000000, how often this test was started today

---@class rules.limits.start_test.result
---@field allowed boolean
---@field limit? integer  0..1000000

---@class rules.limits
---@field add_child fun(input: rules.limits.add_child.input): rules.limits.add_child.result
---@field begin_point fun(input: rules.limits.begin_point.input): rules.limits.begin_point.result
---@field complete_test fun(input: rules.limits.complete_test.input): rules.limits.complete_test.result
---@field start_test fun(input: rules.limits.start_test.input): rules.limits.start_test.result

---@class rules
---@field call fun(rule: "limits", name: "add_child", input: rules.limits.add_child.input): rules.limits.add_child.result, rules.call
---@field call fun(rule: "limits", name: "begin_point", input: rules.limits.begin_point.input): rules.limits.begin_point.result, rules.call
---@field call fun(rule: "limits", name: "complete_test", input: rules.limits.complete_test.input): rules.limits.complete_test.result, rules.call
---@field call fun(rule: "limits", name: "start_test", input: rules.limits.start_test.input): rules.limits.start_test.result, rules.call
