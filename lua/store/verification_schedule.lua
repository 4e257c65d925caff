-- Tests: planned, due, completed.
local db = require "db"

local verification_schedule = {}

-- Everything a completion depends on. $4 is the moment, $5 … $8 the reported result.
local before_completion = db.sql_one [[
  select v.id, v.attempt, v.test_day, v.due_at, v.completed, v.cancelled_at, v.outcome, v.answered_at, v.flagged_at,
         v.review_decision, v.starts > 0 as is_started, coalesce(v.expires_at < $4::timestamptz, false) as is_expired,
         case when v.starts > 0 then v.questions end as questions,
         case when v.answered_at is not null then v.answers end as answers,
         least(86400000, greatest(0, (extract(epoch from $4::timestamptz - v.started_at) * 1000)::bigint)) as elapsed_ms,
         v.due_at > $4::timestamptz as is_too_early,
         v.outcome <> '{}' and v.passed = $5::boolean and v.score = $6::numeric::numeric(5,2) and v.questions = $7::jsonb
         and v.answers = $8::jsonb as is_same_result, -- nothing to repeat of a test that moved in
         p.id as progress_id, p.learning_point_id, p.tier, p.status, p.attempt as progress_attempt, p.learned_at,
         p.learned_on, p.highest_day, p.points, p.unlocked_points, p.verified_at, p.created_at, p.algorithm,
         p.algorithm_state, u.time_zone,
         greatest(0, ($4::timestamptz at time zone u.time_zone)::date
                     - (p.last_tested_at at time zone u.time_zone)::date) as days_since_test,
         (select count(*) filter (where f.attempt = v.attempt and f.test_day = v.test_day and not f.passed)
          from verification_schedule f
          where f.child_id = v.child_id and f.learning_progress_id = v.learning_progress_id) as failures_before,
         (select count(*)
          from verification_schedule d
          where d.child_id = v.child_id and d.completed
            and d.completed_at >= date_trunc('day', $4::timestamptz at time zone u.time_zone) at time zone u.time_zone
         ) as completed_today,
         point.earned_before, point.last_tested_at, coalesce(point.is_open_in_other_tier, false) as is_open_in_other_tier
  from verification_schedule v
  join learning_progress p on p.child_id = v.child_id and p.id = v.learning_progress_id
  join children c on c.id = v.child_id
  join users u on u.id = c.parent_id
  cross join lateral (
    select max(o.last_tested_at) as last_tested_at,
           coalesce(sum(o.opening_points + (
             select coalesce(sum(t.total_earned_delta), 0)
             from points_transactions t
             where t.child_id = o.child_id and t.learning_progress_id = o.id)), 0)::bigint as earned_before,
           bool_or(o.id <> p.id and exists (
             select
             from verification_schedule x
             where x.child_id = o.child_id and x.learning_progress_id = o.id and not x.completed)) as is_open_in_other_tier
    from learning_progress o
    where o.child_id = p.child_id and o.learning_point_id = p.learning_point_id
  ) point
  where v.child_id = $1::uuid and ($2::uuid is null or c.parent_id = $2::uuid) and v.id = $3::bigint]]

-- On the later of the dates that are given; not before that day begins where the parent lives, nor sooner than $11 hours
-- after the last test of the same learning point, at $10, or $12 hours from now.
local plan = db.sql_one [[
  insert into verification_schedule
    (child_id, learning_progress_id, learning_point_id, previous_id, attempt, test_day, scheduled_date, due_at,
     rule_version, rule_name, rule_input, rule_result, created_at, updated_at)
  select $1::uuid, $2::bigint, $18::text, $3::bigint, $4::integer, $5::integer, planned.day,
         greatest(planned.day::timestamp at time zone $9::text, $10::timestamptz + make_interval(hours => $11::integer),
                  $17::timestamptz + make_interval(hours => $12::integer)),
         $13::text, $14::text, $15::jsonb, $16::jsonb, $17::timestamptz, $17::timestamptz
  from (select greatest($6::date + $7::integer, ($17::timestamptz at time zone $9::text)::date + $8::integer) as day) planned
  returning child_id, id, learning_progress_id, learning_point_id, attempt, test_day, scheduled_date, due_at,
            completed, completed_at, passed, score::float8 as score, created_at]]

-- Likewise a test that no other led to: its progress is read here.
local plan_first = db.sql_one [[
  insert into verification_schedule
    (child_id, learning_progress_id, learning_point_id, attempt, test_day, scheduled_date, due_at,
     rule_version, rule_name, rule_input, rule_result, created_at, updated_at)
  select p.child_id, p.id, p.learning_point_id, p.attempt, $4::integer, planned.day,
         greatest(planned.day::timestamp at time zone u.time_zone, last.tested_at + make_interval(hours => $7::integer),
                  $12::timestamptz + make_interval(hours => $13::integer)),
         $8::text, $9::text, $10::jsonb, $11::jsonb, $12::timestamptz, $12::timestamptz
  from learning_progress p
  join children c on c.id = p.child_id
  join users u on u.id = c.parent_id
  cross join lateral (
    select greatest(p.learned_on + $5::integer, ($12::timestamptz at time zone u.time_zone)::date + $6::integer) as day
  ) planned
  cross join lateral (
    select max(o.last_tested_at) as tested_at
    from learning_progress o
    where o.child_id = p.child_id and o.learning_point_id = p.learning_point_id
  ) last
  where p.child_id = $1::uuid and p.learning_point_id = $2::text and p.tier = $3::integer
  returning child_id, id, learning_progress_id, learning_point_id, attempt, test_day, scheduled_date, due_at,
            completed, completed_at, passed, score::float8 as score, created_at]]

local complete = db.sql_one [[
  update verification_schedule
  set completed = true, completed_at = $3::timestamptz, passed = $4::boolean, score = $5::numeric, questions = $6::jsonb,
      answers = $7::jsonb, outcome = $8::jsonb, answered_at = $9::timestamptz,
      reviewed_at = case when $10::text is not null then $3::timestamptz end, reviewed_by = $10::text,
      review_decision = case when $10::text is not null then 'accept' end, review_reason = $11::text,
      updated_at = $3::timestamptz
  where child_id = $1::uuid and id = $2::bigint
  returning child_id, id, learning_progress_id, $12::text as learning_point_id, attempt, test_day, scheduled_date, due_at,
            completed, completed_at, started_at, expires_at, flagged_at, passed, score::float8 as score, created_at]]

-- A test as it was planned by the result of $2, whatever became of it since.
local planned_by = db.sql [[
  select v.child_id, v.id, v.learning_progress_id, v.learning_point_id, v.attempt, v.test_day, v.scheduled_date, v.due_at,
         false as completed, v.created_at
  from verification_schedule v
  where v.child_id = $1 and v.previous_id = $2]]

local completed = db.sql [[
  select v.child_id, v.id, v.learning_progress_id, v.learning_point_id, v.attempt, v.test_day, v.scheduled_date, v.due_at,
         v.completed, v.completed_at, v.started_at, v.expires_at, v.flagged_at, v.passed, v.score::float8 as score, v.created_at
  from verification_schedule v
  where v.child_id = $1 and v.id = $2]]

local find = db.sql [[
  select v.child_id, v.id, v.learning_progress_id, v.learning_point_id, v.attempt, v.test_day, v.scheduled_date, v.due_at,
         v.completed, v.completed_at, v.cancelled_at, v.started_at, v.expires_at, v.flagged_at, v.passed,
         v.score::float8 as score, v.created_at, v.answered_at,
         case when v.answered_at is not null then v.questions end as questions,
         case when v.answered_at is not null then v.answers end as answers
  from verification_schedule v
  join children c on c.id = v.child_id
  where v.child_id = $1 and ($2::uuid is null or c.parent_id = $2) and v.id = $3]]

-- Of each of these progress rows the open test, if there is one.
local open_of = db.sql [[
  select v.child_id, v.id, v.learning_progress_id, v.learning_point_id, v.attempt, v.test_day, v.scheduled_date, v.due_at,
         v.completed, v.completed_at, v.started_at, v.expires_at, v.flagged_at, v.passed, v.score::float8 as score, v.created_at
  from verification_schedule v
  where v.child_id = $1 and v.learning_progress_id = any($2::bigint[]) and not v.completed]]

-- Lists of the tests of a child, if it is one of the parent's. $3, $4: after this due_at (microseconds since 1970) and id; $6:
-- before this one.
local list = db.sql [[
  select v.child_id, v.id, v.learning_progress_id, v.learning_point_id, v.attempt, v.test_day, v.scheduled_date, v.due_at,
         v.completed, v.completed_at, v.cancelled_at, v.started_at, v.expires_at, v.flagged_at, v.passed,
         v.score::float8 as score, v.created_at
  from verification_schedule v
  where v.child_id = (select c.id from children c where c.id = $1 and ($2::uuid is null or c.parent_id = $2))
    and (v.due_at, v.id) > (timestamptz 'epoch' + $3::bigint * interval '1 microsecond', $4)
    and v.due_at < timestamptz 'epoch' + $6::bigint * interval '1 microsecond'
  order by v.due_at, v.id
  limit $5]]

-- Those that can be taken, now or later: $7 is false, which the planner must not know, or where few tests are completed yet it
-- would read those as well, for ever. What only a result or a flag would set is not asked for, nor what all rows have.
local list_open = db.sql [[
  select v.id, v.learning_progress_id, v.learning_point_id, v.attempt, v.test_day, v.scheduled_date, v.due_at,
         v.started_at, v.expires_at, v.created_at
  from verification_schedule v
  where v.child_id = (select c.id from children c where c.id = $1 and ($2::uuid is null or c.parent_id = $2))
    and (v.due_at, v.id) > (timestamptz 'epoch' + $3::bigint * interval '1 microsecond', $4)
    and v.due_at < timestamptz 'epoch' + $6::bigint * interval '1 microsecond'
    and v.completed = $7 and v.flagged_at is null
  order by v.due_at, v.id
  limit $5]]

-- $7 is true.
local list_completed = db.sql [[
  select v.child_id, v.id, v.learning_progress_id, v.learning_point_id, v.attempt, v.test_day, v.scheduled_date, v.due_at,
         v.completed, v.completed_at, v.cancelled_at, v.started_at, v.expires_at, v.flagged_at, v.passed,
         v.score::float8 as score, v.created_at
  from verification_schedule v
  where v.child_id = (select c.id from children c where c.id = $1 and ($2::uuid is null or c.parent_id = $2))
    and (v.due_at, v.id) > (timestamptz 'epoch' + $3::bigint * interval '1 microsecond', $4)
    and v.due_at < timestamptz 'epoch' + $6::bigint * interval '1 microsecond'
    and v.completed = $7
  order by v.due_at, v.id
  limit $5]]

-- The tests of one learning point are few.
local list_of_progress = db.sql [[
  select v.child_id, v.id, v.learning_progress_id, v.learning_point_id, v.attempt, v.test_day, v.scheduled_date, v.due_at,
         v.completed, v.completed_at, v.cancelled_at, v.started_at, v.expires_at, v.flagged_at, v.passed,
         v.score::float8 as score, v.created_at
  from verification_schedule v
  where v.child_id = (select c.id from children c where c.id = $1 and ($2::uuid is null or c.parent_id = $2))
    and (v.due_at, v.id) > (timestamptz 'epoch' + $3::bigint * interval '1 microsecond', $4)
    and v.due_at < timestamptz 'epoch' + $6::bigint * interval '1 microsecond'
    and ($7::boolean is null or v.completed = $7 and (v.completed or v.flagged_at is null)) and v.learning_progress_id = $8
  order by v.due_at, v.id
  limit $5]]

-- A learning point is tested at $4: its open tests in other tiers than that of $3 wait as long as their own plans say, or a
-- day where another server has planned them.
local put_off = db.sql [[
  update verification_schedule v
  set due_at = greatest(v.due_at, $4::timestamptz + make_interval(
        hours => coalesce((v.rule_result #>> '{next,hours_between_tests}')::integer, 24))),
      updated_at = $4::timestamptz
  from learning_progress p
  where p.child_id = $1 and p.learning_point_id = $2 and p.id <> $3
    and v.child_id = p.child_id and v.learning_progress_id = p.id and not v.completed]]

local cancel_open = db.sql [[
  update verification_schedule
  set completed = true, cancelled_at = $3, updated_at = $3
  where child_id = $1 and learning_progress_id = $2 and not completed
  returning test_day]]

local remove_of = db.sql [[
  delete from verification_schedule
  where child_id = $1 and learning_progress_id = $2]]

---A reported result, with questions and answers as the JSON that is both asked for and kept.
---@param reported { passed: boolean, score: number, questions: any[], answers: any[] }
---@return verification_schedule.result
function verification_schedule.result(reported)
  return {
    passed = reported.passed, score = reported.score,
    questions = db.json(reported.questions), answers = db.json(reported.answers),
  }
end

---Queue: the test, its progress and the counts the rules want. No row: no such test.
---@param result { passed: boolean, score: number, questions: any[], answers: any[] }?  nil: it is not known yet
---@return db.pending
function verification_schedule.before_completion(tx, child_id, parent_id, id, now, result)
  local passed, score, questions, answers
  if result then
    passed, score, questions, answers = result.passed, result.score, db.json(result.questions), db.json(result.answers)
  end
  return tx:later(before_completion, child_id, parent_id, id, now, passed, score, questions, answers)
end

---@class verification_schedule.next  What a schedule rule decided on.
---@field test_day integer
---@field days_after_learning integer?
---@field days_after_today integer?
---@field hours_between_tests integer
---@field hours_after_now integer?

---Queue: plan the test that follows from this one.
---@param test db.row  from before_completion
---@param tested_at string?  when its learning point was tested last
---@param next verification_schedule.next
---@param call rules.call
---@return db.pending
function verification_schedule.plan(tx, child_id, test, tested_at, next, call, now)
  return tx:later(plan, child_id, test.progress_id, test.id, test.progress_attempt, next.test_day, test.learned_on,
    next.days_after_learning, next.days_after_today, test.time_zone, tested_at, next.hours_between_tests,
    next.hours_after_now, call.version, call.rule, call.input, call.result, now, test.learning_point_id)
end

---Queue: plan the first test of an attempt, or the first one here of an attempt that moved in.
---@param next verification_schedule.next
---@param call rules.call
---@return db.pending
function verification_schedule.plan_first(tx, child_id, learning_point_id, tier, next, call, now)
  return tx:later(plan_first, child_id, learning_point_id, tier, next.test_day, next.days_after_learning,
    next.days_after_today, next.hours_between_tests, call.version, call.rule, call.input, call.result, now,
    next.hours_after_now)
end

---@class verification_schedule.result
---@field passed boolean
---@field score number
---@field questions any[]
---@field answers any[]
---@field answered_at string?  if the questions are the server's
---@field review { by: string, reason: string }?  if staff have accepted it

---Queue: keep the result of a test, and what it led to.
---@param test db.row  from before_completion
---@param result verification_schedule.result
---@param outcome table
---@return db.pending
function verification_schedule.complete(tx, child_id, test, now, result, outcome)
  local review = result.review or {}
  return tx:later(complete, child_id, test.id, now, result.passed, result.score, db.json(result.questions),
    db.json(result.answers), db.json(outcome), result.answered_at, review.by, review.reason, test.learning_point_id)
end

---Queue.
---@return db.pending
function verification_schedule.completed(tx, child_id, id)
  return tx:later(completed, child_id, id)
end

---Queue.
---@return db.pending  no row if the result of this test led to no other
function verification_schedule.planned_by(tx, child_id, id)
  return tx:later(planned_by, child_id, id)
end

---Queue: end the open test of a point without a result.
---@return db.pending  its test_day; no row if there was none
function verification_schedule.cancel_open(tx, child_id, learning_progress_id, now)
  return tx:later(cancel_open, child_id, learning_progress_id, now)
end

---Queue: the open test of one progress row, for whoever has locked the account.
---@return db.pending  no row if there is none
function verification_schedule.open(tx, child_id, learning_progress_id)
  return tx:later(open_of, child_id, db.array { learning_progress_id })
end

---Queue: the learning point of this progress is tested now; its open tests in other tiers wait.
---@param progress { child_id: string, id: integer, learning_point_id: string }
---@return db.pending
function verification_schedule.put_off_others(tx, progress, now)
  return tx:later(put_off, progress.child_id, progress.learning_point_id, progress.id, now)
end

---Queue: remove the tests of a progress row, which must be without results.
---@return db.pending
function verification_schedule.remove_of(tx, child_id, learning_progress_id)
  return tx:later(remove_of, child_id, learning_progress_id)
end

---One test; with the server's questions once they are answered.
function verification_schedule.find(child_id, parent_id, id)
  return db.one(find, child_id, parent_id, id)
end

---@param progress_ids integer[]
function verification_schedule.open_of(child_id, progress_ids)
  return db.query(open_of, child_id, db.array(progress_ids))
end

---@param filter { learning_progress_id: integer?, completed: boolean?, before_us: integer }
---@param after { [1]: integer, [2]: integer }  due_at, in microseconds since 1970, and id of the last item seen
---@return db.rows  without child_id and completed if only open ones are asked for
function verification_schedule.list(child_id, parent_id, filter, after, limit)
  local completed_only, before_us = filter.completed, filter.before_us
  if filter.learning_progress_id then
    return db.rows(list_of_progress, child_id, parent_id, after[1], after[2], limit, before_us, completed_only,
      filter.learning_progress_id)
  elseif completed_only ~= nil then
    local of_state = completed_only and list_completed or list_open
    return db.rows(of_state, child_id, parent_id, after[1], after[2], limit, before_us, completed_only)
  end
  return db.rows(list, child_id, parent_id, after[1], after[2], limit, before_us)
end

return verification_schedule
