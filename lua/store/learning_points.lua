-- What can be learned. Lists are in the order of (lower(word), id), in byte order.
local db = require "db"

local learning_points = {}

-- Sorts after every text that begins with the same characters.
local AFTER_PREFIX = "\u{10FFFF}"

local find = db.sql [[
  select id, word, type, tier, definition, example, frequency_rank, difficulty, register, contexts, metadata
  from learning_points
  where id = $1]]

-- $1, $2: after this word and id; $3: up to here; $4: how many; then the filters. One statement for each combination of
-- filters, so that each has an index of its own.
local list = db.sql [[
  select id, word, type, tier, definition, example, frequency_rank, difficulty, register, contexts, metadata,
         lower(word) as sort_word
  from learning_points
  where (lower(word), id) > ($1, $2) and lower(word) < $3
  order by lower(word), id
  limit $4]]

local list_of_tier = db.sql [[
  select id, word, type, tier, definition, example, frequency_rank, difficulty, register, contexts, metadata,
         lower(word) as sort_word
  from learning_points
  where (lower(word), id) > ($1, $2) and lower(word) < $3 and tier = $5
  order by lower(word), id
  limit $4]]

local list_of_type = db.sql [[
  select id, word, type, tier, definition, example, frequency_rank, difficulty, register, contexts, metadata,
         lower(word) as sort_word
  from learning_points
  where (lower(word), id) > ($1, $2) and lower(word) < $3 and type = $5
  order by lower(word), id
  limit $4]]

local list_of_tier_and_type = db.sql [[
  select id, word, type, tier, definition, example, frequency_rank, difficulty, register, contexts, metadata,
         lower(word) as sort_word
  from learning_points
  where (lower(word), id) > ($1, $2) and lower(word) < $3 and tier = $5 and type = $6
  order by lower(word), id
  limit $4]]

local save = db.sql [[
  insert into learning_points
    (id, word, type, tier, definition, example, frequency_rank, difficulty, register, contexts, metadata)
  select id, word, type, tier, definition, example, frequency_rank, difficulty, register,
         coalesce(contexts, '{}'), coalesce(metadata, '{}')
  from jsonb_to_recordset($1::jsonb) as given (
    id text, word text, type text, tier integer, definition text, example text, frequency_rank integer,
    difficulty text, register text, contexts text[], metadata jsonb)
  on conflict (id) do update set
    word = excluded.word, type = excluded.type, tier = excluded.tier, definition = excluded.definition,
    example = excluded.example, frequency_rank = excluded.frequency_rank, difficulty = excluded.difficulty,
    register = excluded.register, contexts = excluded.contexts, metadata = excluded.metadata
  where (learning_points.word, learning_points.type, learning_points.tier, learning_points.definition,
         learning_points.example, learning_points.frequency_rank, learning_points.difficulty,
         learning_points.register, learning_points.contexts, learning_points.metadata)
    is distinct from
        (excluded.word, excluded.type, excluded.tier, excluded.definition, excluded.example, excluded.frequency_rank,
         excluded.difficulty, excluded.register, excluded.contexts, excluded.metadata)]]

function learning_points.find(id)
  return db.one(find, id)
end

---@param filter { tier: integer?, type: string?, prefix: string? }
---@param after { [1]: string, [2]: string }  lower-case word and id of the last item seen; "" and "": from the start
---@param limit integer
---@return db.row[]  with sort_word, the first half of the cursor
function learning_points.list(filter, after, limit)
  local prefix = filter.prefix or ""
  local word, id, up_to = after[1], after[2], prefix .. AFTER_PREFIX
  if word < prefix then
    word, id = prefix, ""
  end
  if filter.tier and filter.type then
    return db.query(list_of_tier_and_type, word, id, up_to, limit, filter.tier, filter.type)
  elseif filter.tier then
    return db.query(list_of_tier, word, id, up_to, limit, filter.tier)
  elseif filter.type then
    return db.query(list_of_type, word, id, up_to, limit, filter.type)
  end
  return db.query(list, word, id, up_to, limit)
end

---Add learning points, or change those that are there already.
---@param points table[]  with the columns of the table; what is optional may be left out
---@return integer changed
function learning_points.save(points)
  return (db.exec(save, db.json(points)))
end

return learning_points
