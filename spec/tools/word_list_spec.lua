local json = require "json"
local word_list = require "tools.word_list"

-- Three senses of two words; nothing else.
local WORDS = {
  ["bank n 1"] = {
    word = "bank", definition = "sloping land", examples = { "he sat there", "they sat on the bank" },
    synonyms = {}, topic = "nature", key = "bank%1:17:01::", count = 20,
  },
  ["bank n 2"] = {
    word = "bank", definition = "a financial institution", examples = {}, synonyms = { "depository" }, topic = "group",
    key = "bank%1:14:00::", count = 25,
  },
  ["see_eye_to_eye v 1"] = {
    word = "see eye to eye", definition = "be in agreement", examples = { "We never saw it" }, synonyms = {},
    key = "see_eye_to_eye%2:32:00::", count = 0,
  },
}
local wordnet = {
  sense = function(_, lemma, part, number)
    return WORDS[("%s %s %d"):format(lemma, part, number)]
  end,
}

local function points_of(text)
  return word_list.points(assert(word_list.parse(text)), wordnet)
end

describe("the word list", function()
  it("reads sections, lemmas and senses, and skips comments", function()
    local entries = assert(word_list.parse("# all\n[word A1]\nbank n 2 1 # money first\n\n[idiom B2]\nsee_eye_to_eye v\n"))
    assert.same({
      { line = 3, type = "word", level = "A1", lemma = "bank", part = "n", senses = { 2, 1 } },
      { line = 6, type = "idiom", level = "B2", lemma = "see_eye_to_eye", part = "v", senses = { 1 } },
    }, entries)
  end)

  it("names the line at fault", function()
    for text, line in pairs {
      ["bank n"] = 1, ["[word A1]\nbank x"] = 2, ["[word A1]\nBank n"] = 2, ["\n[word A3]"] = 2, ["[noun A1]"] = 1,
      ["[word A1]\nbank n one"] = 2,
    } do
      local entries, why = word_list.parse(text)
      assert.is_nil(entries)
      assert.equal(tostring(line), why:match("^%d+"))
    end
  end)

  it("makes further senses of a word tier 2, one level up", function()
    local points = assert(points_of("[word A1]\nbank n 2 1\n"))
    assert.same({ "bank.n.2", 1, "A1", "both" }, { points[1].id, points[1].tier, points[1].difficulty, points[1].register })
    assert.same({ "bank.n.1", 2, "A2", "both" }, { points[2].id, points[2].tier, points[2].difficulty, points[2].register })
  end)

  it("makes idioms tier 4, informal, named by their words", function()
    local point = assert(points_of("[idiom B2]\nsee_eye_to_eye v\n"))[1]
    assert.same({ "see_eye_to_eye", "see eye to eye", "idiom", 4, "informal" },
      { point.id, point.word, point.type, point.tier, point.register })
  end)

  it("takes only an example that shows the word", function()
    local points = assert(points_of("[word A1]\nbank n 1\n[idiom B2]\nsee_eye_to_eye v\n"))
    assert.equal("they sat on the bank", points[1].example)
    assert.is_nil(points[2].example)
  end)

  it("ranks by how often a sense was met, and not at all what never was", function()
    local points = assert(points_of("[word A1]\nbank n 1 2\n[idiom B2]\nsee_eye_to_eye v\n"))
    assert.same({ 2, 1 }, { points[1].frequency_rank, points[2].frequency_rank })
    assert.is_nil(points[3].frequency_rank)
  end)

  it("keeps empty lists as lists", function()
    local point = assert(points_of("[idiom B2]\nsee_eye_to_eye v\n"))[1]
    assert.equal("[]", json.encode(point.contexts))
    assert.equal("[]", json.encode(point.metadata.synonyms))
  end)

  it("refuses what WordNet does not have, and what is listed twice", function()
    local points, why = points_of("[word A1]\nbank n 3\n")
    assert.is_nil(points)
    assert.equal("2: WordNet has no sense 3 of bank n", why)
    points, why = points_of("[word A1]\nbank n\nbank n 2 1\n")
    assert.is_nil(points)
    assert.equal("3: bank.n.1 is listed twice", why)
  end)
end)
