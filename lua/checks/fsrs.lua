-- What must hold of the numbers of lua/rules/fsrs.lua: those the model was made for.
local bounds = require "lib.bounds"

-- Lowest and highest value of each weight, w0 to w20.
local BOUNDS = {
  { 0.001, 100 }, { 0.001, 100 }, { 0.001, 100 }, { 0.001, 100 }, { 1, 10 }, { 0.001, 4 }, { 0.001, 4 }, { 0.001, 0.75 },
  { 0, 4.5 }, { 0, 0.8 }, { 0.001, 3.5 }, { 0.001, 5 }, { 0.001, 0.25 }, { 0.001, 0.9 }, { 0, 4 }, { 0, 1 }, { 1, 6 },
  { 0, 2 }, { 0, 2 }, { 0, 0.8 }, { 0.1, 0.8 },
}

local function weights()
  local fields = {}
  for index, bound in ipairs(BOUNDS) do
    fields[index] = bounds.number(bound[1], bound[2], ("this is w%d"):format(index - 1))
  end
  return bounds.record(fields)
end

return {
  bounds.property("fsrs", {
    desired_retention = bounds.number(0.5, 0.99, "a chance worth testing for"),
    longest_interval_days = bounds.integer(7, 3650),
    fuzz = bounds.boolean(),
    weights = weights(),
  }),
}
