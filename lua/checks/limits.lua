-- What must hold of lua/rules/limits.lua whatever its numbers are.
local bounds = require "lib.bounds"

local COUNTS = { -- function → what it counts, and the parameter that limits it
  { "begin_point", "begun_today", "new_points_per_day" },
  { "complete_test", "completed_today", "tests_per_day" },
  { "start_test", "starts_today", "starts_per_day" },
  { "add_child", "children", "children_per_parent" },
}

-- Once there is no more, more of the same does not open the way again.
local function stays_reached(call, parameters)
  for _, count in ipairs(COUNTS) do
    local name, field, limit = count[1], count[2], parameters("limits")[count[3]]
    local before = true
    for _, number in ipairs { 0, limit - 2, limit - 1, limit, limit + 1, limit + 2, 2 * limit + 100, 1000000 } do
      if number >= 0 and number <= 1000000 then
        local allowed = call("limits", name, { [field] = number }).allowed
        if allowed and not before then
          return ("%s: %d is allowed, fewer are not"):format(name, number)
        end
        if allowed and number >= limit then
          return ("%s: %d is allowed, %s is %d"):format(name, number, count[3], limit)
        end
        before = allowed
      end
    end
  end
end

return {
  bounds.property("limits", {
    new_points_per_day = bounds.integer(0, 1000, "a day has not the time for more"),
    tests_per_day = bounds.integer(0, 1000, "a day has not the time for more"),
    starts_per_day = bounds.integer(1, 100, "each start shows new questions"),
    children_per_parent = bounds.integer(0, 100),
  }),
  { name = "a limit stays reached", check = stays_reached },
}
