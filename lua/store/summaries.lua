-- How a child is doing: an index for each number.
local db = require "db"

local summaries = {}

-- $3 is the moment; days are those of where the parent lives. The streak walks back from today, or from yesterday while
-- today has no test yet.
local find = db.sql [[
  with recursive home as materialized (
    select c.id as child_id, u.time_zone, ($3::timestamptz at time zone u.time_zone)::date as today
    from children c
    join users u on u.id = c.parent_id
    where c.id = $1 and ($2::uuid is null or c.parent_id = $2)
  ), streak (child_id, time_zone, day, length) as (
    select h.child_id, h.time_zone,
           case when exists (
             select from verification_schedule v
             where v.child_id = h.child_id and v.completed
               and v.completed_at >= h.today::timestamp at time zone h.time_zone)
           then h.today else h.today - 1 end, 0
    from home h
    union all
    select s.child_id, s.time_zone, s.day - 1, s.length + 1
    from streak s
    where exists (
      select from verification_schedule v
      where v.child_id = s.child_id and v.completed
        and v.completed_at >= s.day::timestamp at time zone s.time_zone
        and v.completed_at < (s.day + 1)::timestamp at time zone s.time_zone)
  )
  select h.child_id, h.today,
         (select count(*) from learning_progress p where p.child_id = h.child_id and p.status = 'learning')
         + (select count(*) from learning_progress p where p.child_id = h.child_id and p.status = 'pending') as learning,
         (select count(*) from learning_progress p where p.child_id = h.child_id and p.status = 'verified') as verified,
         (select count(*) from learning_progress p where p.child_id = h.child_id and p.status = 'failed') as failed,
         (select count(*)
          from verification_schedule v
          where v.child_id = h.child_id and not v.completed and v.due_at <= $3::timestamptz and v.flagged_at is null) as due,
         (select v.due_at
          from verification_schedule v
          where v.child_id = h.child_id and not v.completed and v.flagged_at is null
          order by v.due_at, v.id
          limit 1) as next_due_at,
         (select max(s.length) from streak s) as streak_days,
         a.total_earned, a.available_points, a.locked_points, a.withdrawn_points, a.deficit_points, a.updated_at
  from home h
  join points_accounts a on a.child_id = h.child_id]]

-- The last $4 days, `ago` counted from today.
local days = db.sql [[
  select n.ago, h.today - n.ago as date, v.passed, v.failed, t.points
  from (
    select c.id as child_id, u.time_zone, ($3::timestamptz at time zone u.time_zone)::date as today
    from children c
    join users u on u.id = c.parent_id
    where c.id = $1 and ($2::uuid is null or c.parent_id = $2)
  ) h
  cross join generate_series(0, $4::integer - 1) as n (ago)
  cross join lateral (
    select (h.today - n.ago)::timestamp at time zone h.time_zone as begins_at,
           (h.today - n.ago + 1)::timestamp at time zone h.time_zone as ends_at
  ) d
  cross join lateral (
    select count(*) filter (where v.passed) as passed, count(*) filter (where not v.passed) as failed
    from verification_schedule v
    where v.child_id = h.child_id and v.completed and v.completed_at >= d.begins_at and v.completed_at < d.ends_at
  ) v
  cross join lateral (
    select coalesce(sum(t.total_earned_delta), 0)::bigint as points
    from points_transactions t
    where t.child_id = h.child_id and t.created_at >= d.begins_at and t.created_at < d.ends_at
  ) t]]

---Queue.
---@return db.pending  no row: no such child
function summaries.find(tx, child_id, parent_id, now)
  return tx:later(find, child_id, parent_id, now)
end

---Queue.
---@return db.pending  a row for each day, in no particular order
function summaries.days(tx, child_id, parent_id, now, count)
  return tx:later(days, child_id, parent_id, now, count)
end

return summaries
