---@meta
-- Made by `lexicraft lua lua/tools/rule_types.lua` from the shapes in lua/rules/verification.lua; do not edit.

---@class rules.verification.grade.input
---@field asked integer  1..20, questions the test had
---@field right integer  0..20, of these, answered with the correct option
---@field test_day integer  1..3650

---@class rules.verification.grade.result
---@field passed boolean
---@field score number  0..100, percent answered right, two decimals

---@class rules.verification.questions.input
---@field test_day integer  1..3650, of the test about to be given

---@class rules.verification.questions.result
---@field asked integer  1..20, questions of the test
---@field minutes integer  1..1440, from its start until it can no longer be answered
---@field needed integer  1..20, right answers that pass it

---@class rules.verification.suspect.input
---@field answer_ms integer[]  at most 20, from question shown to answer given, by question

---@class rules.verification.suspect.result
---@field fast_answers integer  0..20, how many came too soon
---@field suspicious boolean

---@class rules.verification
---@field grade fun(input: rules.verification.grade.input): rules.verification.grade.result
---@field questions fun(input: rules.verification.questions.input): rules.verification.questions.result
---@field suspect fun(input: rules.verification.suspect.input): rules.verification.suspect.result

---@class rules
---@field call fun(rule: "verification", name: "grade", input: rules.verification.grade.input): rules.verification.grade.result, rules.call
---@field call fun(rule: "verification", name: "questions", input: rules.verification.questions.input): rules.verification.questions.result, rules.call
---@field call fun(rule: "verification", name: "suspect", input: rules.verification.suspect.input): rules.verification.suspect.result, rules.call
