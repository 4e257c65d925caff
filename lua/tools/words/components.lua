-- The words a phrase or an idiom is made of, as far as they are loaded themselves.
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

-- The loaded word that a form belongs to: "beans" to "bean".
local function word_of(words, form)
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

---@param words table<string, words.word>
---@param phrase words.word
---@return words.word[]  each once, in the order of the phrase
function components.of(words, phrase)
  local found, seen = {}, {}
  for form in phrase.lemma:gsub("'s%f[^%w]", ""):gmatch("[^_-]+") do
    local word = not GLUE[form] and word_of(words, form)
    if word and not seen[word] then
      seen[word] = true
      found[#found + 1] = word
    end
  end
  return found
end

return components
