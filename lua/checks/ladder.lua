-- What must hold of the numbers of lua/rules/ladder.lua; lua/checks/schedule.lua tries what they lead to.
local bounds = require "lib.bounds"

return {
  bounds.property("ladder", {
    repeat_after_days = bounds.ascending(bounds.record {
      from_day = bounds.integer(1, 3650),
      days = bounds.integer(1, 365),
    }, 1, 100, { key = "from_day", first = 1 }),
  }),
}
