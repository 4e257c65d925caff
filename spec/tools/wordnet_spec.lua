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

  it("leaves notes about usage out of definitions", function()
    assert.equal("unmistakably", words:sense("apparently", "r", 2).definition)
    assert.equal("advanced in years", words:sense("elderly", "a", 1).definition)
    assert.equal("deeply filled or permeated", words:sense("instinct", "a", 1).definition)
    assert.equal("the seventh and last day of the week; observed as the Sabbath by Jews and some Christians",
      words:sense("saturday", "n", 1).definition)
    -- Where there is nothing else.
    assert.truthy(words:sense("credit", "n", 4).definition:find("`to your credit'", 1, true))
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

  it("gives the synset of a sense and what it points to", function()
    local sense = words:sense("happy", "a", 1)
    assert.equal("a01148283", sense.synset.id)
    local opposite
    for _, pointer in ipairs(sense.synset.pointers) do
      opposite = pointer.symbol == "!" and pointer or opposite
    end
    assert.same({ 1, 1 }, { opposite.source, opposite.target })
    assert.equal("unhappy", words:synset(opposite.part, opposite.offset).words[1].form)
  end)

  it("gives every meaning of a word, in all parts of speech", function()
    assert.equal("n02084071", words:synset_ids("dog")[1])
    assert.equal(8, #words:synset_ids("dog"))
    assert.same({}, words:synset_ids("zzyzx"))
    assert.is_true(words:has("dog"))
    assert.is_false(words:has("zzyzx"))
  end)
end)
