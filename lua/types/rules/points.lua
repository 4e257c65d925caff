---@meta
-- Made by `lexicraft lua lua/tools/rule_types.lua` from the shapes in lua/rules/points.lua; do not edit.

---@class rules.points.award.input
---@field bonus? integer  1..500, points a bonus is worth
---@field earned_before integer  0..1000000, points the child holds for this learning point already
---@field tier? integer  1..7, of the learning point just learned; or else

---@class rules.points.award.result
---@field points integer  0..500, points earned now

---@class rules.points.unlock.input
---@field is_last boolean  no test day is left
---@field points integer  0..500, earned by this attempt
---@field test_day integer  1..3650, the day just passed
---@field unlocked integer  0..500, of these, unlocked so far

---@class rules.points.unlock.result
---@field points integer  0..500, points unlocked now

---@class rules.points
---@field award fun(input: rules.points.award.input): rules.points.award.result
---@field unlock fun(input: rules.points.unlock.input): rules.points.unlock.result

---@class rules
---@field call fun(rule: "points", name: "award", input: rules.points.award.input): rules.points.award.result, rules.call
---@field call fun(rule: "points", name: "unlock", input: rules.points.unlock.input): rules.points.unlock.result, rules.call
