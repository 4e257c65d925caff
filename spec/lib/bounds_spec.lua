local modules = require "spec.support.modules"

describe("lib/bounds", function()
  local bounds

  before_each(function()
    bounds = modules.load("lib.bounds")
  end)

  local function property(parameters, fields, also)
    return bounds.property("r", fields, also).check(nil, function() return parameters end)
  end

  it("takes whole numbers within their bounds", function()
    local bound = bounds.integer(1, 5, "apples")
    assert.is_nil(bound(1, "n"))
    assert.is_nil(bound(5, "n"))
    for value, shown in pairs { [0] = "0", [6] = "6", [2.5] = "2.5", x = '"x"', [true] = "true" } do
      assert.are.equal(("n is %s, allowed are whole numbers from 1 to 5 (apples)"):format(shown), bound(value, "n"))
    end
    assert.are.equal("n is 2.0, allowed are whole numbers from 1 to 5 (apples)", bound(2.0, "n"))
    assert.are.equal("n is missing, allowed are whole numbers from 1 to 5 (apples)", bound(nil, "n"))
  end)

  it("takes no number that is none", function()
    local bound = bounds.number(0.5, 1)
    assert.is_nil(bound(1, "n"))
    for _, value in ipairs { 0 / 0, 1 / 0, 0.49, "1" } do
      assert.is_truthy(bound(value, "n"))
    end
  end)

  it("takes lists, and nothing with gaps or names", function()
    local bound = bounds.list(bounds.integer(1, 9), 1, 3)
    assert.is_nil(bound({ 7, 7 }, "l"))
    assert.are.equal("l[2] is 10, allowed are whole numbers from 1 to 9", bound({ 7, 10 }, "l"))
    assert.are.equal("l has 0 entries, allowed are 1 to 3", bound({}, "l"))
    assert.are.equal("l has 4 entries, allowed are 1 to 3", bound({ 1, 1, 1, 1 }, "l"))
    for _, value in ipairs { { 1, x = 2 }, { [1] = 1, [5] = 2 }, 3 } do
      assert.is_truthy(bound(value, "l"):find("needs to be a list"))
    end
  end)

  it("takes lists that ascend", function()
    local bound = bounds.ascending(bounds.record { day = bounds.integer(1, 9) }, 0, 9, { key = "day" })
    assert.is_nil(bound({}, "l"))
    assert.is_nil(bound({ { day = 2 }, { day = 5 } }, "l"))
    assert.are.equal("l[2].day is 2, though 2 stands before it: they have to ascend", bound({ { day = 2 }, { day = 2 } }, "l"))
    assert.are.equal("l[1] is 2, the first has to be 1",
      bounds.ascending(bounds.integer(1, 9), 1, 9, { first = 1 })({ 2 }, "l"))
  end)

  it("takes records of these fields and no others", function()
    local bound = bounds.record({ a = bounds.boolean(), b = bounds.one_of { "x", "y" } }, function(value)
      return value.a and value.b == "y" and "not both" or nil
    end)
    assert.is_nil(bound({ a = true, b = "x" }, "r"))
    assert.are.equal("not both", bound({ a = true, b = "y" }, "r"))
    assert.are.equal("r.c is not known here", bound({ a = true, b = "x", c = 1 }, "r"))
    assert.are.equal('r.b is "z", allowed are "x", "y"', bound({ a = true, b = "z" }, "r"))
    assert.are.equal("r.a is 1, allowed are true and false", bound({ a = 1, b = "x" }, "r"))
    assert.are.equal("r is 7, it needs braces", bound(7, "r"))
  end)

  it("makes a property that leaves other parameters alone", function()
    local fields = { n = bounds.integer(1, 5) }
    assert.is_nil(property({ n = 3, more = "of the file's own" }, fields))
    assert.are.equal("n is 9, allowed are whole numbers from 1 to 5", property({ n = 9 }, fields))
    assert.are.equal("three", property({ n = 3 }, fields, function(parameters) return parameters.n == 3 and "three" or nil end))
    assert.are.equal("parameters is missing", property(nil, fields))
  end)
end)
