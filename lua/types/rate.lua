---@meta rate
local rate = {}
---Take one token from the bucket of key: `capacity` tokens, refilled evenly over `period_s` seconds. Shared by all workers.
---@param key string
---@param capacity integer
---@param period_s integer
---@return boolean ok
---@return integer? retry_after_s  when not ok
function rate.take(key, capacity, period_s) end
return rate
