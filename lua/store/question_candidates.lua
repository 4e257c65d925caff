-- What questions are made of: the learning point that is asked about, and others from which wrong answers are chosen.
-- Bounded and by indexes, however large the cloud is.
local db = require "db"

local question_candidates = {}

-- Sorts after every text that begins with the same characters.
local AFTER_PREFIX = "\u{10FFFF}"

-- The point of a test. Its antonyms are those of all senses of the word: each would be right when the opposite is asked.
local point = db.sql [[
  select l.id, l.word, l.type, l.definition, l.example, l.part_of_speech, l.band, l.frequency_rank, l.contexts, l.synset,
         l.word_synsets,
         case when jsonb_typeof(l.metadata -> 'synonyms') = 'array' then l.metadata -> 'synonyms' end as synonyms,
         (select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'id', a.id, 'word', a.word, 'type', a.type, 'definition', a.definition, 'synset', a.synset,
                   'part_of_speech', a.part_of_speech, 'frequency_rank', a.frequency_rank,
                   'word_synsets', a.word_synsets, 'is_own', sense.id = l.id))), '[]')
          from learning_points sense
          cross join lateral (
            select r.target_id as id from relationships r where r.source_id = sense.id and r.type = 'OPPOSITE_OF'
            union all
            select r.source_id from relationships r where r.target_id = sense.id and r.type = 'OPPOSITE_OF'
          ) opposite
          join learning_points a on a.id = opposite.id
          where lower(sense.word) = lower(l.word)) as antonyms
  from verification_schedule v
  join learning_progress p on p.child_id = v.child_id and p.id = v.learning_progress_id
  join learning_points l on l.id = p.learning_point_id
  where v.child_id = $1 and v.id = $2]]

-- $1: what could be right; $2: the point; $3: its type; $4: its part of speech; $5: a frequency rank near its own; $6: any
-- beginning of a word; $7, $8: words spelled like it lie between.
-- is_near: could be right as well, as it means the same as what is right, or something similar, broader or narrower, within
-- two steps. is_sibling: of the same kind, which is near enough to be confused. A relationship of one word is one of all
-- words of its meaning.
local around = db.sql [[
  with edges as materialized (
    select r.target_id as other, r.type from relationships r where r.source_id = $2
    union all
    select r.source_id, r.type from relationships r where r.target_id = $2
  ), own as materialized (
    select unnest($1::text[]) as id
    union
    select twin.id from learning_points l join learning_points twin on twin.synset = l.synset where l.id = any($1::text[])
  ), one_step as materialized (
    select distinct e.other, e.kind
    from own
    cross join lateral (
      select r.target_id as other, r.kind from relationships r where r.source_id = own.id and r.type = 'RELATED_TO'
      union all
      select r.source_id, case r.kind when 'broader' then 'narrower' when 'narrower' then 'broader' else r.kind end
      from relationships r where r.target_id = own.id and r.type = 'RELATED_TO'
    ) e
    where e.kind in ('synonym', 'similar', 'broader', 'narrower')
  ), middle as materialized (
    select s.other as id, s.kind from one_step s
    union
    select twin.id, s.kind
    from one_step s
    join learning_points l on l.id = s.other
    join learning_points twin on twin.synset = l.synset
  ), two_steps as materialized (
    select distinct e.other, (m.kind, e.kind) in (('broader', 'narrower'), ('narrower', 'broader')) as is_sibling
    from middle m
    cross join lateral (
      select r.target_id as other, r.kind from relationships r where r.source_id = m.id and r.type = 'RELATED_TO'
      union all
      select r.source_id, case r.kind when 'broader' then 'narrower' when 'narrower' then 'broader' else r.kind end
      from relationships r where r.target_id = m.id and r.type = 'RELATED_TO'
    ) e
    where e.kind in ('synonym', 'similar', 'broader', 'narrower')
  ), near as materialized (
    select l.id, l.synset
    from (select id from middle union select other from two_steps where not is_sibling) step
    join learning_points l on l.id = step.id
  ), pool as materialized (
    (select l.id from learning_points l
     where l.part_of_speech = $4 and l.frequency_rank >= $5 order by l.frequency_rank, l.id limit 35)
    union all
    (select l.id from learning_points l
     where l.part_of_speech = $4 and l.frequency_rank < $5 order by l.frequency_rank desc, l.id desc limit 35)
    union all
    (select l.id from learning_points l
     where l.type = $3 and (lower(l.word), l.id) >= ($6, '') order by lower(l.word), l.id limit 20)
    union all
    (select l.id from learning_points l
     where l.type = $3 and (lower(l.word), l.id) < ($6, '') order by lower(l.word) desc, l.id desc limit 20)
    union all
    (select l.id from learning_points l
     where lower(l.word) >= $7 and lower(l.word) < $8 order by lower(l.word), l.id limit 20)
    union all
    (select e.other from edges e limit 30)
    union all
    (select t.other from two_steps t where t.is_sibling and t.other >= $6 limit 20)
  )
  select l.id, l.word, l.type, l.definition, l.part_of_speech, l.frequency_rank, l.contexts, l.synset, l.word_synsets,
         case when jsonb_typeof(l.metadata -> 'synonyms') = 'array' then l.metadata -> 'synonyms' end as synonyms,
         l.id in (select n.id from near n)
         or coalesce(l.synset in (select n.synset from near n where n.synset is not null), false) as is_near,
         l.id in (select t.other from two_steps t where t.is_sibling) as is_sibling,
         (select array_agg(e.type) from edges e where e.other = l.id) as relations
  from (select distinct id from pool) chosen
  join learning_points l on l.id = chosen.id]]

---@class question_candidates.point
---@field id string
---@field word string
---@field type string
---@field definition string
---@field example string?
---@field part_of_speech string?
---@field frequency_rank integer?
---@field contexts string[]?
---@field synset string?
---@field word_synsets string[]
---@field synonyms string[]?
---@field antonyms question_candidates.point[]?  is_own: of this sense of the word
---@field is_near boolean?     of candidates
---@field is_sibling boolean?  of candidates
---@field relations string[]?  of candidates: types of their relationships to the point

---Queue: the learning point of a test.
---@return db.pending
function question_candidates.point(tx, child_id, verification_id)
  return tx:later(point, child_id, verification_id)
end

---Others among which wrong answers may be found.
---@param about question_candidates.point
---@param near { rank: integer?, beginning: string, spelling: string }  where to look: a frequency rank, any letters, and
---letters with which words spelled alike begin
---@return question_candidates.point[]
function question_candidates.around(tx, about, near)
  local right = { about.id }
  for _, antonym in ipairs(about.antonyms) do
    right[#right + 1] = antonym.id
  end
  return tx:query(around, db.array(right), about.id, about.type, about.part_of_speech, near.rank, near.beginning,
    near.spelling, near.spelling .. AFTER_PREFIX)
end

return question_candidates
