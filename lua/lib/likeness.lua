-- How alike two English words or texts are: by their letters, by their stem, by the words they are made of.
local likeness = {}

-- Words that say nothing about what a definition means.
local EMPTY_WORDS = {}
for word in ("a an the of or and to in on at by for with from as is are was be being been that which who whose it its "
  .. "this these those something someone somebody one's having used not"):gmatch("%S+") do
  EMPTY_WORDS[word] = true
end

-- What is added to a stem. The longest that fits is taken away, as long as a stem of some letters remains.
local SUFFIXES = {
  "ization", "fulness", "ousness", "iveness", "ational", "ically", "lessly", "ation", "ition", "ement", "ingly", "ility",
  "ities", "ness", "ment", "able", "ible", "ance", "ence", "tion", "sion", "less", "ship", "ward", "wise", "ally", "edly",
  "ings", "iest", "ous", "ful", "ity", "ing", "ist", "ism", "ive", "ize", "ise", "ion", "ier", "ily", "ied", "ies", "est",
  "ers", "age", "ant", "ent", "ary", "ory", "al", "ic", "ly", "ed", "er", "or", "es", "en", "th", "ee", "s", "y", "e",
}
local STEM_LETTERS_MIN = 3

-- Words echo one another if they begin with the same letters: so much of the shorter word, so many at least, so many at most.
local ECHO_PART, ECHO_LETTERS_MIN, ECHO_LETTERS_MAX = 2 / 3, 4, 6

-- Kept at most: the words of a language that children learn, and the texts of some questions.
local STEMS_KEPT, TEXTS_KEPT = 20000, 2000

-- The same work, but done once for each text; when too many are kept, all are forgotten. What it returns is not to be changed.
local function once_each(most, work)
  local kept, count = {}, 0
  return function(text)
    local result = kept[text]
    if not result then
      if count >= most then
        kept, count = {}, 0
      end
      result = work(text)
      kept[text], count = result, count + 1
    end
    return result
  end
end

---The number of letters to change, add or take away to get from one to the other; more than `most` counts as most + 1.
---@param most integer
---@return integer
function likeness.distance(a, b, most)
  if math.abs(#a - #b) > most then
    return most + 1
  end
  local letters_a, letters_b, row = { a:byte(1, -1) }, { b:byte(1, -1) }, {}
  for column = 0, #b do
    row[column] = column
  end
  for line = 1, #a do
    -- Farther from the diagonal there are more differences than that.
    local first, last = math.max(1, line - most), math.min(#b, line + most)
    local letter, diagonal, least = letters_a[line], row[first - 1], first == 1 and line or most + 1
    row[first - 1] = least
    for column = first, last do
      local value = letter == letters_b[column] and diagonal or diagonal + 1
      diagonal = row[column]
      value = math.min(value, diagonal + 1, row[column - 1] + 1)
      row[column] = value
      least = value < least and value or least
    end
    if least > most then
      return most + 1
    end
  end
  return math.min(row[#b], most + 1)
end

---The word without what derivation and inflection add to it, roughly: enough to tell that two words are of one family.
---@type fun(word: string): string
likeness.stem = once_each(STEMS_KEPT, function(word)
  local stem = word:lower()
  local again
  repeat
    again = false
    for _, suffix in ipairs(SUFFIXES) do
      if #stem - #suffix >= STEM_LETTERS_MIN and stem:sub(-#suffix) == suffix then
        stem, again = stem:sub(1, -#suffix - 1), true
        break
      end
    end
  until not again
  -- happi-ness, stopp-ed: what the suffix has changed or doubled.
  stem = #stem > STEM_LETTERS_MIN and stem:gsub("i$", "") or stem
  return (stem:gsub("([b-df-hj-np-tv-z])%1$", "%1"))
end)

-- The words of a text that mean something, as a set of stems, and their number.
local words_of = once_each(TEXTS_KEPT, function(text)
  local words, count = {}, 0
  for word in text:lower():gmatch("[%w'\x80-\xff]+") do
    local stem = not EMPTY_WORDS[word] and likeness.stem(word)
    if stem and not words[stem] then
      words[stem] = true
      count = count + 1
    end
  end
  return { stems = words, count = count }
end)

---How much of the shorter text's words the longer one has as well, from 0 to 1.
---@param a string
---@param b string
---@return number
function likeness.overlap(a, b)
  local words_a, words_b = words_of(a), words_of(b)
  local both = 0
  for stem in pairs(words_a.stems) do
    both = words_b.stems[stem] and both + 1 or both
  end
  return both / math.max(1, math.min(words_a.count, words_b.count))
end

---Are both of one family: derived from one another or inflected, or one a phrase that has the other as a word?
---@param a string
---@param b string
---@return boolean
function likeness.is_family(a, b)
  local fewer, more = words_of(a), words_of(b)
  if fewer.count > more.count then
    fewer, more = more, fewer
  end
  if fewer.count == 0 or fewer.count > 1 and fewer.count ~= more.count then
    return a:lower() == b:lower()
  end
  for stem in pairs(fewer.stems) do
    if not more.stems[stem] then
      return false
    end
  end
  return true
end

-- The words of a text in their order: where each begins and ends, and its stem.
local places_of = once_each(TEXTS_KEPT, function(text)
  local places = {}
  for first, word, after in text:gmatch("()([%w'\x80-\xff]+)()") do
    places[#places + 1] = { first = first, last = after - 1, stem = likeness.stem(word) }
  end
  return places
end)

---Where a text has a word or phrase, also inflected and whatever its capitals. "dog" is in "hot dogs", not in "dogma".
---@param text string
---@param word string
---@return { first: integer, last: integer }[]  in their order
function likeness.occurrences(text, word)
  local places, sought, found = places_of(text), places_of(word), {}
  local index = 1
  while #sought > 0 and index + #sought - 1 <= #places do
    local is_here = true
    for offset, part in ipairs(sought) do
      is_here = is_here and places[index + offset - 1].stem == part.stem
    end
    if is_here then
      found[#found + 1] = { first = places[index].first, last = places[index + #sought - 1].last }
    end
    index = index + (is_here and #sought or 1)
  end
  return found
end

-- The words of a text that mean something, without quotation marks.
local full_words_of = once_each(TEXTS_KEPT, function(text)
  local words = {}
  for first, raw, after in text:lower():gmatch("()([%w'\x80-\xff]+)()") do
    local word = raw:gsub("^'+", ""):gsub("'+$", ""):gsub("'s$", "")
    if word ~= "" and not EMPTY_WORDS[raw] and not EMPTY_WORDS[word] then
      words[#words + 1] = { first = first, last = after - 1, word = word, stem = likeness.stem(word) }
    end
  end
  return words
end)

-- Does the one word look like the other: of its family, most of its letters the same from the first on, or a part of it?
local function looks_like(a, b)
  if a.stem == b.stem then
    return true
  end
  local short, long = a.word, b.word
  if #short > #long then
    short, long = long, short
  end
  if #short < ECHO_LETTERS_MIN then
    return false
  end
  local same = math.max(ECHO_LETTERS_MIN, math.min(ECHO_LETTERS_MAX, math.ceil(#short * ECHO_PART)))
  return long:sub(1, same) == short:sub(1, same) or long:find(short, 1, true) ~= nil
end

---Where a text has a word that looks like one of another text, by which the one tells the other: "know" and "knowledge",
---"fur seal" and "seals", "bedroom" and "room".
---@param text string
---@param other string
---@return { first: integer, last: integer }[]  in their order
function likeness.echoes(text, other)
  local sought, found = full_words_of(other), {}
  for _, place in ipairs(full_words_of(text)) do
    for _, part in ipairs(sought) do
      if looks_like(place, part) then
        found[#found + 1] = place
        break
      end
    end
  end
  return #sought > 0 and found or likeness.occurrences(text, other)
end

return likeness
