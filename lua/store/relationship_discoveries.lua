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

return relationship_discoveries
