local modules = require "spec.support.modules"

describe("rules/verification", function()
  local verification

  before_each(function()
    verification = modules.rule("verification")
  end)

  it("holds its own examples", function()
    for _, example in ipairs(verification.examples()) do
      assert.are.same(example.expect, verification[example.call](example.input))
    end
  end)

  it("asks 3 questions on day 1 and needs 2 right, later 1 and 1", function()
    assert.are.same({ asked = 3, needed = 2, minutes = 30 }, verification.questions { test_day = 1 })
    for _, day in ipairs { 2, 3, 7, 14, 60, 3650 } do
      assert.are.same({ asked = 1, needed = 1, minutes = 30 }, verification.questions { test_day = day })
    end
  end)

  it("scores percent with two decimals", function()
    local scores = {}
    for right = 0, 3 do
      scores[right + 1] = verification.grade({ test_day = 1, asked = 3, right = right }).score
    end
    assert.are.same({ 0.0, 33.33, 66.67, 100.0 }, scores)
  end)

  it("passes with 2 of 3, and with the same part of a test of another length", function()
    local function needed_of(asked)
      for right = 0, asked do
        if verification.grade({ test_day = 1, asked = asked, right = right }).passed then
          return right
        end
      end
    end
    assert.are.same({ 1, 2, 2, 3, 4, 4 }, { needed_of(1), needed_of(2), needed_of(3), needed_of(4), needed_of(5),
      needed_of(6) })
  end)

  it("suspects one answer under the minimum", function()
    assert.is_true(verification.suspect({ answer_ms = { 9000, 1499, 9000 } }).suspicious)
    assert.is_false(verification.suspect({ answer_ms = { 1500, 1500, 9000 } }).suspicious)
    verification.parameters.fast_answers_forgiven = 1
    assert.is_false(verification.suspect({ answer_ms = { 9000, 0, 9000 } }).suspicious)
    verification.parameters.fastest_answer_ms = 0
    assert.is_false(verification.suspect({ answer_ms = { 0, 0, 0 } }).suspicious)
  end)
end)
