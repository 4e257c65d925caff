-- What each child is learning, and how far it has come.
local db = require "db"

local learning_progress = {}

-- $4 is the moment; the count is of the parent's local day.
local before_beginning = db.sql_one [[
  select l.id as learning_point_id, l.tier, p.status,
         (select count(*)
          from learning_progress today
          where today.child_id = c.id
            and today.learned_on = ($4::timestamptz at time zone u.time_zone)::date) as begun_today
  from children c
  join users u on u.id = c.parent_id
  left join learning_points l on l.id = $3::text
  left join learning_progress p on p.child_id = c.id and p.learning_point_id = l.id and p.tier = l.tier
  where c.id = $1::uuid and ($2::uuid is null or c.parent_id = $2::uuid)]]

-- A point that failed is begun again, as a new attempt; any other one is left alone.
local begin = db.sql_one [[
  insert into learning_progress
    (child_id, learning_point_id, tier, algorithm, learned_at, learned_on, created_at, updated_at)
  select c.id, $2::text, $3::integer, $5::text, $4::timestamptz, ($4::timestamptz at time zone u.time_zone)::date,
         $4::timestamptz, $4::timestamptz
  from children c
  join users u on u.id = c.parent_id
  where c.id = $1::uuid
  on conflict (child_id, learning_point_id, tier) do update set
    status = 'learning', attempt = learning_progress.attempt + 1, highest_day = 0,
    algorithm = excluded.algorithm, algorithm_state = '{}',
    learned_at = excluded.learned_at, learned_on = excluded.learned_on, updated_at = excluded.updated_at
  where learning_progress.status = 'failed'
  returning child_id, id, learning_point_id, tier, status, attempt, learned_at, highest_day, points, unlocked_points,
            verified_at, created_at, updated_at]]

local save = db.sql_one [[
  update learning_progress
  set status = $3::text, highest_day = $4::integer, points = $5::bigint, unlocked_points = $6::bigint,
      verified_at = $7::timestamptz, last_tested_at = $8::timestamptz, algorithm_state = $9::jsonb, updated_at = $8::timestamptz
  where child_id = $1::uuid and id = $2::bigint
  returning child_id]]

local find = db.sql [[
  select p.child_id, p.id, p.learning_point_id, p.tier, p.status, p.attempt, p.learned_at, p.highest_day, p.points,
         p.unlocked_points, p.verified_at, p.created_at, p.updated_at
  from learning_progress p
  join children c on c.id = p.child_id
  where p.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and p.id = $3]]

local list = db.sql [[
  select p.child_id, p.id, p.learning_point_id, p.tier, p.status, p.attempt, p.learned_at, p.highest_day, p.points,
         p.unlocked_points, p.verified_at, p.created_at, p.updated_at
  from learning_progress p
  join children c on c.id = p.child_id
  where p.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and p.id > $3
  order by p.id
  limit $4]]

local list_of_status = db.sql [[
  select p.child_id, p.id, p.learning_point_id, p.tier, p.status, p.attempt, p.learned_at, p.highest_day, p.points,
         p.unlocked_points, p.verified_at, p.created_at, p.updated_at
  from learning_progress p
  join children c on c.id = p.child_id
  where p.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and p.id > $3 and p.status = $5
  order by p.id
  limit $4]]

local list_of_tier = db.sql [[
  select p.child_id, p.id, p.learning_point_id, p.tier, p.status, p.attempt, p.learned_at, p.highest_day, p.points,
         p.unlocked_points, p.verified_at, p.created_at, p.updated_at
  from learning_progress p
  join children c on c.id = p.child_id
  where p.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and p.id > $3 and p.tier = $5
  order by p.id
  limit $4]]

local list_of_status_and_tier = db.sql [[
  select p.child_id, p.id, p.learning_point_id, p.tier, p.status, p.attempt, p.learned_at, p.highest_day, p.points,
         p.unlocked_points, p.verified_at, p.created_at, p.updated_at
  from learning_progress p
  join children c on c.id = p.child_id
  where p.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and p.id > $3 and p.status = $5 and p.tier = $6
  order by p.id
  limit $4]]

-- At most one row for each tier.
local list_of_point = db.sql [[
  select p.child_id, p.id, p.learning_point_id, p.tier, p.status, p.attempt, p.learned_at, p.highest_day, p.points,
         p.unlocked_points, p.verified_at, p.created_at, p.updated_at
  from learning_progress p
  join children c on c.id = p.child_id
  where p.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and p.id > $3 and p.learning_point_id = $5
    and ($6::text is null or p.status = $6) and ($7::integer is null or p.tier = $7)
  order by p.id
  limit $4]]

-- What the child knows, each learning point once, in the highest tier that is verified. $3: after this one.
local known = db.sql [[
  select p.learning_point_id, l.word, l.type, p.tier, p.verified_at
  from learning_progress p
  join children c on c.id = p.child_id
  join learning_points l on l.id = p.learning_point_id
  where p.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and p.status = 'verified' and p.learning_point_id > $3
    and not exists (
      select from learning_progress higher
      where higher.child_id = p.child_id and higher.learning_point_id = p.learning_point_id and higher.status = 'verified'
        and higher.tier > p.tier)
  order by p.learning_point_id
  limit $4]]

-- Is there anything that must not be forgotten with it? Points, the result of a test, or questions that were seen.
local before_removal = db.sql [[
  select p.opening_points > 0 or exists (
           select from points_transactions t
           where t.child_id = p.child_id and t.learning_progress_id = p.id) as is_in_ledger,
         exists (
           select from verification_schedule v
           where v.child_id = p.child_id and v.learning_progress_id = p.id
             and (v.completed and v.cancelled_at is null or v.started_at is not null)) as is_tested
  from learning_progress p
  join children c on c.id = p.child_id
  where p.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and p.id = $3]]

local remove = db.sql [[
  delete from learning_progress
  where child_id = $1 and id = $2]]

-- Its attempt ends without a test.
local lose = db.sql [[
  update learning_progress
  set status = 'failed', points = 0, unlocked_points = 0, verified_at = null, updated_at = $3
  where child_id = $1 and id = $2
  returning child_id, id, learning_point_id, tier, status, attempt, learned_at, highest_day, points, unlocked_points,
            verified_at, created_at, updated_at]]

---Queue: what decides whether this learning point may be begun. No row: no such child. learning_point_id nil: no such
---learning point. status: of the child's progress in it, if there is any.
---@return db.pending
function learning_progress.before_beginning(tx, child_id, parent_id, learning_point_id, now)
  return tx:later(before_beginning, child_id, parent_id, learning_point_id, now)
end

---Queue.
---@param algorithm string  that plans the dates of this attempt
---@return db.pending  no row if the point is under way or verified
function learning_progress.begin(tx, child_id, learning_point_id, tier, algorithm, now)
  return tx:later(begin, child_id, learning_point_id, tier, now, algorithm)
end

---Queue: the state after a test.
---@param progress { child_id: string, id: integer, status: string, highest_day: integer, points: integer,
---unlocked_points: integer, verified_at: string? }
---@param algorithm_state table  what the algorithm remembers of this attempt
---@return db.pending
function learning_progress.save(tx, progress, algorithm_state, tested_at)
  return tx:later(save, progress.child_id, progress.id, progress.status, progress.highest_day, progress.points,
    progress.unlocked_points, progress.verified_at, tested_at, db.json(algorithm_state))
end

---Queue: staff fail the point.
---@return db.pending
function learning_progress.lose(tx, child_id, id, now)
  return tx:later(lose, child_id, id, now)
end

---Queue: the row, for whoever has locked the account.
---@return db.pending
function learning_progress.read(tx, child_id, parent_id, id)
  return tx:later(find, child_id, parent_id, id)
end

function learning_progress.find(child_id, parent_id, id)
  return db.one(find, child_id, parent_id, id)
end

---@param filter { learning_point_id: string?, status: string?, tier: integer? }
function learning_progress.list(child_id, parent_id, filter, after_id, limit)
  local status, tier = filter.status, filter.tier
  if filter.learning_point_id then
    return db.query(list_of_point, child_id, parent_id, after_id, limit, filter.learning_point_id, status, tier)
  elseif status and tier then
    return db.query(list_of_status_and_tier, child_id, parent_id, after_id, limit, status, tier)
  elseif status then
    return db.query(list_of_status, child_id, parent_id, after_id, limit, status)
  elseif tier then
    return db.query(list_of_tier, child_id, parent_id, after_id, limit, tier)
  end
  return db.query(list, child_id, parent_id, after_id, limit)
end

---In the order of the ids of the learning points.
---@param after_point string  id of the last one seen; "": from the start
function learning_progress.known(child_id, parent_id, after_point, limit)
  return db.rows(known, child_id, parent_id, after_point, limit)
end

---Queue: is_in_ledger, is_tested. No row: no such progress.
---@return db.pending
function learning_progress.before_removal(tx, child_id, parent_id, id)
  return tx:later(before_removal, child_id, parent_id, id)
end

---Queue: the row, once its tests are gone.
---@return db.pending
function learning_progress.remove(tx, child_id, id)
  return tx:later(remove, child_id, id)
end

return learning_progress
