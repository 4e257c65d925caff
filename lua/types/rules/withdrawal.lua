---@meta
-- Made by `lexicraft lua lua/tools/rule_types.lua` from the shapes in lua/rules/withdrawal.lua; do not edit.

---@class rules.withdrawal.request.input
---@field available integer  0..1000000000000, points that can be spent
---@field days_overdue integer  0..1000000, of the most overdue test of a point with unlocked points, begun days
---@field deficit integer  0..1000000000000, points that must be earned back first
---@field points integer  1..1000000000, to be withdrawn
---@field points_today integer  0..1000000000, of these, without those that failed or were cancelled
---@field requests_today integer  0..1000000, earlier ones of this day

---@class rules.withdrawal.request.result
---@field least_points? integer  1..1000000000, where these were too few
---@field ntd_cents? integer  1..9999999999
---@field points_left? integer  0..1000000000, of this day, where these were too many
---@field refusal? string

---@class rules.withdrawal
---@field request fun(input: rules.withdrawal.request.input): rules.withdrawal.request.result

---@class rules
---@field call fun(rule: "withdrawal", name: "request", input: rules.withdrawal.request.input): rules.withdrawal.request.result, rules.call
