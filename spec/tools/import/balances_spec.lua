local balances = require "tools.import.balances"

local function row(earned, available, locked, withdrawn, deficit)
  return {
    child_id = "c", total_earned = earned, available_points = available, locked_points = locked,
    withdrawn_points = withdrawn, deficit_points = deficit,
  }
end

local function list(account)
  return { account.total_earned, account.available_points, account.locked_points, account.withdrawn_points,
    account.deficit_points }
end

describe("balances:", function()
  it("lawful ones stay as they are", function()
    for _, numbers in ipairs { { 0, 0, 0, 0, 0 }, { 100, 30, 50, 20, 0 }, { 0, 0, 0, 40, 40 }, { 5, 0, 25, 0, 20 } } do
      local account, notes = balances.settle(row(table.unpack(numbers)))
      assert.are.same(numbers, list(account))
      assert.are.same({}, notes)
    end
  end)

  it("what can be spent and what is owed decide", function()
    assert.are.same({ 80, 80, 0, 0, 0 }, list(balances.settle(row(100, 80, 0, 0, 0))))
    assert.are.same({ 10, 10, 0, 0, 0 }, list(balances.settle(row(10, 30, 0, 0, 20))))
    assert.are.same({ 0, 0, 5, 0, 5 }, list(balances.settle(row(0, -5, 5, 0, 0))))
  end)

  it("what cannot be put right is refused", function()
    for _, numbers in ipairs { { 0, 0, -1, 0, 0 }, { 0, 0, 0, -1, 0 }, { 0, 0, 0, 0, -1 }, { 0, 0, 0, 0, 7 } } do
      local account, reason = balances.settle(row(table.unpack(numbers)))
      assert.is_nil(account)
      assert.is_string(reason)
    end
  end)

  it("never share out more than the account holds", function()
    math.randomseed(7)
    for _ = 1, 500 do
      local account = {
        total_earned = math.random(0, 200), locked_points = math.random(0, 100), available_points = 0,
        withdrawn_points = 0, deficit_points = 0,
      }
      local points, sum, locked = {}, 0, 0
      for index = 1, math.random(0, 6) do
        points[index] = {
          earned = math.random(0, 100), unlocked = math.random(0, 120), is_unexplained = math.random() < 0.3, notes = {},
        }
      end
      local left = balances.share_out(account, points)
      for _, point in ipairs(points) do
        assert.is_true(0 <= point.opened and point.opened <= point.points and point.points <= point.earned)
        assert.is_true(not point.is_unexplained or point.points == 0 or point.points == point.earned)
        assert.are.equal(point.points < point.earned or point.is_unexplained and point.points > 0, #point.notes > 0)
        sum, locked = sum + point.points, locked + point.points - point.opened
      end
      assert.is_true(sum <= account.total_earned and locked <= account.locked_points)
      assert.are.equal(account.locked_points - locked, left)
    end
  end)

  it("open a ledger only if there is something to move", function()
    assert.is_nil(balances.opening(balances.settle(nil)))
    local move = balances.opening(balances.settle(row(0, 0, 0, 40, 40)))
    assert.are.same({ "opening", 0, 40 }, { move.transaction_type, move.points, move.deltas.deficit })
  end)
end)
