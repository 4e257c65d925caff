local word_list = require "tools.word_list"
local wordnet = require "tools.wordnet"

describe("WordNet", function()
  local words

  setup(function()
    words = wordnet.open("/usr/share/wordnet")
  end)

  teardown(function()
    words:close()
  end)

  it("gives definition, examples, synonyms and sense key of a sense", function()
    local sense = words:sense("bank", "n", 2)
    assert.equal("a financial institution that accepts deposits and channels the money into lending activities",
      sense.definition)
    assert.equal("he cashed a check at the bank", sense.examples[1])
    assert.same({ "depository financial institution", "banking concern", "banking company" }, sense.synonyms)
    assert.equal("bank%1:14:00::", sense.key)
    assert.equal("group", sense.topic)
    assert.is_true(sense.count > 0)
  end)

  it("writes names as they are written, and blanks for underscores", function()
    assert.equal("Monday", words:sense("monday", "n", 1).word)
    assert.equal("beat around the bush", words:sense("beat_around_the_bush", "v", 1).word)
  end)

  it("names the head of the cluster in the key of a satellite adjective", function()
    assert.equal("lazy%5:00:00:idle:00", words:sense("lazy", "a", 2).key)
  end)

  it("has no sense beyond the last, and none of an unknown word", function()
    assert.is_nil(words:sense("zebra", "n", 99))
    assert.is_nil(words:sense("zzyzx", "n", 1))
  end)

  it("has every entry of the project's list, with a definition for each", function()
    local file = assert(io.open("data/words.txt"))
    local text = file:read("a")
    file:close()
    local points = assert(word_list.points(assert(word_list.parse(text)), words))
    local tiers = {}
    for _, point in ipairs(points) do
      tiers[point.tier] = (tiers[point.tier] or 0) + 1
      assert.is_true(#point.definition > 0, point.id)
      assert.is_truthy(point.id:match("^[a-z0-9][a-z0-9_.'-]*$"), point.id)
    end
    assert.is_true(tiers[1] >= 300 and tiers[2] >= 20 and tiers[3] >= 50 and tiers[4] >= 50)
  end)
end)
