-- Events that earn a bonus, paid or not. Each is recorded once for each child, kind and subject.
local db = require "db"

local bonuses = {}

-- Beside discoveries. $2 has just become known by the test $5 of progress $4, and counts as known whatever its row says
-- yet. The first place goes to what is rare; of phrases to the most frequent. $6 and $7: so many known points of one affix
-- are a pattern that is recognized and mastered. (A subquery with a limit looks rows up one by one; where there are thousands
-- of neighbours the planner, which expects one, would read all that the child knows for each.)
local add_events = db.sql [[
  insert into bonuses
    (child_id, bonus_type, bonus_subject, learning_progress_id, verification_schedule_id, refusal, created_at)
  select $1, e.bonus_type, e.bonus_subject, $4, $5, 'test_limit', $3
  from (
    -- An idiom that needs something, of which this is the last: itself or what it needs.
    select 'idiom_unlock' as bonus_type, i.id as bonus_subject
    from (
      select $2::text as id
      union all
      select r.target_id
      from relationships r
      where r.source_id = $2 and r.type = 'PREREQUISITE_OF' and (
        select true
        from learning_progress k
        where k.child_id = $1 and k.learning_point_id = r.target_id and k.status = 'verified'
        limit 1)
    ) i
    join learning_points p on p.id = i.id and p.type = 'idiom'
    where exists (select from relationships n where n.target_id = i.id and n.type = 'PREREQUISITE_OF')
      and not exists (
        select from relationships n
        where n.target_id = i.id and n.type = 'PREREQUISITE_OF' and n.source_id <> $2 and (
          select true
          from learning_progress k
          where k.child_id = $1 and k.learning_point_id = n.source_id and k.status = 'verified'
          limit 1) is null)
    union all
    select w.bonus_type, a.affix
    from (select distinct r.affix from relationships r where r.target_id = $2 and r.type = 'MORPHOLOGICAL') a
    cross join (values ('pattern_mastery', $7::bigint), ('pattern_recognition', $6::bigint)) as w (bonus_type, least)
    where w.least <= (
      select count(*)
      from (
        select distinct r.target_id
        from relationships r
        where r.affix = a.affix and r.type = 'MORPHOLOGICAL' and (r.target_id = $2 or exists (
          select from learning_progress k
          where k.child_id = $1 and k.learning_point_id = r.target_id and k.status = 'verified'))
        limit w.least) known)
    union all
    select 'context_mastery', lower(p.word)
    from learning_points p
    where p.id = $2 and p.type = 'word'
      and exists (
        select from learning_points s where lower(s.word) = lower(p.word) and s.type = 'word' and s.id <> $2)
      and not exists (
        select from learning_points s
        where lower(s.word) = lower(p.word) and s.type = 'word' and s.id <> $2 and (
          select true
          from learning_progress k
          where k.child_id = $1 and k.learning_point_id = s.id and k.status = 'verified'
          limit 1) is null)
    union all
    select *
    from (
      select 'phrase_completion', p.id
      from relationships r
      join learning_points p on p.id = r.target_id and p.type = 'phrase'
      where r.source_id = $2 and r.type = 'PART_OF'
        -- One part alone: the list lacks the others, and nothing is put together.
        and exists (
          select from relationships n
          where n.target_id = p.id and n.type = 'PART_OF' and n.source_id <> $2)
        and not exists (
          select from relationships n
          where n.target_id = p.id and n.type = 'PART_OF' and n.source_id <> $2 and (
            select true
            from learning_progress k
            where k.child_id = $1 and k.learning_point_id = n.source_id and k.status = 'verified'
            limit 1) is null)
      order by p.frequency_rank, p.id
    ) phrases
  ) e
  where not exists (
    select from moved_bonuses m
    where m.child_id = $1 and m.bonus_type = e.bonus_type and m.bonus_subject = e.bonus_subject)
  on conflict do nothing
  returning id, bonus_type, bonus_subject]]

local paid_today = db.sql [[
  select count(*)
  from points_transactions t
  join children c on c.id = t.child_id
  join users u on u.id = c.parent_id
  where t.child_id = $1 and t.transaction_type = 'bonus'
    and t.created_at >= date_trunc('day', $2::timestamptz at time zone u.time_zone) at time zone u.time_zone]]

-- Of some of a test: why each is not paid, NULL where it is.
local decide = db.sql [[
  update bonuses b
  set refusal = d.refusal
  from unnest($2::bigint[], $3::text[]) as d (id, refusal)
  where b.child_id = $1 and b.id = d.id]]

-- Everything a bonus depends on that is paid by itself. $2 is the moment, $3 the learning point it counts to and $4 what
-- must be known unless the event is recorded: then it was, whatever has failed since. $5 and $6 name the bonus.
local before_award = db.sql [[
  select e.id is not null
         or (select count(*)
             from unnest($4::text[]) as needed (id)
             where not exists (
               select from learning_progress p
               where p.child_id = c.id and p.learning_point_id = needed.id and p.status = 'verified')) = 0 as is_known,
         e.learning_progress_id,
         (select coalesce(sum(o.opening_points + (
                   select coalesce(sum(t.total_earned_delta), 0)
                   from points_transactions t
                   where t.child_id = o.child_id and t.learning_progress_id = o.id)), 0)::bigint
          from learning_progress o
          where o.child_id = c.id and o.learning_point_id = e.learning_point_id) as earned_before,
         (select count(*)
          from points_transactions t
          where t.child_id = c.id and t.transaction_type = 'bonus'
            and t.created_at >= date_trunc('day', $2::timestamptz at time zone u.time_zone) at time zone u.time_zone
         ) as bonuses_today,
         exists (
           select from points_transactions t
           where t.child_id = c.id and t.bonus_type = $5 and t.bonus_subject = $6)
         or exists (
           select from moved_bonuses b
           where b.child_id = c.id and b.bonus_type = $5 and b.bonus_subject = $6) as is_awarded
  from children c
  join users u on u.id = c.parent_id
  left join lateral (
    select b.id, coalesce(b.learning_progress_id, k.id) as learning_progress_id,
           coalesce(p.learning_point_id, $3) as learning_point_id
    from (
      select max(p.id) as id
      from learning_progress p
      where p.child_id = c.id and p.learning_point_id = $3 and p.status = 'verified'
    ) k
    left join bonuses b on b.child_id = c.id and b.bonus_type = $5 and b.bonus_subject = $6
    left join learning_progress p on p.child_id = c.id and p.id = b.learning_progress_id
  ) e on true
  where c.id = $1]]

local record_paid = db.sql [[
  insert into bonuses
    (child_id, bonus_type, bonus_subject, relationship_discovery_id, learning_progress_id, created_at)
  values ($1, $2, $3, $4, $5, $6)
  on conflict (child_id, bonus_type, bonus_subject) do update set refusal = null]]

local find = db.sql [[
  select b.child_id, b.id, b.bonus_type, b.bonus_subject, b.relationship_discovery_id, p.learning_point_id, b.refusal,
         t.points, b.created_at
  from bonuses b
  join children c on c.id = b.child_id
  left join learning_progress p on p.child_id = b.child_id and p.id = b.learning_progress_id
  left join points_transactions t
    on t.child_id = b.child_id and t.bonus_type = b.bonus_type and t.bonus_subject = b.bonus_subject
  where b.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and b.id = $3]]

-- $3: after this id; $4: how many; $5: paid ones or others.
local list = db.sql [[
  select b.child_id, b.id, b.bonus_type, b.bonus_subject, b.relationship_discovery_id, p.learning_point_id, b.refusal,
         t.points, b.created_at
  from bonuses b
  join children c on c.id = b.child_id
  left join learning_progress p on p.child_id = b.child_id and p.id = b.learning_progress_id
  left join points_transactions t
    on t.child_id = b.child_id and t.bonus_type = b.bonus_type and t.bonus_subject = b.bonus_subject
  where b.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and b.id > $3
  order by b.id
  limit $4]]

local list_of_state = db.sql [[
  select b.child_id, b.id, b.bonus_type, b.bonus_subject, b.relationship_discovery_id, p.learning_point_id, b.refusal,
         t.points, b.created_at
  from bonuses b
  join children c on c.id = b.child_id
  left join learning_progress p on p.child_id = b.child_id and p.id = b.learning_progress_id
  left join points_transactions t
    on t.child_id = b.child_id and t.bonus_type = b.bonus_type and t.bonus_subject = b.bonus_subject
  where b.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and b.id > $3 and (b.refusal is null) = $5
  order by b.id
  limit $4]]

---@class bonuses.cause  The test by which a learning point has become known.
---@field child_id string
---@field learning_point_id string
---@field learning_progress_id integer
---@field verification_schedule_id integer

---Queue: record what has come true besides discoveries; unpaid.
---@param cause bonuses.cause
---@param patterns { recognized_at: integer, mastered_at: integer }  known points of one affix
---@return db.pending  what was not recorded before
function bonuses.add_events(tx, cause, patterns, now)
  return tx:later(add_events, cause.child_id, cause.learning_point_id, now, cause.learning_progress_id,
    cause.verification_schedule_id, patterns.recognized_at, patterns.mastered_at)
end

---Queue: how many were paid on this day, where the parent lives.
---@return db.pending
function bonuses.paid_today(tx, child_id, now)
  return tx:later(paid_today, child_id, now)
end

---Queue: what the rules say to recorded ones, once what they pay is in the ledger.
---@param ids integer[]
---@param refusals (string|json.null)[]  null: it is paid
---@return db.pending
function bonuses.decide(tx, child_id, ids, refusals)
  return tx:later(decide, child_id, db.array(ids), db.array(refusals))
end

---Queue: what decides whether a bonus is paid.
---@param bonus bonuses.bonus
---@return db.pending
function bonuses.before_award(tx, child_id, bonus, now)
  return tx:later(before_award, child_id, now, bonus.learning_point_id, db.array(bonus.needs), bonus.kind, bonus.subject)
end

---Queue: it is in the ledger; recorded before or not.
---@param bonus bonuses.bonus
---@return db.pending
function bonuses.record_paid(tx, child_id, bonus, learning_progress_id, now)
  return tx:later(record_paid, child_id, bonus.kind, bonus.subject, bonus.relationship_discovery_id, learning_progress_id,
    now)
end

---Queue: the row, for whoever has locked the account.
---@return db.pending
function bonuses.read(tx, child_id, parent_id, id)
  return tx:later(find, child_id, parent_id, id)
end

---In the order in which they were recorded.
---@param is_awarded boolean?  only what is paid, or only what is not
function bonuses.list(child_id, parent_id, is_awarded, after_id, limit)
  if is_awarded ~= nil then
    return db.query(list_of_state, child_id, parent_id, after_id, limit, is_awarded)
  end
  return db.query(list, child_id, parent_id, after_id, limit)
end

return bonuses
