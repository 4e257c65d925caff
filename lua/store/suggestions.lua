-- What a child could learn next: some dozens of learning points that have to do with what it knows and learns, or are of its
-- level, with the facts that the rules weigh. Nothing that it knows or learns already.
--
-- Bounded, however much the child knows and however many neighbours that has: it starts from the points begun last, looks at
-- a few relationships of each, and takes some of each source, the most frequent first.
local db = require "db"

local suggestions = {}

-- $1: the child; $2: points known and $3: points under way to start from. (A lateral join with a limit looks rows up one by
-- one; the planner, which expects more rows than there ever are, would read the whole table.)
-- links: kind is how a candidate was come by: related (with type and way), affix, distant (two steps); seed: from where.
local candidates = db.sql [[
  with seeds as materialized (
    (select p.learning_point_id as id, true as is_known
     from learning_progress p
     where p.child_id = $1 and p.status = 'verified'
     order by p.id desc
     limit $2)
    union all
    (select p.learning_point_id, false
     from learning_progress p
     where p.child_id = $1 and p.status = 'pending'
     order by p.id desc
     limit $3)
    union all
    (select p.learning_point_id, false
     from learning_progress p
     where p.child_id = $1 and p.status = 'learning'
     order by p.id desc
     limit $3)
  ), level as materialized (
    select coalesce(percentile_disc(0.75) within group (order by l.difficulty), 'A1') as difficulty
    from seeds s
    cross join lateral (select p.difficulty from learning_points p where p.id = s.id limit 1) l
    where s.is_known
  ), direct as materialized (
    select s.id as seed, s.is_known, e.id, e.type, e.way, e.is_new
    from seeds s
    cross join lateral (
      (select r.target_id as id, r.type, 'out' as way, true as is_new
       from relationships r
       where r.source_id = s.id and r.type = 'PREREQUISITE_OF'
         and not exists (
           select from learning_progress p
           where p.child_id = $1 and p.learning_point_id = r.target_id and p.status <> 'failed')
       limit 8)
      union all
      (select r.target_id, r.type, 'out', true
       from relationships r
       where r.source_id = s.id and r.type = 'PART_OF'
         and not exists (
           select from learning_progress p
           where p.child_id = $1 and p.learning_point_id = r.target_id and p.status <> 'failed')
       limit 8)
      union all
      (select r.target_id, r.type, 'out', not exists (
                select from learning_progress p
                where p.child_id = $1 and p.learning_point_id = r.target_id and p.status <> 'failed')
       from relationships r
       where r.source_id = s.id and r.type not in ('FREQUENCY_RANK', 'PREREQUISITE_OF', 'PART_OF')
       limit 12)
      union all
      (select r.source_id, r.type, 'in', not exists (
                select from learning_progress p
                where p.child_id = $1 and p.learning_point_id = r.source_id and p.status <> 'failed')
       from relationships r
       where r.target_id = s.id and r.type <> 'FREQUENCY_RANK'
       limit 12)) e
  ), distant as materialized (
    select n.seed, e.id
    from (select d.id, min(d.seed) as seed from direct d group by d.id order by d.id limit 40) n
    cross join lateral (
      (select r.target_id as id from relationships r where r.source_id = n.id and r.type <> 'FREQUENCY_RANK' limit 6)
      union all
      (select r.source_id from relationships r where r.target_id = n.id and r.type <> 'FREQUENCY_RANK' limit 6)) e
    where e.id not in (select d.id from direct d) and e.id not in (select s.id from seeds s)
  ), kin as materialized (
    select a.affix, a.seed, e.id
    from (
      select r.affix, min(s.id) as seed
      from seeds s
      join relationships r on r.target_id = s.id and r.type = 'MORPHOLOGICAL'
      where s.is_known
      group by r.affix
      order by count(*) desc, r.affix
      limit 6) a
    cross join lateral (
      select r.target_id as id
      from relationships r
      where r.affix = a.affix
        and not exists (
          select from learning_progress p
          where p.child_id = $1 and p.learning_point_id = r.target_id and p.status <> 'failed')
      limit 12) e
  ), links as materialized (
    select d.id, 'related' as kind, d.seed, d.is_known, d.type, d.way, null as affix from direct d where d.is_new
    union all
    select k.id, 'affix', k.seed, true, null, null, k.affix from kin k
    union all
    select d.id, 'distant', d.seed, s.is_known, null, null, null from distant d join seeds s on s.id = d.seed
    union all
    (select p.learning_point_id, 'failed', null, null, null, null, null
     from learning_progress p
     where p.child_id = $1 and p.status = 'failed'
     order by p.id desc
     limit 6)
    union all
    (select l.id, 'level', null, null, null, null, null
     from learning_points l
     where coalesce(l.difficulty, '') = (select difficulty from level)
       and not exists (
         select from learning_progress p
         where p.child_id = $1 and p.learning_point_id = l.id and p.status <> 'failed')
     order by l.frequency_rank, l.id
     limit 30)
    union all
    (select l.id, 'level', null, null, null, null, null
     from learning_points l
     where coalesce(l.difficulty, '') = ''
       and not exists (
         select from learning_progress p
         where p.child_id = $1 and p.learning_point_id = l.id and p.status <> 'failed')
     order by l.frequency_rank, l.id
     limit 8)
  ), chosen as materialized (
    select distinct c.id
    from (
      select f.id, f.source, row_number() over (partition by f.source order by f.frequency_rank, f.id) as place
      from (
        select distinct k.id, l.frequency_rank,
               case when k.kind = 'related' and k.way = 'out' and k.type in ('PREREQUISITE_OF', 'PART_OF') then k.type
                    else k.kind end as source
        from links k
        cross join lateral (select p.frequency_rank from learning_points p where p.id = k.id limit 1) l
        where not exists (
          select from learning_progress p
          where p.child_id = $1 and p.learning_point_id = k.id and p.status <> 'failed')) f) c
    where c.place <= case c.source when 'level' then 30 else 12 end
  )
  select l.id, l.word, l.type, l.tier, l.definition, l.difficulty, l.frequency_rank,
         (select difficulty from level) as level, (select count(*) from seeds s where s.is_known) as known,
         (select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'kind', k.kind, 'seed', k.seed, 'word', w.word, 'is_known', k.is_known, 'relationship_type', k.type,
                   'way', k.way, 'affix', k.affix)) order by k.is_known desc, k.kind, k.seed, k.type)
          from (select * from links k where k.id = l.id limit 40) k
          left join learning_points w on w.id = k.seed) as links,
         coalesce(needed.prerequisites, 0) as prerequisites,
         coalesce(needed.prerequisites_known, 0) as prerequisites_known,
         coalesce(needed.components, 0) as components, coalesce(needed.components_known, 0) as components_known,
         exists (
           select from learning_progress p
           where p.child_id = $1 and p.learning_point_id = l.id and p.status = 'failed') as has_failed
  from chosen c
  cross join lateral (select * from learning_points p where p.id = c.id limit 1) l
  left join lateral (
    select count(*) filter (where n.type = 'PREREQUISITE_OF') as prerequisites,
           count(*) filter (where n.type = 'PREREQUISITE_OF' and n.is_known) as prerequisites_known,
           count(*) filter (where n.type = 'PART_OF') as components,
           count(*) filter (where n.type = 'PART_OF' and n.is_known) as components_known
    from (
      select r.type, exists (
               select from learning_progress p
               where p.child_id = $1 and p.learning_point_id = r.source_id and p.status = 'verified') as is_known
      from relationships r
      where r.target_id = l.id and r.type in ('PREREQUISITE_OF', 'PART_OF')
      limit 40) n) needed on true
  order by l.frequency_rank, l.id]]

-- Points to start from. What was begun before is what those are related to.
local KNOWN_MAX, UNDER_WAY_MAX = 40, 10

---@class suggestions.link  How a candidate was come by.
---@field kind "related"|"affix"|"distant"|"failed"|"level"
---@field seed string?      the learning point it was come from
---@field word string?      that one's word
---@field is_known boolean? the child knows that one; else it is under way
---@field relationship_type string?
---@field way "out"|"in"|nil  from the seed, or to it
---@field affix string?

---@class suggestions.candidate
---@field id string
---@field word string
---@field type string
---@field tier integer
---@field definition string
---@field difficulty string?
---@field frequency_rank integer?
---@field level string        the difficulty of what the child has come to know last
---@field known integer       how many points it was reckoned from
---@field links suggestions.link[]
---@field prerequisites integer
---@field prerequisites_known integer
---@field components integer       PART_OF it
---@field components_known integer
---@field has_failed boolean

---@return suggestions.candidate[]
function suggestions.candidates(child_id)
  return db.query(candidates, child_id, KNOWN_MAX, UNDER_WAY_MAX)
end

return suggestions
