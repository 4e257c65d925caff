local db = require "db"
local world = require "spec.support.world"

describe("store/relationships", function()
  local store = require "store.relationships"
  local points = require "store.learning_points"
  local a, b

  before_each(function()
    world.begin()
    local prefix = world.unique("r")
    a, b = prefix .. "_a", prefix .. "_b"
    points.save {
      { id = a, word = "a", type = "word", tier = 1, definition = "first" },
      { id = b, word = "b", type = "word", tier = 1, definition = "second" },
    }
  end)

  after_each(world.finish)

  local function save(edges)
    return db.transaction(function(tx)
      return store.save(tx, edges)
    end)
  end

  local function edge(fields)
    local made = { source_id = a, target_id = b, type = "RELATED_TO", kind = "synonym", origin = "spec" }
    for name, value in pairs(fields or {}) do
      made[name] = value
    end
    return made
  end

  it("writes only what differs", function()
    assert.equal(1, save { edge() })
    assert.equal(0, save { edge() })
    assert.equal(1, save { edge { kind = "similar" } })
  end)

  it("keeps what has no direction once, and nothing with itself", function()
    local err = world.error_of(function()
      save { edge { source_id = b, target_id = a } }
    end)
    assert.equal("relationships_undirected_once", err.constraint)
    assert.equal("relationships_two_points", world.error_of(function()
      save { edge { target_id = a, type = "PART_OF" } }
    end).constraint)
    assert.equal("relationships_morphology_kind", world.error_of(function()
      save { edge { type = "MORPHOLOGICAL" } }
    end).constraint)
    assert.equal(1, save { edge { source_id = b, target_id = a, type = "PREREQUISITE_OF" } })
  end)

  it("lists them in order after any of them, and removes", function()
    save { edge(), edge { type = "PART_OF" } }
    db.transaction(function(tx)
      local before = { source_id = a, type = "", target_id = "" }
      local rows = store.after(tx, before, 2)
      assert.same({ "PART_OF", "RELATED_TO" }, { rows[1].type, rows[2].type })
      assert.equal("RELATED_TO", store.after(tx, rows[1], 1)[1].type)
      assert.equal(1, store.remove(tx, { { source_id = a, type = "PART_OF", target_id = b } }))
      assert.equal("RELATED_TO", store.after(tx, before, 1)[1].type)
    end)
  end)

  it("goes with its learning points, which stay while a child learns them", function()
    save { edge() }
    local family = world.family()
    world.learn(family, a)
    db.transaction(function(tx)
      assert.same({ b }, points.remove_unused(tx, { a, b }))
      assert.is_nil(tx:one("select 1 as one from relationships where source_id = $1", a))
    end)
    assert.is_truthy(points.find(a))
  end)
end)

describe("store/word_lists", function()
  it("remembers the last checksum of a name", function()
    local store = require "store.word_lists"
    local name = world.unique("list")
    assert.is_nil(store.find(name))
    for _, sum in ipairs { "one", "two" } do
      db.transaction(function(tx)
        store.save(tx, name, sum, "2030-01-07T02:00:00Z")
      end)
      assert.equal(sum, store.find(name).checksum)
    end
  end)
end)
