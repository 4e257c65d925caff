---@meta
-- Made by `lexicraft lua lua/tools/rule_types.lua` from the shapes in lua/rules/discovery.lua; do not edit.

---@class rules.discovery.bonus.input
---@field bonuses_today integer  0..1000000, paid so far on this day
---@field earned_before integer  0..1000000, points the child already holds for this learning point
---@field is_decided_by_staff boolean  then the daily limit does not hold
---@field is_known boolean  the child has verified everything the bonus is for
---@field kind string  one of bonus_points

---@class rules.discovery.bonus.result
---@field points? integer  1..500
---@field refusal? string

---@class rules.discovery
---@field bonus fun(input: rules.discovery.bonus.input): rules.discovery.bonus.result

---@class rules
---@field call fun(rule: "discovery", name: "bonus", input: rules.discovery.bonus.input): rules.discovery.bonus.result, rules.call
