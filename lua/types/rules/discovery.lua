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

---@class rules.discovery.events.input
---@field tier integer  1..7, of the point that has become known

---@class rules.discovery.events.result
---@field mastered_at integer  1..1000
---@field paid_at_most integer  0..1000
---@field recognized_at integer  1..1000

---@class rules.discovery
---@field bonus fun(input: rules.discovery.bonus.input): rules.discovery.bonus.result
---@field events fun(input: rules.discovery.events.input): rules.discovery.events.result

---@class rules
---@field call fun(rule: "discovery", name: "bonus", input: rules.discovery.bonus.input): rules.discovery.bonus.result, rules.call
---@field call fun(rule: "discovery", name: "events", input: rules.discovery.events.input): rules.discovery.events.result, rules.call
