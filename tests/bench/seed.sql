-- Families to measure with: :children children, ten to a parent, each learning ten words whose first test is due. Ids are made
-- from numbers, so that a load generator can name the child or test n without asking.
\set ON_ERROR_STOP on
create function pg_temp.numbered(kind integer, n bigint) returns uuid language sql immutable
  return (lpad(kind::text, 8, '0') || '-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid;

insert into users (id, email, password_hash, created_at, updated_at)
select pg_temp.numbered(1, n), 'parent' || n || '@lexicraft.example', 'x', now(), now()
from generate_series(0, :children / 10 - 1) as n;

insert into children (id, parent_id, name, created_at, updated_at)
select pg_temp.numbered(2, n), pg_temp.numbered(1, n / 10), 'Child', now(), now()
from generate_series(0, :children - 1) as n;

insert into learning_progress (child_id, id, learning_point_id, tier, learned_at, learned_on, created_at, updated_at)
overriding system value
select pg_temp.numbered(2, n / 10), n + 1, words.ids[n % 10 + 1], 1, now(), current_date, now(), now()
from generate_series(0, :children * 10 - 1) as n,
     (select array_agg(id order by id) as ids from learning_points where tier = 1) as words;

insert into verification_schedule
  (child_id, id, learning_progress_id, attempt, test_day, scheduled_date, due_at, rule_version, rule_name, rule_input,
   rule_result, created_at, updated_at)
overriding system value
select child_id, id, id, 1, 1, current_date, now() - interval '1 minute', (select version from rule_versions limit 1),
       'schedule.first', '{}', '{}', now(), now()
from learning_progress;

select setval(pg_get_serial_sequence('verification_schedule', 'id'), (select max(id) from verification_schedule));
vacuum analyze;
