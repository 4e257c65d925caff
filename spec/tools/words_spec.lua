-- The cloud made of a small WordNet, written as wndb(5WN) says, so that every derived relationship can be seen.
local bands = require "tools.words.bands"
local cloud = require "tools.words.cloud"
local graph = require "tools.words.graph"
local lists = require "tools.words.lists"
local wordnet = require "tools.wordnet"
local word_list = require "tools.word_list"

local FILES = { n = "noun", v = "verb", a = "adj", r = "adv" }

-- Lines of data files before they have offsets: name of the synset → part, topic, words, pointers as { symbol, name, source,
-- target }, gloss.
local SYNSETS = {
  { "animal", "n", 5, { "animal", "beast" }, {}, "a living thing" },
  { "dog", "n", 5, { "dog", "hound" }, { { "@", "animal" } }, 'a pet; "the dog barked"; "kill the dog"' },
  { "chap", "n", 18, { "dog" }, {}, "informal term for a man" },
  { "bite", "v", 35, { "bite" }, { { "+", "biter", 1, 1 } }, "cut with the teeth" },
  { "biter", "n", 18, { "biter" }, { { "+", "bite", 1, 1 } }, "who bites" },
  { "happy", "a", 0, { "happy" }, { { "!", "unhappy", 1, 1 }, { "+", "happiness", 1, 1 } }, "feeling well" },
  { "unhappy", "a", 0, { "unhappy" }, { { "!", "happy", 1, 1 } }, "not feeling well" },
  { "happiness", "n", 12, { "happiness" }, { { "+", "happy", 1, 1 } }, "feeling well" },
  { "hot dog", "n", 13, { "hot_dog" }, { { "@", "animal" } }, "a sausage" },
  { "hot", "a", 0, { "hot" }, { { "&", "happy" } }, "very warm" },
  { "paw", "n", 8, { "paw" }, { { "#p", "dog" } }, "a foot" },
  { "music", "n", 10, { "music" }, {}, "sounds in time" },
  { "bark", "v", 39, { "bark" }, { { ";c", "music" } }, "play loudly" },
  { "bark first", "v", 39, { "bark" }, { { "*", "bite" } }, "speak as a dog" },
  { "kill", "v", 35, { "bark" }, {}, "kill with a noise" },
  { "begin", "v", 30, { "begin", "commence" }, {}, "make a start" },
  { "Rover", "n", 5, { "Dog" }, { { "@i", "dog" } }, "a famous dog" },
}
local INDEX = {
  "dog n dog,chap,Rover 5,1,0", "hound n dog 1", "animal n animal 9", "beast n animal 0", "bite v bite 4",
  "biter n biter 0", "happy a happy 7", "unhappy a unhappy 2", "happiness n happiness 3", "hot_dog n hot dog 8",
  "hot a hot 6", "paw n paw 1", "music n music 2", "bark v bark first,bark,kill 3,2,1", "begin v begin 9",
  "commence v begin 1",
}

local NO_SPACE = " \n" -- a line before the data, as the licence is

local function pointers_of(synset, offset_of, part_of)
  local parts = {}
  for _, pointer in ipairs(synset[5]) do
    parts[#parts + 1] = ("%s %08d %s %02x%02x"):format(pointer[1], offset_of[pointer[2]], part_of[pointer[2]],
      pointer[3] or 0, pointer[4] or 0)
  end
  return ("%03d %s"):format(#parts, table.concat(parts, " "))
end

local function line_of(synset, offset_of, part_of)
  local words = {}
  for i, word in ipairs(synset[4]) do
    words[i] = word .. " 0"
  end
  return ("%08d %02d %s %02x %s %s | %s\n"):format(offset_of[synset[1]], synset[3], synset[2], #words,
    table.concat(words, " "), pointers_of(synset, offset_of, part_of), synset[6])
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

local function write_wordnet(folder)
  local offset_of, part_of, size = {}, {}, {}
  for _, synset in ipairs(SYNSETS) do
    offset_of[synset[1]], part_of[synset[1]] = 0, synset[2]
  end
  for _, synset in ipairs(SYNSETS) do
    local part = synset[2]
    offset_of[synset[1]] = size[part] or #NO_SPACE
    size[part] = offset_of[synset[1]] + #line_of(synset, offset_of, part_of)
  end
  local data, index, counts = {}, {}, {}
  for part in pairs(FILES) do
    data[part], index[part] = { NO_SPACE }, { NO_SPACE }
  end
  for _, synset in ipairs(SYNSETS) do
    table.insert(data[synset[2]], line_of(synset, offset_of, part_of))
  end
  for _, entry in ipairs(INDEX) do
    local lemma, part, names, met = entry:match("^(%S+) (%l) (.+) (%S+)$")
    local offsets = {}
    for name in names:gmatch("[^,]+") do
      offsets[#offsets + 1] = ("%08d"):format(offset_of[name])
    end
    table.insert(index[part], ("%s %s %d 0 %d 0 %s\n"):format(lemma, part, #offsets, #offsets, table.concat(offsets, " ")))
    local number = 0
    for count in met:gmatch("%d+") do
      number = number + 1
      local digit = ({ n = 1, v = 2, a = 3, r = 4 })[part]
      counts[#counts + 1] = count ~= "0" and ("%s%%%d:00:00:: %d %s\n"):format(lemma, digit, number, count) or nil
    end
  end
  for part, name in pairs(FILES) do
    write(folder .. "/data." .. name, table.concat(data[part]))
    write(folder .. "/index." .. name, table.concat(index[part]))
  end
  write(folder .. "/cntlist.rev", table.concat(counts))
end

local function listed(text)
  local found = {}
  for form, parts in text:gmatch("(%S+)/(%l+)") do
    found[#found + 1] = { form = form, lemma = form:lower(), parts = parts, file = "list", line = #found + 1 }
  end
  return found
end

local function given()
  return {
    chosen = assert(word_list.parse("[word A1]\nanimal n\n")),
    head_words = listed("dog/n hound/n bite/v biter/n happy/a unhappy/a happiness/n hot/a paw/n music/n bark/v begin/v "
      .. "commence/v"),
    phrases = listed "hot_dog/n", excluded = {}, allowed = {}, denied = { beast = true }, indecent = { beast = true },
    unfit = lists.term_filter("kill*"),
    affixes = {
      { id = "un.prefix", affix = "un-", kind = "prefix", level = "A2", meaning = "not", examples = "unhappy" },
      { id = "ness.suffix", affix = "-ness", kind = "suffix", level = "B1", meaning = "the state", examples = "happiness" },
      { id = "er.suffix", affix = "-er", kind = "suffix", level = "A2", meaning = "who does it", examples = "biter" },
    },
    families = {}, registers = { { neutral = "begin", variant = "commence", register = "formal", line = 1 } },
  }
end

local BANDS = { animal = 10, commence = 20, hound = 35, beast = 20, biter = 35, unhappy = 20, happiness = 20 }

describe("the cloud of a small WordNet", function()
  local folder, words, made, points, edges

  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
    write_wordnet(folder)
    words = wordnet.open(folder)
    made = cloud.build(given(), words, function(lemma)
      return BANDS[lemma] or 10
    end)
    points, edges = {}, {}
    for _, point in ipairs(made.points) do
      points[point.id] = point
    end
    for _, edge in ipairs(made.edges) do
      edges[("%s %s %s"):format(edge.source_id, edge.type, edge.target_id)] = edge
    end
  end)

  teardown(function()
    words:close()
    os.execute("rm -r " .. folder)
  end)

  local function edge(text)
    local found = edges[text]
    return found and { found.kind or "-", found.affix or "-", found.origin }
  end

  it("has a tier for each kind of point", function()
    local tiers = {}
    for id, point in pairs(points) do
      tiers[id] = point.tier
    end
    assert.same({
      ["animal.n.1"] = 1, ["dog.n.1"] = 1, ["dog.n.2"] = 6, ["hound.n.1"] = 1, ["bite.v.1"] = 1, ["biter.n.1"] = 5,
      ["happy.a.1"] = 1, ["unhappy.a.1"] = 5, ["happiness.n.1"] = 5, ["hot.a.1"] = 1, ["paw.n.1"] = 1, ["music.n.1"] = 1,
      ["bark.v.1"] = 1, ["bark.v.2"] = 7, ["begin.v.1"] = 1, ["commence.v.1"] = 6, hot_dog = 3, ["un.prefix"] = 5,
      ["ness.suffix"] = 5, ["er.suffix"] = 5,
    }, tiers)
  end)

  it("leaves out what is unfit or a name, and says so", function()
    assert.equal(1, made.left_out["definition unfit"])
    assert.equal(1, made.left_out["written otherwise, as proper names are"])
    assert.equal("the dog barked", points["dog.n.1"].example)
    assert.same({}, points["animal.n.1"].metadata.synonyms)
    assert.same({ "hound" }, points["dog.n.1"].metadata.synonyms)
  end)

  it("knows what questions need", function()
    local bark = points["bark.v.2"]
    assert.same({ "verb", 10, { "perception", "music" } }, { bark.part_of_speech, bark.band, bark.contexts })
    assert.equal(3, #bark.word_synsets) -- also of the sense that is not loaded
    assert.equal(points["dog.n.1"].synset, points["hound.n.1"].synset)
    assert.equal("informal", points["dog.n.2"].register)
    assert.equal("formal", points["commence.v.1"].register)
  end)

  it("ranks everything once, the common before the rare and words before their phrases", function()
    local seen, count = {}, 0
    for id, point in pairs(points) do
      assert.is_nil(seen[point.frequency_rank], id)
      seen[point.frequency_rank] = id
      count = count + 1
    end
    assert.equal(count, #seen)
    assert.equal("animal.n.1", seen[1])
    assert.is_true(points["hot.a.1"].frequency_rank < points.hot_dog.frequency_rank)
    assert.is_true(points["dog.n.1"].frequency_rank < points.hot_dog.frequency_rank)
  end)

  it("derives prerequisites: senses, bases, parts of phrases, broader words", function()
    assert.same({ "-", "-", "senses" }, edge "dog.n.1 PREREQUISITE_OF dog.n.2")
    assert.same({ "-", "-", "derivation" }, edge "happy.a.1 PREREQUISITE_OF happiness.n.1")
    assert.same({ "-", "-", "components" }, edge "hot.a.1 PREREQUISITE_OF hot_dog")
    assert.same({ "-", "-", "wordnet:hypernym" }, edge "animal.n.1 PREREQUISITE_OF dog.n.1")
  end)

  it("links phrases with their words, and these with one another", function()
    assert.same({ "component", "-", "components" }, edge "dog.n.1 PART_OF hot_dog")
    assert.same({ "-", "-", "phrase:hot_dog" }, edge "dog.n.1 COLLOCATES_WITH hot.a.1")
  end)

  it("links families by their affix, also a prefix that only an opposite shows", function()
    assert.same({ "suffix", "-ness", "wordnet:derivation" }, edge "happy.a.1 MORPHOLOGICAL happiness.n.1")
    assert.same({ "prefix", "un-", "wordnet:derivation" }, edge "happy.a.1 MORPHOLOGICAL unhappy.a.1")
    assert.same({ "suffix", "-er", "wordnet:derivation" }, edge "bite.v.1 MORPHOLOGICAL biter.n.1")
    assert.same({ "suffix", "-", "wordnet:derivation" }, edge "ness.suffix PART_OF happiness.n.1")
  end)

  it("relates meanings once, the kind seen from the smaller id", function()
    assert.same({ "synonym", "-", "wordnet:synset" }, edge "dog.n.1 RELATED_TO hound.n.1")
    assert.is_nil(edge "hound.n.1 RELATED_TO dog.n.1")
    assert.same({ "narrower", "-", "wordnet:hypernym" }, edge "animal.n.1 RELATED_TO dog.n.1")
    assert.same({ "part", "-", "wordnet:whole" }, edge "dog.n.1 RELATED_TO paw.n.1")
    assert.same({ "similar", "-", "wordnet:similar" }, edge "happy.a.1 RELATED_TO hot.a.1")
    assert.same({ "entails", "-", "wordnet:entails" }, edge "bark.v.1 RELATED_TO bite.v.1")
  end)

  it("knows opposites, occasions and the commoner of two words", function()
    assert.same({ "-", "-", "wordnet:antonym" }, edge "happy.a.1 OPPOSITE_OF unhappy.a.1")
    assert.same({ "formal", "-", "list:register" }, edge "begin.v.1 REGISTER_VARIANT commence.v.1")
    assert.same({ "-", "-", "wordnet:synset" }, edge "dog.n.1 FREQUENCY_RANK hound.n.1")
  end)

  it("refuses a list that names a denied word, or what WordNet does not have", function()
    for text, expected in pairs {
      ["beast/n"] = "list:1: beast stands in denied_words.txt", ["cat/n"] = "list:1: WordNet has no cat n",
    } do
      local changed = given()
      changed.head_words = listed(text)
      local _, why = pcall(cloud.build, changed, words, function()
        return 10
      end)
      assert.equal(expected, why)
    end
  end)
end)

describe("a graph", function()
  it("keeps no prerequisite that leads from the rarer to the more frequent", function()
    local edges = graph.new()
    local common, rare = { id = "b", rank = 1 }, { id = "a", rank = 2 }
    assert.is_true(edges:add("PREREQUISITE_OF", common, rare, "spec"))
    assert.is_false(edges:add("PREREQUISITE_OF", rare, common, "spec"))
    assert.is_false(edges:add("PREREQUISITE_OF", common, rare, "again"))
    assert.is_false(edges:add("RELATED_TO", common, common, "spec"))
    assert.equal(1, #edges.edges)
  end)
end)

describe("the project's lists", function()
  local made, given_lists

  setup(function()
    given_lists = lists.read()
    local words = wordnet.open("/usr/share/wordnet")
    made = cloud.build(given_lists, words, bands.open("/usr/share/dict/scowl"))
    words:close()
  end)

  it("make about twenty thousand points and fifty thousand relationships of every kind", function()
    local tiers, types = {}, {}
    for _, point in ipairs(made.points) do
      tiers[point.tier] = (tiers[point.tier] or 0) + 1
    end
    for _, edge in ipairs(made.edges) do
      types[edge.type] = (types[edge.type] or 0) + 1
    end
    assert.is_true(#made.points > 18000 and #made.points < 25000, #made.points)
    assert.is_true(#made.edges > 45000 and #made.edges < 70000, #made.edges)
    for tier, least in ipairs { 3000, 9000, 2000, 70, 1000, 100, 500 } do
      assert.is_true(tiers[tier] >= least, tier)
    end
    for type, least in pairs { PREREQUISITE_OF = 15000, COLLOCATES_WITH = 1000, RELATED_TO = 15000, PART_OF = 4000,
      OPPOSITE_OF = 400, MORPHOLOGICAL = 2000, REGISTER_VARIANT = 50, FREQUENCY_RANK = 3000 } do
      assert.is_true(types[type] >= least, type)
    end
  end)

  it("keep what children learn already", function()
    local found = {}
    for _, point in ipairs(made.points) do
      found[point.id] = { point.tier, point.difficulty }
    end
    assert.same({ 1, "A1" }, found["apple.n.1"])
    assert.same({ 4, "B2" }, found.beat_around_the_bush)
    assert.same({ 2, "A2" }, found["bank.n.1"])
  end)

  it("make points that the database takes", function()
    local ids, ranks = {}, {}
    for _, point in ipairs(made.points) do
      assert.is_truthy(point.id:match("^[a-z0-9][a-z0-9_.'-]*$") and #point.id <= 100, point.id)
      assert.is_nil(ids[point.id], point.id)
      assert.is_nil(ranks[point.frequency_rank], point.id)
      assert.is_true(#point.definition > 0 and #point.word <= 200, point.id)
      ids[point.id], ranks[point.frequency_rank] = point, true
    end
    assert.equal(#made.points, #ranks)
    for _, edge in ipairs(made.edges) do
      assert.is_truthy(ids[edge.source_id] and ids[edge.target_id], edge.source_id)
      if edge.type == "PREREQUISITE_OF" then
        assert.is_true(ids[edge.source_id].frequency_rank < ids[edge.target_id].frequency_rank)
      elseif edge.type == "RELATED_TO" or edge.type == "OPPOSITE_OF" or edge.type == "COLLOCATES_WITH" then
        assert.is_true(edge.source_id < edge.target_id)
      end
    end
  end)

  it("hold nothing that is not for children", function()
    local by_hand = {}
    for _, entry in ipairs(given_lists.chosen) do
      for _, number in ipairs(entry.senses) do
        by_hand[entry.type == "word" and ("%s.%s.%d"):format(entry.lemma, entry.part, number) or entry.lemma] = true
      end
    end
    for _, point in ipairs(made.points) do
      local is_read = by_hand[point.id] or given_lists.allowed[point.id]
        or given_lists.allowed[("%s.%s.1"):format(point.id, (point.synset or ""):sub(1, 1))]
      assert.is_nil(not is_read and given_lists.unfit(point.definition) or nil, point.id)
      assert.is_nil(given_lists.unfit(point.example or ""), point.id)
      for _, text in ipairs { point.word, table.unpack(point.metadata.synonyms or {}) } do
        assert.is_nil(point.type ~= "idiom" and given_lists.unfit(text) or nil, point.id)
        for word in text:lower():gmatch("[^ -]+") do
          assert.is_true(point.type == "idiom" or not given_lists.indecent[word], point.id)
        end
      end
    end
  end)
end)
