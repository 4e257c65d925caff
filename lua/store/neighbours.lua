-- What is around a learning point: its relationships, what has to be learned before it, and what can be reached in a few
-- steps.
--
-- A step follows a relationship either way; one of FREQUENCY_RANK is none, as it would join everything with everything.
-- Some points have thousands of neighbours, so a step follows at most limits.related_max relationships, those of the most
-- frequent points first, and beyond the first step 100 of one point each way. So whatever it starts from, a statement reads
-- no more rows than that; tests/e2e/test_cloud.py counts them.
local config = require "config"
local db = require "db"

local neighbours = {}

local PREREQUISITES_MAX = 200

-- $1: the point; $2, $3, $4: after this type, id and way; $5: how many; $6, $7: types from the point, and to it.
local relationships = db.sql [[
  select e.type as relationship_type, e.way, e.kind, e.affix, e.origin, l.id, l.word, l.type, l.tier, l.definition,
         l.difficulty, l.frequency_rank
  from (
    (select r.type, r.target_id as other, 'out' as way, r.kind, r.affix, r.origin
     from relationships r
     where r.source_id = $1 and (r.type, r.target_id) >= ($2, $3) and (r.type, r.target_id, 'out') > ($2, $3, $4)
       and r.type = any($6::text[])
     order by r.type, r.target_id
     limit $5)
    union all
    (select r.type, r.source_id, 'in', r.kind, r.affix, r.origin
     from relationships r
     where r.target_id = $1 and (r.type, r.source_id) >= ($2, $3) and (r.type, r.source_id, 'in') > ($2, $3, $4)
       and r.type = any($7::text[])
     order by r.type, r.source_id
     limit $5)
    order by type, other, way
    limit $5
  ) e
  join learning_points l on l.id = e.other
  order by e.type, e.other, e.way]]

-- $1: the point; $2: at most so many, the nearest; $3: the child, if one is asked about.
local prerequisites = db.sql [[
  with recursive earlier as (
    select r.source_id as id, 1 as distance
    from relationships r
    where r.target_id = $1 and r.type = 'PREREQUISITE_OF'
    union
    select r.source_id, e.distance + 1
    from earlier e
    join relationships r on r.target_id = e.id and r.type = 'PREREQUISITE_OF'
    where e.distance < 20
  ), nearest as (
    select e.id, e.distance from earlier e limit $2
  )
  select found.distance, l.id, l.word, l.type, l.tier, l.definition, l.difficulty, l.frequency_rank,
         (select p.status
          from learning_progress p
          where p.child_id = $3::uuid and p.learning_point_id = l.id
          order by p.status = 'verified' desc, p.tier desc
          limit 1) as status
  from (select n.id, min(n.distance) as distance from nearest n group by n.id) found
  join learning_points l on l.id = found.id
  order by found.distance, l.frequency_rank, l.id]]

-- $1: the point; $2: how far; $3, $4, $5: after this distance, rank and id; $6: how many; $7: relationships in a step.
-- A step is taken only where those before it do not fill the page.
local related = db.sql [[
  with step1 as materialized (
    select distinct e.id
    from (
      (select r.target_id as id from relationships r where r.source_id = $1 and r.type <> 'FREQUENCY_RANK' limit $7)
      union all
      (select r.source_id from relationships r where r.target_id = $1 and r.type <> 'FREQUENCY_RANK' limit $7)) e
  ), ranked1 as materialized (
    select s.id, coalesce(l.frequency_rank, 2147483647) as rank
    from step1 s
    join learning_points l on l.id = s.id
    order by rank, s.id
  ), more2 as materialized (
    select $2::integer >= 2
           and (select count(*) from ranked1 s where (1, s.rank, s.id) > ($3::bigint, $4::bigint, $5)) < $6 as is_needed
  ), step2 as materialized (
    select distinct e.id
    from (
      select e.id
      from ranked1 s
      cross join lateral (
        (select r.target_id as id from relationships r where r.source_id = s.id and r.type <> 'FREQUENCY_RANK' limit 100)
        union all
        (select r.source_id from relationships r where r.target_id = s.id and r.type <> 'FREQUENCY_RANK' limit 100)) e
      where (select is_needed from more2)
      limit $7) e
    where e.id <> $1 and e.id not in (select id from step1)
  ), ranked2 as materialized (
    select s.id, coalesce(l.frequency_rank, 2147483647) as rank
    from step2 s
    join learning_points l on l.id = s.id
    order by rank, s.id
  ), more3 as materialized (
    select $2 >= 3 and (select is_needed from more2)
           and (select count(*) from ranked1 s where (1, s.rank, s.id) > ($3, $4, $5))
             + (select count(*) from ranked2 s where (2, s.rank, s.id) > ($3, $4, $5)) < $6 as is_needed
  ), step3 as materialized (
    select distinct e.id
    from (
      select e.id
      from ranked2 s
      cross join lateral (
        (select r.target_id as id from relationships r where r.source_id = s.id and r.type <> 'FREQUENCY_RANK' limit 100)
        union all
        (select r.source_id from relationships r where r.target_id = s.id and r.type <> 'FREQUENCY_RANK' limit 100)) e
      where (select is_needed from more3)
      limit $7) e
    where e.id <> $1 and e.id not in (select id from step1) and e.id not in (select id from step2)
  ), page as materialized (
    select found.distance, found.rank, found.id
    from (
      select 1 as distance, rank, id from ranked1
      union all
      select 2, rank, id from ranked2
      union all
      select 3, coalesce(l.frequency_rank, 2147483647), s.id from step3 s join learning_points l on l.id = s.id) found
    where (found.distance, found.rank, found.id) > ($3, $4, $5)
    order by found.distance, found.rank, found.id
    limit $6
  )
  select p.distance, p.rank, l.id, l.word, l.type, l.tier, l.definition, l.difficulty, l.frequency_rank
  from page p
  join learning_points l on l.id = p.id
  order by p.distance, p.rank, p.id]]

-- As related, but only what the child $8 knows, each with the way to it. All steps are taken, as what is known may be
-- anywhere. Where several ways are equally short it is the one by the more frequent point.
local known = db.sql [[
  with step1 as materialized (
    select distinct e.id
    from (
      (select r.target_id as id from relationships r where r.source_id = $1 and r.type <> 'FREQUENCY_RANK' limit $7)
      union all
      (select r.source_id from relationships r where r.target_id = $1 and r.type <> 'FREQUENCY_RANK' limit $7)) e
  ), ranked1 as materialized (
    select s.id, coalesce(l.frequency_rank, 2147483647) as rank
    from step1 s
    join learning_points l on l.id = s.id
    order by rank, s.id
  ), step2 as materialized (
    select distinct on (e.id) e.id, e.via
    from (
      select e.id, s.id as via, s.rank
      from ranked1 s
      cross join lateral (
        (select r.target_id as id from relationships r where r.source_id = s.id and r.type <> 'FREQUENCY_RANK' limit 100)
        union all
        (select r.source_id from relationships r where r.target_id = s.id and r.type <> 'FREQUENCY_RANK' limit 100)) e
      where $2::integer >= 2
      limit $7) e
    where e.id <> $1 and e.id not in (select id from step1)
    order by e.id, e.rank, e.via
  ), ranked2 as materialized (
    select s.id, s.via, coalesce(l.frequency_rank, 2147483647) as rank
    from step2 s
    join learning_points l on l.id = s.id
    order by rank, s.id
  ), step3 as materialized (
    select distinct on (e.id) e.id, e.first, e.via
    from (
      select e.id, s.via as first, s.id as via, s.rank
      from ranked2 s
      cross join lateral (
        (select r.target_id as id from relationships r where r.source_id = s.id and r.type <> 'FREQUENCY_RANK' limit 100)
        union all
        (select r.source_id from relationships r where r.target_id = s.id and r.type <> 'FREQUENCY_RANK' limit 100)) e
      where $2 >= 3
      limit $7) e
    where e.id <> $1 and e.id not in (select id from step1) and e.id not in (select id from step2)
    order by e.id, e.rank, e.via
  ), page as materialized (
    select found.distance, found.rank, found.path
    from (
      select 1 as distance, s.rank, s.id, array[s.id] as path from ranked1 s
      union all
      select 2, s.rank, s.id, array[s.via, s.id] from ranked2 s
      union all
      select 3, coalesce(l.frequency_rank, 2147483647), s.id, array[s.first, s.via, s.id]
      from step3 s
      join learning_points l on l.id = s.id) found
    where (found.distance, found.rank, found.id) > ($3::bigint, $4::bigint, $5)
      and exists (
        select from learning_progress p
        where p.child_id = $8 and p.learning_point_id = found.id and p.status = 'verified')
    order by found.distance, found.rank, found.id
    limit $6
  )
  select p.distance, p.rank, l.id, l.word, l.type, l.tier, l.definition, l.difficulty, l.frequency_rank,
         (select jsonb_agg(jsonb_build_object('learning_point_id', step.id, 'word', met.word, 'relationships', (
                   select jsonb_agg(jsonb_build_object('relationship_type', r.type, 'way', r.way, 'kind', r.kind,
                                                       'affix', r.affix))
                   from (
                     select o.type, 'out' as way, o.kind, o.affix
                     from relationships o
                     where o.source_id = coalesce(p.path[step.number - 1], $1) and o.target_id = step.id
                       and o.type = any($9::text[])
                     union all
                     select i.type, 'in', i.kind, i.affix
                     from relationships i
                     where i.source_id = step.id and i.target_id = coalesce(p.path[step.number - 1], $1)
                       and i.type = any($9::text[])) r)) order by step.number)
          from unnest(p.path) with ordinality step (id, number)
          join learning_points met on met.id = step.id) as path
  from page p
  join learning_points l on l.id = p.path[p.distance]
  order by p.distance, p.rank, l.id]]

---@class neighbours.place  Where a page begins: after this one.
---@field [1] integer  distance; 0: from the start
---@field [2] integer  frequency rank
---@field [3] string   id

---The relationships of a point, in the order of type, the other's id, and way.
---@param id string
---@param types { out: string[], in_: string[] }  those from the point, and those to it
---@param after { [1]: string, [2]: string, [3]: string }  type, id and way of the last one seen
---@param limit integer
---@return db.row[]  the other points, with relationship_type, way (out or in), kind, affix and origin
function neighbours.relationships(id, types, after, limit)
  return db.query(relationships, id, after[1], after[2], after[3], limit, db.array(types.out), db.array(types.in_))
end

---What has to be learned before it, and before that; the nearest first, then the most frequent.
---@param child_id string?  whose status is to be told
---@return db.row[]  with distance and status
function neighbours.prerequisites(id, child_id)
  return db.query(prerequisites, id, PREREQUISITES_MAX, child_id)
end

---All within so many steps; the nearest first, then the most frequent.
---@param after neighbours.place
---@return db.row[]  with distance, and rank for the place of the next page
function neighbours.related(id, degrees, after, limit)
  return db.query(related, id, degrees, after[1], after[2], after[3], limit, config.limits.related_max)
end

---Of these what the child knows, with `path`: the points on the way, each with its relationships to the one before.
---@param types string[]  of relationships that are a step
---@param after neighbours.place
---@return db.row[]
function neighbours.known(child_id, id, degrees, types, after, limit)
  return db.query(known, id, degrees, after[1], after[2], after[3], limit, config.limits.related_max, child_id,
    db.array(types))
end

return neighbours
