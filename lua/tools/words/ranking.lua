-- Puts all points into one order, from the most frequent to the rarest, and derives the difficulty of each from it.
--
-- The order: bands of SCOWL; within one, how often WordNet's texts have the sense; then words before phrases. A further sense
-- never comes before an earlier one of its word, and a phrase never before its words: so everything that is needed before
-- something else has a smaller rank.
local components = require "tools.words.components"

local ranking = {}

local LEVELS = { "A1", "A2", "B1", "B2", "C1", "C2" }
local LEVEL_NUMBER = {}
for number, level in ipairs(LEVELS) do
  LEVEL_NUMBER[level] = number
end

local AFFIX_BAND = { A1 = 10, A2 = 10, B1 = 20, B2 = 35, C1 = 40, C2 = 50 }

local TYPE_ORDER = { prefix = 1, suffix = 1, word = 2, phrase = 3, idiom = 4 }

-- A word of a band has the level of the first row whose count it reaches.
local BAND_LEVELS = {
  [10] = { { 100, "A1" }, { 20, "A2" }, { 0, "B1" } },
  [20] = { { 20, "A2" }, { 5, "B1" }, { 0, "B2" } },
  [35] = { { 5, "B1" }, { 0, "B2" } },
  [40] = { { 0, "B2" } },
  [50] = { { 0, "C1" } },
}
local RAREST = { { 0, "C2" } }

-- How much harder than the first sense of its word a further one is, by its place.
local SENSE_STEPS = { { 7, 3 }, { 4, 2 }, { 2, 1 }, { 1, 0 } }

-- No more than what was met before it in its word.
local function set_counts(word, limit)
  word.main.met = math.min(word.main.sense.count, limit)
  for _, chain in pairs(word.chains) do
    local most = word.main.met
    for _, sense in ipairs(chain) do
      sense.met = sense == word.main and most or math.min(sense.sense.count, most)
      most = sense.met
    end
  end
end

local function level_of_word(word)
  for _, row in ipairs(BAND_LEVELS[word.band] or RAREST) do
    if word.main.met >= row[1] then
      return LEVEL_NUMBER[row[2]]
    end
  end
end

local function harder(level, place)
  for _, step in ipairs(SENSE_STEPS) do
    if place >= step[1] then
      return LEVELS[math.min(#LEVELS, level + step[2])]
    end
  end
end

-- A phrase is a level above its hardest word.
local function set_levels(word, parts)
  local level = level_of_word(word)
  if word.type ~= "word" then
    level = 1
    for _, part in ipairs(parts) do
      level = math.max(level, LEVEL_NUMBER[part.level])
    end
    level = math.min(#LEVELS, level + 1)
  end
  if word.main.level then
    level = LEVEL_NUMBER[word.main.level]
  end
  for place, sense in ipairs(word.senses) do
    sense.level = sense.level or harder(level, place)
  end
end

local function before(a, b)
  if a.band ~= b.band then
    return a.band < b.band
  elseif a.met ~= b.met then
    return a.met > b.met
  elseif a.type ~= b.type then
    return TYPE_ORDER[a.type] < TYPE_ORDER[b.type]
  elseif a.name ~= b.name then
    return a.name < b.name
  end
  return a.place < b.place
end

---Gives every sense its met, level and rank, every word its band and parts, every affix its band and rank.
---@param chosen words.selection
---@param affixes table[]
---@param band_of fun(lemma: string): integer
function ranking.set(chosen, affixes, band_of)
  local entries = {}
  local function set(word, parts, limit)
    word.band, word.parts = band_of(word.lemma), parts
    set_counts(word, limit)
    set_levels(word, parts)
    for place, sense in ipairs(word.senses) do
      entries[#entries + 1] =
        { of = sense, band = word.band, met = sense.met, type = word.type, name = word.lemma, place = place }
    end
  end
  for _, word in ipairs(chosen.order) do
    if word.type == "word" then
      set(word, {}, math.huge)
    end
  end
  for _, word in ipairs(chosen.order) do
    if word.type ~= "word" then
      local parts, limit = components.of(chosen.words, word), math.huge
      for _, part in ipairs(parts) do
        limit = math.min(limit, part.met)
      end
      set(word, parts, limit)
    end
  end
  for _, affix in ipairs(affixes) do
    affix.band = AFFIX_BAND[affix.level]
    entries[#entries + 1] = { of = affix, band = affix.band, met = 0, type = affix.kind, name = affix.affix, place = 1 }
  end
  table.sort(entries, before)
  for rank, entry in ipairs(entries) do
    entry.of.rank = rank
  end
end

return ranking
