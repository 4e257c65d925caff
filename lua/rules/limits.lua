-- How much is allowed: against gaming the points, and against learning too much at once.
--
-- Change a number below and save: it holds from then on, also for children who are above it already (nothing is taken from
-- them, there is just no more). 0 allows nothing.
---@type rules.limits
local limits = {}

limits.parameters = {
  new_points_per_day = 20, -- learning points a child may begin in one day (the parent's local day)
  tests_per_day = 50,      -- tests a child may complete in one day
  starts_per_day = 5,      -- times a test that was not answered in time may be started in one day
  children_per_parent = 6, -- children a parent may have
}

limits.shapes = {
  begin_point = {
    input = { begun_today = "integer 0..1000000" }, -- learning points the child began today
    result = { allowed = "boolean", limit = "integer 0..1000000?" }, -- limit: what a refusal tells
  },
  complete_test = {
    input = { completed_today = "integer 0..1000000" }, -- tests the child completed today
    result = { allowed = "boolean", limit = "integer 0..1000000?" },
  },
  start_test = {
    input = { starts_today = "integer 0..1000000" }, -- how often this test was started today
    result = { allowed = "boolean", limit = "integer 0..1000000?" },
  },
  add_child = {
    input = { children = "integer 0..1000000" }, -- children the parent has
    result = { allowed = "boolean", limit = "integer 0..1000000?" },
  },
}

-- May the child begin one more learning point today?
function limits.begin_point(input)
  return { allowed = input.begun_today < limits.parameters.new_points_per_day, limit = limits.parameters.new_points_per_day }
end

-- May the child complete one more test today?
function limits.complete_test(input)
  return { allowed = input.completed_today < limits.parameters.tests_per_day, limit = limits.parameters.tests_per_day }
end

-- May this test be started once more today?
function limits.start_test(input)
  return { allowed = input.starts_today < limits.parameters.starts_per_day, limit = limits.parameters.starts_per_day }
end

-- May the parent add one more child?
function limits.add_child(input)
  return { allowed = input.children < limits.parameters.children_per_parent, limit = limits.parameters.children_per_parent }
end

-- One below the limit is allowed, at the limit there is no more.
function limits.examples()
  local new_points, tests = limits.parameters.new_points_per_day, limits.parameters.tests_per_day
  local starts, children = limits.parameters.starts_per_day, limits.parameters.children_per_parent
  local function expect(allowed, limit)
    return { allowed = allowed, limit = limit }
  end
  return {
    { call = "begin_point", input = { begun_today = math.max(0, new_points - 1) }, expect = expect(new_points > 0, new_points) },
    { call = "begin_point", input = { begun_today = new_points }, expect = expect(false, new_points) },
    { call = "complete_test", input = { completed_today = math.max(0, tests - 1) }, expect = expect(tests > 0, tests) },
    { call = "complete_test", input = { completed_today = tests }, expect = expect(false, tests) },
    { call = "start_test", input = { starts_today = starts - 1 }, expect = expect(true, starts) },
    { call = "start_test", input = { starts_today = starts }, expect = expect(false, starts) },
    { call = "add_child", input = { children = math.max(0, children - 1) }, expect = expect(children > 0, children) },
    { call = "add_child", input = { children = children }, expect = expect(false, children) },
  }
end

return limits
