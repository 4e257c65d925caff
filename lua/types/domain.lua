---@meta
-- Inputs and results of the rules, as rules.call takes and gives them. The shapes in lua/rules/ are what is checked.

---@class rules.points.award.input
---@field tier integer           1 … 7
---@field earned_before integer  points the child already holds for this learning point
---@class rules.points.award.result
---@field points integer

---@class rules.points.unlock.input
---@field points integer    earned by this attempt
---@field unlocked integer  of these, unlocked so far
---@field test_day integer  the day just passed
---@field is_last boolean   no test day is left
---@class rules.points.unlock.result
---@field points integer

---@class rules.schedule.next_test
---@field test_day integer
---@field days_after_learning? integer
---@field days_after_today? integer
---@field hours_between_tests integer

---@class rules.schedule.begin.input
---@field tier integer
---@class rules.schedule.begin.result
---@field next rules.schedule.next_test

---@class rules.schedule.pass.input
---@field tier integer
---@field test_day integer
---@field highest_day integer
---@field is_verified boolean
---@class rules.schedule.pass.result
---@field status "pending"|"verified"
---@field is_last boolean
---@field next? rules.schedule.next_test

---@class rules.schedule.fail.input
---@field tier integer
---@field test_day integer
---@field failures_before integer
---@field is_verified boolean
---@class rules.schedule.fail.result
---@field is_failed boolean
---@field next? rules.schedule.next_test

---@class rules.limits.begin_point.input
---@field begun_today integer
---@class rules.limits.complete_test.input
---@field completed_today integer
---@class rules.limits.add_child.input
---@field children integer
---@class rules.limits.result
---@field allowed boolean
