local db = require "db"
local json = require "json"
local modules = require "spec.support.modules"

-- Candidates as store/suggestions.lua finds them, given to the real rules.
describe("actions/suggestions", function()
  local suggestions, candidates

  before_each(function()
    local real = require "rules"
    suggestions = modules.load("actions.suggestions", {
      ["store.children"] = { find = function(child_id) return child_id == "mei" and {} or nil end },
      ["store.suggestions"] = { candidates = function() return candidates end },
      rules = real, json = json, db = db,
    })
  end)

  local function candidate(id, changed)
    local row = {
      id = id, word = id, type = "word", tier = 1, definition = "what it means", difficulty = "A2", frequency_rank = 5,
      level = "A2", known = 30, links = {}, prerequisites = 0, prerequisites_known = 0, components = 0,
      components_known = 0, has_failed = false,
    }
    for name, value in pairs(changed or {}) do
      row[name] = value
    end
    return row
  end

  local function ids(limit)
    local found = {}
    for index, each in ipairs(suggestions.list("mei", nil, limit or 10)) do
      found[index] = each.point.id
    end
    return table.concat(found, " ")
  end

  local function related(seed, type, way)
    return { kind = "related", seed = seed, word = seed, is_known = true, relationship_type = type, way = way }
  end

  it("puts the best first, of equals the more frequent, and no more than asked for", function()
    candidates = {
      candidate("rare", { frequency_rank = 900 }), candidate("unranked", { frequency_rank = false }), candidate("common"),
      candidate("best", { frequency_rank = 9000, links = { related("x", "RELATED_TO", "out") } }),
      candidate("twin"),
    }
    candidates[2].frequency_rank = nil
    assert.are.equal("best common twin rare unranked", ids())
    assert.are.equal("best common", ids(2))
  end)

  it("leaves out what the rules do not want", function()
    candidates = { candidate("a", { prerequisites = 2, prerequisites_known = 1 }), candidate("b") }
    assert.are.equal("b", ids())
  end)

  it("counts a neighbour once, however many relationships there are", function()
    candidates = { candidate("a", {
      links = { related("x", "RELATED_TO", "out"), related("x", "OPPOSITE_OF", "out"), related("y", "PART_OF", "in") },
    }) }
    local reason = suggestions.list("mei", nil, 1)[1].reasons[1]
    assert.are.equal("related", reason.code)
    assert.are.same({ { id = "x", word = "x" }, { id = "y", word = "y" } }, reason.learning_points)
    assert.are.equal('It is related to "x". It is part of "y".', reason.text)
  end)

  it("takes only phrases for made of words", function()
    local parts = { components = 2, components_known = 2 }
    candidates = { candidate("a", parts) }
    assert.are.equal("at_level", suggestions.list("mei", nil, 1)[1].reasons[1].code)
    candidates = { candidate("a", parts) }
    candidates[1].type = "idiom"
    assert.are.equal("completes_phrase", suggestions.list("mei", nil, 1)[1].reasons[1].code)
  end)

  it("puts every relationship into words, either way", function()
    for _, type in ipairs { "PREREQUISITE_OF", "COLLOCATES_WITH", "RELATED_TO", "PART_OF", "OPPOSITE_OF", "MORPHOLOGICAL",
      "REGISTER_VARIANT" } do
      for _, way in ipairs { "out", "in" } do
        candidates = { candidate("a", { links = { related("x", type, way) } }) }
        assert.is_truthy(suggestions.list("mei", nil, 1)[1].reasons[1].text:find('^It [%l ]+ "x"%.$'), type)
      end
    end
  end)

  it("answers nothing for a child that is not there", function()
    local found, err = suggestions.list("nobody", nil, 1)
    assert.is_nil(found)
    assert.are.equal("not_found", err.code)
  end)
end)
