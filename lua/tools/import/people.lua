-- Parents and children, as our tables want them.
local format = require "lib.format"
local values = require "tools.import.values"

local people = {}

-- No password is equal to it; the parent chooses a new one.
local NO_PASSWORD = "!"
local HASH_BYTES_MAX = 127
-- Verifying a hash takes what it says: more than these would keep a thread and its memory from all others.
local MEMORY_KIB_MAX, PASSES_MAX, LANES_MAX = 262144, 10, 16
local AGE_MAX = 25

---Can our server verify passwords against it, at a price it can pay?
---@return boolean
function people.is_usable_hash(hash)
  local memory, passes, lanes = hash:match("^%$argon2id?%$v=19%$m=(%d+),t=(%d+),p=(%d+)%$[%w+/]+%$[%w+/]+$")
  return memory ~= nil and #hash <= HASH_BYTES_MAX and values.within(tonumber(memory), 1, MEMORY_KIB_MAX)
    and values.within(tonumber(passes), 1, PASSES_MAX) and values.within(tonumber(lanes), 1, LANES_MAX)
end

---@param row db.row  email_key: the address in small letters, trimmed
---@return table? user  has_password tells whether the parent can log in with the old one
---@return string[]|string notes_or_reason
function people.user(row, now)
  local notes, email = {}, row.email_key
  if not format.email(email) then
    return nil, ("the e-mail address is none (%s)"):format(row.email)
  end
  if email ~= row.email then
    notes[#notes + 1] = ("e-mail address written in small letters (%s)"):format(row.email)
  end
  local country = (values.text(row.country) or "TW"):upper()
  if not country:find("^%u%u$") then
    notes[#notes + 1] = ("country is no code of two letters, now TW (%s)"):format(row.country)
    country = "TW"
  end
  local has_password = people.is_usable_hash(row.password_hash)
  local user = {
    id = row.id,
    email = email,
    password_hash = has_password and row.password_hash or NO_PASSWORD,
    has_password = has_password,
    name = values.cut(values.text(row.name), 100, notes, "name"),
    phone = values.cut(values.text(row.phone), 40, notes, "phone"),
    country = country,
  }
  user.created_at, user.updated_at = values.times(row, notes, now)
  return user, notes
end

---@return table child
---@return string[] notes
function people.child(row, now)
  local notes = {}
  local name, age = values.text(row.name), row.age
  if not name then
    name = "Child"
    notes[#notes + 1] = "had no name"
  end
  if age and not values.within(age, 0, AGE_MAX) then
    notes[#notes + 1] = ("age is not between 0 and %d, now unknown (%d)"):format(AGE_MAX, age)
    age = nil
  end
  local child = { id = row.id, parent_id = row.parent_id, name = values.cut(name, 100, notes, "name"), age = age }
  child.created_at, child.updated_at = values.times(row, notes, now)
  return child, notes
end

return people
