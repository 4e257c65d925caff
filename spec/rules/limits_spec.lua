local modules = require "spec.support.modules"

describe("rules/limits", function()
  it("holds its own examples", function()
    local limits = modules.rule("limits")
    for _, example in ipairs(limits.examples()) do
      assert.are.same(example.expect, limits[example.call](example.input))
    end
  end)

  it("follows its parameters", function()
    local limits = modules.rule("limits")
    limits.parameters.children_per_parent = 1
    assert.is_true(limits.add_child({ children = 0 }).allowed)
    assert.is_false(limits.add_child({ children = 1 }).allowed)
  end)
end)
