local compare = require "tools.lib.compare"
local json = require "json"
local text = require "tools.lib.text"

local function described(before, after)
  local list = compare.changes(before, after)
  for index, change in ipairs(list) do
    list[index] = compare.describe(change)
  end
  return list
end

describe("comparing", function()
  it("names every value that differs", function()
    assert.same({ "points.tier_points[2]: 25 → 30" },
      described({ points = { tier_points = { 10, 25 } } }, { points = { tier_points = { 10, 30 } } }))
    assert.same({ "a: new, 1", "b[1].percent: 30 → 35", "c: gone, was yes" },
      described({ b = { { day = 1, percent = 30 } }, c = true }, { a = 1, b = { { day = 1, percent = 35 } } }))
  end)

  it("shows lists that became longer or shorter whole", function()
    assert.same({ "days: 1, 3, 7 → 1, 3, 7, 14" }, described({ days = { 1, 3, 7 } }, { days = { 1, 3, 7, 14 } }))
    assert.same({ 'state: gone, was difficulty 5, stability 2.5' },
      described({ state = { stability = 2.5, difficulty = 5 } }, {}))
  end)

  it("takes a whole float for the integer, and null for nothing", function()
    assert.same({}, compare.changes({ points = 1, next = json.null }, { points = 1.0 }))
    assert.is_true(compare.same({ a = { 1 } }, { a = { 1.0 }, b = json.null }))
    assert.is_false(compare.same({ a = 1 }, { a = 1, b = false }))
    assert.is_false(compare.same({ a = {} }, { a = 0 }))
  end)

  it("flattens to one line for each value", function()
    assert.same({ { "is_last", "no" }, { "next.test_day", "3" }, { "plans[1].days", "1, 3" } },
      compare.flatten { is_last = false, next = { test_day = 3 }, plans = { { days = { 1, 3 } } } })
  end)
end)

describe("text", function()
  it("groups digits and shows signs", function()
    assert.equal("0", text.number(0))
    assert.equal("999", text.number(999))
    assert.equal("-1,234,567", text.number(-1234567))
    assert.equal("1,234.5", text.number(1234.5))
    assert.equal("100", text.number(100.0))
    assert.equal("+5", text.signed(5))
    assert.equal("-1,000", text.signed(-1000))
  end)

  it("counts", function()
    assert.equal("1 award", text.count(1, "award"))
    assert.equal("2 awards", text.count(2, "award"))
    assert.equal("0 children", text.count(0, "child", "children"))
  end)

  it("aligns columns by characters, not bytes", function()
    assert.same({ "a →   1", "b    22" }, text.columns({ { "a →", "1" }, { "b", "22" } }, { indent = 0, right = { [2] = true } }))
  end)

  it("shows times to the minute", function()
    assert.equal("2030-01-07 02:00 UTC", text.time("2030-01-07T02:00:59.123456Z"))
  end)
end)
