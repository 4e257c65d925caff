-- Families of words: MORPHOLOGICAL between a base and what an affix makes of it, PART_OF between the affix and the word. From
-- WordNet's derivations whose forms differ by a known affix, and from data/word_families.txt.
local affixes = require "tools.words.affixes"

local families = {}

-- Of WordNet's pointers: derived from the same root, pertaining to, participle of. Opposites may differ by a prefix.
local LINKS = { ["+"] = true, ["\\"] = true, ["<"] = true }
local OPPOSITE = "!"

-- The loaded senses by "synset word", to find what a pointer means.
local function senses_by_place(chosen)
  local found = {}
  for _, word in ipairs(chosen.order) do
    for _, sense in ipairs(word.senses) do
      found[sense.sense.synset.id .. " " .. sense.sense.place] = sense
    end
  end
  return found
end

-- Base and derived word of two, and the affix; nil if they are no such pair.
local function pair_of(list, a, b, is_opposite)
  local base, derived, affix = a, b, affixes.between(list, a.lemma, b.lemma)
  if not affix then
    base, derived, affix = b, a, affixes.between(list, b.lemma, a.lemma)
  end
  if affix and (not is_opposite or affix.kind == "prefix") then
    return base, derived, affix
  end
end

local function add_family(self, base, derived, affix, origin)
  local key = base.lemma .. " " .. derived.lemma
  if self.known[key] then
    return
  end
  self.known[key] = true
  self.pairs[#self.pairs + 1] = { base = base, derived = derived, affix = affix, origin = origin }
  if base.main.rank < derived.main.rank then
    derived.is_derived = true
  end
end

-- What WordNet says of one sense: pairs of words, and of senses where both are loaded.
local function follow(self, sense)
  for _, pointer in ipairs(sense.sense.synset.pointers) do
    local is_opposite = pointer.symbol == OPPOSITE
    if pointer.source == sense.sense.place and (LINKS[pointer.symbol] or is_opposite) then
      local there = self.wordnet:synset(pointer.part, pointer.offset)
      local other = self.chosen.words[there.words[pointer.target].form:lower()]
      local base, derived, affix
      if other then
        base, derived, affix = pair_of(self.list, sense.word, other, is_opposite)
      end
      if affix then
        add_family(self, base, derived, affix, "wordnet:derivation")
        local there_sense = self.senses[pointer.id .. " " .. pointer.target]
        if there_sense then
          local from, to = sense, there_sense
          if base ~= sense.word then
            from, to = to, from
          end
          self.sense_pairs[#self.sense_pairs + 1] = { from = from, to = to, affix = affix }
        end
      end
    end
  end
end

local function add_listed(self, entry)
  local by_affix = self.by_affix[entry.affix]
  local base, derived = self.chosen.words[entry.base], self.chosen.words[entry.derived]
  local missing = not by_affix and entry.affix or not base and entry.base or not derived and entry.derived
  if missing then
    error(("data/word_families.txt:%d: %s is not loaded"):format(entry.line, missing), 0)
  end
  add_family(self, base, derived, by_affix, "list:word_families")
end

---Finds the families, and marks derived words that are rarer than their base (word.is_derived).
---@param chosen words.selection  with ranks
---@param lists words.lists
---@param wordnet table
---@return { pairs: table[], sense_pairs: table[] }
function families.find(chosen, lists, wordnet)
  local self = {
    chosen = chosen, list = lists.affixes, wordnet = wordnet, senses = senses_by_place(chosen), known = {}, pairs = {},
    sense_pairs = {}, by_affix = {},
  }
  for _, affix in ipairs(lists.affixes) do
    self.by_affix[affix.affix] = affix
  end
  for _, word in ipairs(chosen.order) do
    for _, sense in ipairs(word.senses) do
      follow(self, sense)
    end
  end
  for _, entry in ipairs(lists.families) do
    add_listed(self, entry)
  end
  return { pairs = self.pairs, sense_pairs = self.sense_pairs }
end

---@param graph table
---@param found { pairs: table[], sense_pairs: table[] }
function families.add_edges(graph, found)
  for _, pair in ipairs(found.pairs) do
    local base, derived, affix = pair.base.main, pair.derived.main, pair.affix
    graph:add("MORPHOLOGICAL", base, derived, pair.origin, affix.kind, affix.affix)
    graph:add("PART_OF", affix, derived, pair.origin, affix.kind)
    if base.rank < derived.rank then
      graph:add("PREREQUISITE_OF", base, derived, "derivation")
    end
  end
  for _, pair in ipairs(found.sense_pairs) do
    graph:add("MORPHOLOGICAL", pair.from, pair.to, "wordnet:derivation", pair.affix.kind, pair.affix.affix)
  end
end

return families
