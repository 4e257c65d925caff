-- Chooses what to load: senses of the listed words that are fit for children. Nothing of WordNet gets in that no list names.
local selection = {}

-- A sense nobody met in WordNet's tagged texts is rare: only the first ones of each part of speech are taken then.
local UNMET_SENSES = 2

-- Marks of usage that make a sense unfit.
local UNFIT_USAGE = {
  ["ethnic slur"] = true, disparagement = true, obscenity = true, ["dirty word"] = true, vulgarism = true, slang = true,
}
local USAGE_REGISTER = { colloquialism = "informal", formality = "formal" }

local CHOSEN_TIER = { word = { 1, 2 }, phrase = { 3, 3 }, idiom = { 4, 4 } }
local NEXT_LEVEL = { A1 = "A2", A2 = "B1", B1 = "B2", B2 = "C1", C1 = "C2", C2 = "C2" }

---@class words.sense
---@field id string
---@field word words.word
---@field part string
---@field number integer
---@field sense wordnet.sense
---@field tier integer?      as the list of chosen words says
---@field level string?      as the list of chosen words says
---@field register string?
---@field topics string[]    special fields: music, law
---@field rank integer?      frequency_rank, once it is known

---@class words.word
---@field lemma string
---@field type "word"|"phrase"|"idiom"
---@field senses words.sense[]           the main one first, each part of speech in its order
---@field chains table<string, words.sense[]>  by part of speech
---@field main words.sense

local function leave_out(self, why)
  self.left_out[why] = (self.left_out[why] or 0) + 1
end

local function word_of(self, lemma, kind)
  local word = self.words[lemma]
  if not word then
    word = { lemma = lemma, type = kind, chains = {}, senses = {} }
    self.words[lemma] = word
    self.order[#self.order + 1] = word
  end
  return word
end

local function has_sense(word, part, number)
  for _, known in ipairs(word.chains[part] or {}) do
    if known.number == number then
      return true
    end
  end
  return false
end

-- The names of the fields or usages a sense belongs to: symbol ";c" or ";u".
local function domains(self, sense, symbol)
  local names = {}
  for _, pointer in ipairs(sense.synset.pointers) do
    if pointer.symbol == symbol and (pointer.source == 0 or pointer.source == sense.place) then
      local name = self.wordnet:synset(pointer.part, pointer.offset).words[math.max(1, pointer.target)].form
      names[#names + 1] = name:gsub("_", " "):lower()
    end
  end
  return names
end

local function register_of(self, sense)
  for _, usage in ipairs(domains(self, sense, ";u")) do
    if USAGE_REGISTER[usage] then
      return USAGE_REGISTER[usage]
    end
  end
  local definition = sense.definition
  if definition:find("^informal") or definition:find("(informal)", 1, true) or definition:find("used informally", 1, true) then
    return "informal"
  end
end

-- Why a sense is not for children, or nil.
local function unfitness(self, sense)
  for _, usage in ipairs(domains(self, sense, ";u")) do
    if UNFIT_USAGE[usage] then
      return "usage unfit: " .. usage
    end
  end
  for _, topic in ipairs(domains(self, sense, ";c")) do
    if self.lists.unfit(topic) then
      return "topic unfit"
    end
  end
  return self.lists.unfit(sense.definition) and "definition unfit" or nil
end

local function is_instance(sense)
  for _, pointer in ipairs(sense.synset.pointers) do
    if pointer.symbol == "@i" then
      return true
    end
  end
  return false
end

local function add_sense(self, word, part, number, sense, id)
  local topics = {}
  for _, topic in ipairs(domains(self, sense, ";c")) do
    topics[#topics + 1] = not self.lists.indecent[topic] and topic or nil
  end
  local added = {
    id = id, word = word, part = part, number = number, sense = sense, topics = topics, register = register_of(self, sense),
  }
  word.chains[part] = word.chains[part] or {}
  table.insert(word.chains[part], added)
  return added
end

local function id_of(lemma, part, number)
  return ("%s.%s.%d"):format(lemma, part, number)
end

-- The words chosen one by one: each sense is named, with a level.
local function add_chosen(self, entry)
  local word = word_of(self, entry.lemma, entry.type)
  for i, number in ipairs(entry.senses) do
    local sense = self.wordnet:sense(entry.lemma, entry.part, number)
    if not sense then
      error(("data/words.txt:%d: WordNet has no sense %d of %s %s"):format(entry.line, number, entry.lemma, entry.part), 0)
    elseif has_sense(word, entry.part, number) then
      error(("data/words.txt:%d: %s is listed twice"):format(entry.line, id_of(entry.lemma, entry.part, number)), 0)
    end
    local id = entry.type == "word" and id_of(entry.lemma, entry.part, number) or entry.lemma
    local added = add_sense(self, word, entry.part, number, sense, id)
    added.tier = CHOSEN_TIER[entry.type][math.min(i, 2)]
    added.level = i == 1 and entry.level or NEXT_LEVEL[entry.level]
    if entry.type == "idiom" then
      added.register = "informal"
    end
    word.main = word.main or added
  end
end

local function why_not(self, entry, part, number, sense)
  local id = id_of(entry.lemma, part, number)
  if sense.synset.words[sense.place].form ~= entry.form then
    return "written otherwise, as proper names are"
  elseif is_instance(sense) then
    return "a proper name"
  elseif self.lists.excluded[id] then
    return "excluded by name"
  elseif number > UNMET_SENSES and sense.count == 0 then
    return "rare sense"
  elseif not self.lists.allowed[id] then
    return unfitness(self, sense)
  end
end

-- All suitable senses of a listed word or phrase.
local function add_listed(self, entry, kind)
  if self.lists.denied[entry.lemma] then
    error(("%s:%d: %s stands in denied_words.txt"):format(entry.file, entry.line, entry.lemma), 0)
  end
  local word
  for part in entry.parts:gmatch(".") do
    local offsets = self.wordnet:offsets(entry.lemma, part)
    if #offsets == 0 then
      error(("%s:%d: WordNet has no %s %s"):format(entry.file, entry.line, entry.lemma, part), 0)
    end
    word = word_of(self, entry.lemma, kind)
    for number = 1, #offsets do
      if not has_sense(word, part, number) then
        local sense = self.wordnet:sense(entry.lemma, part, number)
        local why = why_not(self, entry, part, number, sense)
        if why then
          leave_out(self, why)
        else
          add_sense(self, word, part, number, sense, id_of(entry.lemma, part, number))
        end
      end
    end
  end
end

-- The sense that stands for the word: the chosen one, else the one met most often among the first of each part of speech.
local function find_main(word)
  if word.main then
    return word.main
  end
  local main
  for _, part in ipairs { "n", "v", "a", "r" } do
    local first = word.chains[part] and word.chains[part][1]
    if first and (not main or first.sense.count > main.sense.count) then
      main = first
    end
  end
  return main
end

local function settle(word)
  word.main = find_main(word)
  if word.type ~= "word" and word.main then
    word.main.id = word.lemma
  end
  local parts, seen = { "n", "v", "a", "r" }, {}
  if word.main then
    table.insert(parts, 1, word.main.part)
  end
  for _, part in ipairs(parts) do
    if not seen[part] then
      table.move(word.chains[part] or {}, 1, #(word.chains[part] or {}), #word.senses + 1, word.senses)
      seen[part] = true
    end
  end
end

---@class words.selection
---@field words table<string, words.word>  by lemma
---@field order words.word[]
---@field left_out table<string, integer>  reason → senses

---Raises "FILE:LINE: why" where a list names what WordNet does not have.
---@param lists words.lists
---@param wordnet table  see tools/wordnet.lua
---@return words.selection
function selection.make(lists, wordnet)
  local self = { lists = lists, wordnet = wordnet, words = {}, order = {}, left_out = {} }
  for _, entry in ipairs(lists.chosen) do
    add_chosen(self, entry)
  end
  for _, entry in ipairs(lists.head_words) do
    add_listed(self, entry, "word")
  end
  for _, entry in ipairs(lists.phrases) do
    add_listed(self, entry, "phrase")
  end
  local kept = {}
  for _, word in ipairs(self.order) do
    settle(word)
    if word.main then
      kept[#kept + 1] = word
    else
      leave_out(self, "word without a suitable sense")
      self.words[word.lemma] = nil
    end
  end
  return { words = self.words, order = kept, left_out = self.left_out }
end

return selection
