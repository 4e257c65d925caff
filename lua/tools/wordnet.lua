-- Reads WordNet's database files (index.*, data.*, cntlist.rev; wndb(5WN)), as Debian's wordnet-base installs them.
local wordnet = {}

-- Parts of speech as WordNet writes them: file name, number in a sense key.
local PARTS = {
  n = { file = "noun", number = 1 },
  v = { file = "verb", number = 2 },
  a = { file = "adj", number = 3 },
  r = { file = "adv", number = 4 },
}
local SATELLITE_NUMBER = 5

-- The parts of speech in a fixed order.
wordnet.PARTS = { "n", "v", "a", "r" }

-- Topic of each lexicographer file, by its number (lexnames(5WN)); those that say nothing about the topic are left out.
local TOPICS = {
  [4] = "act", [5] = "animal", [6] = "artifact", [7] = "attribute", [8] = "body", [9] = "thinking",
  [10] = "communication", [11] = "event", [12] = "feeling", [13] = "food", [14] = "group", [15] = "place",
  [17] = "nature", [18] = "person", [19] = "nature", [20] = "plant", [21] = "money", [22] = "process",
  [23] = "quantity", [24] = "relation", [25] = "shape", [26] = "state", [27] = "substance", [28] = "time",
  [29] = "body", [30] = "change", [31] = "thinking", [32] = "communication", [33] = "competition", [34] = "food",
  [35] = "contact", [36] = "creation", [37] = "feeling", [38] = "motion", [39] = "perception", [40] = "money",
  [41] = "social", [42] = "state", [43] = "weather",
}

local function read_file(path)
  local file, why = io.open(path, "rb")
  if not file then
    error(why .. " (Debian's package wordnet-base has it)", 0)
  end
  local text = file:read("a")
  file:close()
  return text
end

-- lemma → its line. The licence above the lines is indented.
local function read_index(path)
  local lines = {}
  for line in read_file(path):gmatch("[^\n]+") do
    local lemma = line:match("^(%S+) ")
    if lemma then
      lines[lemma] = line
    end
  end
  return lines
end

-- How often a sense was met in the texts that WordNet's makers tagged: "lemma part sense" → count.
local function read_counts(path)
  local counts = {}
  local parts = { "n", "v", "a", "r", "a" }
  for lemma, part, sense, count in read_file(path):gmatch("([^%%\n]+)%%(%d)%S* (%d+) (%d+)") do
    counts[lemma .. " " .. parts[tonumber(part)] .. " " .. sense] = tonumber(count)
  end
  return counts
end

-- Without notes about how this word or another one of the same meaning is used or spelled, as (`plain' is often used
-- informally for `plainly'): they are no part of what the word means. If there is nothing else, they stay.
local function without_notes(definition)
  local parts = {}
  local without = definition:gsub("%s*%b()", function(note)
    return note:find("`", 1, true) and " " or nil
  end)
  for part in without:gmatch("[^;]+") do
    part = part:gsub("^%s+", ""):gsub("%s+$", "")
    parts[#parts + 1] = part ~= "" and not part:find("`", 1, true) and part or nil
  end
  return #parts > 0 and table.concat(parts, "; "):gsub("  +", " ") or definition
end

-- "definition; "example"; "example"" → definition, examples. The first quote ends the definition.
local function split_gloss(gloss)
  local definition, rest = gloss:match('^([^"]*)"(.*)$')
  definition = (definition or gloss):gsub("^%s+", ""):gsub("[%s;:,]+$", "")
  local examples = {}
  if rest then
    for example in ('"' .. rest):gmatch('"([^"]*)"') do
      examples[#examples + 1] = example
    end
  end
  return definition:find("`", 1, true) and without_notes(definition) or definition, examples
end

-- The words of a synset: each with two hexadecimal digits before it for their number, one after it for its lexical id.
-- Adjectives may end in a marker of their position: "(p)".
local function read_words(fields)
  local words = {}
  for i = 1, tonumber(fields[4], 16) do
    local form = fields[3 + 2 * i]:gsub("%(%a+%)$", "")
    words[i] = { form = form, id = tonumber(fields[4 + 2 * i], 16) }
  end
  return words
end

local function fields_of(text)
  local fields = {}
  for field in text:gmatch("%S+") do
    fields[#fields + 1] = field
  end
  return fields
end

-- What a synset points to: after its words, their number and four fields each. 0 as a word's number means all of them.
local function read_pointers(fields, words)
  local pointers = {}
  local first = 5 + 2 * #words
  for i = first + 1, first + 4 * tonumber(fields[first]), 4 do
    local part = fields[i + 2] == "s" and "a" or fields[i + 2]
    local ends = fields[i + 3]
    pointers[#pointers + 1] = {
      symbol = fields[i], part = part, offset = tonumber(fields[i + 1]), id = part .. fields[i + 1],
      source = tonumber(ends:sub(1, 2), 16), target = tonumber(ends:sub(3), 16),
    }
  end
  return pointers
end

local database = {}
database.__index = database

---@class wordnet.pointer
---@field symbol string    wninput(5WN): "@" is broader, "!" opposite, "+" derived from the same root …
---@field part string
---@field offset integer
---@field id string        of the synset it points to
---@field source integer   number of the word in this synset, 0: all of them
---@field target integer   number of the word in that synset, 0: all of them

---@class wordnet.synset
---@field id string        as in n02084071; that of adjectives begins with a, also where they are satellites
---@field part string
---@field kind string      "s" for a satellite adjective, else the part
---@field words { form: string, id: integer }[]
---@field pointers wordnet.pointer[]
---@field definition string
---@field examples string[]
---@field topic_number integer
---@field topic string?

---The synset at an offset of a data file, read once.
---@param part "n"|"v"|"a"|"r"  that of the file
---@param offset integer
---@return wordnet.synset
function database:synset(part, offset)
  local id = ("%s%08d"):format(part, offset)
  local known = self.synsets[id]
  if known then
    return known
  end
  local file = self.data[part]
  file:seek("set", offset)
  local head, gloss = file:read("l"):match("^(.-) | (.*)$")
  local fields = fields_of(head)
  local words = read_words(fields)
  local definition, examples = split_gloss(gloss)
  local synset = {
    id = id, part = part, kind = fields[3], topic_number = tonumber(fields[2]), topic = TOPICS[tonumber(fields[2])],
    words = words, pointers = read_pointers(fields, words), definition = definition, examples = examples,
  }
  self.synsets[id] = synset
  return synset
end

-- A satellite's first "&" points to the head of its cluster, whose name is part of the sense key.
local function head_of(self, synset)
  for _, pointer in ipairs(synset.pointers) do
    if pointer.symbol == "&" then
      return self:synset(pointer.part, pointer.offset).words[1]
    end
  end
end

-- lemma%part:topic:id:head:head_id, which stays the same from one WordNet to the next, unlike an offset.
local function sense_key(self, synset, word)
  local head, number = ":", PARTS[synset.part].number
  if synset.kind == "s" then
    local first = head_of(self, synset)
    head, number = ("%s:%02d"):format(first.form:lower(), first.id), SATELLITE_NUMBER
  end
  return ("%s%%%d:%02d:%02d:%s"):format(word.form:lower(), number, synset.topic_number, word.id, head)
end

---The offsets of a word's synsets, the most frequent sense first.
---@param lemma string  lower case, with "_" for a blank
---@param part "n"|"v"|"a"|"r"
---@return integer[]  empty if there is no such word
function database:offsets(lemma, part)
  local line = self.index[part][lemma]
  if not line then
    return {}
  end
  local fields = fields_of(line)
  local count = tonumber(fields[3])
  local offsets = {}
  for i = 1, count do
    offsets[i] = tonumber(fields[#fields - count + i])
  end
  return offsets
end

---Every synset that has the word, in any part of speech, in a fixed order.
---@param lemma string
---@return string[] ids
function database:synset_ids(lemma)
  local ids = {}
  for _, part in ipairs(wordnet.PARTS) do
    for _, offset in ipairs(self:offsets(lemma, part)) do
      ids[#ids + 1] = ("%s%08d"):format(part, offset)
    end
  end
  return ids
end

---Whether WordNet has the word, in any part of speech.
---@param lemma string
---@return boolean
function database:has(lemma)
  for _, part in ipairs(wordnet.PARTS) do
    if self.index[part][lemma] then
      return true
    end
  end
  return false
end

---How often a sense was met in the texts that WordNet's makers tagged.
---@return integer
function database:count(lemma, part, number)
  return self.counts[("%s %s %d"):format(lemma, part, number)] or 0
end

---@class wordnet.sense
---@field word string        as it is written
---@field definition string
---@field examples string[]
---@field synonyms string[]
---@field topic string?
---@field key string         WordNet's sense key
---@field count integer      how often it was met in tagged texts
---@field synset wordnet.synset
---@field place integer      number of the word in its synset

---One sense of a word, or nil if WordNet does not have it.
---@param lemma string  lower case, with "_" for a blank
---@param part "n"|"v"|"a"|"r"
---@param number integer  1 is the most frequent sense
---@return wordnet.sense?
function database:sense(lemma, part, number)
  local offset = self:offsets(lemma, part)[number]
  if not offset then
    return nil
  end
  local synset = self:synset(part, offset)
  local place
  local synonyms = {}
  for i, word in ipairs(synset.words) do
    if word.form:lower() == lemma then
      place = i
    else
      synonyms[#synonyms + 1] = (word.form:gsub("_", " "))
    end
  end
  local mine = synset.words[place]
  return {
    word = (mine.form:gsub("_", " ")), definition = synset.definition, examples = synset.examples, synonyms = synonyms,
    topic = synset.topic, key = sense_key(self, synset, mine), count = self:count(lemma, part, number), synset = synset,
    place = place,
  }
end

function database:close()
  for _, file in pairs(self.data) do
    file:close()
  end
end

---@param folder string
function wordnet.open(folder)
  local self = setmetatable({ index = {}, data = {}, synsets = {} }, database)
  for part, names in pairs(PARTS) do
    self.index[part] = read_index(folder .. "/index." .. names.file)
    self.data[part] = assert(io.open(folder .. "/data." .. names.file, "rb"))
  end
  self.counts = read_counts(folder .. "/cntlist.rev")
  return self
end

return wordnet
