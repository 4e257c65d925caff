local modules = require "spec.support.modules"

describe("lib/merge", function()
  it("replaces, takes away, and leaves the rest and the row itself alone", function()
    local merge = modules.load("lib.merge")
    local row = { id = 1, name = "Mei", age = 9 }
    assert.are.same({ id = 1, name = "Lin" }, merge(row, { name = "Lin", age = modules.json.null }))
    assert.are.same({ id = 1, name = "Mei", age = 9 }, row)
    assert.are.same(row, merge(row, {}))
  end)
end)
