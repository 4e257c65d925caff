local modules = require "spec.support.modules"

describe("rules/withdrawal", function()
  local withdrawal

  before_each(function()
    withdrawal = modules.rule("withdrawal")
  end)

  local function request(changed)
    local input = { points = 10, available = 100, deficit = 0, days_overdue = 0, requests_today = 0, points_today = 0 }
    for name, value in pairs(changed) do
      input[name] = value
    end
    return withdrawal.request(input)
  end

  local function hold_examples()
    for _, example in ipairs(withdrawal.examples()) do
      assert.are.same(example.expect, withdrawal[example.call](example.input))
    end
  end

  it("holds its own examples, also with other numbers", function()
    hold_examples()
    for name, values in pairs {
      ntd_cents_per_point = { 1, 90 }, least_points = { 1, 50 }, days_overdue_allowed = { 0, 30 },
      requests_per_day = { 1, 3 }, points_per_day = { 1000 },
    } do
      for _, value in ipairs(values) do
        withdrawal = modules.rule("withdrawal")
        withdrawal.parameters[name] = value
        hold_examples()
      end
    end
  end)

  it("makes 1 point 1 NTD", function()
    assert.are.same({ ntd_cents = 1000 }, request {})
    assert.are.same({ ntd_cents = 10000 }, request { points = 100 })
  end)

  it("wants at least 10 points", function()
    assert.are.same({ refusal = "below_minimum", least_points = 10 }, request { points = 9 })
  end)

  it("waits for tests more than 14 days overdue", function()
    assert.are.same({ ntd_cents = 1000 }, request { days_overdue = 14 })
    assert.are.same({ refusal = "tests_overdue" }, request { days_overdue = 15 })
  end)

  it("names a debt or a lack of points before overdue tests", function()
    assert.are.same({ refusal = "in_deficit" }, request { available = 0, deficit = 5, days_overdue = 20 })
    assert.are.same({ refusal = "insufficient_points" }, request { points = 101, days_overdue = 20 })
  end)
end)
