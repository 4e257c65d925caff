local world = require "spec.support.world"
local db = require "db"
local rules = require "rules"

describe("actions/withdrawals", function()
  local withdrawals = require "actions.withdrawals"
  local adjustments = require "actions.adjustments"
  local family, call

  before_each(function()
    world.begin()
    call = rules.call
    family = world.family()
    assert(db.transaction(function(tx)
      return adjustments.give(tx, family.child_id, { points = 50, reason = "why" }, "staff")
    end))
  end)

  after_each(function()
    rules.call = call
    world.finish()
  end)

  local function request(points, who)
    who = who or family
    return db.transaction(function(tx)
      return withdrawals.request(tx, who.child_id, who.parent_id, { points_amount = points, bank_account = "1" }, "parent")
    end)
  end

  local function move(id, status, who)
    who = who or family
    return db.transaction(function(tx)
      return withdrawals.move(tx, who.child_id, who.parent_id, id, status, nil, "operator")
    end)
  end

  it("tells the rule of overdue tests and of the day's requests", function()
    local _, test = world.learn(family, world.learning_point(1))
    world.learn(family, world.learning_point(1)) -- whose first test falls overdue unlocks nothing
    assert(world.report(family, test.id, true)) -- the next falls due on the 9th
    local input
    rules.call = function(rule, name, given)
      if rule == "withdrawal" then
        input = given
      end
      return call(rule, name, given)
    end
    assert(request(10))
    assert.are.same({
      points = 10, available = 53, deficit = 0, days_overdue = 0, requests_today = 0, points_today = 0,
    }, input)
    local second = assert(request(11))
    assert.are.same({ 1, 10 }, { input.requests_today, input.points_today })
    assert(move(second.id, "cancelled"))
    assert(request(12))
    assert.are.same({ 2, 10 }, { input.requests_today, input.points_today })
    world.advance(5)
    assert(request(10))
    assert.are.same({ 4, 0, 0 }, { input.days_overdue, input.requests_today, input.points_today })
  end)

  it("gives no more than there is, whatever the rule says", function()
    rules.call = function(rule, name, given)
      if rule ~= "withdrawal" then
        return call(rule, name, given)
      end
      return { ntd_cents = 1 }, { rule = "withdrawal.request", version = rules.version(), input = "{}", result = "{}" }
    end
    local _, err = request(51)
    assert.are.equal("insufficient_points", err.code)
    assert.are.same({ 50, 50, 0, 0, 0 }, world.balances(family))
  end)

  it("knows no other family's withdrawals", function()
    local other = world.family()
    local row = assert(request(10))
    for _, who in ipairs {
      { child_id = family.child_id, parent_id = other.parent_id },
      { child_id = other.child_id, parent_id = other.parent_id },
    } do
      local _, err = move(row.id, "cancelled", who)
      assert.are.equal("not_found", err.code)
      _, err = withdrawals.find(who.child_id, who.parent_id, row.id)
      assert.are.equal("not_found", err.code)
    end
    local _, err = request(10, { child_id = family.child_id, parent_id = other.parent_id })
    assert.are.equal("not_found", err.code)
    _, err = withdrawals.list(family.child_id, other.parent_id, {}, { 0, 0 }, 10)
    assert.are.equal("not_found", err.code)
    assert.are.same({}, withdrawals.list_all(other.parent_id, {}, { 0, 0 }, 10))
    assert.are.equal(row.id, withdrawals.list_all(family.parent_id, { status = "pending" }, { 0, 0 }, 10)[1].id)
  end)
end)
