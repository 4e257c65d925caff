-- Every set of rule files that was ever live, with its sources.
local db = require "db"

local rule_versions = {}

-- Versions are hexadecimal digits, so all that begin with $1 lie below $1 followed by a "g".
local beginning_with = db.sql [[
  select v.version, v.sources, v.created_at
  from rule_versions v
  where v.version >= $1 and v.version < $1 || 'g'
  order by v.version
  limit 2]]

local list = db.sql [[
  select v.version, v.created_at
  from rule_versions v
  order by v.version]]

---@param prefix string  hexadecimal digits
---@return db.row[]  none, one, or two if the prefix is not enough to tell; with sources, a map from path to text
function rule_versions.beginning_with(prefix)
  return db.query(beginning_with, prefix)
end

---@return db.row?  version and created_at of the one that became live for the first time last
function rule_versions.newest()
  local newest
  for _, row in ipairs(db.query(list)) do
    if not newest or row.created_at > newest.created_at then
      newest = row
    end
  end
  return newest
end

return rule_versions
