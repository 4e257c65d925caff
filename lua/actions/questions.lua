-- Questions with six options, made of the cloud: what is asked, which wrong answers are plausible, and which could be right
-- and are left out. Needs no database: it is given a learning point and others around it.
--
-- All questions of a test are about one point and are shown together, so none may answer another. What is asked by the word
-- itself (meaning, opposite) is never mixed with what asks for the word (word, gap). And where the same answer is right
-- twice, most of the wrong ones are there twice as well: what is in both lists could otherwise only be right.
local likeness = require "lib.likeness"
local random = require "lib.random"

local questions = {}

---@class questions.option
---@field id string      says nothing
---@field text string
---@field role string    correct, close, partial, related, distractor, unknown
---@field point string?  the learning point it is of; none: "I don't know"

---@class questions.question  As it is kept, with its key.
---@field id string      says nothing
---@field type string
---@field prompt string
---@field right string   id of the right option
---@field options questions.option[]

local UNKNOWN_TEXT = "I don't know"
local BLANK = "_____"
local ROLES = { "close", "partial", "related", "distractor" }

local LONGER_MAX = 2          -- options twice as long as the right one tell it apart
local OVERLAP_MAX = 0.5       -- definitions that share more of their words may mean the same
local OVERLAP_PARTIAL = 0.12  -- from here on a definition is partly right
local MISSPELT_MAX = 2        -- letters in which words may be confused
local EXAMPLE_WORDS_MIN = 6   -- a gap in a shorter example can be filled by anything
local OVERLAP_GAP_MAX = 0.4   -- what is as much like the right one may fill a gap as well
local RANK_SPREAD = 4         -- wrong answers are looked for up to a quarter of the rank away …
local RANK_SPREAD_LEAST = 250 -- … or so far if that is less
local RANK_SPREAD_MOST = 10000
local LENGTH_SPREAD = 1.6     -- wrong answers have about so much of the right one's length, or so many times
local CHANCE = 1000            -- how finely chance is told
local ENOUGH = 2 * #ROLES     -- wrong answers to choose from, as some will turn out to mean the same

-- How unlike the right answer a wrong one is: good enough; told by its looks; might be right as well.
local GOOD, TOLD, DOUBTFUL = 2, 3, 4

-- What is tried in turn: how unlike wrong answers may be, and how many there must be. Fewer are better than doubtful ones, and
-- these than no question at all.
local RESORTS = {
  { unlikeness_max = GOOD, least = #ROLES },
  { unlikeness_max = GOOD, least = #ROLES - 1 },
  { unlikeness_max = TOLD, least = 1 },
  { unlikeness_max = DOUBTFUL, least = 1 },
}

-- What counts against a wrong answer; playing its role well counts 1 for it.
local USED_BEFORE, UNLIKE = 2, 3

-- One line without what tells a definition from another by its form: same capitals, no punctuation at its end.
local function tidy(text)
  text = text:gsub("%s+", " "):gsub("^ ", ""):gsub("[%s.;:,!]+$", "")
  return (text:gsub("^%l", string.upper))
end

-- The text with its places left out.
local function with_blanks(text, places)
  local parts, from = {}, 1
  for _, place in ipairs(places) do
    parts[#parts + 1] = text:sub(from, place.first - 1)
    from = place.last + 1
  end
  parts[#parts + 1] = text:sub(from)
  return table.concat(parts, BLANK)
end

-- The example with a gap for the word, nil if it does not have the word as it is, once.
local function gap_in(point)
  local places = likeness.occurrences(point.example or "", point.word)
  local place = places[1]
  if #places ~= 1 or point.example:sub(place.first, place.last):lower() ~= point.word:lower() then
    return nil
  end
  local text = with_blanks(point.example, places)
  local _, spaces = text:gsub("%s+", "")
  -- "an _____" would tell how the word begins.
  text = text:gsub("%f[%a]([Aa])n? " .. BLANK, "%1(n) " .. BLANK)
  return spaces + 1 >= EXAMPLE_WORDS_MIN and #likeness.echoes(text, point.word) == 0 and text or nil
end

local function definition_of(point)
  return tidy(point.definition)
end

local function word_of(point)
  return point.word
end

-- What a type of question asks about a point (nil: it cannot), and what its options show of a point.
local TYPES = {
  meaning = {
    text = definition_of,
    -- Not where the definition has the word in it, or one that looks like it.
    ask = function(point)
      return #likeness.echoes(point.definition, point.word) == 0 and point.word or nil, point
    end,
  },
  word = {
    text = word_of,
    ask = function(point)
      return tidy(with_blanks(point.definition, likeness.echoes(point.definition, point.word))), point
    end,
  },
  opposite = {
    text = word_of,
    ask = function(point)
      local own = {}
      for _, antonym in ipairs(point.antonyms) do
        -- unhappy, happy: what looks like the word is told by its looks.
        if antonym.is_own and not likeness.is_family(antonym.word, point.word)
          and #likeness.echoes(antonym.word, point.word) == 0 then
          own[#own + 1] = antonym
        end
      end
      return #own > 0 and point.word or nil, #own > 0 and random.pick(own) or nil
    end,
  },
  gap = {
    text = word_of,
    ask = function(point)
      return gap_in(point), point
    end,
  },
}
local TYPE_NAMES = { "meaning", "word", "opposite", "gap" }
local SHOWS_WORD = { meaning = true, opposite = true }

-- Lists as sets, as long as the lists are there: meanings of common words are many, and compared again and again.
local sets = setmetatable({}, { __mode = "k" })

local function set_of(list)
  local set = sets[list]
  if not set then
    set = {}
    for _, value in ipairs(list) do
      set[value] = true
    end
    sets[list] = set
  end
  return set
end

local function contains(list, value)
  return list ~= nil and set_of(list)[value] or false
end

local function has_common(a, b)
  if a and b then
    local set = set_of(b)
    for _, value in ipairs(a) do
      if set[value] then
        return true
      end
    end
  end
  return false
end

local function names(synonyms, word)
  for _, synonym in ipairs(synonyms or {}) do
    if tostring(synonym):lower() == word:lower() then
      return true
    end
  end
  return false
end

-- Could both words mean the same in some sense?
local function is_same_meaning(a, b)
  return a.word:lower() == b.word:lower() or has_common(a.word_synsets, b.word_synsets)
    or (a.synset and (a.synset == b.synset or contains(b.word_synsets, a.synset)))
    or (b.synset and contains(a.word_synsets, b.synset))
    or names(a.synonyms, b.word) or names(b.synonyms, a.word)
end

-- May this one be a wrong answer? What could be right may not.
local function is_wrong(question, candidate)
  local point, right = question.point, question.key
  if candidate.id == point.id or candidate.is_near or contains(candidate.relations, "MORPHOLOGICAL")
    or is_same_meaning(candidate, point) or is_same_meaning(candidate, right) then
    return false
  end
  for _, antonym in ipairs(question.type == "opposite" and point.antonyms or {}) do
    if is_same_meaning(candidate, antonym) then
      return false
    end
  end
  return true
end

-- Might the words or the definitions mean the same?
local function is_doubtful(question, candidate)
  local right = question.key
  for _, one in ipairs { question.point, right } do
    if likeness.is_family(candidate.word, one.word)
      or likeness.overlap(candidate.definition, one.definition) > OVERLAP_MAX then
      return true
    end
  end
  return question.type == "gap" and likeness.overlap(candidate.definition, right.definition) > OVERLAP_GAP_MAX
end

-- Does it look like what is asked, so that its looks tell what it is?
local function is_told(question, candidate, text)
  return #likeness.echoes(text, question.point.word) > 0 or #likeness.echoes(question.prompt, candidate.word) > 0
end

-- Same part of speech and kind, much the same length and form: nothing that sets the right one apart. 0: all of that.
local function unlikeness(question, candidate, text)
  local right, right_text = question.key, question.text
  if is_doubtful(question, candidate) then
    return DOUBTFUL
  elseif is_told(question, candidate, text) then
    return TOLD
  end
  if candidate.part_of_speech ~= right.part_of_speech then
    return 2
  end
  local is_alike = candidate.type == right.type
    and #text <= LONGER_MAX * #right_text and #right_text <= LONGER_MAX * #text
    and (text:find(" ", 1, true) == nil) == (right_text:find(" ", 1, true) == nil)
    and (text:find("^%u") == nil) == (right_text:find("^%u") == nil)
    and (text:find("^%(") == nil) == (right_text:find("^%(") == nil)
  return is_alike and 0 or 1
end

-- How well a candidate plays a role, from 0 to 1.
local FITS = {
  close = function(question, candidate)
    local letters = likeness.distance(candidate.word:lower(), question.key.word:lower(), MISSPELT_MAX)
    if letters <= MISSPELT_MAX then
      return 1
    end
    return question.type ~= "opposite" and contains(candidate.relations, "OPPOSITE_OF") and 0.8 or 0
  end,
  partial = function(question, candidate)
    if contains(candidate.relations, "PART_OF") then
      return 1
    end
    local overlap = likeness.overlap(candidate.definition, question.key.definition)
    return overlap >= OVERLAP_PARTIAL and 0.5 + overlap or 0
  end,
  related = function(question, candidate)
    -- What is met beside a word could also stand in its place.
    if question.type == "gap" then
      return 0
    end
    if candidate.relations or candidate.is_sibling then
      return 1
    end
    return has_common(candidate.contexts, question.point.contexts) and 0.7 or 0
  end,
  distractor = function(question, candidate)
    local own, other = question.key.frequency_rank, candidate.frequency_rank
    return own and other and math.min(own, other) / math.max(own, other) or 0
  end,
}

-- How far the length of a text is from what the wrong answers of this question are to have, as a logarithm.
local function length_ratio(question, text)
  return math.abs(math.log(#text / question.length))
end

-- Now shorter than the right answer, now longer: else that would be the one of middle length.
local function any_length_near(text)
  return #text * LENGTH_SPREAD ^ (2 * random.up_to(CHANCE) / CHANCE - 1)
end

-- The candidates that are wrong: those that were there before, and of the others the ones most like the right answer, as
-- long as there are enough of them; else those of the most similar length besides.
local function wrong_ones(question, candidates, before)
  local by_unlikeness, texts = { [0] = {}, {}, {}, {}, {} }, { [question.text:lower()] = true }
  for _, candidate in ipairs(candidates) do
    local text = TYPES[question.type].text(candidate)
    if not texts[text:lower()] and is_wrong(question, candidate) then
      texts[text:lower()] = true
      local rank = before[candidate.id] and 0 or unlikeness(question, candidate, text)
      table.insert(by_unlikeness[rank], { point = candidate, text = text, unlikeness = rank })
    end
  end
  local found = by_unlikeness[0]
  for rank = 1, question.resort.unlikeness_max do
    table.sort(by_unlikeness[rank], function(a, b)
      return length_ratio(question, a.text) < length_ratio(question, b.text)
    end)
    for _, one in ipairs(by_unlikeness[rank]) do
      found[#found + 1] = #found < ENOUGH and one or nil
    end
  end
  return found
end

-- Take the one that plays a role best; chance decides among those that are about as good.
local function take(question, role, wrong, used)
  local best, best_score
  for index, one in ipairs(wrong) do
    local score = FITS[role](question, one.point) + random.up_to(CHANCE) / CHANCE / 2
      - (used[one.point.id] and USED_BEFORE or 0) - one.unlikeness * UNLIKE - length_ratio(question, one.text) / 2
    if not best or score > best_score then
      best, best_score = index, score
    end
  end
  return best and table.remove(wrong, best)
end

-- Two wrong answers that mean the same would tell that neither is right.
local function without_twins(wrong, taken)
  local rest = {}
  for _, one in ipairs(wrong) do
    rest[#rest + 1] = not is_same_meaning(one.point, taken.point) and one or nil
  end
  return rest
end

-- Those of the wrong answers that were there before, by their roles; nil if one of them could be right here.
local function kept_ones(wrong, before)
  local kept, needed = {}, 0
  for _ in pairs(before) do
    needed = needed + 1
  end
  for _, one in ipairs(wrong) do
    local role = before[one.point.id]
    if role then
      kept[role] = one
      needed = needed - 1
    end
  end
  return needed == 0 and kept or nil
end

-- One for each role, as far as there are enough.
---@return table<string, { point: question_candidates.point, text: string }>?
local function choose_wrong(question, candidates, used, before)
  local wrong = wrong_ones(question, candidates, before)
  local chosen = kept_ones(wrong, before)
  if not chosen then
    return nil
  end
  for _, one in pairs(chosen) do
    wrong = without_twins(wrong, one)
  end
  for _, role in ipairs(ROLES) do
    chosen[role] = chosen[role] or take(question, role, wrong, used)
    if chosen[role] then
      used[chosen[role].point.id] = true
      wrong = without_twins(wrong, chosen[role])
    end
  end
  local count = 0
  for _ in pairs(chosen) do
    count = count + 1
  end
  return count >= question.resort.least and chosen or nil
end

-- What must come again where the same is right again: role by learning point.
local function keep_all_but_one(wrong)
  local kept, left_out = {}, random.pick(ROLES)
  for role, one in pairs(wrong) do
    kept[one.point.id] = role ~= left_out and role or nil
  end
  return kept
end

---@param used table<string, boolean>  learning points whose options were shown already
---@param before table<string, table<string, string>>  by the text that is right: the wrong answers that must come again
---@param resort { unlikeness_max: integer, least: integer }  which wrong answers will do
---@return questions.question?  nil: this cannot be asked, or has too few wrong answers
local function make(kind, point, candidates, used, before, resort)
  local prompt, key = TYPES[kind].ask(point)
  if not prompt then
    return nil
  end
  local text = TYPES[kind].text(key)
  local question = {
    type = kind, point = point, key = key, prompt = prompt, text = text, length = any_length_near(text),
    resort = resort,
  }
  local wrong = choose_wrong(question, candidates, used, before[question.text] or {})
  if not wrong then
    return nil
  end
  local right = { id = random.id(), text = question.text, role = "correct", point = key.id }
  local options = { right, { id = random.id(), text = UNKNOWN_TEXT, role = "unknown" } }
  for role, one in pairs(wrong) do
    options[#options + 1] = { id = random.id(), text = one.text, role = role, point = one.point.id }
  end
  before[question.text] = before[question.text] or keep_all_but_one(wrong)
  return { id = random.id(), type = kind, prompt = prompt, right = right.id, options = random.shuffle(options) }
end

-- The types in any order, those that were asked the last time at the end.
local function type_order(earlier)
  local asked, fresh, order = {}, {}, {}
  for _, question in ipairs(earlier[1] or {}) do
    asked[question.type] = true
  end
  for _, kind in ipairs(random.shuffle { table.unpack(TYPE_NAMES) }) do
    table.insert(asked[kind] and order or fresh, kind)
  end
  return table.move(order, 1, #order, #fresh + 1, fresh)
end

-- All questions of one test, beginning with this type; nil if they cannot be asked.
local function make_test(first, order, point, candidates, count, used, resort)
  local kinds, before, made = {}, {}, {}
  for _, kind in ipairs(order) do
    kinds[#kinds + 1] = kind ~= first and SHOWS_WORD[kind] == SHOWS_WORD[first] and kind or nil
  end
  table.insert(kinds, 1, first)
  for _ = 1, count do
    for _, kind in ipairs(kinds) do
      made[#made + 1] = #made < count and make(kind, point, candidates, used, before, resort) or nil
    end
    if #made == 0 or made[1].type ~= first then
      return nil
    end
  end
  return #made == count and made or nil
end

---Where to look for wrong answers: a little elsewhere each time.
---@param point question_candidates.point
---@return { rank: integer?, beginning: string, spelling: string }
function questions.surroundings(point)
  local rank = point.frequency_rank
  if rank then
    local spread = math.min(RANK_SPREAD_MOST, math.max(RANK_SPREAD_LEAST, rank // RANK_SPREAD))
    rank = math.max(1, rank - spread + random.up_to(2 * spread))
  end
  local letter = string.char(("a"):byte() + random.up_to(26) - 1)
  local word = point.word:lower()
  return {
    rank = rank,
    beginning = letter .. string.char(("a"):byte() + random.up_to(26) - 1),
    spelling = word:sub(1, utf8.offset(word, math.max(2, utf8.len(word) * 3 // 5 + 1)) - 1),
  }
end

---The same questions once more, as other ones would tell what is right: it is all they have in common. Only the order and
---all ids are new.
---@param given questions.question[]
---@return questions.question[]
function questions.again(given)
  local made = {}
  for index, question in ipairs(given) do
    local options, right = {}, nil
    for place, option in ipairs(question.options) do
      options[place] = { id = random.id(), text = option.text, role = option.role, point = option.point }
      right = option.id == question.right and options[place].id or right
    end
    made[index] = {
      id = random.id(), type = question.type, prompt = question.prompt, right = right, options = random.shuffle(options),
    }
  end
  return random.shuffle(made)
end

---Questions about a point, as different as there are types, and different from earlier ones as far as possible.
---@param point question_candidates.point
---@param candidates question_candidates.point[]
---@param count integer
---@param earlier questions.question[][]  of the tests before this, the latest first
---@return questions.question[]?  nil: no question can be made
function questions.make(point, candidates, count, earlier)
  local used = {}
  for _, test in ipairs(earlier) do
    for _, question in ipairs(test) do
      for _, option in ipairs(question.options) do
        used[option.point or ""] = true
      end
    end
  end
  local order = type_order(earlier)
  for _, resort in ipairs(RESORTS) do
    for _, kind in ipairs(order) do
      local made = make_test(kind, order, point, candidates, count, used, resort)
      if made then
        return made
      end
    end
  end
end

return questions
