-- Tests that are started, answered and looked at by staff: the part of verification_schedule that server-made questions use.
local db = require "db"

local started_tests = {}

-- Everything a start depends on. $4 is the moment. earlier: the questions of the last two tests of the same point.
local before_start = db.sql [[
  select v.id, v.attempt, v.test_day, v.due_at, v.completed, v.flagged_at, v.started_at, v.expires_at,
         case when v.starts > 0 then v.questions end as questions,
         v.due_at > $4::timestamptz as is_too_early, coalesce(v.expires_at > $4::timestamptz, false) as is_running,
         case when (v.started_at at time zone u.time_zone)::date = ($4::timestamptz at time zone u.time_zone)::date
              then v.starts else 0 end as starts_today,
         (select count(*)
          from verification_schedule d
          where d.child_id = v.child_id and d.completed
            and d.completed_at >= date_trunc('day', $4::timestamptz at time zone u.time_zone) at time zone u.time_zone
         ) as completed_today,
         (select coalesce(jsonb_agg(last.questions), '[]')
          from (select e.questions
                from verification_schedule e
                where e.child_id = v.child_id and e.learning_progress_id = v.learning_progress_id
                  and e.answered_at is not null
                order by e.id desc
                limit 2) last) as earlier
  from verification_schedule v
  join children c on c.id = v.child_id
  join users u on u.id = c.parent_id
  where v.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and v.id = $3]]

local start = db.sql [[
  update verification_schedule v
  set questions = $3, started_at = $4, expires_at = $4::timestamptz + make_interval(mins => $5), starts = $6,
      updated_at = $4
  where v.child_id = $1 and v.id = $2
  returning v.child_id, v.id, v.learning_progress_id, v.learning_point_id, v.attempt, v.test_day, v.scheduled_date,
            v.due_at, v.completed, v.created_at, v.started_at, v.expires_at]]

local flag = db.sql [[
  update verification_schedule
  set answers = $3, answered_at = $4, flagged_at = $4, updated_at = $4
  where child_id = $1 and id = $2]]

-- Without a result, as staff decided.
local reject = db.sql [[
  update verification_schedule
  set completed = true, cancelled_at = $3, reviewed_at = $3, reviewed_by = $4, review_decision = 'reject',
      review_reason = $5, updated_at = $3
  where child_id = $1 and id = $2]]

-- One test as it is shown.
local shown = db.sql [[
  select v.child_id, v.id, v.learning_progress_id, v.learning_point_id, v.attempt, v.test_day, v.scheduled_date, v.due_at,
         v.completed, v.completed_at, v.cancelled_at, v.passed, v.score::float8 as score, v.created_at, v.started_at,
         v.expires_at, v.flagged_at
  from verification_schedule v
  where v.child_id = $1 and v.id = $2]]

-- What waits for staff: after this flagged_at (microseconds since 1970) and id.
local list_flagged = db.sql [[
  select v.child_id, v.id, v.learning_progress_id, v.learning_point_id, v.attempt, v.test_day, v.scheduled_date, v.due_at,
         v.completed, v.completed_at, v.cancelled_at, v.passed, v.score::float8 as score, v.created_at, v.started_at,
         v.expires_at, v.flagged_at, v.questions, v.answers,
         greatest(0, (extract(epoch from v.answered_at - v.started_at) * 1000)::bigint) as elapsed_ms
  from verification_schedule v
  where v.flagged_at is not null and not v.completed
    and (v.flagged_at, v.id) > (timestamptz 'epoch' + $1::bigint * interval '1 microsecond', $2)
  order by v.flagged_at, v.id
  limit $3]]

---Queue: what decides whether a test can be started. No row: no such test.
---@return db.pending
function started_tests.before_start(tx, child_id, parent_id, id, now)
  return tx:later(before_start, child_id, parent_id, id, now)
end

---Queue: the test is started with these questions.
---@param questions questions.question[]
---@param minutes integer  until it expires
---@param starts integer   today, this one included
---@return db.pending
function started_tests.start(tx, child_id, id, questions, now, minutes, starts)
  return tx:later(start, child_id, id, db.json(questions), now, minutes, starts)
end

---Queue: keep answers that staff have to look at.
---@return db.pending
function started_tests.flag(tx, child_id, id, answers, now)
  return tx:later(flag, child_id, id, db.json(answers), now)
end

---Queue: end the test without a result.
---@param review { by: string, reason: string }
---@return db.pending
function started_tests.reject(tx, child_id, id, review, now)
  return tx:later(reject, child_id, id, now, review.by, review.reason)
end

---Queue: the test as it is shown.
---@return db.pending
function started_tests.shown(tx, child_id, id)
  return tx:later(shown, child_id, id)
end

---@param after { [1]: integer, [2]: integer }  flagged_at, in microseconds since 1970, and id of the last one seen
---@return db.row[]
function started_tests.list_flagged(after, limit)
  return db.query(list_flagged, after[1], after[2], limit)
end

return started_tests
