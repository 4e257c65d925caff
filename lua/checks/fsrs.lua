-- What must hold of the numbers of lua/rules/fsrs.lua: those the model was made for.

-- Lowest and highest value of each weight, w0 to w20.
local BOUNDS = {
  { 0.001, 100 }, { 0.001, 100 }, { 0.001, 100 }, { 0.001, 100 }, { 1, 10 }, { 0.001, 4 }, { 0.001, 4 }, { 0.001, 0.75 },
  { 0, 4.5 }, { 0, 0.8 }, { 0.001, 3.5 }, { 0.001, 5 }, { 0.001, 0.25 }, { 0.001, 0.9 }, { 0, 4 }, { 0, 1 }, { 1, 6 },
  { 0, 2 }, { 0, 2 }, { 0, 0.8 }, { 0.1, 0.8 },
}
local RETENTION = { 0.5, 0.99 }

local function is_within(value, bounds)
  return type(value) == "number" and value >= bounds[1] and value <= bounds[2]
end

local function check_weights(_, parameters)
  local weights = parameters("fsrs").weights
  if #weights ~= #BOUNDS then
    return ("there are %d weights, the model has %d"):format(#weights, #BOUNDS)
  end
  for index, bounds in ipairs(BOUNDS) do
    if not is_within(weights[index], bounds) then
      return ("w%d is %s, allowed are %g to %g"):format(index - 1, weights[index], bounds[1], bounds[2])
    end
  end
end

local function check_retention(_, parameters)
  local retention = parameters("fsrs").desired_retention
  if not is_within(retention, RETENTION) then
    return ("desired_retention is %s, allowed are %g to %g"):format(retention, RETENTION[1], RETENTION[2])
  end
end

return {
  { name = "every weight is one the model knows", check = check_weights },
  { name = "the desired retention is a chance worth testing for", check = check_retention },
}
