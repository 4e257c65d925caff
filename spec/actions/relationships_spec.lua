local db = require "db"
local world = require "spec.support.world"

describe("actions/relationships", function()
  local relationships = require "actions.relationships"
  local prefix, family

  -- Edges are written as "a PREREQUISITE_OF b" or "a RELATED_TO b broader".
  local function cloud(names, edges)
    local points = {}
    for rank, name in ipairs(names) do
      points[rank] = {
        id = prefix .. name, word = name, type = "word", tier = 1, definition = "what it means", frequency_rank = rank,
      }
    end
    require("store.learning_points").save(points)
    local rows = {}
    for index, edge in ipairs(edges) do
      local source, type, target, kind = edge:match("^(%S+) (%S+) (%S+) ?(%S*)$")
      rows[index] = {
        source_id = prefix .. source, type = type, target_id = prefix .. target, kind = kind ~= "" and kind or nil,
        origin = "spec",
      }
    end
    db.transaction(function(tx)
      return require("store.relationships").save(tx, require("json").array(rows))
    end)
  end

  local function know(name)
    db.exec([[
      insert into learning_progress
        (child_id, learning_point_id, tier, learned_at, learned_on, status, verified_at, created_at, updated_at)
      values ($1, $2, 1, $3::timestamptz, '2030-01-01', 'verified', $3, $3, $3)]],
      family.child_id, prefix .. name, require("clock").now())
  end

  before_each(function()
    world.begin()
    prefix, family = world.unique("r") .. "_", world.family()
  end)

  after_each(world.finish)

  local function shown(rows, ...)
    local texts = {}
    for index, row in ipairs(rows) do
      local fields = {}
      for place, name in ipairs { ... } do
        fields[place] = tostring(row[name])
      end
      texts[index] = table.concat(fields, " ") .. " " .. row.word
    end
    return table.concat(texts, ", ")
  end

  it("sees kinds and directions from the point that is asked about", function()
    cloud({ "a", "b" }, { "a RELATED_TO b broader", "a PREREQUISITE_OF b" })
    local after = { "", "", "" }
    assert.are.equal("PREREQUISITE_OF out nil b, RELATED_TO both broader b",
      shown(relationships.list(prefix .. "a", {}, after, 9), "relationship_type", "direction", "kind"))
    assert.are.equal("PREREQUISITE_OF in nil a, RELATED_TO both narrower a",
      shown(relationships.list(prefix .. "b", {}, after, 9), "relationship_type", "direction", "kind"))
    assert.are.equal("RELATED_TO both narrower a",
      shown(relationships.list(prefix .. "b", { direction = "both" }, after, 9), "relationship_type", "direction", "kind"))
    assert.are.same({}, relationships.list(prefix .. "b", { direction = "out" }, after, 9))
  end)

  it("goes down to what comes first, also where there are circles", function()
    cloud({ "a", "b", "c" }, { "a PREREQUISITE_OF b", "b PREREQUISITE_OF c", "c PREREQUISITE_OF a" })
    assert.are.equal("1 b, 2 a, 3 c", shown(relationships.prerequisites(prefix .. "c"), "distance"))
  end)

  it("takes the shortest way, and of equal ones that by the more frequent point", function()
    cloud({ "x", "often", "rarely", "far" }, {
      "often RELATED_TO x", "rarely RELATED_TO x", "far RELATED_TO often", "far RELATED_TO rarely",
    })
    know "far"
    local found = relationships.known(family.child_id, family.parent_id, prefix .. "x", 3, { 0, 0, "" }, 9)
    assert.are.equal("2 far", shown(found, "distance"))
    assert.are.equal(prefix .. "often", found[1].path[1].learning_point_id)
  end)

  it("finds all within three steps and no more, beginning with the nearest", function()
    cloud({ "a", "b", "c", "d", "e" }, {
      "a PREREQUISITE_OF b", "b PREREQUISITE_OF c", "d PREREQUISITE_OF c", "e PREREQUISITE_OF d", "a FREQUENCY_RANK e",
    })
    assert.are.equal("1 b, 2 c, 3 d", shown(relationships.related(prefix .. "a", 3, { 0, 0, "" }, 9), "distance"))
    assert.are.equal("3 d", shown(relationships.related(prefix .. "a", 3, { 2, 3, prefix .. "c" }, 9), "distance"))
    assert.are.equal("", shown(relationships.related(prefix .. "a", 3, { math.maxinteger, math.maxinteger, "" }, 9)))
  end)

  it("says nothing of another family's child, nor around what is not there", function()
    cloud({ "a" }, {})
    local _, err = relationships.known(family.child_id, world.family().parent_id, prefix .. "a", 1, { 0, 0, "" }, 9)
    assert.are.equal("not_found", err.code)
    _, err = relationships.related(prefix .. "z", 1, { 0, 0, "" }, 9)
    assert.are.equal("not_found", err.code)
  end)
end)
