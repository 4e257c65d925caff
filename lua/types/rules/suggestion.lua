---@meta
-- Made by `lexicraft lua lua/tools/rule_types.lua` from the shapes in lua/rules/suggestion.lua; do not edit.

---@class rules.suggestion.score.input
---@field components integer  0..1000, words of a phrase or idiom
---@field components_known integer  0..1000
---@field has_failed boolean  tried and failed before
---@field has_known_affix boolean
---@field is_frequent boolean  among the most frequent of the level that the child does not know
---@field is_related_to_current boolean  to something the child is learning
---@field is_two_steps_away boolean
---@field known integer  0..1000000, learning points the child knows, up to a few dozens
---@field level_gap? integer  -5..5, levels above (below: negative) what it has come to know last
---@field prerequisites integer  0..1000, what it builds on
---@field prerequisites_known integer  0..1000, and of that the child knows
---@field related_known integer  0..1000, known points it is directly related to
---@field tier integer  1..7

---@class rules.suggestion.score.result
---@field reasons string[]  at most 9
---@field score integer  0..1000

---@class rules.suggestion
---@field score fun(input: rules.suggestion.score.input): rules.suggestion.score.result

---@class rules
---@field call fun(rule: "suggestion", name: "score", input: rules.suggestion.score.input): rules.suggestion.score.result, rules.call
