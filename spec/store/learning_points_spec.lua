local world = require "spec.support.world"

describe("store/learning_points", function()
  local store = require "store.learning_points"
  local lists = require "store.learning_point_lists"
  local prefix

  before_each(function()
    world.begin()
    prefix = world.unique("w")
    store.save {
      { id = prefix .. "_1", word = prefix .. " Bee", type = "word", tier = 1, definition = "an insect",
        example = "A bee.", frequency_rank = 12, difficulty = "A1", register = "both", contexts = { "animals", "nature" },
        metadata = { source = "spec" } },
      { id = prefix .. "_2", word = prefix .. " bee", type = "word", tier = 2, definition = "a meeting" },
      { id = prefix .. "_3", word = prefix .. " ape", type = "idiom", tier = 1, definition = "to imitate" },
    }
  end)

  after_each(world.finish)

  local function ids(filter, after, limit)
    filter.prefix = filter.prefix or prefix
    local found = {}
    for index, row in ipairs(lists.list(filter, after or { "", "" }, limit or 10)) do
      found[index] = row.id:sub(#prefix + 2)
    end
    return table.concat(found, " ")
  end

  it("keeps every column", function()
    assert.are.same({
      id = prefix .. "_1", word = prefix .. " Bee", type = "word", tier = 1, definition = "an insect",
      example = "A bee.", frequency_rank = 12, difficulty = "A1", register = "both",
      contexts = require("json").array { "animals", "nature" }, metadata = { source = "spec" },
    }, store.find(prefix .. "_1"))
    assert.is_nil(store.find(prefix .. "_4"))
  end)

  it("changes only what differs", function()
    assert.are.equal(0, store.save {
      { id = prefix .. "_2", word = prefix .. " bee", type = "word", tier = 2, definition = "a meeting" },
    })
    assert.are.equal(1, store.save {
      { id = prefix .. "_2", word = prefix .. " bee", type = "word", tier = 2, definition = "a contest" },
    })
    assert.are.equal("a contest", store.find(prefix .. "_2").definition)
  end)

  it("lists in the order of words, then ids", function()
    assert.are.equal("3 1 2", ids {})
  end)

  it("filters by tier, type and prefix", function()
    assert.are.equal("3 1", ids { tier = 1 })
    assert.are.equal("1 2", ids { type = "word" })
    assert.are.equal("1", ids { tier = 1, type = "word" })
    assert.are.equal("1 2", ids { prefix = prefix .. " b" })
    assert.are.equal("", ids { prefix = prefix .. " c" })
    assert.are.equal("", ids { prefix = "%" })
  end)

  it("goes on after any item", function()
    assert.are.equal("3", ids({}, nil, 1))
    assert.are.equal("1", ids({}, { prefix .. " ape", prefix .. "_3" }, 1))
    assert.are.equal("2", ids({ type = "word" }, { prefix .. " bee", prefix .. "_1" }, 5))
    assert.are.equal("", ids({}, { prefix .. " bee", prefix .. "_2" }))
  end)
end)
