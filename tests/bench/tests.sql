-- Every child learns twenty words whose first test is due: test n of child c is c * 20 + n, from 1. It was given points five
-- times before: plans that were made over an empty ledger would read all of it later. Run again, this takes back all that was
-- completed and earned since, so that every measurement begins with the same rows.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set session_replication_role = replica;
begin;
truncate points_transactions, points_accounts, verification_schedule, learning_progress cascade;

insert into points_accounts (child_id, total_earned, available_points, last_sequence, created_at, updated_at)
select id, 50, 50, 5, created_at, created_at
from children;

insert into points_transactions
  (child_id, sequence, transaction_type, points, total_earned_delta, available_delta, locked_delta, withdrawn_delta,
   deficit_delta, description, actor, rule_version, created_at)
select id, n, 'adjusted', 10, 10, 10, 0, 0, 0, 'A gift to begin with', 'bench',
       (select version from rule_versions order by created_at desc limit 1), created_at
from children, generate_series(1, 5) as n;

insert into learning_progress (child_id, id, learning_point_id, tier, learned_at, learned_on, created_at, updated_at)
overriding system value
select lpad((2000000000000 + n / 20)::text, 32, '0')::uuid, n + 1, 'bench' || (n / 20 * 7 + n % 20) % 1000 + 1 || '.n.1', 1, now(),
       (now() at time zone 'Asia/Taipei')::date, now(), now()
from generate_series(0, (select count(*) from children) * 20 - 1) as n;

insert into verification_schedule
  (child_id, id, learning_progress_id, learning_point_id, attempt, test_day, scheduled_date, due_at, rule_version, rule_name,
   rule_input, rule_result, created_at, updated_at)
overriding system value
select child_id, id, id, learning_point_id, 1, 1, learned_on, now() - interval '1 minute',
       (select version from rule_versions order by created_at desc limit 1), 'schedule.first', '{}', '{}', now(), now()
from learning_progress;

select setval(pg_get_serial_sequence('learning_progress', 'id'), (select max(id) from learning_progress)),
       setval(pg_get_serial_sequence('verification_schedule', 'id'), (select max(id) from verification_schedule));
commit;
vacuum analyze users, children, points_accounts, points_transactions, learning_progress, verification_schedule;
-- Not while something is measured.
checkpoint;
