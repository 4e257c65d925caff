---@meta rate
local rate = {}
---Take one token from the bucket of key: `capacity` tokens, refilled evenly over `period_s` seconds. Shared by all workers.
---@param key string
---@param capacity integer
---@param period_s integer
---@return boolean ok
---@return integer n  how many are left; when not ok: seconds until there is one
function rate.take(key, capacity, period_s) end
return rate
