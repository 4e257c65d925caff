-- The words a phrase or an idiom is made of, as far as they are loaded themselves, each in the sense that stands for its part
-- of speech there.
local components = {}

-- Words that hold phrases together and teach nothing about them.
local GLUE = {
  a = true, an = true, the = true, of = true, at = true, to = true, ["for"] = true, by = true, with = true, from = true,
  ["and"] = true, ["or"] = true, as = true, it = true, is = true, be = true, ["do"] = true, no = true, ["not"] = true,
  ["in"] = true, on = true, one = true, someone = true, so = true, have = true,
}

-- Endings of inflected words, and what may stand there instead.
local ENDINGS = {
  { "ies", { "y" } }, { "es", { "", "e" } }, { "s", { "" } }, { "ing", { "", "e" } }, { "ed", { "", "e" } },
}

local IRREGULAR = { feet = "foot", teeth = "tooth", children = "child", men = "man", women = "woman", mice = "mouse" }

-- The loaded word that a form belongs to: "beans" to "bean".
local function word_of(words, form)
  form = IRREGULAR[form] or form
  local word = words[form]
  if word and word.type == "word" then
    return word
  end
  for _, ending in ipairs(ENDINGS) do
    local stem = #form > #ending[1] + 1 and form:sub(-#ending[1]) == ending[1] and form:sub(1, -#ending[1] - 1)
    for _, other in ipairs(stem and ending[2] or {}) do
      word = words[stem .. other]
      if word and word.type == "word" then
        return word
      end
    end
  end
  return nil
end

local function first_of(word, part)
  return word.chains[part] and word.chains[part][1]
end

-- A phrase that is a verb begins with one, what follows is rather no verb; one that is a noun ends in a noun.
local function sense_of(phrase, word, is_first, is_last)
  local part = phrase.main.part
  if part == "v" and is_first then
    return first_of(word, "v") or word.main
  elseif part == "v" and word.main.part == "v" or part == "n" and is_last then
    return first_of(word, "n") or word.main
  end
  return word.main
end

---@param words table<string, words.word>
---@param phrase words.word
---@return words.sense[]  one of each word, in the order of the phrase
function components.of(words, phrase)
  local forms = {}
  for form in phrase.lemma:gsub("'s%f[^%w]", ""):gmatch("[^_-]+") do
    forms[#forms + 1] = form
  end
  local found, seen = {}, {}
  for i, form in ipairs(forms) do
    local word = not GLUE[form] and word_of(words, form)
    if word and not seen[word] then
      seen[word] = true
      found[#found + 1] = sense_of(phrase, word, i == 1, i == #forms)
    end
  end
  return found
end

return components
