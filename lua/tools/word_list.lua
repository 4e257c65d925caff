-- Turns data/words.txt into learning points, with WordNet's definitions. Needs no database.
local json = require "json"

local word_list = {}

local LEVELS = { "A1", "A2", "B1", "B2", "C1", "C2" }
local LEVEL_AFTER = {}
for i, level in ipairs(LEVELS) do
  LEVEL_AFTER[level] = LEVELS[math.min(i + 1, #LEVELS)]
end

local PART_NAMES = { n = "noun", v = "verb", a = "adjective", r = "adverb" }

-- Tier of a type's first sense and of its further ones, and its register.
local TYPES = {
  word = { tier = 1, further_tier = 2, register = "both" },
  phrase = { tier = 3, further_tier = 3, register = "both" },
  idiom = { tier = 4, further_tier = 4, register = "informal" },
}

-- One line of the list → its lemma, part of speech and sense numbers.
local function parse_line(line)
  local lemma, part, rest = line:match("^([%l%d_'.-]+) ([nvar])([ %d]*)$")
  if not lemma then
    return nil
  end
  local senses = {}
  for number in rest:gmatch("%d+") do
    senses[#senses + 1] = math.tointeger(number)
  end
  if #senses == 0 then
    senses[1] = 1
  end
  return lemma, part, senses
end

---@class word_list.entry
---@field line integer
---@field type string
---@field level string
---@field lemma string
---@field part string
---@field senses integer[]

---@param text string
---@return word_list.entry[]? entries
---@return string? why  "LINE: reason"
function word_list.parse(text)
  local entries = {}
  local kind, level
  local number = 0
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    line = line:gsub("#.*", ""):gsub("%s+$", "")
    if line:match("^%[") then
      kind, level = line:match("^%[(%a+) (%a%d)%]$")
      if not TYPES[kind] or not LEVEL_AFTER[level] then
        return nil, number .. ": not a section [TYPE LEVEL]"
      end
    elseif line ~= "" then
      local lemma, part, senses = parse_line(line)
      if not lemma or not kind then
        return nil, number .. ": not of the form lemma part-of-speech sense…, or outside of a section"
      end
      entries[#entries + 1] =
        { line = number, type = kind, level = level, lemma = lemma, part = part, senses = senses }
    end
  end
  return entries
end

-- Only an example in which the word itself occurs: a synset's examples may show its synonyms.
local function example_of(sense)
  local word = sense.word:lower():gsub("one's ", ""):gsub("someone's ", "")
  for _, example in ipairs(sense.examples) do
    if not example:find("`", 1, true) and example:lower():find(word, 1, true) then
      return example
    end
  end
  return nil
end

local function id_of(entry, sense_number)
  if entry.type == "word" then
    return ("%s.%s.%d"):format(entry.lemma, entry.part, sense_number)
  end
  return entry.lemma
end

local function point_of(entry, i, sense)
  local kind = TYPES[entry.type]
  return {
    id = id_of(entry, entry.senses[i]),
    word = sense.word,
    type = entry.type,
    tier = i == 1 and kind.tier or kind.further_tier,
    definition = sense.definition,
    example = example_of(sense),
    difficulty = i == 1 and entry.level or LEVEL_AFTER[entry.level],
    register = kind.register,
    contexts = json.array { sense.topic },
    metadata = {
      source = "WordNet 3.0",
      sense_key = sense.key,
      part_of_speech = PART_NAMES[entry.part],
      synonyms = json.array(sense.synonyms),
      definition_for = "adults", -- to be rewritten for children
    },
  }
end

-- 1 is the sense met most often; senses never met have no rank.
local function rank(points, counts)
  local met = {}
  for _, point in ipairs(points) do
    if counts[point] > 0 then
      met[#met + 1] = point
    end
  end
  table.sort(met, function(a, b)
    if counts[a] ~= counts[b] then
      return counts[a] > counts[b]
    end
    return a.id < b.id
  end)
  for i, point in ipairs(met) do
    point.frequency_rank = i
  end
end

---@param entries word_list.entry[]
---@param wordnet table  see tools/wordnet.lua
---@return table[]? points  as store/learning_points.save takes them
---@return string? why  "LINE: reason"
function word_list.points(entries, wordnet)
  local points, counts, seen = {}, {}, {}
  for _, entry in ipairs(entries) do
    for i, number in ipairs(entry.senses) do
      local sense = wordnet:sense(entry.lemma, entry.part, number)
      if not sense then
        return nil, ("%d: WordNet has no sense %d of %s %s"):format(entry.line, number, entry.lemma, entry.part)
      end
      local point = point_of(entry, i, sense)
      if seen[point.id] then
        return nil, ("%d: %s is listed twice"):format(entry.line, point.id)
      end
      seen[point.id] = true
      counts[point] = sense.count
      points[#points + 1] = point
    end
  end
  rank(points, counts)
  return points
end

return word_list
