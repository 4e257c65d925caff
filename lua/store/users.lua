-- Parents. An e-mail address is kept in lower case as PostgreSQL understands it: Lua knows the letters of ASCII only.
local db = require "db"

local users = {}

local add = db.sql [[
  insert into users (email, password_hash, name, phone, country, time_zone, created_at, updated_at)
  values (lower($1), $2, $3, $4, coalesce($5, 'TW'), coalesce($6, 'Asia/Taipei'), $7, $7)
  on conflict (email) do nothing
  returning id, email, name, phone, country, time_zone, created_at, updated_at]]

-- No password opens it: an empty hash is none of anything.
local join = db.sql [[
  insert into users (id, email, password_hash, name, phone, country, time_zone, created_at, updated_at)
  values ($1, lower($2), '', $3, $4, coalesce($5, 'TW'), coalesce($6, 'Asia/Taipei'), $7, $7)
  on conflict do nothing
  returning id, email, name, phone, country, time_zone, created_at, updated_at]]

local find = db.sql [[
  select id, email, name, phone, country, time_zone, created_at, updated_at
  from users
  where id = $1]]

local find_by_email = db.sql [[
  select id, email, name, phone, country, time_zone, created_at, updated_at
  from users
  where email = lower($1)]]

-- Always a row: the address as it is kept, also where nobody has it. $2: a client's address; is it one of theirs? $3: now.
local credentials = db.sql [[
  select given.email, u.id, nullif(u.password_hash, '') as password_hash,
         exists (select 1 from sessions s
                 where s.user_id = u.id and s.address = $2 and s.expires_at > to_timestamp($3::bigint)) as is_familiar
  from (select lower($1) as email) given
  left join users u on u.email = given.email]]

local password_hash = db.sql [[
  select password_hash
  from users
  where id = $1]]

local lock = db.sql [[
  select id, email, name, phone, country, time_zone, created_at, updated_at
  from users
  where id = $1
  for no key update]]

-- $2: now. A time zone stays for a week at least.
local lock_to_change = db.sql [[
  select id, email, name, phone, country, time_zone, created_at, updated_at,
         time_zone_changed_at + interval '7 days' as time_zone_changeable_at,
         coalesce(time_zone_changed_at + interval '7 days' > $2::timestamptz, false) as is_time_zone_fixed
  from users
  where id = $1
  for no key update]]

local update = db.sql [[
  update users
  set name = $2, phone = $3, country = $4, time_zone = $5, updated_at = $6,
      time_zone_changed_at = case when time_zone = $5 then time_zone_changed_at else $6 end
  where id = $1
  returning id, email, name, phone, country, time_zone, created_at, updated_at]]

-- $3: the hash of the password that was checked.
local set_email = db.sql [[
  update users
  set email = lower($2), updated_at = $4
  where id = $1 and password_hash = $3
  returning id, email, name, phone, country, time_zone, created_at, updated_at]]

-- $4: the hash it replaces; null: whatever it is.
local set_password = db.sql [[
  update users
  set password_hash = $2, updated_at = $3
  where id = $1 and ($4::text is null or password_hash = $4)
  returning id]]

local remove = db.sql [[
  delete from users
  where id = $1]]

---Queue.
---@return db.pending  no row: the e-mail address is taken
function users.add(tx, user, now)
  return tx:later(add, user.email, user.password_hash, user.name, user.phone, user.country, user.time_zone, now)
end

---Add a parent who logs in elsewhere, under the id from there.
---@return db.row? user  nil if the id or the e-mail address is taken
function users.join(user, now)
  local _, rows = db.exec(join, user.id, user.email, user.name, user.phone, user.country, user.time_zone, now)
  return rows[1]
end

function users.find(id)
  return db.one(find, id)
end

function users.find_by_email(email)
  return db.one(find_by_email, email)
end

---@param address string  of the client
---@return { email: string, id: string?, password_hash: string?, is_familiar: boolean }  email as it is kept; no id: nobody has
---it; is_familiar: there is a session at this client's address
function users.credentials(email, address, now_s)
  return db.one(credentials, email, address, now_s)
end

---@return string?
function users.password_hash(id)
  local row = db.one(password_hash, id)
  return row and row.password_hash
end

---Queue: hold the parent's row, so that counting children and adding one, or reading the row and changing it, is a single
---step.
---@return db.pending
function users.lock(tx, id)
  return tx:later(lock, id)
end

---Queue: hold the parent's row to change it, and see whether the time zone may change.
---@return db.pending
function users.lock_to_change(tx, id, now)
  return tx:later(lock_to_change, id, now)
end

---Queue.
---@return db.pending
function users.update(tx, user, now)
  return tx:later(update, user.id, user.name, user.phone, user.country, user.time_zone, now)
end

---Queue. Raises users_email_key if somebody else has the address.
---@param hash string  of the password; change nothing if another one has taken its place
---@return db.pending  no row: nothing was changed
function users.set_email(tx, id, email, hash, now)
  return tx:later(set_email, id, email, hash, now)
end

---Queue.
---@param old_hash string?  change nothing if another one has taken its place; nil: whatever it is
---@return db.pending  no row: nothing was changed
function users.set_password(tx, id, new_hash, old_hash, now)
  return tx:later(set_password, id, new_hash, now, old_hash)
end

---Queue: the user with children and all that is theirs.
---@return db.pending
function users.remove(tx, id)
  return tx:later(remove, id)
end

return users
