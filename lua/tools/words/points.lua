-- Learning points, as store/learning_points takes them, of chosen senses and affixes.
local json = require "json"

local points = {}

points.SOURCE = "WordNet 3.0"
points.OWN_SOURCE = "LexiCraft"

local PART_NAMES = { n = "noun", v = "verb", a = "adjective", r = "adverb" }
local FIRST, FURTHER, PHRASE, IDIOM, FAMILY, VARIANT, SPECIAL = 1, 2, 3, 4, 5, 6, 7
local CONTEXTS_MAX = 4

-- Which tier a sense is of, unless the list of chosen words says so.
local function tier_of(sense)
  local word = sense.word
  if sense.tier then
    return sense.tier
  elseif word.type == "phrase" then
    return PHRASE
  elseif word.type == "idiom" then
    return IDIOM
  elseif sense.is_variant or (sense.register and sense ~= word.main) then
    return VARIANT
  elseif sense == word.main then
    return word.is_derived and FAMILY or FIRST
  end
  return #sense.topics > 0 and SPECIAL or FURTHER
end

-- Only an example in which the word itself occurs, as a synset's examples may show its synonyms, and a fit one.
local function example_of(sense, unfit)
  local word = sense.sense.word:lower():gsub("one's ", ""):gsub("someone's ", "")
  for _, example in ipairs(sense.sense.examples) do
    if not example:find("`", 1, true) and example:lower():find(word, 1, true) and not unfit(example) then
      return example
    end
  end
  return nil
end

local function synonyms_of(sense, lists)
  local fit = {}
  for _, synonym in ipairs(sense.sense.synonyms) do
    local is_denied = lists.unfit(synonym)
    for word in synonym:lower():gmatch("[^ -]+") do
      is_denied = is_denied or lists.indecent[word] == true
    end
    fit[#fit + 1] = not is_denied and synonym or nil
  end
  return fit
end

local function contexts_of(sense)
  local contexts, seen = {}, {}
  local function add(context)
    if context and not seen[context] and #contexts < CONTEXTS_MAX then
      seen[context] = true
      contexts[#contexts + 1] = context
    end
  end
  add(sense.sense.topic)
  for _, topic in ipairs(sense.topics) do
    add(topic)
  end
  return contexts
end

local function point_of(sense, lists, wordnet)
  local word = sense.word
  word.synsets = word.synsets or wordnet:synset_ids(word.lemma)
  return {
    id = sense.id, word = sense.sense.word, type = word.type, tier = tier_of(sense),
    definition = sense.sense.definition, example = example_of(sense, lists.unfit), frequency_rank = sense.rank,
    difficulty = sense.level, register = sense.register or "both", contexts = json.array(contexts_of(sense)),
    part_of_speech = PART_NAMES[sense.part], band = word.band, synset = sense.sense.synset.id,
    word_synsets = json.array(word.synsets),
    metadata = {
      source = points.SOURCE, sense_key = sense.sense.key, part_of_speech = PART_NAMES[sense.part],
      synonyms = json.array(synonyms_of(sense, lists)),
      definition_for = "adults", -- to be rewritten for children
    },
  }
end

local function affix_point(affix)
  return {
    id = affix.id, word = affix.affix, type = affix.kind, tier = FAMILY, definition = affix.meaning,
    example = affix.examples, frequency_rank = affix.rank, difficulty = affix.level, register = "both",
    contexts = json.array {}, band = affix.band, word_synsets = json.array {},
    metadata = { source = points.OWN_SOURCE, definition_for = "children" },
  }
end

---@param chosen words.selection  with ranks
---@param lists words.lists
---@param wordnet table
---@return table[]
function points.make(chosen, lists, wordnet)
  local made = {}
  for _, affix in ipairs(lists.affixes) do
    made[#made + 1] = affix_point(affix)
  end
  for _, word in ipairs(chosen.order) do
    for _, sense in ipairs(word.senses) do
      made[#made + 1] = point_of(sense, lists, wordnet)
    end
  end
  return made
end

return points
