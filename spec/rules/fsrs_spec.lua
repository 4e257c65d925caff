local modules = require "spec.support.modules"
local vectors = require "spec.rules.fsrs_vectors"

describe("rules/fsrs", function()
  local fsrs

  before_each(function()
    fsrs = modules.rule("fsrs")
  end)

  -- The published results are of the model alone: no fuzz, no bound of our own.
  local function bare()
    fsrs.parameters.fuzz = false
    fsrs.parameters.longest_interval_days = 10000000
  end

  local function assert_near(expected, got, what)
    assert(math.abs(got - expected) <= 1e-6 * math.max(1, math.abs(expected)),
      ("%s: expected %.10g, got %.10g"):format(what or "value", expected, got))
  end

  local function review(state, grade, days_since_test)
    return fsrs.plan { passed = grade == 3, state = state, days_since_test = days_since_test }
  end

  describe("agrees with the published", function()
    before_each(bare)

    it("memory states", function()
      local state
      for index, grade in ipairs(vectors.memory.grades) do
        state = review(state, grade, vectors.memory.elapsed_days[index]).state
      end
      assert_near(vectors.memory.stability, state.stability)
      assert_near(vectors.memory.difficulty, state.difficulty)
    end)

    it("single steps", function()
      local w20 = fsrs.parameters.weights[21]
      local factor = 0.9 ^ (-1 / w20) - 1
      for _, step in ipairs(vectors.steps) do
        local elapsed = 5 / factor * (step.chance ^ (-1 / w20) - 1)
        local state = { stability = 5, difficulty = step.difficulty }
        assert_near(step.stability, review(state, step.grade, elapsed).state.stability)
      end
      for _, step in ipairs(vectors.same_day) do
        local state = { stability = 5, difficulty = 5 }
        assert_near(step.stability, review(state, step.grade, 0).state.stability)
      end
      for _, step in ipairs(vectors.difficulties) do
        local state = { stability = 5, difficulty = 5 }
        assert_near(step.difficulty, review(state, step.grade, 1).state.difficulty)
      end
    end)

    it("first states", function()
      for _, first in ipairs(vectors.first) do
        local state = review(nil, first.grade, 0).state
        assert_near(first.stability, state.stability)
        assert_near(first.difficulty, state.difficulty)
      end
    end)

    it("curve of forgetting", function()
      for index, chance in ipairs(vectors.curve) do
        local state = { stability = 1, difficulty = 5 }
        assert_near(chance, fsrs.recall({ state = state, days_since_test = index - 1 }).chance)
      end
    end)

    it("intervals by desired retention", function()
      fsrs.parameters.weights[3] = 1
      for index, days in ipairs(vectors.retention) do
        fsrs.parameters.desired_retention = index / 10
        assert.are.equal(days, review(nil, 3, 0).days_after_today)
      end
    end)

    it("states and intervals of a long history", function()
      local trace, state, elapsed = vectors.trace, nil, 0
      for index, grade in ipairs(trace.grades) do
        local plan = review(state, grade, elapsed)
        state, elapsed = plan.state, trace.days[index]
        assert_near(trace.stability[index], state.stability, "stability " .. index)
        assert_near(trace.difficulty[index], state.difficulty, "difficulty " .. index)
        if elapsed > 0 then
          assert.are.equal(elapsed, plan.days_after_today)
        end
      end
    end)

    it("intervals without learning steps", function()
      local history, state, elapsed = vectors.long_term, nil, 0
      fsrs.parameters.weights = history.weights
      for index, grade in ipairs(history.grades) do
        local plan = review(state, grade, elapsed)
        assert.are.equal(history.days[index], plan.days_after_today)
        state, elapsed = plan.state, plan.days_after_today
      end
      assert_near(history.stability, state.stability)
      assert_near(history.difficulty, state.difficulty)
    end)
  end)

  describe("examples", function()
    local function hold()
      for index, example in ipairs(fsrs.examples()) do
        assert.are.same(example.expect, fsrs[example.call](example.input), "example " .. index)
      end
    end

    it("hold", hold)

    local edits = {
      ["a desired retention of 80 %"] = { desired_retention = 0.8 },
      ["a desired retention of 97 %"] = { desired_retention = 0.97 },
      ["a longest interval of 30 days"] = { longest_interval_days = 30 },
      ["a longest interval of ten years"] = { longest_interval_days = 3650 },
      ["no fuzz"] = { fuzz = false },
      ["other weights"] = { weights = vectors.long_term.weights },
    }
    for name, edit in pairs(edits) do
      it("hold with " .. name, function()
        for parameter, value in pairs(edit) do
          fsrs.parameters[parameter] = value
        end
        hold()
      end)
    end
  end)

  describe("fuzz", function()
    local known = { stability = 20, difficulty = 5 }

    local function days(luck, longest)
      fsrs.parameters.longest_interval_days = longest or 365
      return fsrs.plan({ passed = true, state = known, days_since_test = 20, luck = luck }).days_after_today
    end

    it("moves a test around its best day, evenly by luck", function()
      fsrs.parameters.fuzz = false
      local best = days(0)
      fsrs.parameters.fuzz = true
      local first, last = days(0), days(1)
      assert.is_true(first < best and best < last)
      local seen = {}
      for step = 0, 99 do
        local day = days(step / 100)
        assert.is_true(day >= first and day <= last)
        seen[day] = (seen[day] or 0) + 1
      end
      for day = first, last do
        assert.is_true(seen[day] >= math.floor(100 / (last - first + 1)), "day " .. day)
      end
      assert.are.equal(days(0.3), days(0.3))
    end)

    it("never goes beyond the longest interval, nor below the last one that was shorter", function()
      assert.are.equal(30, days(1, 30))
      local soon = { stability = 3, difficulty = 9.9 }
      local plan = fsrs.plan { passed = true, state = soon, days_since_test = 4, luck = 0 }
      assert.is_true(plan.days_after_today > 4)
    end)

    it("leaves the shortest intervals alone", function()
      for luck = 0, 10 do
        assert.are.equal(2, fsrs.plan({ passed = true, luck = luck / 10 }).days_after_today)
      end
    end)
  end)

  it("keeps what it remembers within bounds, however long a history", function()
    for _, passed in ipairs { true, false } do
      local state
      for _ = 1, 200 do
        local plan = fsrs.plan { passed = passed, state = state, days_since_test = 365 }
        state = plan.state
        assert.is_true(state.stability >= 0.001 and state.stability <= 36500)
        assert.is_true(state.difficulty >= 1 and state.difficulty <= 10)
        assert.is_true(plan.days_after_today >= 1 and plan.days_after_today <= 365)
      end
    end
  end)
end)
