-- Relationships between known words that a child has found.
local db = require "db"

local relationship_discoveries = {}

-- No row if it is known already, in this direction or, where the relationship has none, in the other.
local add = db.sql [[
  insert into relationship_discoveries
    (child_id, source_learning_point_id, target_learning_point_id, relationship_type, discovered_at)
  values ($1, $2, $3, $4, $5)
  on conflict do nothing
  returning child_id, id, source_learning_point_id, target_learning_point_id, relationship_type, discovered_at,
            bonus_awarded]]

local points_exist = db.sql [[
  select count(*) = 2 as both
  from learning_points
  where id in ($1, $2)]]

local find = db.sql [[
  select d.child_id, d.id, d.source_learning_point_id, d.target_learning_point_id, d.relationship_type, d.discovered_at,
         d.bonus_awarded
  from relationship_discoveries d
  join children c on c.id = d.child_id
  where d.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and d.id = $3]]

-- $3: after this id; $4: how many; $5 … the filters.
local list = db.sql [[
  select d.child_id, d.id, d.source_learning_point_id, d.target_learning_point_id, d.relationship_type, d.discovered_at,
         d.bonus_awarded
  from relationship_discoveries d
  join children c on c.id = d.child_id
  where d.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and d.id > $3
  order by d.id
  limit $4]]

local list_of_source = db.sql [[
  select d.child_id, d.id, d.source_learning_point_id, d.target_learning_point_id, d.relationship_type, d.discovered_at,
         d.bonus_awarded
  from relationship_discoveries d
  join children c on c.id = d.child_id
  where d.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and d.id > $3
    and d.source_learning_point_id = $5 and ($6::text is null or d.relationship_type = $6)
  order by d.id
  limit $4]]

local list_of_target = db.sql [[
  select d.child_id, d.id, d.source_learning_point_id, d.target_learning_point_id, d.relationship_type, d.discovered_at,
         d.bonus_awarded
  from relationship_discoveries d
  join children c on c.id = d.child_id
  where d.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and d.id > $3
    and d.target_learning_point_id = $5 and ($6::text is null or d.relationship_type = $6)
  order by d.id
  limit $4]]

local list_of_type = db.sql [[
  select d.child_id, d.id, d.source_learning_point_id, d.target_learning_point_id, d.relationship_type, d.discovered_at,
         d.bonus_awarded
  from relationship_discoveries d
  join children c on c.id = d.child_id
  where d.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and d.id > $3 and d.relationship_type = $5
  order by d.id
  limit $4]]

-- Of one pair: at most one row for each type, in either direction where it has none.
local list_of_pair = db.sql [[
  select d.child_id, d.id, d.source_learning_point_id, d.target_learning_point_id, d.relationship_type, d.discovered_at,
         d.bonus_awarded
  from relationship_discoveries d
  join children c on c.id = d.child_id
  where d.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and d.id > $3
    and (d.source_learning_point_id = $5 and d.target_learning_point_id = $6
         or d.source_learning_point_id = $6 and d.target_learning_point_id = $5
            and d.relationship_type in ('COLLOCATES_WITH', 'RELATED_TO', 'OPPOSITE_OF'))
    and ($7::text is null or d.relationship_type = $7)
  order by d.id
  limit $4]]

local mark_paid = db.sql [[
  update relationship_discoveries
  set bonus_awarded = true
  where child_id = $1 and id = $2
  returning child_id, id, source_learning_point_id, target_learning_point_id, relationship_type, discovered_at,
            bonus_awarded]]

---Queue.
---@param pair { source_learning_point_id: string, target_learning_point_id: string, relationship_type: string }
---@return db.pending  no row: it was discovered before
function relationship_discoveries.add(tx, child_id, pair, now)
  return tx:later(add, child_id, pair.source_learning_point_id, pair.target_learning_point_id, pair.relationship_type, now)
end

---Queue: are both of them learning points?
---@return db.pending
function relationship_discoveries.points_exist(tx, pair)
  return tx:later(points_exist, pair.source_learning_point_id, pair.target_learning_point_id)
end

---Queue: the row, for whoever has locked the account.
---@return db.pending
function relationship_discoveries.read(tx, child_id, parent_id, id)
  return tx:later(find, child_id, parent_id, id)
end

---Queue: its bonus is in the ledger.
---@return db.pending
function relationship_discoveries.mark_paid(tx, child_id, id)
  return tx:later(mark_paid, child_id, id)
end

function relationship_discoveries.find(child_id, parent_id, id)
  return db.one(find, child_id, parent_id, id)
end

---In the order in which they were recorded.
---@param filter { source_learning_point_id: string?, target_learning_point_id: string?, relationship_type: string? }
function relationship_discoveries.list(child_id, parent_id, filter, after_id, limit)
  local source, target, kind = filter.source_learning_point_id, filter.target_learning_point_id, filter.relationship_type
  if source and target then
    return db.query(list_of_pair, child_id, parent_id, after_id, limit, source, target, kind)
  elseif source then
    return db.query(list_of_source, child_id, parent_id, after_id, limit, source, kind)
  elseif target then
    return db.query(list_of_target, child_id, parent_id, after_id, limit, target, kind)
  elseif kind then
    return db.query(list_of_type, child_id, parent_id, after_id, limit, kind)
  end
  return db.query(list, child_id, parent_id, after_id, limit)
end

return relationship_discoveries
