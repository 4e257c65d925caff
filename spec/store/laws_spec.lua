-- The database keeps the laws of the ledger whoever writes: every attack here is made with the server's own connection.
-- Where that role owns the tables, no privilege stands in its way and the triggers alone must hold.
local world = require "spec.support.world"
local db = require "db"
local json = require "json"
local ledger = require "actions.ledger"

describe("the ledger's laws", function()
  local family, other, test, account

  before_each(function()
    world.begin()
    family, other = world.family(), world.family()
    local _, first = world.learn(family, world.learning_point(4))
    test = first
    assert(world.report(family, test.id, true))
    account = db.one("select * from points_accounts where child_id = $1", family.child_id)
  end)

  after_each(function()
    assert.are.same({ 100, 30, 70, 0, 0 }, world.balances(family))
    assert.are.same({ 100, 30, 70, 0, 0 }, world.replayed(family))
    world.finish()
  end)

  local function refused(sql, ...)
    local parameters = table.pack(...)
    local err = world.error_of(function()
      db.exec(sql, table.unpack(parameters, 1, parameters.n))
    end)
    assert.are.equal("42501", err.sqlstate, sql)
  end

  -- Insert a row made of this move with these columns changed; the constraint that refuses it.
  local function constraint_against(move, columns)
    local err = world.error_of(function()
      db.transaction(function(tx)
        return world.add_move(tx, family, account, move, columns)
      end)
    end)
    return err.constraint
  end

  it("refuse to change a balance", function()
    refused("update points_accounts set available_points = 1000000, total_earned = 1000070 where child_id = $1",
      family.child_id)
    refused("update points_accounts set withdrawn_points = 0 where child_id = $1", family.child_id)
    refused("update points_accounts set last_sequence = 7 where child_id = $1", family.child_id)
    refused("update points_accounts set updated_at = now() where child_id = $1", family.child_id)
    refused("delete from points_accounts where child_id = $1", family.child_id)
    refused("truncate points_accounts")
    refused([[
      insert into points_accounts (child_id, total_earned, available_points, created_at, updated_at)
      values (gen_random_uuid(), 5, 5, now(), now())]])
  end)

  it("refuse to rewrite history", function()
    refused("update points_transactions set points = 1 where child_id = $1", family.child_id)
    refused("update points_transactions set description = 'x' where child_id = $1", family.child_id)
    refused("delete from points_transactions where child_id = $1", family.child_id)
    refused("truncate points_transactions")
    refused("update verification_schedule set passed = false where child_id = $1 and id = $2", family.child_id, test.id)
    refused("update rule_versions set sources = '{}'")
    refused("delete from rule_versions")
  end)

  it("refuse gaps, repetitions and jumps in the sequence", function()
    local bonus = ledger.bonus(account, 15)
    local named = { bonus_type = "context_mastery", bonus_subject = "x" }
    for sequence, constraint in pairs {
      [0] = "points_transactions_no_gap",
      [1] = "points_transactions_sequence_key",
      [2] = "points_transactions_sequence_key",
      [4] = "points_transactions_no_gap",
    } do
      named.sequence = sequence
      assert.are.equal(constraint, constraint_against(bonus, named))
    end
  end)

  it("refuse deltas that are not the type's", function()
    local progress = {
      learning_progress_id = test.learning_progress_id, attempt = 2, test_day = 1, tier = 4,
    }
    local function broken(name, delta, by)
      local columns = { [delta] = by }
      for key, value in pairs(progress) do
        columns[key] = value
      end
      local move = ledger[name](account, name == "deficit" and 100 or 10, 30)
      assert.are.equal("points_transactions_" .. name .. "_deltas", constraint_against(move, columns))
    end
    broken("earned", "total_earned_delta", 11)
    broken("earned", "available_delta", 10)
    broken("earned", "locked_delta", 0)
    broken("unlocked", "available_delta", 11)
    broken("unlocked", "locked_delta", 0)
    broken("unlocked", "deficit_delta", 1)
    broken("unlocked", "withdrawn_delta", -10)
    broken("deficit", "total_earned_delta", 0)
    broken("deficit", "locked_delta", 10)
    broken("deficit", "available_delta", 10)
    progress = { bonus_type = "context_mastery", bonus_subject = "x" }
    broken("bonus", "total_earned_delta", 1000)
    broken("bonus", "available_delta", 1000)
    progress = { actor = "staff", description = "why" }
    broken("adjusted", "available_delta", 1000)
    broken("adjusted", "locked_delta", 10)
  end)

  it("refuse balances that would break a law", function()
    local withdrawal = { withdrawal_request_id = world.withdraw(family, 30) }
    world.fail_withdrawal(family, withdrawal.withdrawal_request_id)
    account = db.one("select * from points_accounts where child_id = $1", family.child_id)
    local progress = {
      learning_progress_id = test.learning_progress_id, attempt = 1, test_day = 3, tier = 4,
    }
    -- More unlocked than is locked.
    assert.are.equal("points_accounts_none_negative", constraint_against(ledger.unlocked(account, 71), progress))
    -- A debt while points are available.
    local debt = ledger.deficit({ available_points = 0, deficit_points = 0 }, 100, 30)
    assert.are.equal("points_accounts_available_or_deficit", constraint_against(debt, progress))
    -- A debt paid back that does not exist.
    local repaid = ledger.unlocked({ available_points = 0, deficit_points = 5 }, 10)
    assert.are.equal("points_accounts_available_or_deficit", constraint_against(repaid, progress))
  end)

  it("refuse a second award for the same cause", function()
    local progress = {
      learning_progress_id = test.learning_progress_id, attempt = 1, test_day = 1, tier = 4,
    }
    assert.are.equal("points_transactions_once_per_test", constraint_against(ledger.unlocked(account, 10), progress))
    progress.test_day = 3
    assert.are.equal("points_transactions_once_per_attempt", constraint_against(ledger.earned(account, 10), progress))
  end)

  it("refuse a second bonus for the same subject", function()
    local someone = world.family()
    local empty = { available_points = 0, deficit_points = 0, last_sequence = 0 }
    local named = { bonus_type = "relationship_discovery", bonus_subject = "a|b" }
    db.transaction(function(tx)
      return world.add_move(tx, someone, empty, ledger.bonus(empty, 15), named)
    end)
    empty.last_sequence = 1
    local err = world.error_of(function()
      db.transaction(function(tx)
        return world.add_move(tx, someone, empty, ledger.bonus(empty, 15), named)
      end)
    end)
    assert.are.equal("points_transactions_once_per_bonus", err.constraint)
  end)

  it("refuse rows without a cause, a rule or a known version", function()
    assert.are.equal("points_transactions_learning_cause", constraint_against(ledger.earned(account, 10)))
    assert.are.equal("points_transactions_bonus_cause", constraint_against(ledger.bonus(account, 10)))
    assert.are.equal("points_transactions_withdrawal_cause", constraint_against(assert(ledger.withdrawn(account, 10))))
    assert.are.equal("points_transactions_adjusted_cause", constraint_against(ledger.adjusted(account, 10)))
    assert.are.equal("points_transactions_reversal_cause",
      constraint_against(ledger.reversed(account, 10), { actor = "staff", description = "why" }))
    local bonus = { bonus_type = "context_mastery", bonus_subject = "x", rule_version = ("0"):rep(64) }
    assert.are.equal("points_transactions_rule_version_fkey", constraint_against(ledger.bonus(account, 10), bonus))
    bonus = { bonus_type = "a new one", bonus_subject = "x" }
    assert.are.equal("points_transactions_bonus_type_known", constraint_against(ledger.bonus(account, 10), bonus))
  end)

  it("refuse another child's progress, test or withdrawal", function()
    local _, foreign = world.learn(other, world.learning_point(4))
    local progress = { learning_progress_id = foreign.learning_progress_id, attempt = 1, test_day = 1, tier = 4 }
    assert.are.equal("points_transactions_progress_fkey", constraint_against(ledger.earned(account, 10), progress))
    progress = {
      learning_progress_id = test.learning_progress_id, attempt = 2, test_day = 1, tier = 4,
      verification_schedule_id = foreign.id,
    }
    assert.are.equal("points_transactions_verification_fkey", constraint_against(ledger.earned(account, 10), progress))
    local err = world.error_of(function()
      db.exec([[
        insert into withdrawal_requests
          (child_id, parent_id, amount_ntd, points_amount, bank_account, created_at, updated_at)
        values ($1, $2, 1, 1, '001', now(), now())]], family.child_id, other.parent_id)
    end)
    assert.are.equal("withdrawal_requests_child_fkey", err.constraint)
  end)

  -- The constraint that refuses what `change(tx)` does.
  local function constraint_of(change)
    return world.error_of(function() db.transaction(change) end).constraint
  end

  it("know no withdrawal without its moves", function()
    assert.are.equal("withdrawal_requests_has_moves", constraint_of(function(tx)
      return world.request_withdrawal(tx, family, 20)
    end))
    assert.are.equal("points_transactions_fits_withdrawal", constraint_of(function(tx)
      local id = world.request_withdrawal(tx, family, 20)
      return world.add_move(tx, family, account, assert(ledger.withdrawn(account, 5)), { withdrawal_request_id = id })
    end))
    local id = world.withdraw(family, 20)
    assert.are.equal("withdrawal_requests_has_moves", constraint_of(function(tx)
      return world.set_failed(tx, family, id)
    end))
    assert.are.equal("withdrawal_requests_has_moves", constraint_of(function(tx)
      return tx:exec([[
        update withdrawal_requests set status = 'cancelled', completed_at = now(), completed_by = 'x'
        where child_id = $1 and id = $2]], family.child_id, id)
    end))
    world.fail_withdrawal(family, id)
  end)

  it("return a withdrawal once, when it failed, and as it was", function()
    local id = world.withdraw(family, 20)
    account = db.one("select * from points_accounts where child_id = $1", family.child_id)
    local named = { withdrawal_request_id = id }
    assert.are.equal("points_transactions_fits_withdrawal", constraint_against(ledger.returned(account, 20), named))
    assert.are.equal("points_transactions_fits_withdrawal", constraint_of(function(tx)
      world.set_failed(tx, family, id)
      return world.add_move(tx, family, account, ledger.returned(account, 5), named)
    end))
    world.fail_withdrawal(family, id)
    account = db.one("select * from points_accounts where child_id = $1", family.child_id)
    local returned = ledger.returned({ available_points = 0, deficit_points = 0 }, 20)
    assert.are.equal("points_transactions_once_per_withdrawal", constraint_against(returned, named))
  end)

  it("pay one withdrawal with one transfer, whoever's they are", function()
    local transfer = world.unique("transfer ")
    local function complete(id)
      return db.exec([[
        update withdrawal_requests
        set status = 'completed', transaction_id = $3, completed_at = now(), completed_by = 'x'
        where child_id = $1 and id = $2]], other.child_id, id, transfer)
    end
    local _, first = world.learn(other, world.learning_point(4))
    assert(world.report(other, first.id, true))
    local ids = { world.withdraw(other, 10), world.withdraw(other, 10) }
    for _, id in ipairs(ids) do
      db.exec([[
        update withdrawal_requests set status = 'processing', processing_at = now(), processing_by = 'x'
        where child_id = $1 and id = $2]], other.child_id, id)
    end
    assert.are.equal(1, complete(ids[1]))
    local err = world.error_of(function() complete(ids[2]) end)
    assert.are.equal("withdrawal_requests_transaction_once", err.constraint)
  end)

  it("unlock and take back what the attempt has earned, no more and no less", function()
    local within = "points_transactions_within_attempt"
    local function cause(columns)
      local all = { learning_progress_id = test.learning_progress_id, attempt = 1, test_day = 3, tier = 4 }
      for name, value in pairs(columns or {}) do
        all[name] = value
      end
      return all
    end
    local _, second = world.learn(other, world.learning_point(4))
    assert(world.report(other, second.id, true))
    -- Another point of the same child has locked points as well; its own are not enough.
    local _, small = world.learn(family, world.learning_point(1))
    assert.are.equal(within, constraint_against(ledger.unlocked(account, 5), cause {
      learning_progress_id = small.learning_progress_id, tier = 1,
    }))
    assert.are.equal(within, constraint_against(ledger.deficit(account, 99, 30), cause()))
    assert.are.equal(within, constraint_against(ledger.deficit(account, 100, 31), cause()))
    assert.are.equal(within, constraint_against(ledger.earned(account, 5), cause { attempt = 2 }))
    assert.are.equal(within, constraint_against(ledger.unlocked(account, 5), cause { tier = 3 }))
    -- Nothing follows a failure.
    assert.are.equal(within, constraint_of(function(tx)
      world.add_move(tx, family, account, ledger.deficit(account, 100, 30), cause())
      local after = ledger.apply(account, ledger.deficit(account, 100, 30))
      world.add_move(tx, family, after, ledger.adjusted(after, 70), { actor = "x", description = "x" })
      after = ledger.apply(after, ledger.adjusted(after, 70))
      return world.add_move(tx, family, after, ledger.earned(after, 5), cause { attempt = 2 })
    end))
  end)

  it("mark a discovery as paid when it is", function()
    local id = db.one([[
      insert into relationship_discoveries
        (child_id, source_learning_point_id, target_learning_point_id, relationship_type, discovered_at)
      values ($1, $2, $3, 'PART_OF', now())
      returning id]], family.child_id, world.learning_point(1), world.learning_point(1)).id
    assert.are.equal("relationship_discoveries_bonus_paid", constraint_of(function(tx)
      return tx:exec("update relationship_discoveries set bonus_awarded = true where child_id = $1 and id = $2",
        family.child_id, id)
    end))
    assert.are.equal("points_transactions_discovery_bonus", constraint_against(ledger.bonus(account, 15), {
      bonus_type = "context_mastery", bonus_subject = "x", relationship_discovery_id = id,
    }))
  end)

  it("want a rule for whatever no person has decided", function()
    local bonus = { bonus_type = "context_mastery", bonus_subject = "x", actor = "staff", rule_name = json.null }
    assert.are.equal("points_transactions_rule_given", constraint_against(ledger.bonus(account, 10), bonus))
    local taken = {
      learning_progress_id = test.learning_progress_id, attempt = 1, test_day = 3, tier = 4, rule_name = json.null,
    }
    assert.are.equal("points_transactions_rule_given", constraint_against(ledger.deficit(account, 100, 30), taken))
  end)

  it("reverse one earlier bonus or adjustment, once and whole", function()
    local someone = world.family()
    local empty = { available_points = 0, deficit_points = 0, last_sequence = 0 }
    local by = { actor = "staff", description = "why" }
    local function add(move, columns, state)
      return db.transaction(function(tx)
        return world.add_move(tx, someone, state, move, columns)
      end)
    end
    add(ledger.adjusted(empty, 20), by, empty)
    local given = db.one("select id from points_transactions where child_id = $1", someone.child_id)
    local state = { available_points = 20, deficit_points = 0, last_sequence = 1 }
    by.reverses_id = given.id
    local err = world.error_of(function() add(ledger.reversed(state, 19), by, state) end)
    assert.are.equal("points_transactions_fits_reversed", err.constraint)
    add(ledger.reversed(state, 20), by, state)
    state = { available_points = 0, deficit_points = 0, last_sequence = 2 }
    err = world.error_of(function() add(ledger.reversed(state, 20), by, state) end)
    assert.are.equal("points_transactions_once_reversed", err.constraint)
    assert.are.same({ 0, 0, 0, 0, 0 }, world.balances(someone))
  end)

  it("allow a withdrawal only the moves of its life", function()
    local id = world.withdraw(family, 20)
    for _, status in ipairs { "completed", "failed" } do
      local err = world.error_of(function()
        db.exec([[
          update withdrawal_requests
          set status = $3, processing_at = now(), processing_by = 'x', completed_at = now(), completed_by = 'x'
          where child_id = $1 and id = $2]], family.child_id, id, status)
      end)
      assert.are.equal("withdrawal_requests_status_move", err.constraint)
    end
    world.fail_withdrawal(family, id)
    local err = world.error_of(function()
      db.exec("update withdrawal_requests set status = 'completed' where child_id = $1 and id = $2", family.child_id, id)
    end)
    assert.are.equal("withdrawal_requests_status_move", err.constraint)
  end)

  it("keep one open test for a point", function()
    local err = world.error_of(function()
      db.exec([[
        insert into verification_schedule
          (child_id, learning_progress_id, attempt, test_day, scheduled_date, due_at, rule_version, rule_name, rule_input,
           rule_result, created_at, updated_at)
        select child_id, learning_progress_id, 1, 3, scheduled_date, due_at, rule_version, rule_name, rule_input,
               rule_result, created_at, updated_at
        from verification_schedule where child_id = $1 and id = $2]], family.child_id, test.id)
    end)
    assert.are.equal("verification_schedule_one_open", err.constraint)
  end)

  it("give a test the learning point of its progress, for good", function()
    local named = db.one([[
      select v.learning_point_id = p.learning_point_id as is_so
      from verification_schedule v
      join learning_progress p on p.child_id = v.child_id and p.id = v.learning_progress_id
      where v.child_id = $1 and v.id = $2]], family.child_id, test.id)
    assert.is_true(named.is_so)
    local copy = db.one([[
      insert into verification_schedule
        (child_id, learning_progress_id, attempt, test_day, scheduled_date, due_at, completed, cancelled_at, rule_version,
         rule_name, rule_input, rule_result, created_at, updated_at)
      select child_id, learning_progress_id, 1, 3, scheduled_date, due_at, true, created_at, rule_version, rule_name,
             rule_input, rule_result, created_at, updated_at
      from verification_schedule where child_id = $1 and id = $2
      returning learning_point_id, (
        select v.learning_point_id from verification_schedule v where v.child_id = $1 and v.id = $2) as original]],
      family.child_id, test.id)
    assert.are.equal(copy.original, copy.learning_point_id)
    local err = world.error_of(function()
      db.exec("update verification_schedule set learning_point_id = 'x' where child_id = $1 and id = $2", family.child_id,
        test.id)
    end)
    assert.is_truthy(err.message:find("permission denied", 1, true), err.message)
  end)

  it("know a pair without direction once", function()
    local a, b = world.learning_point(1), world.learning_point(1)
    local add = [[
      insert into relationship_discoveries
        (child_id, source_learning_point_id, target_learning_point_id, relationship_type, discovered_at)
      values ($1, $2, $3, $4, now())]]
    for _, kind in ipairs { "RELATED_TO", "OPPOSITE_OF", "COLLOCATES_WITH" } do
      db.exec(add, family.child_id, a, b, kind)
      local err = world.error_of(function() db.exec(add, family.child_id, b, a, kind) end)
      assert.are.equal("relationship_discoveries_unordered_pair", err.constraint)
    end
    db.exec(add, family.child_id, a, b, "PART_OF")
    db.exec(add, family.child_id, b, a, "PART_OF")
    local err = world.error_of(function() db.exec(add, family.child_id, a, b, "PART_OF") end)
    assert.are.equal("relationship_discoveries_pair_key", err.constraint)
  end)
end)
