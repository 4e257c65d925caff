-- Lists of what can be learned, narrowed by any filters at once. Each statement reads one slice of the table by an index,
-- in the order of the list; further filters are tried on the rows of that slice. So the worst list, one that finds nothing,
-- costs what its slice costs, and `list` chooses the filter whose slice is smallest.
--
-- By word: in the order of (lower(word), id), in byte order. By ending: the same with words read backwards. By affix: in
-- the order of ids.
local db = require "db"

local learning_point_lists = {}

-- Sorts after every text that begins with the same characters.
local AFTER_PREFIX = "\u{10FFFF}"

-- $1, $2: after this word and id; $3: up to here; $4: how many; then the filters.
local list = db.sql [[
  select id, word, type, tier, definition, example, frequency_rank, difficulty, register, contexts, part_of_speech, band,
         metadata, lower(word) as sort_word
  from learning_points
  where (lower(word), id) > ($1, $2) and lower(word) < $3
  order by lower(word), id
  limit $4]]

local list_of_tier = db.sql [[
  select id, word, type, tier, definition, example, frequency_rank, difficulty, register, contexts, part_of_speech, band,
         metadata, lower(word) as sort_word
  from learning_points
  where (lower(word), id) > ($1, $2) and lower(word) < $3 and tier = $5 and ($6::text is null or type = $6)
  order by lower(word), id
  limit $4]]

local list_of_type = db.sql [[
  select id, word, type, tier, definition, example, frequency_rank, difficulty, register, contexts, part_of_speech, band,
         metadata, lower(word) as sort_word
  from learning_points
  where (lower(word), id) > ($1, $2) and lower(word) < $3 and type = $6 and ($5::integer is null or tier = $5)
    and ($7::text is null or difficulty = $7) and ($8::integer is null or band = $8)
  order by lower(word), id
  limit $4]]

local list_of_difficulty = db.sql [[
  select id, word, type, tier, definition, example, frequency_rank, difficulty, register, contexts, part_of_speech, band,
         metadata, lower(word) as sort_word
  from learning_points
  where (lower(word), id) > ($1, $2) and lower(word) < $3 and difficulty = $7 and ($5::integer is null or tier = $5)
    and ($6::text is null or type = $6) and ($8::integer is null or band = $8)
  order by lower(word), id
  limit $4]]

local list_of_band = db.sql [[
  select id, word, type, tier, definition, example, frequency_rank, difficulty, register, contexts, part_of_speech, band,
         metadata, lower(word) as sort_word
  from learning_points
  where (lower(word), id) > ($1, $2) and lower(word) < $3 and band = $7 and ($5::integer is null or tier = $5)
    and ($6::text is null or type = $6)
  order by lower(word), id
  limit $4]]

-- $5 to $8: filters; $9: how the word begins.
local list_of_ending = db.sql [[
  select id, word, type, tier, definition, example, frequency_rank, difficulty, register, contexts, part_of_speech, band,
         metadata, reverse(lower(word)) as sort_word
  from learning_points
  where (reverse(lower(word)), id) > ($1, $2) and reverse(lower(word)) < $3 and ($5::integer is null or tier = $5)
    and ($6::text is null or type = $6) and ($7::text is null or difficulty = $7) and ($8::integer is null or band = $8)
    and starts_with(lower(word), $9)
  order by reverse(lower(word)), id
  limit $4]]

-- Words made with an affix. $1: after this id; $2: the affix; $3 to $6: filters; $7, $8: how the word begins, how it ends.
local list_of_affix = db.sql [[
  select l.id, l.word, l.type, l.tier, l.definition, l.example, l.frequency_rank, l.difficulty, l.register, l.contexts,
         l.part_of_speech, l.band, l.metadata, '' as sort_word
  from (
    select distinct r.target_id as id
    from relationships r
    where r.affix = $2 and r.target_id > $1
    order by r.target_id
  ) made
  join learning_points l on l.id = made.id
  where ($3::integer is null or l.tier = $3) and ($4::text is null or l.type = $4)
    and ($5::text is null or l.difficulty = $5) and ($6::integer is null or l.band = $6)
    and starts_with(lower(l.word), $7) and starts_with(reverse(lower(l.word)), $8)
  order by made.id
  limit $9]]

---@class learning_point_lists.filter
---@field tier integer?
---@field type string?
---@field difficulty string?
---@field band integer?
---@field prefix string?  lower case
---@field suffix string?  lower case
---@field affix string?   as in un- or -ness

local function reversed(text)
  local characters = {}
  for _, code in utf8.codes(text) do
    table.insert(characters, 1, utf8.char(code))
  end
  return table.concat(characters)
end

-- Where a list of words that begin alike starts and ends.
local function range(after, beginning)
  if after[1] < beginning then
    return beginning, "", beginning .. AFTER_PREFIX
  end
  return after[1], after[2], beginning .. AFTER_PREFIX
end

---@param filter learning_point_lists.filter
---@param after { [1]: string, [2]: string }  lower-case word and id of the last item seen; "" and "": from the start. With a
---suffix the word is read backwards; with an affix it is not looked at
---@param limit integer
---@return db.rows  with sort_word, the first half of the cursor
function learning_point_lists.list(filter, after, limit)
  local tier, type, difficulty, band = filter.tier, filter.type, filter.difficulty, filter.band
  local prefix, suffix = filter.prefix or "", reversed(filter.suffix or "")
  if filter.affix then
    return db.rows(list_of_affix, after[2], filter.affix, tier, type, difficulty, band, prefix, suffix, limit)
  elseif filter.suffix then
    local word, id, up_to = range(after, suffix)
    return db.rows(list_of_ending, word, id, up_to, limit, tier, type, difficulty, band, prefix)
  end
  local word, id, up_to = range(after, prefix)
  -- Most learning points are words.
  if type and type ~= "word" or type and not (difficulty or band or tier) then
    return db.rows(list_of_type, word, id, up_to, limit, tier, type, difficulty, band)
  elseif difficulty then
    return db.rows(list_of_difficulty, word, id, up_to, limit, tier, type, difficulty, band)
  elseif band then
    return db.rows(list_of_band, word, id, up_to, limit, tier, type, band)
  elseif tier then
    return db.rows(list_of_tier, word, id, up_to, limit, tier, type)
  end
  return db.rows(list, word, id, up_to, limit)
end

return learning_point_lists
