local modules = require "spec.support.modules"

-- What families are promised.
local PAID = {
  relationship_discovery = 15, phrase_completion = 30, idiom_unlock = 70, context_mastery = 20, pattern_recognition = 20,
  pattern_mastery = 50,
}

describe("rules/discovery", function()
  local discovery

  before_each(function()
    discovery = modules.rule("discovery")
  end)

  local function hold_examples()
    for _, example in ipairs(discovery.examples()) do
      assert.are.same(example.expect, discovery[example.call](example.input))
    end
  end

  it("holds its own examples, also with other numbers", function()
    hold_examples()
    for kind in pairs(PAID) do
      discovery.parameters.bonus_points[kind] = 0
      hold_examples()
      discovery.parameters.bonus_points[kind] = 33
      hold_examples()
    end
    discovery.parameters.bonuses_per_day = 1
    hold_examples()
  end)

  it("pays every bonus once it is known", function()
    for kind, points in pairs(PAID) do
      local input = { kind = kind, is_known = true, earned_before = 0, bonuses_today = 0, is_decided_by_staff = false }
      assert.are.same({ points = points }, discovery.bonus(input))
      input.is_known = false
      assert.are.same({ refusal = "not_known" }, discovery.bonus(input))
    end
  end)
end)
