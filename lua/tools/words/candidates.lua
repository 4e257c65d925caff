-- lexicraft words candidates: words that could be added to data/head_words.txt, for a person to read.
local bands = require "tools.words.bands"
local json = require "json"
local lists = require "tools.words.lists"
local text = require "tools.lib.text"
local wordnet = require "tools.wordnet"

local candidates = {
  summary = "list words that could be added to data/head_words.txt",
  options = {
    { "wordnet", value = "DIR", default = "/usr/share/wordnet", help = "where Debian's wordnet-base put WordNet" },
    { "scowl", value = "DIR", default = "/usr/share/dict/scowl", help = "where Debian's scowl put its word lists" },
    { "band", value = "SIZE", default = "20", help = "the largest SCOWL list to take words from: 10, 20, 35 …" },
    { "met", value = "COUNT", default = "1", help = "how often WordNet's tagged texts must have met a word" },
  },
  help = "Prints, in the form of the list, the words of SCOWL that WordNet has in small letters and that neither a list nor\n"
    .. "data/denied_words.txt names, without inflected forms of others. Read them, add what is for children to\n"
    .. "data/head_words.txt, and the rest, if it should never come up again, to data/denied_words.txt.",
}

local PARTS = wordnet.PARTS

-- Endings of inflected forms, and what the word itself may end in.
local ENDINGS = {
  ies = { "y" }, es = { "", "e" }, s = { "" }, ied = { "y" }, ed = { "", "e" }, ing = { "", "e" }, er = { "", "e" },
  est = { "", "e" },
}

local function is_inflected(words, lemma)
  for ending, originals in pairs(ENDINGS) do
    local stem = #lemma > #ending + 1 and lemma:sub(-#ending) == ending and lemma:sub(1, -#ending - 1)
    for _, original in ipairs(stem and originals or {}) do
      if words:has(stem .. original) then
        return true
      end
    end
    if stem and stem:match("(%a)%1$") and words:has(stem:sub(1, -2)) then
      return true
    end
  end
  return false
end

-- The parts of speech in which WordNet writes the word in small letters, and how often it was met.
local function parts_of(words, lemma)
  local parts, met = "", 0
  for _, part in ipairs(PARTS) do
    local is_written = false
    for number in ipairs(words:offsets(lemma, part)) do
      local sense = words:sense(lemma, part, number)
      if sense.word == lemma then
        is_written = true
        met = met + sense.count
      end
    end
    parts = is_written and parts .. part or parts
  end
  return parts, met
end

local function find(taken, band, least)
  local known = lists.read()
  local listed = {}
  for _, list in ipairs { known.chosen, known.head_words } do
    for _, entry in ipairs(list) do
      listed[entry.lemma] = true
    end
  end
  local words, band_of = wordnet.open(taken.wordnet), bands.open(taken.scowl)
  local lemmas, found = {}, {}
  for _, part in ipairs(PARTS) do
    for lemma in pairs(words.index[part]) do
      lemmas[lemma] = lemma:match("^%l[%l-]+$") and not listed[lemma] and not known.denied[lemma] or nil
    end
  end
  for _, lemma in ipairs(text.sorted_keys(lemmas)) do
    if band_of(lemma) <= band and not is_inflected(words, lemma) then
      local parts, met = parts_of(words, lemma)
      found[#found + 1] = parts ~= "" and met >= least and { word = lemma, parts = parts, met = met } or nil
    end
  end
  words:close()
  return found
end

function candidates.run(taken)
  local band, least = tonumber(taken.band), tonumber(taken.met)
  if not band or not least then
    return nil, "--band and --met take numbers"
  end
  local ok, found = pcall(find, taken, band, least)
  if not ok then
    return nil, found
  end
  return { candidates = json.array(found) }
end

function candidates.show(report)
  local lines = {}
  for i, candidate in ipairs(report.candidates) do
    lines[i] = candidate.word .. " " .. candidate.parts
  end
  return lines
end

return candidates
