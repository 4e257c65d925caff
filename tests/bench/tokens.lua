-- Access tokens, one a line: lexicraft lua tests/bench/tokens.lua COUNT STRIDE
-- First that of a service, then those of COUNT parents of families.sql, every STRIDE-th.
local auth = require "auth"

local TTL_S = 24 * 3600

local count, stride = tonumber(arg[1]), tonumber(arg[2])
print((auth.issue_token({ sub = "bench", role = "service" }, TTL_S)))
for n = 0, count - 1 do
  local digits = ("%032d"):format(1000000000000 + n * stride)
  local sub = digits:gsub("^(%d%d%d%d%d%d%d%d)(%d%d%d%d)(%d%d%d%d)(%d%d%d%d)", "%1-%2-%3-%4-")
  print((auth.issue_token({ sub = sub, role = "parent" }, TTL_S)))
end
