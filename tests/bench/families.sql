-- Families to measure with: :parents parents of two children each, and words to learn. Ids are made from numbers, so that a
-- load generator can name child n without asking. Triggers and foreign keys are left out for speed: what is written here
-- keeps to them.
\set ON_ERROR_STOP on
set session_replication_role = replica;

insert into users (id, email, password_hash, created_at, updated_at)
select lpad((1000000000000 + n)::text, 32, '0')::uuid, 'parent' || n || '@lexicraft.example', 'x', now(), now()
from generate_series(0, :parents - 1) as n;

insert into children (id, parent_id, name, created_at, updated_at)
select lpad((2000000000000 + n)::text, 32, '0')::uuid, lpad((1000000000000 + n / 2)::text, 32, '0')::uuid, 'Child', now(), now()
from generate_series(0, :parents * 2 - 1) as n;

insert into learning_points (id, word, type, tier, definition)
select 'bench' || n || '.n.1', 'bench' || n, 'word', 1, 'a word to measure with, number ' || n
from generate_series(1, 1000) as n;
