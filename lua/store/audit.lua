-- Recomputes the points of every child from the ledger, in one snapshot, and finds whatever breaks a law. Each statement
-- checks a range of children as a whole and returns only what is wrong, at most LIMIT rows of it: child_id, id, detail.
local db = require "db"

local audit = {}

-- Enough to see what is wrong with a range of children.
local LIMIT = 1000

-- Everything up to this many rows of the ledger is checked at once.
local ROWS = 20000

-- Before the first child and after the last.
local FIRST, LAST = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"

local size = db.sql [[
  select count(*) as children, coalesce(sum(greatest(last_sequence, 0)), 0)::bigint as transactions
  from points_accounts
  where child_id > $1]]

-- The next children after $1, with about $2 rows of the ledger together.
local next_range = db.sql [[
  select (array_agg(n.child_id order by n.child_id desc))[1] as until, count(*) as children,
         coalesce(sum(n.rows), 0)::bigint as transactions
  from (
    select a.child_id, greatest(a.last_sequence, 0) as rows,
           sum(greatest(a.last_sequence, 0)) over (order by a.child_id) as rows_until
    from points_accounts a
    where a.child_id > $1
    order by a.child_id
    limit $2) n
  where n.rows_until - n.rows < $2]]

-- Replays each child's ledger, row after row: sequence, balances at every moment, what each type may do. Of the moments
-- that are wrong only the first, as all that follow would be.
local replay = db.sql [[
  select f.child_id, f.id, law.detail
  from (
    select b.*, count(*) filter (where b.is_broken) over (partition by b.child_id order by b.sequence, b.id) as breaks
    from (
      select r.*,
             least(r.earned, r.available, r.locked, r.withdrawn, r.deficit) < 0
             or r.earned <> r.available + r.locked + r.withdrawn - r.deficit
             or (r.available > 0 and r.deficit > 0) as is_broken
      from (
        select t.child_id, t.id, t.sequence, t.transaction_type, t.points,
               lag(t.sequence, 1, 0::bigint) over moments as sequence_before,
               sum(t.total_earned_delta) over moments as earned,
               sum(t.available_delta) over moments as available,
               sum(t.locked_delta) over moments as locked,
               sum(t.withdrawn_delta) over moments as withdrawn,
               sum(t.deficit_delta) over moments as deficit,
               case t.transaction_type
               when 'opening' then
                 t.sequence = 1 and t.total_earned_delta = t.points
                 and least(t.total_earned_delta, t.available_delta, t.locked_delta, t.withdrawn_delta, t.deficit_delta) >= 0
               when 'earned' then
                 t.points > 0 and (t.total_earned_delta, t.available_delta, t.locked_delta, t.withdrawn_delta, t.deficit_delta)
                                  = (t.points, 0, t.points, 0, 0)
               when 'unlocked' then
                 t.points > 0 and (t.total_earned_delta, t.locked_delta, t.withdrawn_delta) = (0, -t.points, 0)
                 and t.available_delta >= 0 and t.deficit_delta <= 0 and t.available_delta - t.deficit_delta = t.points
               when 'bonus' then
                 t.points > 0 and (t.total_earned_delta, t.locked_delta, t.withdrawn_delta) = (t.points, 0, 0)
                 and t.available_delta >= 0 and t.deficit_delta <= 0 and t.available_delta - t.deficit_delta = t.points
               when 'withdrawn' then
                 (t.total_earned_delta, t.locked_delta, t.withdrawn_delta) = (0, 0, t.points)
                 and t.available_delta - t.deficit_delta = -t.points
                 and case when t.points > 0 then t.deficit_delta = 0
                     else t.points < 0 and t.available_delta >= 0 and t.deficit_delta <= 0 end
               when 'deficit' then
                 t.points > 0 and (t.total_earned_delta, t.withdrawn_delta) = (-t.points, 0)
                 and t.locked_delta between -t.points and 0 and t.available_delta <= 0 and t.deficit_delta >= 0
                 and t.deficit_delta - t.available_delta = t.points + t.locked_delta
               when 'adjusted' then
                 t.points <> 0 and (t.total_earned_delta, t.locked_delta, t.withdrawn_delta) = (t.points, 0, 0)
                 and t.available_delta - t.deficit_delta = t.points
                 and case when t.points > 0 then t.available_delta >= 0 and t.deficit_delta <= 0
                     else t.available_delta <= 0 and t.deficit_delta >= 0 end
               else false
               end as is_of_its_type,
               t.transaction_type not in ('earned', 'unlocked', 'bonus') or t.rule_result ->> 'points' = t.points::text
                 as is_of_its_rule
        from points_transactions t
        where t.child_id > $1 and t.child_id <= $2
        window moments as (partition by t.child_id order by t.sequence, t.id)
      ) r
    ) b
  ) f
  cross join lateral (values
    (f.sequence <> f.sequence_before + 1,
     format('has sequence number %s after %s', f.sequence, f.sequence_before)),
    (f.is_broken and f.breaks = 1,
     format('leaves earned %s, available %s, locked %s, withdrawn %s, deficit %s', f.earned, f.available, f.locked,
            f.withdrawn, f.deficit)),
    (not f.is_of_its_type, format('%s of %s points moves balances in a way of its own', f.transaction_type, f.points)),
    (not coalesce(f.is_of_its_rule, false),
     format('%s of %s points is not what its rule has answered', f.transaction_type, f.points))
  ) as law (is_broken, detail)
  where (f.sequence <> f.sequence_before + 1 or f.is_broken and f.breaks = 1 or not f.is_of_its_type
         or not coalesce(f.is_of_its_rule, false))
    and law.is_broken
  order by f.child_id, f.sequence, f.id
  limit $3]]

-- The account is the sum of its moves. Children, accounts and moves belong together.
local accounts = db.sql [[
  select coalesce(c.id, a.child_id, s.child_id) as child_id, null::bigint as id,
         case
         when c.id is null then 'has points but is no child'
         when a.child_id is null then 'has no account'
         when a.last_sequence <> coalesce(s.count, 0) then
           format('has %s moves, its account counts %s', coalesce(s.count, 0), a.last_sequence)
         else
           format('holds earned %s, available %s, locked %s, withdrawn %s, deficit %s; its moves add up to %s, %s, %s, %s, %s',
                  a.total_earned, a.available_points, a.locked_points, a.withdrawn_points, a.deficit_points,
                  coalesce(s.earned, 0), coalesce(s.available, 0), coalesce(s.locked, 0), coalesce(s.withdrawn, 0),
                  coalesce(s.deficit, 0))
         end as detail
  from (select * from children where id > $1 and id <= $2) c
  full join (select * from points_accounts where child_id > $1 and child_id <= $2) a on a.child_id = c.id
  full join (
    select t.child_id, count(*) as count, sum(t.total_earned_delta) as earned, sum(t.available_delta) as available,
           sum(t.locked_delta) as locked, sum(t.withdrawn_delta) as withdrawn, sum(t.deficit_delta) as deficit
    from points_transactions t
    where t.child_id > $1 and t.child_id <= $2
    group by t.child_id
  ) s on s.child_id = coalesce(c.id, a.child_id)
  where c.id is null or a.child_id is null
     or (a.last_sequence, a.total_earned, a.available_points, a.locked_points, a.withdrawn_points, a.deficit_points)
        <> (coalesce(s.count, 0), coalesce(s.earned, 0), coalesce(s.available, 0), coalesce(s.locked, 0),
            coalesce(s.withdrawn, 0), coalesce(s.deficit, 0))
  order by 1
  limit $3]]

-- Of each attempt at a learning point: earned once, no more unlocked than earned, taken back whole and at the end. What moved
-- in was earned and unlocked by the first attempt, before everything else.
local attempts = db.sql [[
  select s.child_id, s.learning_progress_id as id,
         format('attempt %s: earned %s in %s moves, unlocked %s, taken back %s (of it locked %s) in %s moves', s.attempt,
                s.earned, s.times_earned, s.unlocked, s.taken_back, s.taken_locked, s.times_taken)
         || case
            when p.id is null then '; there is no such learning progress'
            when s.attempt > p.attempt or s.attempt < 1 then format('; its latest attempt is %s', p.attempt)
            when s.lowest_tier <> p.tier or s.highest_tier <> p.tier then '; the tier is another'
            when s.attempt < p.attempt and s.times_taken = 0 then '; it was given up and not taken back'
            else ''
            end as detail
  from (
    select t.child_id, t.learning_progress_id, t.attempt, min(t.tier) as lowest_tier, max(t.tier) as highest_tier,
           count(*) filter (where t.transaction_type = 'earned') as times_earned,
           coalesce(sum(t.points) filter (where t.transaction_type = 'earned'), 0) as earned,
           coalesce(sum(t.points) filter (where t.transaction_type = 'unlocked'), 0) as unlocked,
           count(*) filter (where t.transaction_type = 'deficit') as times_taken,
           coalesce(sum(t.points) filter (where t.transaction_type = 'deficit'), 0) as taken_back,
           coalesce(-sum(t.locked_delta) filter (where t.transaction_type = 'deficit'), 0) as taken_locked,
           min(t.sequence) filter (where t.transaction_type = 'earned') = min(t.sequence)
             and coalesce(max(t.sequence) filter (where t.transaction_type = 'deficit') = max(t.sequence), true) as is_in_order
    from (
      select t.child_id, t.learning_progress_id, t.attempt, t.tier, t.transaction_type, t.points, t.locked_delta, t.sequence
      from points_transactions t
      where t.child_id > $1 and t.child_id <= $2 and t.transaction_type in ('earned', 'unlocked', 'deficit')
      union all
      select o.child_id, o.id, 1, o.tier, moved.transaction_type, moved.points, 0, moved.sequence
      from learning_progress o
      cross join lateral (values ('earned', o.opening_points, -1::bigint), ('unlocked', o.opening_unlocked, 0))
        as moved (transaction_type, points, sequence)
      where o.child_id > $1 and o.child_id <= $2 and o.opening_points > 0
    ) t
    group by t.child_id, t.learning_progress_id, t.attempt
  ) s
  left join learning_progress p on p.child_id = s.child_id and p.id = s.learning_progress_id
  where not coalesce(
    s.times_earned = 1 and s.unlocked <= s.earned and s.is_in_order
    and (s.times_taken = 0 or s.times_taken = 1 and s.taken_back = s.earned and s.taken_locked = s.earned - s.unlocked)
    and s.attempt between 1 and p.attempt and (s.attempt = p.attempt or s.times_taken = 1)
    and s.lowest_tier = p.tier and s.highest_tier = p.tier, false)
  order by 1, 2
  limit $3]]

-- What a learning point says it holds is what its attempt has in the ledger.
local progress = db.sql [[
  select p.child_id, p.id,
         format('holds %s points, %s of them unlocked, as %s; the ledger gives attempt %s %s, %s of them unlocked', p.points,
                p.unlocked_points, p.status, p.attempt, s.points, s.unlocked) as detail
  from learning_progress p
  left join (
    select t.child_id, t.learning_progress_id, t.attempt,
           sum(case t.transaction_type when 'earned' then t.points when 'deficit' then -t.points end) as points,
           sum(case t.transaction_type when 'unlocked' then t.points when 'deficit' then -t.points - t.locked_delta end)
             as unlocked
    from points_transactions t
    where t.child_id > $1 and t.child_id <= $2 and t.transaction_type in ('earned', 'unlocked', 'deficit')
    group by t.child_id, t.learning_progress_id, t.attempt
  ) m on m.child_id = p.child_id and m.learning_progress_id = p.id and m.attempt = p.attempt
  cross join lateral (
    select coalesce(m.points, 0) + case when p.attempt = 1 then p.opening_points else 0 end as points,
           coalesce(m.unlocked, 0) + case when p.attempt = 1 then p.opening_unlocked else 0 end as unlocked
  ) s
  where p.child_id > $1 and p.child_id <= $2
    and ((p.points, p.unlocked_points) <> (s.points, s.unlocked)
         or p.points <> 0 and p.status not in ('pending', 'verified'))
  order by 1, 2
  limit $3]]

-- A withdrawal has left the balance once, and come back once if it failed or was cancelled: in moves of its own, or within
-- the opening move if it moved in so.
local withdrawals = db.sql [[
  select w.child_id, w.id,
         format('%s, %s points, %s NTD: ', w.status, w.points_amount, w.amount_ntd)
         || case
            when w.opening_status is null and w.out_points is distinct from w.points_amount
                 or w.times_out <> (w.opening_status is null)::integer then
              format('left the balance %s times, %s points', w.times_out, coalesce(w.out_points, 0))
            when w.opening_status is null and w.worth is distinct from w.amount_ntd then
              format('the rule made it worth %s NTD', w.worth)
            when w.parent_id <> w.child_parent_id then 'belongs to another parent'
            when w.is_paid_twice then format('transfer %s has paid another one as well', w.transaction_id)
            else format('came back %s times, %s points', w.times_back, coalesce(-w.back_points, 0))
            end as detail
  from (
    select r.*, c.parent_id as child_parent_id, m.times_out, m.out_points, m.times_back, m.back_points, m.worth,
           r.status = 'completed' and exists (
             select from withdrawal_requests o
             where o.transaction_id = r.transaction_id and o.status = 'completed' and (o.child_id, o.id) <> (r.child_id, r.id)
           ) as is_paid_twice
    from withdrawal_requests r
    left join children c on c.id = r.child_id
    cross join lateral (
      select count(*) filter (where t.points > 0) as times_out, count(*) filter (where t.points < 0) as times_back,
             sum(t.points) filter (where t.points > 0) as out_points,
             sum(t.points) filter (where t.points < 0) as back_points,
             sum((t.rule_result ->> 'ntd_cents')::numeric / 100) filter (where t.points > 0) as worth
      from points_transactions t
      where t.child_id = r.child_id and t.withdrawal_request_id = r.id
    ) m
    where r.child_id > $1 and r.child_id <= $2
  ) w
  where not coalesce(
    case when w.opening_status is null then w.times_out = 1 and w.out_points = w.points_amount and w.worth = w.amount_ntd
         else w.times_out = 0 end
    and w.parent_id = w.child_parent_id and not w.is_paid_twice
    and case when w.status in ('failed', 'cancelled') and coalesce(w.opening_status, 'pending') in ('pending', 'processing')
             then w.times_back = 1 and w.back_points = -w.points_amount
        else w.times_back = 0 end, false)
  order by 1, 2
  limit $3]]

-- Whatever a move names is there and fits: the test, the withdrawal, the discovery, what it reverses, the rules' version.
-- The first fault of each move.
local causes = db.sql [[
  select f.child_id, f.id, f.detail
  from (
    select t.child_id, t.id, t.sequence,
           case
           when t.learning_progress_id is not null and p.id is null then
             format('names learning progress %s, which is not there', t.learning_progress_id)
           when t.verification_schedule_id is not null
                and (v.learning_progress_id, v.completed, v.passed,
                     case when t.transaction_type <> 'bonus' then (v.attempt, v.test_day) end)
                    is distinct from (t.learning_progress_id, true, t.transaction_type <> 'deficit',
                                      case when t.transaction_type <> 'bonus' then (t.attempt, t.test_day) end) then
             format('%s does not fit test %s', t.transaction_type, t.verification_schedule_id)
           when t.verification_schedule_id is null and t.transaction_type in ('earned', 'unlocked', 'deficit')
                and (t.actor is null or t.transaction_type <> 'deficit') then
             format('%s has neither a test nor a person behind it', t.transaction_type)
           when (t.transaction_type = 'withdrawn') <> (w.id is not null) then
             format('names withdrawal %s, which is not there or not its own', t.withdrawal_request_id)
           when (t.transaction_type = 'bonus') <> (t.bonus_type is not null)
                or (t.bonus_type is null) <> (t.bonus_subject is null) then
             'names no bonus and subject, or is none'
           when t.relationship_discovery_id is not null and d.bonus_awarded is not true then
             format('names discovery %s, which is not there or not marked as paid', t.relationship_discovery_id)
           when t.transaction_type = 'adjusted' and (t.actor is null or t.description is null) then
             'names no person or no reason'
           when (t.transaction_type = 'adjusted' and t.points < 0) <> (t.reverses_id is not null)
                or t.reverses_id is not null
                   and not coalesce(r.points = -t.points and r.sequence < t.sequence
                                    and r.transaction_type in ('bonus', 'adjusted'), false) then
             format('takes back %s points of move %s, which is no such bonus or adjustment', -t.points, t.reverses_id)
           when x.version is null then
             format('names rule version %s, which is unknown', left(t.rule_version, 12))
           end as detail
    from points_transactions t
    left join learning_progress p on p.child_id = t.child_id and p.id = t.learning_progress_id
    left join verification_schedule v on v.child_id = t.child_id and v.id = t.verification_schedule_id
    left join withdrawal_requests w on w.child_id = t.child_id and w.id = t.withdrawal_request_id
    left join relationship_discoveries d on d.child_id = t.child_id and d.id = t.relationship_discovery_id
    left join points_transactions r on r.child_id = t.child_id and r.id = t.reverses_id
    left join rule_versions x on x.version = t.rule_version
    where t.child_id > $1 and t.child_id <= $2
  ) f
  where f.detail is not null
  order by f.child_id, f.sequence
  limit $3]]

-- Each award once for its cause.
local twice = db.sql [[
  select t.child_id, max(t.id) as id,
         format('is one of %s for the same cause (%s, %s)', count(*), max(t.transaction_type), cause.name) as detail
  from points_transactions t
  cross join lateral (
    select format('progress %s, attempt %s, test day %s', t.learning_progress_id, t.attempt, t.test_day)
    where t.transaction_type = 'unlocked'
    union all
    select format('%s bonus for %s', t.bonus_type, t.bonus_subject) where t.bonus_type is not null
    union all
    select format('discovery %s', t.relationship_discovery_id) where t.relationship_discovery_id is not null
    union all
    select format('reversal of %s', t.reverses_id) where t.reverses_id is not null
  ) as cause (name)
  where t.child_id > $1 and t.child_id <= $2
  group by t.child_id, cause.name
  having count(*) > 1
  order by 1, 2
  limit $3]]

local discoveries = db.sql [[
  select d.child_id, d.id, 'is marked as paid and was not' as detail
  from relationship_discoveries d
  where d.child_id > $1 and d.child_id <= $2 and d.bonus_awarded
    and not exists (
      select from points_transactions t where t.child_id = d.child_id and t.relationship_discovery_id = d.id)
    and not exists (
      select from moved_bonuses b
      where b.child_id = d.child_id and b.bonus_type = 'relationship_discovery'
        and b.bonus_subject = discovery_subject(d.source_learning_point_id, d.relationship_type, d.target_learning_point_id))
  order by 1, 2
  limit $3]]

-- What counts as a bonus that was paid, was; what was paid is recorded; both speak of the same.
local bonuses = db.sql [[
  select f.child_id, f.id, f.detail
  from (
    select b.child_id, b.id,
           case
           when b.refusal is null and t.id is null then
             format('%s for %s counts as paid and was not', b.bonus_type, b.bonus_subject)
           when b.refusal is not null and t.id is not null then
             format('%s for %s counts as held back (%s) and was paid', b.bonus_type, b.bonus_subject, b.refusal)
           when t.id is not null and (t.relationship_discovery_id, t.learning_progress_id)
                                     is distinct from (b.relationship_discovery_id, b.learning_progress_id) then
             format('%s for %s was paid for something else', b.bonus_type, b.bonus_subject)
           when d.id is not null
                and b.bonus_subject is distinct from
                    discovery_subject(d.source_learning_point_id, d.relationship_type, d.target_learning_point_id) then
             format('%s for %s names discovery %s, which is another', b.bonus_type, b.bonus_subject, d.id)
           when (b.bonus_type = 'relationship_discovery') <> (d.id is not null) then
             format('%s for %s names discovery %s, which is not there or not its own', b.bonus_type, b.bonus_subject,
                    b.relationship_discovery_id)
           end as detail
    from bonuses b
    left join points_transactions t
      on t.child_id = b.child_id and t.bonus_type = b.bonus_type and t.bonus_subject = b.bonus_subject
    left join relationship_discoveries d on d.child_id = b.child_id and d.id = b.relationship_discovery_id
    where b.child_id > $1 and b.child_id <= $2
    union all
    select b.child_id, max(b.id), format('is one of %s for the same (%s, %s)', count(*), b.bonus_type, b.bonus_subject)
    from bonuses b
    where b.child_id > $1 and b.child_id <= $2
    group by b.child_id, b.bonus_type, b.bonus_subject
    having count(*) > 1
  ) f
  where f.detail is not null
  order by 1, 2
  limit $3]]

local unrecorded = db.sql [[
  select t.child_id, t.id, format('%s for %s was paid and is not recorded', t.bonus_type, t.bonus_subject) as detail
  from points_transactions t
  where t.child_id > $1 and t.child_id <= $2 and t.transaction_type = 'bonus'
    and not exists (
      select from bonuses b
      where b.child_id = t.child_id and b.bonus_type = t.bonus_type and b.bonus_subject = t.bonus_subject)
  order by 1, 2
  limit $3]]

-- What moved in is covered by the opening move: no learning point holds more than came, no withdrawal gives back more.
local openings = db.sql [[
  select c.child_id, null::bigint as id,
         format('moved in with earned %s, locked %s, withdrawn %s; its learning points hold %s, %s of them locked, and %s are '
                || 'being withdrawn', c.earned, c.locked, c.withdrawn, c.held, c.held_locked, c.asked) as detail
  from (
    select m.child_id, coalesce(o.total_earned_delta, 0) as earned, coalesce(o.locked_delta, 0) as locked,
           coalesce(o.withdrawn_delta, 0) as withdrawn, p.held, p.held_locked, w.asked
    from moved_children m
    left join points_transactions o on o.child_id = m.child_id and o.sequence = 1 and o.transaction_type = 'opening'
    cross join lateral (
      select coalesce(sum(p.opening_points), 0) as held,
             coalesce(sum(p.opening_points - p.opening_unlocked), 0) as held_locked
      from learning_progress p
      where p.child_id = m.child_id) p
    cross join lateral (
      select coalesce(sum(w.points_amount), 0) as asked
      from withdrawal_requests w
      where w.child_id = m.child_id and w.opening_status in ('pending', 'processing')) w
    where m.child_id > $1 and m.child_id <= $2
  ) c
  where c.held > c.earned or c.held_locked > c.locked or c.asked > c.withdrawn
  order by 1
  limit $3]]

-- Nothing counts as moved in but with its child; a bonus paid there is not paid here.
local strangers = db.sql [[
  select s.child_id, s.id, s.detail
  from (
    select p.child_id, p.id, 'counts as moved in, its child did not' as detail
    from learning_progress p
    where p.child_id > $1 and p.child_id <= $2 and p.original_id is not null
      and not exists (select from moved_children m where m.child_id = p.child_id)
    union all
    select t.child_id, t.id, format('%s bonus for %s was paid before it moved in', t.bonus_type, t.bonus_subject)
    from points_transactions t
    join moved_bonuses b on b.child_id = t.child_id and b.bonus_type = t.bonus_type and b.bonus_subject = t.bonus_subject
    where t.child_id > $1 and t.child_id <= $2
    union all
    select t.child_id, t.id, 'opens the ledger of a child that did not move in'
    from points_transactions t
    where t.child_id > $1 and t.child_id <= $2 and t.transaction_type = 'opening'
      and not exists (select from moved_children m where m.child_id = t.child_id)
  ) s
  order by 1, 2
  limit $3]]

local tests = db.sql [[
  select v.child_id, v.id,
         case when x.version is null then format('was planned by rule version %s, which is unknown', left(v.rule_version, 12))
              else format('is of %s, its progress of %s', v.learning_point_id, p.learning_point_id)
         end as detail
  from verification_schedule v
  left join learning_progress p on p.child_id = v.child_id and p.id = v.learning_progress_id
  left join rule_versions x on x.version = v.rule_version
  where v.child_id > $1 and v.child_id <= $2
    and (x.version is null or v.learning_point_id is distinct from p.learning_point_id)
  order by 1, 2
  limit $3]]

-- Of tests whose questions the server made: every question is answered once, by an option of its own; the score is what
-- the answers are worth; what staff rejected is given again.
local answers = db.sql [[
  select v.child_id, v.id,
         case when g.answered <> g.asked then format('has %s questions, %s of them with an answer of their own', g.asked,
                                                     g.answered)
              when v.review_decision = 'reject' then 'was rejected and not given again'
              else format('was scored %s with %s of %s right', v.score, g.right_ones, g.asked)
         end as detail
  from verification_schedule v
  cross join lateral (
    select count(*) as asked,
           count(*) filter (where q.value ->> 'right' = a.value ->> 'option_id') as right_ones,
           count(*) filter (where q.value ->> 'id' = a.value ->> 'question_id' and exists (
             select from jsonb_array_elements(q.value -> 'options') o where o.value ->> 'id' = a.value ->> 'option_id')
           ) as answered
    from jsonb_array_elements(v.questions) with ordinality q (value, place)
    full join jsonb_array_elements(v.answers) with ordinality a (value, place) on a.place = q.place
  ) g
  where v.child_id > $1 and v.child_id <= $2 and v.answered_at is not null
    and not (g.asked > 0 and g.answered = g.asked
             and (v.score is null or v.score = round(100.0 * g.right_ones / g.asked, 2))
             and (v.review_decision is distinct from 'reject'
                  or exists (select from verification_schedule n where n.child_id = v.child_id and n.previous_id = v.id)))
  order by 1, 2
  limit $3]]

-- What holds of each row by itself; the database is asked by the functions that its own triggers ask.
local progress_rows = db.sql [[
  select p.child_id, p.id, format('breaks %s', law.name) as detail
  from learning_progress p
  cross join lateral (select broken_law(p) as name) law
  where p.child_id > $1 and p.child_id <= $2 and law.name is not null
  order by 1, 2
  limit $3]]

local test_rows = db.sql [[
  select v.child_id, v.id, format('breaks %s', law.name) as detail
  from verification_schedule v
  cross join lateral (select coalesce(broken_law(v), case when is_started(v) then broken_law_of_started(v) end) as name) law
  where v.child_id > $1 and v.child_id <= $2 and law.name is not null
  order by 1, 2
  limit $3]]

local transaction_rows = db.sql [[
  select t.child_id, t.id, format('breaks %s', law.name) as detail
  from points_transactions t
  cross join lateral (
    select case when is_award(t) then broken_law_of_award(t) else broken_law_of_other(t) end as name
  ) law
  where t.child_id > $1 and t.child_id <= $2 and law.name is not null
  order by 1, 2
  limit $3]]

---@class audit.law
---@field of "child"|"transaction"|"progress"|"withdrawal"|"discovery"|"bonus"|"verification"  whose id a finding has
---@field statement db.statement

---@type audit.law[]
local LAWS = {
  { of = "child", statement = accounts },
  { of = "transaction", statement = replay },
  { of = "transaction", statement = causes },
  { of = "transaction", statement = twice },
  { of = "progress", statement = attempts },
  { of = "progress", statement = progress },
  { of = "withdrawal", statement = withdrawals },
  { of = "discovery", statement = discoveries },
  { of = "bonus", statement = bonuses },
  { of = "transaction", statement = unrecorded },
  { of = "verification", statement = tests },
  { of = "verification", statement = answers },
  { of = "child", statement = openings },
  { of = "child", statement = strangers },
  { of = "progress", statement = progress_rows },
  { of = "verification", statement = test_rows },
  { of = "transaction", statement = transaction_rows },
}

---@class audit.finding
---@field of string
---@field child_id string
---@field id integer?
---@field detail string

---How much there is to check.
---@return { children: integer, transactions: integer }
function audit.size(tx)
  return tx:one(size, FIRST)
end

---Check the children after this one.
---@param after string?  nil: begin with the first
---@param found fun(finding: audit.finding)
---@return { children: integer, transactions: integer, until: string?, is_cut: boolean }  no until: these were the last;
---is_cut: there are findings beyond those given
function audit.check(tx, after, found)
  after = after or FIRST
  local range = tx:one(next_range, after, ROWS)
  range.is_cut = false
  for _, law in ipairs(LAWS) do
    local rows = tx:query(law.statement, after, range["until"] or LAST, LIMIT)
    range.is_cut = range.is_cut or #rows == LIMIT
    for _, row in ipairs(rows) do
      found { of = law.of, child_id = row.child_id, id = row.id, detail = row.detail }
    end
  end
  return range
end

return audit
