local world = require "spec.support.world"
local db = require "db"
local rules = require "rules"

describe("actions/verifications", function()
  local family

  before_each(function()
    world.begin()
    family = world.family()
  end)

  after_each(function()
    assert.are.same(world.balances(family), world.replayed(family))
    world.finish()
  end)

  -- Learn a point of this tier and pass so many of its tests; the last outcome.
  local function pass_tests(tier, count)
    local _, test = world.learn(family, world.learning_point(tier))
    local outcome
    for _ = 1, count do
      outcome = world.report_when_due(family, test, true)
      test = outcome.next
    end
    return outcome, test
  end

  local function fail_three_times(test)
    local outcome
    for _ = 1, 3 do
      outcome = world.report_when_due(family, test, false)
      test = outcome.next
    end
    return outcome
  end

  describe("passing", function()
    it("leads tier 4 to its end", function()
      local shares, statuses, days = {}, {}, {}
      local _, test = world.learn(family, world.learning_point(4))
      for index = 1, 6 do
        local before = world.balances(family)[2]
        local outcome = world.report_when_due(family, test, true)
        days[index] = outcome.verification.test_day
        statuses[index] = outcome.progress.status
        shares[index] = outcome.account.available_points - before
        test = outcome.next
      end
      assert.are.same({ 1, 3, 7, 14, 21, 30 }, days)
      assert.are.same({ 30, 20, 20, 0, 0, 30 }, shares)
      assert.are.same({ "pending", "pending", "pending", "pending", "pending", "verified" }, statuses)
      assert.are.same({ 100, 100, 0, 0, 0 }, world.balances(family))
      assert.are.equal(60, test.test_day)
    end)

    it("answers with what is in the database afterwards", function()
      local outcome = pass_tests(2, 1)
      local progress = require("actions.progress").find(family.child_id, family.parent_id, outcome.progress.id)
      for name, value in pairs(progress) do
        if name ~= "next" then
          assert.are.equal(value, outcome.progress[name], name)
        end
      end
      assert.are.same(progress.next, outcome.next)
      local account = world.account(family)
      for name, value in pairs(account) do
        assert.are.equal(value, outcome.account[name], name)
      end
    end)

    it("keeps with every row the rule, its version, input and result", function()
      pass_tests(2, 1)
      local rows = db.query([[
        select rule_version, rule_name, rule_input, rule_result
        from points_transactions where child_id = $1 order by sequence]], family.child_id)
      assert.are.same({
        {
          rule_version = rules.version(), rule_name = "points.award",
          rule_input = { tier = 2, earned_before = 0 }, rule_result = { points = 25 },
        },
        {
          rule_version = rules.version(), rule_name = "points.unlock",
          rule_input = { points = 25, unlocked = 0, test_day = 1, is_last = false }, rule_result = { points = 8 },
        },
      }, rows)
      local tests = db.query("select rule_name from verification_schedule where child_id = $1 order by id",
        family.child_id)
      assert.are.same({ { rule_name = "schedule.begin" }, { rule_name = "schedule.pass" } }, tests)
    end)

    it("ends with a retention check, 59 days after learning or 30 after the last test", function()
      local outcome = pass_tests(1, 3)
      assert.are.equal("2030-03-07", outcome.next.scheduled_date)
      local kept = world.report_when_due(family, outcome.next, true)
      assert.are.equal("verified", kept.progress.status)
      assert.is_nil(kept.next)
      assert.are.same({}, kept.transactions)

      local _, test = world.learn(family, world.learning_point(1))
      world.advance(58)
      local late = world.report_when_due(family, test, true)
      late = world.report_when_due(family, late.next, true)
      local verified = world.report_when_due(family, late.next, true)
      local expected = os.date("!%Y-%m-%d", world.time_s + 30 * 86400)
      assert.are.equal(expected, verified.next.scheduled_date)
    end)

    it("cuts an award to what is left under 500 for the learning point", function()
      local id = world.learning_point(4)
      local _, test = world.learn(family, id)
      local account = world.account(family)
      account.last_sequence = 0
      db.transaction(function(tx)
        return world.add_move(tx, family, account, require("actions.ledger").bonus(account, 460), {
          bonus_type = "idiom_unlock", bonus_subject = id, learning_progress_id = test.learning_progress_id,
        })
      end)
      local outcome = world.report_when_due(family, test, true)
      assert.are.equal(40, outcome.progress.points)
      assert.are.equal(12, outcome.progress.unlocked_points)
      assert.are.same({ 500, 472, 28, 0, 0 }, world.balances(family))
    end)
  end)

  describe("dates", function()
    it("count from the learning date, even when a test is late", function()
      local _, test = world.learn(family, world.learning_point(2))
      world.advance(4)
      local outcome = world.report_when_due(family, test, true)
      assert.are.equal("2030-01-09", outcome.next.scheduled_date)
      -- The date is past, so only the 24 hours between two tests remain.
      assert.are.equal("2030-01-12T02:00:00.000000Z", outcome.next.due_at)
    end)

    it("begin at midnight where the parent lives", function()
      local outcome = pass_tests(1, 1)
      assert.are.equal("2030-01-09", outcome.next.scheduled_date)
      assert.are.equal("2030-01-08T16:00:00.000000Z", outcome.next.due_at)
    end)

    it("keep 24 hours between two tests", function()
      local _, test = world.learn(family, world.learning_point(1))
      world.advance(0, 13) -- 23:00 in Taipei
      local outcome = assert(world.report(family, test.id, false))
      assert.are.equal("2030-01-08", outcome.next.scheduled_date)
      assert.are.equal("2030-01-08T15:00:00.000000Z", outcome.next.due_at)
    end)

    it("follow daylight saving time", function()
      family = world.family("America/New_York")
      world.advance(61) -- 2030-03-08 21:00 in New York, two days before the clocks change
      local _, test = world.learn(family, world.learning_point(1))
      local outcome = assert(world.report(family, test.id, true))
      assert.are.equal("2030-03-10", outcome.next.scheduled_date)
      assert.are.equal("2030-03-10T05:00:00.000000Z", outcome.next.due_at)
      outcome = world.report_when_due(family, outcome.next, true)
      assert.are.equal("2030-03-14", outcome.next.scheduled_date)
      assert.are.equal("2030-03-14T04:00:00.000000Z", outcome.next.due_at)
    end)

    it("repeat a failed test after 1, 2, 3 and 5 days", function()
      local expected = { [1] = 1, [3] = 2, [7] = 3, [14] = 5, [21] = 5 }
      local _, test = world.learn(family, world.learning_point(4))
      for _ = 1, 5 do
        local failed = world.report_when_due(family, test, false)
        local days = expected[test.test_day]
        assert.are.equal(os.date("!%Y-%m-%d", world.time_s + 8 * 3600 + days * 86400), failed.next.scheduled_date)
        assert.are.equal(test.test_day, failed.next.test_day)
        test = world.report_when_due(family, failed.next, true).next
      end
      assert.are.equal(30, test.test_day)
    end)
  end)

  describe("failing for good", function()
    it("writes no row before anything was earned", function()
      local _, test = world.learn(family, world.learning_point(4))
      local outcome = fail_three_times(test)
      assert.are.equal("failed", outcome.progress.status)
      assert.are.same({}, outcome.transactions)
      assert.is_nil(outcome.next)
    end)

    it("counts failures of one test day in one attempt only", function()
      local _, test = world.learn(family, world.learning_point(4))
      for _ = 1, 2 do
        test = world.report_when_due(family, test, false).next
      end
      test = world.report_when_due(family, test, true).next
      for _ = 1, 2 do
        local outcome = world.report_when_due(family, test, false)
        assert.are.equal("pending", outcome.progress.status)
        test = outcome.next
      end
    end)

    it("is immediate on the last day", function()
      local _, test = pass_tests(1, 2)
      local outcome = world.report_when_due(family, test, false)
      assert.are.equal("failed", outcome.progress.status)
      assert.are.same({ 0, 0, 0, 0, 0 }, world.balances(family))
    end)

    it("takes a verified point back when the retention check fails", function()
      local _, check = pass_tests(1, 3)
      local outcome = world.report_when_due(family, check, false)
      assert.are.equal("failed", outcome.progress.status)
      assert.is_nil(outcome.progress.verified_at)
      assert.are.same({ 0, 0, 0, 0, 0 }, world.balances(family))
    end)

    it("works out example 2", function()
      local _, test = pass_tests(4, 1)
      world.withdraw(family, 30)
      fail_three_times(test)
      assert.are.same({ 0, 0, 0, 30, 30 }, world.balances(family))
    end)

    it("works out example 3", function()
      local _, test = pass_tests(4, 2)
      local outcome = fail_three_times(test)
      assert.are.same({ 0, 0, 0, 0, 0 }, world.balances(family))
      assert.are.equal("deficit", outcome.transactions[1].transaction_type)
      assert.are.equal(100, outcome.transactions[1].points)
    end)

    it("works out examples 4 and 5", function()
      local _, test = pass_tests(4, 2)
      world.withdraw(family, 10)
      local second = world.withdraw(family, 30)
      fail_three_times(test)
      assert.are.same({ 0, 0, 0, 40, 40 }, world.balances(family))
      pass_tests(2, 1)
      assert.are.same({ 25, 0, 17, 40, 32 }, world.balances(family))
      assert.has_error(function() world.withdraw(family, 1) end)
      world.fail_withdrawal(family, second)
      assert.are.same({ 25, 0, 17, 10, 2 }, world.balances(family))
    end)

    it("allows another attempt, which earns again", function()
      local id = world.learning_point(1)
      local _, test = world.learn(family, id)
      test = world.report_when_due(family, test, true).next
      local failed = fail_three_times(test)
      local progress, first = world.learn(family, id)
      assert.are.equal(failed.progress.id, progress.id)
      assert.are.equal(2, progress.attempt)
      assert.are.equal("learning", progress.status)
      assert.are.equal(0, progress.highest_day)
      -- Tested a moment ago: not due before 24 hours have passed.
      local _, err = world.report(family, first.id, true)
      assert.are.equal("too_early", err.code)
      local outcome = world.report_when_due(family, first, true)
      assert.are.equal(10, outcome.progress.points)
      assert.are.same({ 10, 3, 7, 0, 0 }, world.balances(family))
    end)
  end)

  describe("listing", function()
    local actions = require "actions.verifications"
    local instant = require "lib.instant"

    it("goes by due_at and id, in pages", function()
      local expected = {}
      for index = 1, 5 do
        local _, test = world.learn(family, world.learning_point(1))
        expected[index] = index < 4 and world.report_when_due(family, test, true).next.id or test.id
      end
      local open, found, after = {}, {}, { 0, 0 }
      repeat
        local rows = actions.list(family.child_id, family.parent_id, {}, after, 2)
        for _, row in ipairs(rows) do
          local due_us = instant.microseconds(row.due_at)
          assert.is_true(due_us > after[1] or due_us == after[1] and row.id > after[2])
          after = { due_us, row.id }
          found[#found + 1] = row
          if not row.completed then
            open[#open + 1] = row.id
          end
        end
      until #rows < 2
      assert.are.equal(8, #found)
      table.sort(open)
      table.sort(expected)
      assert.are.same(expected, open)
    end)

    it("shows only what is due when asked to", function()
      local _, first = world.learn(family, world.learning_point(1))
      local _, second = world.learn(family, world.learning_point(1))
      local later = world.report_when_due(family, first, true).next
      local due = actions.list(family.child_id, family.parent_id, { due = true }, { 0, 0 }, 10)
      assert.are.same({ second.id, 1 }, { due[1].id, #due })
      world.advance(2)
      due = actions.list(family.child_id, family.parent_id, { due = true }, { 0, 0 }, 10)
      assert.are.same({ second.id, later.id }, { due[1].id, due[2].id })
    end)

    it("knows no other family's children", function()
      local rows, err = actions.list(family.child_id, world.family().parent_id, {}, { 0, 0 }, 10)
      assert.is_nil(rows)
      assert.are.equal("not_found", err.code)
      rows, err = require("actions.accounts").transactions(family.child_id, world.family().parent_id, {}, 100, 10)
      assert.is_nil(rows)
      assert.are.equal("not_found", err.code)
      rows, err = require("actions.accounts").show(family.child_id, world.family().parent_id, require("api.views").ACCOUNT)
      assert.is_nil(rows)
      assert.are.equal("not_found", err.code)
    end)
  end)

  describe("refusing", function()
    it("comes too early", function()
      local _, test = pass_tests(1, 1)
      local outcome, err = world.report(family, test.id, true)
      assert.is_nil(outcome)
      assert.are.equal("too_early", err.code)
      assert.are.equal(test.due_at, err.members.due_at)
    end)

    it("gives the stored answer to the same result, whatever happened since", function()
      local _, test = world.learn(family, world.learning_point(2))
      local first = world.report_when_due(family, test, true)
      assert.are.same(first, world.report(family, test.id, true))
      world.report_when_due(family, first.next, true)
      assert.are.same(first, world.report(family, test.id, true))
      local _, err = world.report(family, test.id, false)
      assert.are.equal("already_completed", err.code)
      local other = { passed = true, score = 99.5, questions = {}, answers = {} }
      _, err = world.report(family, test.id, true, other)
      assert.are.equal("already_completed", err.code)
    end)

    it("knows a score again that has more digits than are kept", function()
      local _, test = world.learn(family, world.learning_point(1))
      local result = { passed = true, score = 66.670000001, questions = {}, answers = {} }
      local first = assert(world.report(family, test.id, true, result))
      assert.are.same(first, world.report(family, test.id, true, result))
      result.score = 66.68
      local _, err = world.report(family, test.id, true, result)
      assert.are.equal("already_completed", err.code)
    end)

    it("knows no other family's tests", function()
      local _, test = world.learn(family, world.learning_point(1))
      local other = world.family()
      for _, who in ipairs {
        { child_id = family.child_id, parent_id = other.parent_id },
        { child_id = other.child_id, parent_id = other.parent_id },
        { child_id = other.child_id },
      } do
        local outcome, err = world.report(who, test.id, true)
        assert.is_nil(outcome)
        assert.are.equal("not_found", err.code)
      end
      assert.is_table(world.report({ child_id = family.child_id }, test.id, true))
    end)

    it("stops at the tests of one day", function()
      local progress, test = world.learn(family, world.learning_point(1))
      db.exec([[
        insert into verification_schedule
          (child_id, learning_progress_id, attempt, test_day, scheduled_date, due_at, completed, completed_at, passed,
           score, questions, answers, outcome, rule_version, rule_name, rule_input, rule_result, created_at, updated_at)
        select child_id, learning_progress_id, 1, 3, scheduled_date, due_at, true, $3, false, 0, '[]', '[]', '{}',
               rule_version, rule_name, rule_input, rule_result, created_at, updated_at
        from verification_schedule, generate_series(1, 50)
        where child_id = $1 and learning_progress_id = $2]], family.child_id, progress.id, "2030-01-07T01:00:00Z")
      local _, err = world.report(family, test.id, true)
      assert.are.equal("daily_limit", err.code)
      world.advance(0, 13)
      _, err = world.report(family, test.id, true)
      assert.are.equal("daily_limit", err.code)
      world.advance(0, 1) -- midnight in Taipei
      assert.is_table(world.report(family, test.id, true))
    end)

    it("changes nothing when the database refuses a part", function()
      local _, test = world.learn(family, world.learning_point(1))
      local store = require("store.points_transactions")
      local add = store.add
      store.add = function(tx, child_id, sequence, move, ...)
        return add(tx, child_id, move.transaction_type == "unlocked" and sequence + 1 or sequence, move, ...)
      end
      local err = world.error_of(function() world.report(family, test.id, true) end)
      store.add = add
      assert.are.equal("points_transactions_no_gap", err.constraint)
      local found = require("actions.verifications").find(family.child_id, family.parent_id, test.id)
      assert.is_false(found.completed)
      assert.are.same({ 0, 0, 0, 0, 0 }, world.balances(family))
      assert.is_table(world.report(family, test.id, true))
    end)
  end)
end)
