-- What was loaded last under a name, by its checksum.
local db = require "db"

local word_lists = {}

local find = db.sql [[
  select checksum, loaded_at from word_lists where name = $1]]

local save = db.sql [[
  insert into word_lists (name, checksum, loaded_at)
  values ($1, $2, $3)
  on conflict (name) do update set checksum = excluded.checksum, loaded_at = excluded.loaded_at]]

---@param name string
---@return { checksum: string, loaded_at: string }?
function word_lists.find(name)
  return db.one(find, name)
end

---@param tx db.tx
---@param name string
---@param checksum string
---@param now string
function word_lists.save(tx, name, checksum, now)
  tx:exec(save, name, checksum, now)
end

return word_lists
