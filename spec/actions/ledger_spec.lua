local modules = require "spec.support.modules"

describe("actions/ledger", function()
  local ledger = modules.load("actions.ledger")
  local account

  before_each(function()
    account = {
      total_earned = 0, available_points = 0, locked_points = 0, withdrawn_points = 0, deficit_points = 0,
      last_sequence = 0,
    }
  end)

  local function check_laws()
    local a = account
    assert.is_true(math.min(a.total_earned, a.available_points, a.locked_points, a.withdrawn_points,
      a.deficit_points) >= 0)
    assert.are.equal(a.total_earned, a.available_points + a.locked_points + a.withdrawn_points - a.deficit_points)
    assert.is_true(a.available_points == 0 or a.deficit_points == 0)
  end

  local function make(name, ...)
    local sequence = account.last_sequence
    account = ledger.apply(account, assert(ledger[name](account, ...)))
    assert.are.equal(sequence + 1, account.last_sequence)
    check_laws()
  end

  local function balances()
    return {
      earned = account.total_earned, available = account.available_points, locked = account.locked_points,
      withdrawn = account.withdrawn_points, deficit = account.deficit_points,
    }
  end

  describe("the worked examples", function()
    it("1: all days passed", function()
      make("earned", 100)
      for _, share in ipairs { 30, 20, 20, 30 } do
        make("unlocked", share)
      end
      assert.are.same({ earned = 100, available = 100, locked = 0, withdrawn = 0, deficit = 0 }, balances())
    end)

    it("2: day 1 passed, 30 withdrawn, failed for good", function()
      make("earned", 100)
      make("unlocked", 30)
      make("withdrawn", 30)
      make("deficit", 100, 30)
      assert.are.same({ earned = 0, available = 0, locked = 0, withdrawn = 30, deficit = 30 }, balances())
    end)

    it("3: days 1 and 3 passed, nothing withdrawn, failed for good", function()
      make("earned", 100)
      make("unlocked", 30)
      make("unlocked", 20)
      make("deficit", 100, 50)
      assert.are.same({ earned = 0, available = 0, locked = 0, withdrawn = 0, deficit = 0 }, balances())
    end)

    local function fourth()
      make("earned", 100)
      make("unlocked", 30)
      make("unlocked", 20)
      make("withdrawn", 10)
      make("withdrawn", 30)
      make("deficit", 100, 50)
    end

    it("4: days 1 and 3 passed, 10 and 30 withdrawn, failed for good", function()
      fourth()
      assert.are.same({ earned = 0, available = 0, locked = 0, withdrawn = 40, deficit = 40 }, balances())
    end)

    it("5: then another point pays the debt, and a withdrawal comes back", function()
      fourth()
      make("earned", 25)
      make("unlocked", 8)
      assert.are.same({ earned = 25, available = 0, locked = 17, withdrawn = 40, deficit = 32 }, balances())
      local move, err = ledger.withdrawn(account, 1)
      assert.is_nil(move)
      assert.are.equal("in_deficit", err.code)
      make("returned", 30)
      assert.are.same({ earned = 25, available = 0, locked = 17, withdrawn = 10, deficit = 2 }, balances())
    end)
  end)

  it("pays a bonus, and takes it back as a debt when it is gone", function()
    make("bonus", 15)
    make("withdrawn", 15)
    make("reversed", 15)
    assert.are.same({ earned = 0, available = 0, locked = 0, withdrawn = 15, deficit = 15 }, balances())
    make("adjusted", 20)
    assert.are.same({ earned = 20, available = 5, locked = 0, withdrawn = 15, deficit = 0 }, balances())
  end)

  it("refuses to withdraw what is not available", function()
    make("earned", 100)
    make("unlocked", 30)
    local move, err = ledger.withdrawn(account, 31)
    assert.is_nil(move)
    assert.are.equal("insufficient_points", err.code)
  end)

  it("knows no empty, negative or broken moves", function()
    for _, points in ipairs { 0, -1, 1.5, "1" } do
      for _, name in ipairs { "earned", "unlocked", "bonus", "withdrawn", "returned", "deficit", "adjusted", "reversed" } do
        assert.has_error(function() ledger[name](account, points, 0) end)
      end
    end
  end)

  it("keeps every law in long random histories", function()
    local seed = 20240607
    local function random(limit)
      seed = (seed * 1103515245 + 12345) % 2147483648
      return seed // 65536 % limit + 1
    end
    local held = {}
    for _ = 1, 5000 do
      local choice = random(7)
      if choice == 1 then
        local points = random(100)
        make("earned", points)
        held[#held + 1] = { points = points, unlocked = 0 }
      elseif choice == 2 and #held > 0 then
        local point = held[random(#held)]
        if point.points > point.unlocked then
          local share = random(point.points - point.unlocked)
          make("unlocked", share)
          point.unlocked = point.unlocked + share
        end
      elseif choice == 3 and #held > 0 then
        local point = table.remove(held, random(#held))
        make("deficit", point.points, point.unlocked)
      elseif choice == 4 and account.available_points > 0 then
        make("withdrawn", random(account.available_points))
      elseif choice == 5 and account.withdrawn_points > 0 then
        make("returned", random(account.withdrawn_points))
      elseif choice == 6 then
        make("bonus", random(70))
      elseif choice == 7 then
        make("adjusted", random(50))
      end
    end
    local locked = 0
    for _, point in ipairs(held) do
      locked = locked + point.points - point.unlocked
    end
    assert.are.equal(locked, account.locked_points)
  end)
end)
