-- How learning points are related. Those without a direction are kept once, from the smaller id to the larger.
local db = require "db"

local relationships = {}

local save = db.sql [[
  insert into relationships (source_id, target_id, type, kind, affix, origin)
  select source_id, target_id, type, kind, affix, origin
  from jsonb_to_recordset($1::jsonb) as given (
    source_id text, target_id text, type text, kind text, affix text, origin text)
  on conflict (source_id, type, target_id) do update set
    kind = excluded.kind, affix = excluded.affix, origin = excluded.origin
  where (relationships.kind, relationships.affix, relationships.origin)
    is distinct from (excluded.kind, excluded.affix, excluded.origin)]]

-- $1, $2, $3: after this one.
local after = db.sql [[
  select source_id, target_id, type, kind, affix, origin
  from relationships
  where (source_id, type, target_id) > ($1, $2, $3)
  order by source_id, type, target_id
  limit $4]]

local remove = db.sql [[
  delete from relationships r
  using jsonb_to_recordset($1::jsonb) as given (source_id text, target_id text, type text)
  where r.source_id = given.source_id and r.type = given.type and r.target_id = given.target_id]]

---Add relationships, or change those that are there already.
---@param tx db.tx
---@param edges table[]  with the columns of the table
---@return integer changed
function relationships.save(tx, edges)
  return (tx:exec(save, db.json(edges)))
end

---@param tx db.tx
---@param last { source_id: string, type: string, target_id: string }?  nil: from the start
---@param limit integer
---@return db.row[]
function relationships.after(tx, last, limit)
  return tx:query(after, last and last.source_id or "", last and last.type or "", last and last.target_id or "", limit)
end

---@param tx db.tx
---@param edges { source_id: string, type: string, target_id: string }[]
---@return integer removed
function relationships.remove(tx, edges)
  return (tx:exec(remove, db.json(edges)))
end

return relationships
