-- What can be learned. Its lists are in store/learning_point_lists.lua.
local db = require "db"

local learning_points = {}

local find = db.sql_one [[
  select id, word, type, tier, definition, example, frequency_rank, difficulty, register, contexts, part_of_speech, band,
         metadata
  from learning_points
  where id = $1::text]]

local save = db.sql [[
  insert into learning_points
    (id, word, type, tier, definition, example, frequency_rank, difficulty, register, contexts, part_of_speech, band,
     synset, word_synsets, metadata)
  select id, word, type, tier, definition, example, frequency_rank, difficulty, register, coalesce(contexts, '{}'),
         part_of_speech, band, synset, coalesce(word_synsets, '{}'), coalesce(metadata, '{}')
  from jsonb_to_recordset($1::jsonb) as given (
    id text, word text, type text, tier integer, definition text, example text, frequency_rank integer,
    difficulty text, register text, contexts text[], part_of_speech text, band integer, synset text,
    word_synsets text[], metadata jsonb)
  on conflict (id) do update set
    word = excluded.word, type = excluded.type, tier = excluded.tier, definition = excluded.definition,
    example = excluded.example, frequency_rank = excluded.frequency_rank, difficulty = excluded.difficulty,
    register = excluded.register, contexts = excluded.contexts, part_of_speech = excluded.part_of_speech,
    band = excluded.band, synset = excluded.synset, word_synsets = excluded.word_synsets, metadata = excluded.metadata
  where (learning_points.word, learning_points.type, learning_points.tier, learning_points.definition,
         learning_points.example, learning_points.frequency_rank, learning_points.difficulty, learning_points.register,
         learning_points.contexts, learning_points.part_of_speech, learning_points.band, learning_points.synset,
         learning_points.word_synsets, learning_points.metadata)
    is distinct from
        (excluded.word, excluded.type, excluded.tier, excluded.definition, excluded.example, excluded.frequency_rank,
         excluded.difficulty, excluded.register, excluded.contexts, excluded.part_of_speech, excluded.band,
         excluded.synset, excluded.word_synsets, excluded.metadata)]]

-- Where each is from; $1: after this id.
local sources = db.sql [[
  select id, metadata ->> 'source' as source
  from learning_points
  where id > $1
  order by id
  limit $2]]

local of_ids = db.sql [[
  select id, word, type, tier, definition, example, frequency_rank, difficulty, register, contexts, part_of_speech, band,
         synset, word_synsets, metadata
  from learning_points
  where id = any($1)]]

-- Those of $1 that are learned or discovered stay.
local remove_unused = db.sql [[
  delete from learning_points p
  where p.id = any($1)
    and not exists (select from learning_progress l where l.learning_point_id = p.id)
    and not exists (select from relationship_discoveries d where d.source_learning_point_id = p.id)
    and not exists (select from relationship_discoveries d where d.target_learning_point_id = p.id)
  returning p.id]]

function learning_points.find(id)
  return db.one(find, id)
end

---Add learning points, or change those that are there already.
---@param points table[]  with the columns of the table; what is optional may be left out
---@param tx db.tx?
---@return integer changed
function learning_points.save(points, tx)
  if tx then
    return (tx:exec(save, db.json(points)))
  end
  return (db.exec(save, db.json(points)))
end

---Where every learning point is from, in the order of ids.
---@param tx db.tx
---@param after string  "": from the start
---@param limit integer
---@return { id: string, source: string? }[]
function learning_points.sources(tx, after, limit)
  return tx:query(sources, after, limit)
end

---@param tx db.tx
---@param ids string[]
---@return db.row[]  in no order, without those that there are not
function learning_points.of_ids(tx, ids)
  return #ids > 0 and tx:query(of_ids, db.array(ids)) or {}
end

---Delete learning points that no child learns or has met in a discovery.
---@param tx db.tx
---@param ids string[]
---@return string[] removed
function learning_points.remove_unused(tx, ids)
  local _, rows = tx:exec(remove_unused, db.array(ids))
  for i, row in ipairs(rows) do
    rows[i] = row.id
  end
  return rows
end

return learning_points
