-- The laws of rows: what each of them refuses, by the name of a constraint, in rows that are inserted and in rows that change.
local world = require "spec.support.world"
local db = require "db"
local json = require "json"

local LONG = 1000000001

-- Of each law, what breaks it in a row that keeps all: a test passed on day 1, its progress, and what it earned and unlocked.
local BREAKS = {
  learning_progress = {
    algorithm_length = { algorithm = "" },
    algorithm_state_shape = { algorithm_state = json.array {} },
    attempt_range = { attempt = 0 },
    highest_day_range = { highest_day = -1 },
    nothing_held_unpassed = { status = "failed" },
    opening_moved = { opening_points = 5 },
    opening_range = { opening_points = 5, opening_unlocked = 6, original_id = 1 },
    status_known = { status = "forgotten", points = 0, unlocked_points = 0 },
    tier_range = { tier = 8 },
    unlocked_within_points = { unlocked_points = 101 },
    verified_at_given = { status = "verified" },
  },
  verification_schedule = {
    answered_started = { answered_at = "2030-01-07T02:00:00Z" },
    attempt_range = { attempt = 0 },
    completed_whole = { outcome = json.null },
    flagged_answered = { flagged_at = "2030-01-07T02:00:02Z", answered_at = "2030-01-07T02:00:01Z", starts = 1,
                         started_at = "2030-01-07T02:00:00Z", expires_at = "2030-01-07T02:30:00Z" },
    flagged_reviewed = { flagged_at = "2030-01-07T02:00:01Z", answered_at = "2030-01-07T02:00:01Z", starts = 1,
                         started_at = "2030-01-07T02:00:00Z", expires_at = "2030-01-07T02:30:00Z" },
    review_known = { review_decision = "perhaps" },
    review_reason_length = { review_reason = "" },
    review_whole = { review_reason = "why" },
    rule_given = { rule_name = json.null },
    score_range = { score = 100.5 },
    started_whole = { starts = 1 },
    test_day_range = { test_day = 3651 },
  },
  points_transactions = { -- of the move that unlocked 30 points of 100
    adjusted_cause = { transaction_type = "adjusted" },
    adjusted_deltas = { transaction_type = "adjusted", actor = "staff" },
    bonus_cause = { transaction_type = "bonus" },
    bonus_deltas = { transaction_type = "bonus", bonus_type = "idiom_unlock", bonus_subject = "x" },
    bonus_type_known = { transaction_type = "bonus", bonus_type = "x", bonus_subject = "x" },
    deficit_deltas = { transaction_type = "deficit" },
    discovery_bonus = {
      transaction_type = "bonus", bonus_type = "idiom_unlock", bonus_subject = "x", relationship_discovery_id = 1,
    },
    earned_deltas = { transaction_type = "earned" },
    learning_cause = { test_day = json.null },
    opening_deltas = { transaction_type = "opening", sequence = 1 },
    opening_first = { transaction_type = "opening" },
    points_range = { points = LONG, locked_delta = -LONG, available_delta = LONG },
    reversal_cause = { reverses_id = 1 },
    rule_given = { rule_name = json.null },
    test_of_progress = {
      transaction_type = "bonus", bonus_type = "idiom_unlock", bonus_subject = "x", learning_progress_id = json.null,
    },
    tier_range = { tier = 8 },
    type_known = { transaction_type = "found" },
    unlocked_deltas = { available_delta = 31 },
    withdrawal_cause = { withdrawal_request_id = 1 },
    withdrawn_deltas = { transaction_type = "withdrawn", withdrawal_request_id = 1 },
  },
}

describe("the laws of rows", function()
  local family, test

  setup(function()
    world.begin()
    family = world.family()
    local _, first = world.learn(family, world.learning_point(4))
    test = first
    assert(world.report(family, test.id, true))
  end)

  teardown(function() world.finish() end)

  local function constraint_of(sql, ...)
    local parameters = table.pack(...)
    return world.error_of(function() db.exec(sql, table.unpack(parameters, 1, parameters.n)) end).constraint
  end

  -- What refuses a copy of a row with these changes.
  local function refusal(table_name, changes)
    local own = ({
      learning_progress = "true", verification_schedule = "r.completed", points_transactions = "r.transaction_type = 'unlocked'",
    })[table_name]
    return constraint_of(([[
      insert into %s overriding system value
      select (jsonb_populate_record(r, $2::jsonb)).* from %s r where r.child_id = $1 and %s]])
      :format(table_name, table_name, own), family.child_id, db.json(changes))
  end

  for table_name, breaks in pairs(BREAKS) do
    for law, changes in pairs(breaks) do
      it(("%s_%s"):format(table_name, law), function()
        assert.are.equal(table_name .. "_" .. law, refusal(table_name, changes))
      end)
    end

    it(table_name .. " has no others", function()
      assert.is_truthy(refusal(table_name, {}):find("_pkey$"))
    end)
  end

  it("know the versions of the rules", function()
    for _, table_name in ipairs { "verification_schedule", "points_transactions" } do
      assert.are.equal(table_name .. "_rule_version_fkey", refusal(table_name, { rule_version = ("0"):rep(64) }))
    end
  end)

  it("hold when rows change", function()
    local id = test.learning_progress_id
    local set_progress = "update learning_progress set %s where child_id = $1 and id = $2"
    assert.are.equal("learning_progress_unlocked_within_points",
      constraint_of(set_progress:format "unlocked_points = 101", family.child_id, id))
    local set_test = "update verification_schedule set %s where child_id = $1 and learning_progress_id = $2 and not completed"
    assert.are.equal("verification_schedule_completed_whole",
      constraint_of(set_test:format "completed = true", family.child_id, id))
    assert.are.equal("verification_schedule_started_whole",
      constraint_of(set_test:format "starts = 1", family.child_id, id))
  end)

  it("are told like those of constraints", function()
    local err = world.error_of(function()
      db.exec("update learning_progress set points = 0 where child_id = $1", family.child_id)
    end)
    assert.are.equal("23514", err.sqlstate)
    assert.is_truthy(err.message:find(
      'new row for relation "learning_progress" violates check constraint "learning_progress_unlocked_within_points"', 1, true))
  end)
end)
