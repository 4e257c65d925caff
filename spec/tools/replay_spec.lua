-- Adding up what other rules would have changed.
local rerun = require "tools.lib.rerun"
local replay_text = require "tools.lib.replay_text"
local spread = require "tools.lib.spread"
local tally = require "tools.lib.tally"
local modules = require "spec.support.modules"

describe("a spread", function()
  it("knows least, median and most", function()
    local s = spread.new()
    assert.same({ children = 0 }, s:summary())
    for _, value in ipairs { 5, -2, 0, 0, 7 } do
      s:add(value)
    end
    assert.same({ children = 5, least = -2, median = 0, most = 7 }, s:summary())
    s:add(6)
    s:add(6)
    assert.equal(5, s:median())
  end)

  it("takes the lower middle of an even number", function()
    local s = spread.new()
    for _, value in ipairs { 1, 2, 3, 4 } do
      s:add(value)
    end
    assert.equal(2, s:median())
  end)

  it("stays small, and the median nearly right", function()
    local s = spread.new(100)
    for value = -5000, 5000 do
      s:add(value)
    end
    assert.is_true(s.bin_count <= 100)
    assert.is_true(math.abs(s:median()) <= s.width)
    assert.same({ -5000, 5000 }, { s.least, s.most })
  end)
end)

-- A row of the ledger or the schedule, and what came of asking again.
local function add(counts, child, row, before, after)
  row.child_id, row.source, row.rule_name = child, row.source or "ledger", row.rule_name or "points.award"
  counts:add(row, { is_same = false, changes = { "changed" }, before = before, after = after })
end

describe("a tally", function()
  it("adds up by child", function()
    local counts, losing = tally.new(), {}
    counts.on_losing = function(child, points)
      losing[child] = points
    end
    add(counts, "a", { transaction_type = "earned", points = 25 }, { points = 25 }, { points = 30 })
    add(counts, "a", { transaction_type = "bonus", points = 15 }, { points = 15 }, { refusal = "not_known" })
    add(counts, "b", { transaction_type = "earned", points = 25 }, { points = 25 }, { points = 30 })
    add(counts, "c", { transaction_type = "unlocked", points = 8 }, { points = 8 }, { points = 9 })
    local report = counts:finish(150)
    assert.same({ a = -10 }, losing)
    assert.same({ total = 3, changed = 3, more = 2, less = 1, points_before = 65, points_after = 60 }, report.awards)
    assert.same({ points = -5, ntd = -7.5, ntd_per_point = 1.5 }, report.cost)
    assert.same({ children = 3, least = -10, median = 0, most = 5 }, report.children.all)
    assert.same({ children = 2, least = -10, median = -10, most = 5 }, report.children.changed)
    assert.same({ total = 1, changed = 1 }, report.unlocks)
  end)

  it("knows what failing costs, once for each attempt", function()
    local counts = tally.new()
    local function failed_test(attempt, stake)
      add(counts, "a", { source = "schedule", learning_progress_id = 1, attempt = attempt, points_at_stake = stake },
        { is_failed = false }, { is_failed = true })
    end
    failed_test(1, 100)
    failed_test(1, 100)
    failed_test(2, nil)
    add(counts, "b", { transaction_type = "deficit", points = 40 }, { is_failed = true }, { is_failed = false })
    local report = counts:finish(100)
    assert.same({ spared = 1, spared_points = 40, added = 2, lost_points = 100 }, report.failures)
    assert.same({ count = 1, most = { { child = "a", points = -100 } } }, report.children.losing)
    assert.equal(-60, report.cost.points)
  end)

  it("counts money where withdrawals are worth more or less", function()
    local counts = tally.new()
    for _, after in ipairs { { ntd_cents = 5000 }, { ntd_cents = 3000 }, { refusal = "below_minimum" } } do
      add(counts, "a", { transaction_type = "withdrawn", points = 40 }, { ntd_cents = 4000 }, after)
    end
    local report = counts:finish(100)
    assert.same({ total = 3, refused = 1, worth_more = 1, worth_less = 1, ntd_cents = 0 }, report.withdrawals)
    assert.equal(0, report.children.losing.count)
  end)

  it("names only the children that lose most, and keeps few texts", function()
    local counts = tally.new()
    for child = 1, 1000 do
      counts:add({ child_id = ("%05d"):format(child), source = "ledger", transaction_type = "earned", points = child,
        rule_name = "points.award" }, { changes = { "text " .. child }, before = {}, after = { points = 0 } })
    end
    local report = counts:finish(100)
    assert.equal(1000, report.children.losing.count)
    assert.equal(20, #report.children.losing.most)
    assert.same({ child = "01000", points = -1000 }, report.children.losing.most[1])
    assert.same({ text = "others", count = 900 }, report.functions[1].changes[1])
    assert.equal(101, #report.functions[1].changes)
  end)

  it("leaves out what cannot be asked", function()
    local counts = tally.new()
    counts:add({ child_id = "a", source = "ledger", transaction_type = "earned", points = 25, rule_name = "points.award" },
      { refused = "input.tier is missing" })
    local report = counts:finish(100)
    assert.same({ total = 1, changed = 0, refused = 1 }, report.calls)
    assert.equal(0, report.awards.total)
    report.rules, report.since = "the folder draft", "2030-01-07T00:00:00Z"
    local shown = table.concat(replay_text.lines(report), "\n")
    assert.is_truthy(shown:find("NOT COMPARED", 1, true))
    assert.is_truthy(shown:find("1 ×  input.tier is missing", 1, true))
  end)
end)

describe("asking again", function()
  local asked, candidate

  before_each(function()
    asked = 0
    candidate = {
      call = function(_, rule, name, input)
        asked = asked + 1
        if name == "broken" then
          error({ code = "script", message = "lua/rules/points.lua:1: broken" })
        end
        return { points = input.tier * 10, rule = rule }
      end,
    }
  end)

  it("asks the same question once", function()
    local ask = rerun.with(candidate)
    local row = { rule_name = "points.award", input = '{"tier":2}', result = '{"points":20,"rule":"points"}' }
    assert.is_true(ask(row).is_same)
    assert.is_true(ask(row).is_same)
    assert.equal(1, asked)
    row.result = '{"points":25,"rule":"points"}'
    assert.same({ "points: 25 → 20" }, ask(row).changes)
  end)

  it("says why it cannot", function()
    local ask = rerun.with(candidate)
    assert.equal("lua/rules/points.lua:1: broken",
      ask({ rule_name = "points.broken", input = "{}", result = "{}" }).refused)
    assert.is_string(ask({ rule_name = "nonsense", input = "{}", result = "{}" }).refused)
  end)
end)

describe("what is recorded", function()
  -- Tables of { child, id, asked for? }, read in batches of two.
  local function recorded_of(ledger, schedule)
    local function fetcher(rows)
      return function(_, after)
        local batch = {}
        for _, row in ipairs(rows) do
          if #batch < 2 and (row[1] > after.child_id or row[1] == after.child_id and row[2] > after.id) then
            batch[#batch + 1] = { child_id = row[1], id = row[2], is_asked_for = row[3] ~= false }
          end
        end
        return batch
      end
    end
    local recorded = modules.load("tools.lib.recorded", {
      ["store.rule_calls"] = { transactions_after = fetcher(ledger), verifications_after = fetcher(schedule) },
    })
    local seen = {}
    for row in recorded.rows({}, "since") do
      seen[#seen + 1] = ("%s%d%s"):format(row.child_id, row.id, row.source:sub(1, 1))
    end
    return table.concat(seen, " ")
  end

  it("comes child by child", function()
    assert.equal("", recorded_of({}, {}))
    assert.equal("a1l a2l a5l a3s b4l b6s c1s",
      recorded_of({ { "a", 1 }, { "a", 2 }, { "a", 5 }, { "b", 4 } }, { { "a", 3 }, { "b", 6 }, { "c", 1 } }))
  end)

  it("goes on after batches in which nothing was asked for", function()
    assert.equal("b3l b1s",
      recorded_of({ { "a", 1, false }, { "a", 2, false }, { "b", 3 } }, { { "a", 9, false }, { "b", 1 }, { "c", 1, false } }))
  end)
end)
