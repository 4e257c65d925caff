-- Relationships of meaning, from WordNet's synsets: synonyms, opposites, broader and narrower words, wholes and parts, words
-- for other occasions.
local meaning = {}

-- Pointers between synsets, and what they make the other one. "@" is followed by itself.
local KINDS = {
  ["&"] = "similar", ["^"] = "also", ["$"] = "verb group", ["="] = "attribute", ["*"] = "entails", [">"] = "causes",
  ["#m"] = "whole", ["#p"] = "whole", ["#s"] = "whole", ["%m"] = "part", ["%p"] = "part", ["%s"] = "part",
}
local BROADER, OPPOSITE = "@", "!"

-- A word whose broader words are not loaded is related to those that are broader still, this far up.
local BROADER_STEPS = 3

-- Senses of each synset, the most frequent first.
local function by_synset(chosen)
  local found = {}
  for _, word in ipairs(chosen.order) do
    for _, sense in ipairs(word.senses) do
      local id = sense.sense.synset.id
      found[id] = found[id] or {}
      table.insert(found[id], sense)
    end
  end
  for _, senses in pairs(found) do
    table.sort(senses, function(a, b)
      return a.rank < b.rank
    end)
  end
  return found
end

-- The nearest broader senses that are loaded: the most frequent of each synset.
local function broader(self, synset, steps, found)
  for _, pointer in ipairs(synset.pointers) do
    if pointer.symbol == BROADER then
      local senses = self.senses[pointer.id]
      if senses then
        found[#found + 1] = senses[1]
      elseif steps > 1 then
        broader(self, self.wordnet:synset(pointer.part, pointer.offset), steps - 1, found)
      end
    end
  end
  return found
end

local function add_synonyms(self, senses)
  for i, sense in ipairs(senses) do
    for j = i + 1, #senses do
      self.graph:add("RELATED_TO", sense, senses[j], "wordnet:synset", "synonym")
    end
    if senses[i + 1] then
      self.graph:add("FREQUENCY_RANK", sense, senses[i + 1], "wordnet:synset")
    end
  end
end

local function add_broader(self, senses)
  for _, above in ipairs(broader(self, senses[1].sense.synset, BROADER_STEPS, {})) do
    self.graph:add("RELATED_TO", senses[1], above, "wordnet:hypernym", "broader")
    -- What is learned later leads on from the basic meaning of a word, not from its rare ones.
    for _, sense in ipairs(senses) do
      if above == above.word.main and sense == sense.word.main and above.rank < sense.rank then
        self.graph:add("PREREQUISITE_OF", above, sense, "wordnet:hypernym")
      end
    end
  end
end

local function add_pointers(self, senses)
  for _, pointer in ipairs(senses[1].sense.synset.pointers) do
    local others = self.senses[pointer.id] or {}
    local kind = KINDS[pointer.symbol]
    if kind and others[1] then
      self.graph:add("RELATED_TO", senses[1], others[1], "wordnet:" .. kind:gsub(" ", "_"), kind)
    elseif pointer.symbol == OPPOSITE then
      for _, sense in ipairs(senses) do
        for _, other in ipairs(others) do
          if pointer.source == sense.sense.place and pointer.target == other.sense.place then
            self.graph:add("OPPOSITE_OF", sense, other, "wordnet:antonym")
          end
        end
      end
    end
  end
end

-- The senses of two words that share a meaning, or where that of the second is narrower.
local function shared(self, neutral, variant)
  for _, sense in ipairs(neutral.senses) do
    for _, other in ipairs(variant.senses) do
      if other.sense.synset == sense.sense.synset then
        return sense, other
      end
    end
  end
  for _, other in ipairs(variant.senses) do
    for _, above in ipairs(broader(self, other.sense.synset, 1, {})) do
      for _, sense in ipairs(neutral.senses) do
        if above.sense.synset == sense.sense.synset then
          return sense, other
        end
      end
    end
  end
end

---Marks the listed variants (sense.register, sense.is_variant) and returns the pairs.
---@param chosen words.selection  with ranks
---@param lists words.lists
---@param wordnet table
---@return { neutral: words.sense, variant: words.sense }[]
function meaning.find_variants(chosen, lists, wordnet)
  local self = { senses = by_synset(chosen), wordnet = wordnet }
  local found = {}
  for i, entry in ipairs(lists.registers) do
    local neutral, variant = chosen.words[entry.neutral], chosen.words[entry.variant]
    local here, there
    if neutral and variant then
      here, there = shared(self, neutral, variant)
    end
    if not there then
      error(("data/register.txt:%d: no loaded meaning is shared by %s and %s"):format(entry.line, entry.neutral,
        entry.variant), 0)
    end
    there.register, there.is_variant = entry.register, not there.tier
    found[i] = { neutral = here, variant = there }
  end
  return found
end

-- Words that WordNet marks as informal or formal, beside one of the same meaning that it does not mark.
local function add_variants(self, senses)
  local neutral
  for _, sense in ipairs(senses) do
    neutral = neutral or not sense.register and sense or nil
  end
  for _, sense in ipairs(senses) do
    if neutral and sense.register and sense.word.type ~= "idiom" then
      self.graph:add("REGISTER_VARIANT", neutral, sense, "wordnet:usage", sense.register)
    end
  end
end

---@param graph table
---@param chosen words.selection  with ranks
---@param variants { neutral: words.sense, variant: words.sense }[]
---@param wordnet table
function meaning.add_edges(graph, chosen, variants, wordnet)
  local self = { graph = graph, senses = by_synset(chosen), wordnet = wordnet }
  for _, pair in ipairs(variants) do
    graph:add("REGISTER_VARIANT", pair.neutral, pair.variant, "list:register", pair.variant.register)
  end
  local ids = {}
  for id in pairs(self.senses) do
    ids[#ids + 1] = id
  end
  table.sort(ids) -- so that the first of several kinds between two points is the same every time
  for _, id in ipairs(ids) do
    add_synonyms(self, self.senses[id])
    add_variants(self, self.senses[id])
  end
  for _, id in ipairs(ids) do
    add_broader(self, self.senses[id])
    add_pointers(self, self.senses[id])
  end
end

return meaning
