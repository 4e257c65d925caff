---@meta clock
-- Business time: the wall clock, unless a test clock (LEXICRAFT_TEST_CLOCK=1) was moved.
local clock = {}
---RFC 3339 UTC with microseconds, ready to be a timestamptz parameter.
---@return string
function clock.now() end
---Microseconds since 1970 UTC.
---@return integer
function clock.now_us() end
---Real wall-clock seconds since 1970 UTC (tokens, HTTP dates), never moved.
---@return integer
function clock.real() end
return clock
