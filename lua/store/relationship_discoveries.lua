-- Relationships between known words that a child has found.
local db = require "db"

local relationship_discoveries = {}

-- No row if it is known already, in this direction or, where the relationship has none, in the other. One that was paid for
-- before the child moved in stays so.
local add = db.sql [[
  insert into relationship_discoveries
    (child_id, source_learning_point_id, target_learning_point_id, relationship_type, discovered_at, bonus_awarded)
  values ($1, $2, $3, $4, $5, exists (
    select from moved_bonuses m
    where m.child_id = $1 and m.bonus_type = 'relationship_discovery'
      and m.bonus_subject = discovery_subject($2, $4, $3)))
  on conflict do nothing
  returning child_id, id, source_learning_point_id, target_learning_point_id, relationship_type, discovered_at,
            bonus_awarded]]

-- $2 has become known by the test $5 of progress $4: how it is related to what else the child knows, and a bonus for each,
-- unpaid yet; for the most frequent ones first. There may be thousands, and the planner expects one: what is known is looked
-- up one by one, and a full join is never a nested loop.
local discover = db.sql [[
  with discovered as (
    insert into relationship_discoveries
      (child_id, source_learning_point_id, target_learning_point_id, relationship_type, discovered_at, bonus_awarded)
    select $1, f.source_id, f.target_id, f.type, $3, exists (
      select from moved_bonuses m
      where m.child_id = $1 and m.bonus_type = 'relationship_discovery'
        and m.bonus_subject = discovery_subject(f.source_id, f.type, f.target_id))
    from (
      select r.source_id, r.target_id, r.type
      from (
        select source_id, target_id, type, target_id as other_id from relationships where source_id = $2
        union all
        select source_id, target_id, type, source_id from relationships where target_id = $2
      ) r
      join learning_points p on p.id = r.other_id
      where (
        select true
        from learning_progress k
        where k.child_id = $1 and k.learning_point_id = r.other_id and k.status = 'verified'
        limit 1)
      order by p.frequency_rank, p.id, r.type
    ) f
    on conflict do nothing
    returning child_id, id, source_learning_point_id, target_learning_point_id, relationship_type, discovered_at,
              bonus_awarded
  ), recorded as (
    insert into bonuses
      (child_id, bonus_type, bonus_subject, relationship_discovery_id, learning_progress_id, verification_schedule_id,
       refusal, created_at)
    select $1, 'relationship_discovery',
           discovery_subject(d.source_learning_point_id, d.relationship_type, d.target_learning_point_id),
           d.id, $4, $5, 'test_limit', $3
    from discovered d
    where not d.bonus_awarded
    returning id, bonus_subject, relationship_discovery_id
  )
  select d.child_id, d.id, d.source_learning_point_id, d.target_learning_point_id, d.relationship_type, d.discovered_at,
         d.bonus_awarded, b.id as bonus_id, b.bonus_subject
  from discovered d
  full join recorded b on b.relationship_discovery_id = d.id
  order by d.id]]

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
  where child_id = $1 and id = any($2::bigint[])
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

---Queue: record how a point that has become known is related to what else the child knows.
---@param cause bonuses.cause
---@return db.pending  what was not recorded before, each with its bonus unless that was paid before
function relationship_discoveries.discover(tx, cause, now)
  return tx:later(discover, cause.child_id, cause.learning_point_id, now, cause.learning_progress_id,
    cause.verification_schedule_id)
end

---Queue: their bonuses are in the ledger.
---@param ids integer[]
---@return db.pending
function relationship_discoveries.mark_paid(tx, child_id, ids)
  return tx:later(mark_paid, child_id, db.array(ids))
end

function relationship_discoveries.find(child_id, parent_id, id)
  return db.one(find, child_id, parent_id, id)
end

---In the order in which they were recorded.
---@param filter { source_learning_point_id: string?, target_learning_point_id: string?, relationship_type: string? }
function relationship_discoveries.list(child_id, parent_id, filter, after_id, limit)
  local source, target, kind = filter.source_learning_point_id, filter.target_learning_point_id, filter.relationship_type
  if source and target then
    return db.rows(list_of_pair, child_id, parent_id, after_id, limit, source, target, kind)
  elseif source then
    return db.rows(list_of_source, child_id, parent_id, after_id, limit, source, kind)
  elseif target then
    return db.rows(list_of_target, child_id, parent_id, after_id, limit, target, kind)
  elseif kind then
    return db.rows(list_of_type, child_id, parent_id, after_id, limit, kind)
  end
  return db.rows(list, child_id, parent_id, after_id, limit)
end

return relationship_discoveries
