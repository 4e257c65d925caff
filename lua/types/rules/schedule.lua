---@meta
-- Made by `lexicraft lua lua/tools/rule_types.lua` from the shapes in lua/rules/schedule.lua; do not edit.

---@class rules.schedule.begin.input
---@field tier integer  1..7

---@class rules.schedule.begin.result.next
---@field days_after_learning? integer  0..3650
---@field days_after_today? integer  0..3650
---@field hours_after_now? integer  0..720
---@field hours_between_tests integer  0..720
---@field test_day integer  1..3650

---@class rules.schedule.begin.result
---@field algorithm string
---@field next rules.schedule.begin.result.next

---@class rules.schedule.fail.input.state
---@field difficulty number  1..10
---@field stability number  0.001..36500

---@class rules.schedule.fail.input
---@field algorithm? string
---@field attempt? integer  1..1000000
---@field days_since_test? integer  0..1000000
---@field failures_before integer  0..1000
---@field is_verified boolean
---@field progress_id? integer  0..9007199254740991
---@field state? rules.schedule.fail.input.state
---@field test_day integer  1..3650
---@field tier integer  1..7

---@class rules.schedule.fail.result.next
---@field days_after_learning? integer  0..3650
---@field days_after_today? integer  0..3650
---@field hours_after_now? integer  0..720
---@field hours_between_tests integer  0..720
---@field test_day integer  1..3650

---@class rules.schedule.fail.result.state
---@field difficulty number  1..10
---@field stability number  0.001..36500

---@class rules.schedule.fail.result
---@field is_failed boolean
---@field next? rules.schedule.fail.result.next
---@field state? rules.schedule.fail.result.state

---@class rules.schedule.pass.input.state
---@field difficulty number  1..10
---@field stability number  0.001..36500

---@class rules.schedule.pass.input
---@field algorithm? string
---@field attempt? integer  1..1000000
---@field days_since_test? integer  0..1000000
---@field highest_day integer  0..3650
---@field is_verified boolean
---@field progress_id? integer  0..9007199254740991
---@field state? rules.schedule.pass.input.state
---@field test_day integer  1..3650
---@field tier integer  1..7

---@class rules.schedule.pass.result.next
---@field days_after_learning? integer  0..3650
---@field days_after_today? integer  0..3650
---@field hours_after_now? integer  0..720
---@field hours_between_tests integer  0..720
---@field test_day integer  1..3650

---@class rules.schedule.pass.result.state
---@field difficulty number  1..10
---@field stability number  0.001..36500

---@class rules.schedule.pass.result
---@field is_last boolean
---@field next? rules.schedule.pass.result.next
---@field state? rules.schedule.pass.result.state
---@field status string

---@class rules.schedule.reject.input
---@field test_day integer  1..3650

---@class rules.schedule.reject.result.next
---@field days_after_learning? integer  0..3650
---@field days_after_today? integer  0..3650
---@field hours_after_now? integer  0..720
---@field hours_between_tests integer  0..720
---@field test_day integer  1..3650

---@class rules.schedule.reject.result
---@field next rules.schedule.reject.result.next

---@class rules.schedule
---@field begin fun(input: rules.schedule.begin.input): rules.schedule.begin.result
---@field fail fun(input: rules.schedule.fail.input): rules.schedule.fail.result
---@field pass fun(input: rules.schedule.pass.input): rules.schedule.pass.result
---@field reject fun(input: rules.schedule.reject.input): rules.schedule.reject.result

---@class rules
---@field call fun(rule: "schedule", name: "begin", input: rules.schedule.begin.input): rules.schedule.begin.result, rules.call
---@field call fun(rule: "schedule", name: "fail", input: rules.schedule.fail.input): rules.schedule.fail.result, rules.call
---@field call fun(rule: "schedule", name: "pass", input: rules.schedule.pass.input): rules.schedule.pass.result, rules.call
---@field call fun(rule: "schedule", name: "reject", input: rules.schedule.reject.input): rules.schedule.reject.result, rules.call
