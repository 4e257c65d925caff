-- Points turned into money.
local db = require "db"

local withdrawal_requests = {}

-- Everything a request depends on besides the account. $2 is the moment; days overdue are begun days.
local before_request = db.sql [[
  select (select coalesce(ceil(max(extract(epoch from $2::timestamptz - v.due_at)) / 86400), 0)::bigint
          from verification_schedule v
          join learning_progress p on p.child_id = v.child_id and p.id = v.learning_progress_id
          where v.child_id = c.id and not v.completed and v.due_at < $2::timestamptz and p.unlocked_points > 0
         ) as days_overdue,
         today.requests as requests_today, today.points as points_today
  from children c
  join users u on u.id = c.parent_id
  cross join lateral (
    select count(*) as requests,
           coalesce(sum(w.points_amount) filter (where w.status not in ('failed', 'cancelled')), 0)::bigint as points
    from withdrawal_requests w
    where w.child_id = c.id
      and w.created_at >= date_trunc('day', $2::timestamptz at time zone u.time_zone) at time zone u.time_zone
  ) today
  where c.id = $1]]

local add = db.sql [[
  insert into withdrawal_requests
    (child_id, parent_id, amount_ntd, points_amount, bank_account, created_at, updated_at)
  select c.id, c.parent_id, $2::bigint / 100.0, $3, $4, $5::timestamptz, $5::timestamptz
  from children c
  where c.id = $1
  returning child_id, id, parent_id, amount_ntd::float8 as amount_ntd, points_amount, status, bank_account, transaction_id,
            created_at, updated_at, processing_at, processing_by, completed_at, completed_by]]

local begin_processing = db.sql [[
  update withdrawal_requests
  set status = 'processing', transaction_id = coalesce($3, transaction_id), processing_at = $4, processing_by = $5,
      updated_at = $4
  where child_id = $1 and id = $2
  returning child_id, id, parent_id, amount_ntd::float8 as amount_ntd, points_amount, status, bank_account, transaction_id,
            created_at, updated_at, processing_at, processing_by, completed_at, completed_by]]

local finish = db.sql [[
  update withdrawal_requests
  set status = $6, transaction_id = coalesce($3, transaction_id), completed_at = $4, completed_by = $5, updated_at = $4
  where child_id = $1 and id = $2
  returning child_id, id, parent_id, amount_ntd::float8 as amount_ntd, points_amount, status, bank_account, transaction_id,
            created_at, updated_at, processing_at, processing_by, completed_at, completed_by]]

local find = db.sql [[
  select w.child_id, w.id, w.parent_id, w.amount_ntd::float8 as amount_ntd, w.points_amount, w.status, w.bank_account,
         w.transaction_id, w.created_at, w.updated_at, w.processing_at, w.processing_by, w.completed_at, w.completed_by
  from withdrawal_requests w
  where w.child_id = $1 and ($2::uuid is null or w.parent_id = $2) and w.id = $3]]

-- $1, $2: after this created_at (microseconds since 1970) and id; $3: before this one; $4: how many.
local of_child = db.sql [[
  select w.child_id, w.id, w.parent_id, w.amount_ntd::float8 as amount_ntd, w.points_amount, w.status, w.bank_account,
         w.transaction_id, w.created_at, w.updated_at, w.processing_at, w.processing_by, w.completed_at, w.completed_by
  from withdrawal_requests w
  where (w.created_at, w.id) > (timestamptz 'epoch' + $1::bigint * interval '1 microsecond', $2)
    and w.created_at < timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
    and w.child_id = $5 and ($6::uuid is null or w.parent_id = $6)
  order by w.created_at, w.id
  limit $4]]

local of_child_by_status = db.sql [[
  select w.child_id, w.id, w.parent_id, w.amount_ntd::float8 as amount_ntd, w.points_amount, w.status, w.bank_account,
         w.transaction_id, w.created_at, w.updated_at, w.processing_at, w.processing_by, w.completed_at, w.completed_by
  from withdrawal_requests w
  where (w.created_at, w.id) > (timestamptz 'epoch' + $1::bigint * interval '1 microsecond', $2)
    and w.created_at < timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
    and w.child_id = $5 and ($6::uuid is null or w.parent_id = $6) and w.status = $7
  order by w.created_at, w.id
  limit $4]]

local of_parent = db.sql [[
  select w.child_id, w.id, w.parent_id, w.amount_ntd::float8 as amount_ntd, w.points_amount, w.status, w.bank_account,
         w.transaction_id, w.created_at, w.updated_at, w.processing_at, w.processing_by, w.completed_at, w.completed_by
  from withdrawal_requests w
  where (w.created_at, w.id) > (timestamptz 'epoch' + $1::bigint * interval '1 microsecond', $2)
    and w.created_at < timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
    and w.parent_id = $5
  order by w.created_at, w.id
  limit $4]]

local of_parent_by_status = db.sql [[
  select w.child_id, w.id, w.parent_id, w.amount_ntd::float8 as amount_ntd, w.points_amount, w.status, w.bank_account,
         w.transaction_id, w.created_at, w.updated_at, w.processing_at, w.processing_by, w.completed_at, w.completed_by
  from withdrawal_requests w
  where (w.created_at, w.id) > (timestamptz 'epoch' + $1::bigint * interval '1 microsecond', $2)
    and w.created_at < timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
    and w.parent_id = $5 and w.status = $6
  order by w.created_at, w.id
  limit $4]]

local of_all = db.sql [[
  select w.child_id, w.id, w.parent_id, w.amount_ntd::float8 as amount_ntd, w.points_amount, w.status, w.bank_account,
         w.transaction_id, w.created_at, w.updated_at, w.processing_at, w.processing_by, w.completed_at, w.completed_by
  from withdrawal_requests w
  where (w.created_at, w.id) > (timestamptz 'epoch' + $1::bigint * interval '1 microsecond', $2)
    and w.created_at < timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
  order by w.created_at, w.id
  limit $4]]

local of_status = db.sql [[
  select w.child_id, w.id, w.parent_id, w.amount_ntd::float8 as amount_ntd, w.points_amount, w.status, w.bank_account,
         w.transaction_id, w.created_at, w.updated_at, w.processing_at, w.processing_by, w.completed_at, w.completed_by
  from withdrawal_requests w
  where (w.created_at, w.id) > (timestamptz 'epoch' + $1::bigint * interval '1 microsecond', $2)
    and w.created_at < timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
    and w.status = $5
  order by w.created_at, w.id
  limit $4]]

local find_by_id = db.sql [[
  select w.child_id, w.id, w.parent_id, w.amount_ntd::float8 as amount_ntd, w.points_amount, w.status, w.bank_account,
         w.transaction_id, w.created_at, w.updated_at, w.processing_at, w.processing_by, w.completed_at, w.completed_by
  from withdrawal_requests w
  where w.id = $1 and ($2::uuid is null or w.parent_id = $2)]]

local under_way = db.sql [[
  select w.child_id, w.id, w.status
  from withdrawal_requests w
  where w.parent_id = $1 and ($2::uuid is null or w.child_id = $2) and w.status in ('pending', 'processing')
  order by w.created_at, w.id]]

---Queue: what is not finished yet, of one child or of all children of a parent.
---@param child_id string?  nil: of all
---@return db.pending
function withdrawal_requests.under_way(tx, parent_id, child_id)
  return tx:later(under_way, parent_id, child_id)
end

---Queue: what the rule wants to know of the child: days_overdue, requests_today, points_today.
---@return db.pending
function withdrawal_requests.before_request(tx, child_id, now)
  return tx:later(before_request, child_id, now)
end

---Queue.
---@param given { points_amount: integer, bank_account: string }
---@return db.pending
function withdrawal_requests.add(tx, child_id, ntd_cents, given, now)
  return tx:later(add, child_id, ntd_cents, given.points_amount, given.bank_account, now)
end

---Queue: the row, for whoever has locked the account.
---@return db.pending
function withdrawal_requests.read(tx, child_id, parent_id, id)
  return tx:later(find, child_id, parent_id, id)
end

---Queue: move it on.
---@param status "processing"|"completed"|"failed"|"cancelled"
---@param transaction_id string?  the payment provider's; nil: as it is
---@param actor string            sub of who moves it
---@return db.pending
function withdrawal_requests.move(tx, child_id, id, status, transaction_id, actor, now)
  if status == "processing" then
    return tx:later(begin_processing, child_id, id, transaction_id, now, actor)
  end
  return tx:later(finish, child_id, id, transaction_id, now, actor, status)
end

function withdrawal_requests.find(child_id, parent_id, id)
  return db.one(find, child_id, parent_id, id)
end

---By its id alone.
---@param parent_id string?
function withdrawal_requests.find_by_id(parent_id, id)
  return db.one(find_by_id, id, parent_id)
end

---@class withdrawal_requests.filter
---@field status string?
---@field before_us integer  created before this moment

---In the order of their requests.
---@param filter withdrawal_requests.filter
---@param after { [1]: integer, [2]: integer }  created_at, in microseconds since 1970, and id of the last one seen
---@return db.row[]
function withdrawal_requests.list(child_id, parent_id, filter, after, limit)
  if filter.status then
    return db.query(of_child_by_status, after[1], after[2], filter.before_us, limit, child_id, parent_id, filter.status)
  end
  return db.query(of_child, after[1], after[2], filter.before_us, limit, child_id, parent_id)
end

---Of one parent's children, or of all families, in the order of their requests.
---@param parent_id string?
---@param filter withdrawal_requests.filter
---@param after { [1]: integer, [2]: integer }  created_at, in microseconds since 1970, and id of the last one seen
---@return db.row[]
function withdrawal_requests.list_all(parent_id, filter, after, limit)
  local status, before_us = filter.status, filter.before_us
  if parent_id and status then
    return db.query(of_parent_by_status, after[1], after[2], before_us, limit, parent_id, status)
  elseif parent_id then
    return db.query(of_parent, after[1], after[2], before_us, limit, parent_id)
  elseif status then
    return db.query(of_status, after[1], after[2], before_us, limit, status)
  end
  return db.query(of_all, after[1], after[2], before_us, limit)
end

return withdrawal_requests
