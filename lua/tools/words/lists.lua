-- Reads the lists of data/ that say what is loaded from WordNet. Each file explains its own form.
local auth = require "auth"
local word_list = require "tools.word_list"

local lists = {}

local FOLDER = "data/"

-- Everything that decides what is loaded, for the checksum.
local FILES = {
  "words.txt", "head_words.txt", "phrases.txt", "excluded_senses.txt", "allowed_senses.txt", "unfit_terms.txt",
  "denied_words.txt", "affixes.txt", "word_families.txt", "register.txt",
}

local function read_file(name)
  local file = assert(io.open(FOLDER .. name, "r"))
  local text = file:read("a")
  file:close()
  return text
end

---@return string  text of all lists, for a checksum
function lists.sources()
  local texts = {}
  for i, name in ipairs(FILES) do
    texts[i] = name .. "\n" .. read_file(name)
  end
  return table.concat(texts, "\0")
end

-- number, text of the lines that say something.
local function lines_of(text)
  local number = 0
  local next_line = (text .. "\n"):gmatch("([^\n]*)\n")
  return function()
    for line in next_line do
      number = number + 1
      line = line:gsub("^#.*", ""):gsub("%s+$", "")
      if line ~= "" then
        return number, line
      end
    end
  end
end

local function fault_at(name, number, why)
  error(("%s%s:%d: %s"):format(FOLDER, name, number, why), 0)
end

local function words_of(name, text)
  local found = {}
  for number, line in lines_of(text) do
    local word, parts = line:match("^(%S+) ([nvar]+)$")
    if not word then
      fault_at(name, number, "not of the form WORD PARTS")
    end
    found[#found + 1] = { file = FOLDER .. name, line = number, form = word, lemma = word:lower(), parts = parts }
  end
  return found
end

-- All words of a text, also several on a line; with a section, only those below its name.
local function set_of(text, section)
  local set, here = {}, nil
  for _, line in lines_of(text) do
    here = line:match("^%[(.+)%]$") or here
    if not line:match("^%[") and (not section or here == section) then
      for word in line:gmatch("%S+") do
        set[word] = true
      end
    end
  end
  return set
end

-- The first word of each line; what follows is the reason.
local function first_words_of(text)
  local set = {}
  for _, line in lines_of(text) do
    set[line:match("^%S+")] = true
  end
  return set
end

---A test of texts against a list of words, of which those that end in "*" stand for all that begin so.
---@param text string
---@return fun(text: string): string?  the word that is unfit
function lists.term_filter(text)
  local whole, beginnings = {}, {}
  for term in pairs(set_of(text)) do
    if term:sub(-1) == "*" then
      beginnings[term:sub(1, -2)] = true
    else
      whole[term] = true
    end
  end
  return function(given)
    for word in given:lower():gmatch("%a[%a-]*") do
      if whole[word] then
        return word
      end
      for length = 3, #word do
        if beginnings[word:sub(1, length)] then
          return word
        end
      end
    end
  end
end

local function affixes_of(text)
  local found = {}
  for number, line in lines_of(text) do
    local id, affix, level, meaning, examples =
      line:match("^(%S+) | (%S+) | ([ABC][12]) | ([^|]+) | ([^|]+)$")
    if not id or not (affix:match("^%l+%-$") or affix:match("^%-%l+$")) then
      fault_at("affixes.txt", number, "not of the form ID | AFFIX | LEVEL | MEANING | EXAMPLES")
    end
    found[#found + 1] = {
      id = id, affix = affix, kind = affix:sub(-1) == "-" and "prefix" or "suffix", level = level, meaning = meaning,
      examples = examples,
    }
  end
  return found
end

local function families_of(text)
  local found, affix = {}, nil
  for number, line in lines_of(text) do
    if line:match("^%[") then
      affix = line:match("^%[(%-?%l+%-?)%]$")
    else
      for pair in line:gmatch("%S+") do
        local base, derived = pair:match("^(%l+)>(%l+)$")
        if not base or not affix then
          fault_at("word_families.txt", number, "not of the form BASE>DERIVED, or outside of a section")
        end
        found[#found + 1] = { line = number, affix = affix, base = base, derived = derived }
      end
    end
  end
  return found
end

local function registers_of(text)
  local found = {}
  for number, line in lines_of(text) do
    local neutral, variant, register = line:match("^(%S+) (%S+) (%l+)$")
    if register ~= "formal" and register ~= "informal" then
      fault_at("register.txt", number, "not of the form NEUTRAL VARIANT formal|informal")
    end
    found[#found + 1] = { line = number, neutral = neutral, variant = variant, register = register }
  end
  return found
end

---@class words.lists
---@field chosen word_list.entry[]                  words.txt: senses, levels, phrases and idioms chosen one by one
---@field head_words { form: string, lemma: string, parts: string, file: string, line: integer }[]
---@field phrases { form: string, lemma: string, parts: string, file: string, line: integer }[]
---@field excluded table<string, true>              ids of senses
---@field allowed table<string, true>               ids of senses with an unfit word that is harmless there
---@field denied table<string, true>                 words that no list may name
---@field indecent table<string, true>               those of them that are not even shown as synonyms
---@field unfit fun(text: string): string?
---@field affixes { id: string, affix: string, kind: string, level: string, meaning: string, examples: string }[]
---@field families { affix: string, base: string, derived: string, line: integer }[]
---@field registers { neutral: string, variant: string, register: string, line: integer }[]

---Raises "data/FILE:LINE: why" for a line that says nothing known.
---@return words.lists
function lists.read()
  local chosen, why = word_list.parse(read_file("words.txt"))
  if not chosen then
    error(FOLDER .. "words.txt:" .. why, 0)
  end
  return {
    chosen = chosen,
    head_words = words_of("head_words.txt", read_file("head_words.txt")),
    phrases = words_of("phrases.txt", read_file("phrases.txt")),
    excluded = first_words_of(read_file("excluded_senses.txt")),
    allowed = first_words_of(read_file("allowed_senses.txt")),
    denied = set_of(read_file("denied_words.txt")),
    indecent = set_of(read_file("denied_words.txt"), "unfit for children"),
    unfit = lists.term_filter(read_file("unfit_terms.txt")),
    affixes = affixes_of(read_file("affixes.txt")),
    families = families_of(read_file("word_families.txt")),
    registers = registers_of(read_file("register.txt")),
  }
end

---@param text string
---@return string hash  SHA-256 in hexadecimal digits
function lists.checksum(text)
  return (auth.sha256(text))
end

return lists
