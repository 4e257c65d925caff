local modules = require "spec.support.modules"

describe("rules/ladder", function()
  local ladder

  before_each(function()
    ladder = modules.rule("ladder")
  end)

  it("holds its own examples, also after a change of its numbers", function()
    local function hold()
      for _, example in ipairs(ladder.examples()) do
        assert.are.same(example.expect, ladder[example.call](example.input))
      end
    end
    hold()
    for _, step in ipairs(ladder.parameters.repeat_after_days) do
      step.days = step.days + 1
    end
    hold()
  end)

  it("leaves a passed test's successor on its own day", function()
    for _, day in ipairs { 1, 3, 7, 14, 21, 30 } do
      assert.are.same({}, ladder.plan { passed = true, test_day = day })
    end
  end)

  it("repeats failures after 1, 2, 3 and 5 days", function()
    local days = {}
    for index, day in ipairs { 1, 2, 3, 6, 7, 13, 14, 21, 60 } do
      days[index] = ladder.plan({ passed = false, test_day = day }).days_after_today
    end
    assert.are.same({ 1, 1, 2, 2, 3, 3, 5, 5, 5 }, days)
  end)
end)
