local world = require "spec.support.world"
local db = require "db"

describe("actions/erasure", function()
  local erasure = require "actions.erasure"
  local family

  before_each(function()
    world.begin()
    family = world.family()
  end)
  after_each(world.finish)

  local function give(points)
    local adjustments = require "actions.adjustments"
    assert(db.transaction(function(tx)
      return adjustments.give(tx, family.child_id, { points = points, reason = "a gift" }, "staff")
    end))
  end

  local function move(id, ...)
    local withdrawals = require "actions.withdrawals"
    for _, status in ipairs { ... } do
      assert(db.transaction(function(tx)
        return withdrawals.move(tx, family.child_id, family.parent_id, id, status, nil, "operator")
      end))
    end
  end

  local function erase_child(parent_id)
    return db.transaction(function(tx)
      return erasure.child(tx, parent_id or family.parent_id, family.child_id, "staff")
    end)
  end

  local function erase_user()
    return db.transaction(function(tx)
      return erasure.user(tx, family.parent_id, "staff")
    end)
  end

  local function kept(id)
    return db.query("select id, points_amount, transaction_id from erased_withdrawals where id = $1", id)
  end

  it("keeps what was paid and nothing else", function()
    give(100)
    local paid, failed, pending = world.withdraw(family, 10), world.withdraw(family, 20), world.withdraw(family, 30)
    move(paid, "processing", "completed")
    move(failed, "processing", "failed")
    assert.is_true(erase_user())
    assert.are.equal(0, db.one("select count(*) as n from children where id = $1", family.child_id).n)
    assert.are.equal(10, kept(paid)[1].points_amount)
    assert.are.same({}, kept(failed))
    assert.are.same({}, kept(pending))
  end)

  it("waits for money that is on its way", function()
    give(100)
    local pending, processing = world.withdraw(family, 10), world.withdraw(family, 20)
    move(processing, "processing")
    for _, erase in ipairs { erase_child, erase_user } do
      local _, err = erase()
      assert.are.equal("withdrawal_processing", err.code)
    end
    assert.are.equal("pending", db.one("select status from withdrawal_requests where child_id = $1 and id = $2",
      family.child_id, pending).status)
    move(processing, "completed")
    assert.is_true(erase_child())
  end)

  it("is for the own family only, and once", function()
    local _, err = erase_child(world.family().parent_id)
    assert.are.equal("not_found", err.code)
    assert.is_true(erase_child())
    assert.are.equal("not_found", select(2, erase_child()).code)
    assert.is_true(erase_user())
    assert.are.equal("not_found", select(2, erase_user()).code)
  end)

  it("is for whoever's child it is where nobody's is asked for", function()
    give(100)
    local pending = world.withdraw(family, 10)
    assert.is_true(db.transaction(function(tx)
      return erasure.child(tx, nil, family.child_id, "staff")
    end))
    assert.are.same({}, db.query("select id from withdrawal_requests where id = $1", pending))
    assert.are.equal("not_found", select(2, db.transaction(function(tx)
      return erasure.child(tx, nil, family.child_id, "staff")
    end)).code)
  end)

  it("is refused by the database itself while a withdrawal is open", function()
    give(100)
    world.withdraw(family, 10)
    local err = world.error_of(function()
      db.exec("delete from users where id = $1", family.parent_id)
    end)
    assert.are.equal("children_keep_paid_withdrawals", err.constraint)
  end)

  it("leaves rows that nobody changes", function()
    give(100)
    local paid = world.withdraw(family, 10)
    move(paid, "processing", "completed")
    assert.is_true(erase_child())
    for _, sql in ipairs { "delete from erased_withdrawals where id = $1",
      "update erased_withdrawals set points_amount = 1 where id = $1",
      "insert into erased_withdrawals (id, points_amount, amount_ntd, completed_at) values (-$1::bigint, 1, 1, now())" } do
      assert.are.equal("42501", world.error_of(function() db.exec(sql, paid) end).sqlstate)
    end
  end)
end)
