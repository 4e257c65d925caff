local modules = require "spec.support.modules"

describe("rules/suggestion", function()
  local suggestion

  before_each(function()
    suggestion = modules.rule("suggestion")
  end)

  local function hold_examples()
    for _, example in ipairs(suggestion.examples()) do
      assert.are.same(example.expect, suggestion[example.call](example.input))
    end
  end

  local function candidate(changed)
    local input = {
      tier = 2, known = 20, level_gap = 0, prerequisites = 0, prerequisites_known = 0, components = 0, components_known = 0,
      related_known = 0, is_related_to_current = false, has_known_affix = false, is_two_steps_away = false,
      is_frequent = false, has_failed = false,
    }
    for name, value in pairs(changed) do
      input[name] = value
    end
    return input
  end

  it("holds its own examples, also with other numbers", function()
    hold_examples()
    local parameters = suggestion.parameters
    for code, points in pairs(parameters.reasons) do
      for _, other in ipairs { 0, 1, 1000 } do
        parameters.reasons[code] = other
        hold_examples()
      end
      parameters.reasons[code] = points
    end
    for _, name in ipairs { "for_each_level_above", "for_each_level_below", "for_each_missing_word" } do
      parameters[name] = 0
      hold_examples()
    end
    parameters.related_counted, parameters.beginner_tier, parameters.beginner_knows = 0, 7, 0
    parameters.missing_prerequisites = 2
    hold_examples()
  end)

  it("adds up what speaks for a point", function()
    local result = suggestion.score(candidate {
      related_known = 2, components = 2, components_known = 2, prerequisites = 2, prerequisites_known = 2,
    })
    assert.are.same({
      score = 300 + 200 + 240 + 120, reasons = { "completes_phrase", "prerequisites_met", "related", "at_level" },
    }, result)
  end)

  it("never exceeds a thousand", function()
    assert.are.equal(1000, suggestion.score(candidate {
      related_known = 3, components = 2, components_known = 2, prerequisites = 2, prerequisites_known = 2,
      has_known_affix = true, has_failed = true, is_related_to_current = true, is_frequent = true,
    }).score)
  end)

  it("lets what is too difficult come last rather than not at all", function()
    assert.are.same({ score = 1, reasons = { "two_steps" } },
      suggestion.score(candidate { level_gap = 5, is_two_steps_away = true }))
  end)

  it("suggests nothing that builds on what is not known", function()
    assert.are.same({ score = 0, reasons = {} },
      suggestion.score(candidate { prerequisites = 3, prerequisites_known = 2, related_known = 3 }))
  end)

  it("gives beginners nothing above tier 1", function()
    assert.are.same({ score = 0, reasons = {} }, suggestion.score(candidate { known = 0, is_frequent = true }))
    assert.are.equal(180, suggestion.score(candidate { known = 0, tier = 1, is_frequent = true }).score)
  end)
end)
