local clock = require "clock"
local db = require "db"
local rules = require "rules"
local world = require "spec.support.world"

describe("actions/mastery", function()
  local prefix, family

  before_each(function()
    world.begin()
    prefix, family = world.unique("m") .. "_", world.family()
  end)

  after_each(world.finish)

  -- A word of tier 1 unless the name says otherwise: "take_off phrase". Earlier ones are more frequent.
  local function points(...)
    local list = {}
    for rank, text in ipairs { ... } do
      local name, type = text:match("^(%S+) ?(%S*)$")
      list[rank] = {
        id = prefix .. name, word = prefix .. name, type = type ~= "" and type or "word", tier = 1,
        definition = "what it means", frequency_rank = rank,
      }
    end
    require("store.learning_points").save(list)
  end

  local function relate(source, type, target)
    db.exec("insert into relationships (source_id, type, target_id, origin) values ($1, $2, $3, 'spec')",
      prefix .. source, type, prefix .. target)
  end

  local function know_already(name)
    db.exec([[
      insert into learning_progress
        (child_id, learning_point_id, tier, learned_at, learned_on, status, verified_at, created_at, updated_at)
      values ($1, $2, 1, $3::timestamptz, '2030-01-01', 'verified', $3, $3, $3)]], family.child_id, prefix .. name, clock.now())
  end

  local function pay_elsewhere(kind, subject)
    db.exec("insert into moved_bonuses (child_id, bonus_type, bonus_subject) values ($1, $2, $3)", family.child_id, kind,
      (subject:gsub("~", prefix)))
  end

  -- What the last test answers that makes it known.
  local function come_to_know(name)
    local _, test = world.learn(family, prefix .. name)
    local done
    for _ = 1, 3 do
      done = world.report_when_due(family, test, true)
      test = done.next
    end
    assert.are.equal("verified", done.progress.status)
    return done
  end

  local function recorded()
    local list = {}
    for index, row in ipairs(require("actions.bonuses").list(family.child_id, family.parent_id, nil, 0, 1000)) do
      list[index] = ("%s %s %s"):format(row.bonus_type, row.bonus_subject:gsub(prefix, ""), row.points or row.refusal)
    end
    return list
  end

  it("pays and records in the order of what is rare, then what is frequent", function()
    points("b", "c", "a", "phrase phrase")
    relate("c", "PART_OF", "phrase")
    relate("a", "PART_OF", "phrase")
    relate("b", "FREQUENCY_RANK", "a")
    relate("a", "RELATED_TO", "c")
    know_already "b"
    know_already "c"
    local done = come_to_know "a"
    assert.are.same({
      "phrase_completion phrase 30", "relationship_discovery b FREQUENCY_RANK a 15",
      "relationship_discovery a RELATED_TO c 15",
    }, recorded())
    assert.are.same({ "unlocked", "bonus", "bonus", "bonus" }, (function()
      local types = {}
      for index, row in ipairs(done.transactions) do
        types[index] = row.transaction_type
      end
      return types
    end)())
    assert.are.same(world.balances(family), world.replayed(family))
    assert.are.equal(done.account.total_earned, world.balances(family)[1])
  end)

  it("does not pay again what was paid before the child moved in", function()
    points("a", "b", "phrase phrase", "idiom idiom")
    relate("a", "PART_OF", "phrase")
    relate("a", "PREREQUISITE_OF", "idiom")
    relate("a", "OPPOSITE_OF", "b")
    know_already "b"
    know_already "idiom"
    pay_elsewhere("phrase_completion", "~phrase")
    pay_elsewhere("idiom_unlock", "~idiom")
    pay_elsewhere("relationship_discovery", "~a OPPOSITE_OF ~b")
    local done = come_to_know "a"
    assert.are.same({ "relationship_discovery a PREREQUISITE_OF idiom 15" }, recorded())
    local found = require("actions.discoveries").list(family.child_id, family.parent_id, {}, 0, 10)
    assert.are.same({ "OPPOSITE_OF true", "PREREQUISITE_OF true" }, {
      found[1].relationship_type .. " " .. tostring(found[1].bonus_awarded),
      found[2].relationship_type .. " " .. tostring(found[2].bonus_awarded),
    })
    assert.are.equal(10 + 15, done.account.total_earned)
  end)

  it("records by hand what was paid before the child moved in", function()
    points("a", "b")
    pay_elsewhere("relationship_discovery", "~a RELATED_TO ~b")
    local row = db.transaction(function(tx)
      return require("actions.discoveries").record(tx, family.child_id, family.parent_id, {
        source_learning_point_id = prefix .. "b", target_learning_point_id = prefix .. "a", relationship_type = "RELATED_TO",
      })
    end)
    assert.is_true(row.bonus_awarded)
  end)

  it("asks the rules about no more than one test may pay", function()
    local spokes = {}
    for n = 1, 40 do
      spokes[n] = ("spoke%02d"):format(n)
    end
    points("hub", table.unpack(spokes))
    for _, spoke in ipairs(spokes) do
      relate("hub", "RELATED_TO", spoke)
      know_already(spoke)
    end
    local asked, call = 0, rules.call
    rules.call = function(rule, name, input) -- luacheck: ignore 122
      asked = asked + (name == "bonus" and 1 or 0)
      return call(rule, name, input)
    end
    finally(function()
      rules.call = call -- luacheck: ignore 122
    end)
    come_to_know "hub"
    local list = recorded()
    assert.are.equal(40, #list)
    assert.are.equal("relationship_discovery hub RELATED_TO spoke10 15", list[10])
    assert.are.equal("relationship_discovery hub RELATED_TO spoke11 test_limit", list[11])
    assert.are.equal(10, asked)
  end)

  it("finds nothing where nothing is related", function()
    points "alone"
    local done = come_to_know "alone"
    assert.are.same({}, recorded())
    assert.are.equal(1, #done.transactions)
  end)

  describe("the database", function()
    local function refused(constraint, sql, ...)
      local values = table.pack(...)
      local err = world.error_of(function()
        db.exec(sql, family.child_id, table.unpack(values, 1, values.n))
      end)
      assert.is_truthy(err.constraint == constraint or err.message:find(constraint, 1, true), err.message)
    end

    local ADD = [[
      insert into bonuses (child_id, bonus_type, bonus_subject, refusal, created_at)
      values ($1, 'context_mastery', $2, $3, '2030-01-01')]]

    it("lets no bonus count as paid that is not in the ledger", function()
      refused("bonuses_paid", ADD, "x", nil)
      db.exec(ADD, family.child_id, "x", "daily_limit")
      refused("bonuses_paid", "update bonuses set refusal = null where child_id = $1")
    end)

    it("lets a bonus be recorded once, and stay", function()
      db.exec(ADD, family.child_id, "x", "daily_limit")
      refused("bonuses_once", ADD, "x", "daily_limit")
      refused("permission denied", "update bonuses set bonus_subject = 'y' where child_id = $1")
      refused("permission denied", "delete from bonuses where child_id = $1")
    end)
  end)
end)
