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
    result = { allowed = "boolean" },
  },
  complete_test = {
    input = { completed_today = "integer 0..1000000" }, -- tests the child completed today
    result = { allowed = "boolean" },
  },
  start_test = {
    input = { starts_today = "integer 0..1000000" }, -- how often this test was started today
    result = { allowed = "boolean" },
  },
  add_child = {
    input = { children = "integer 0..1000000" }, -- children the parent has
    result = { allowed = "boolean" },
  },
}

-- May the child begin one more learning point today?
function limits.begin_point(input)
  return { allowed = input.begun_today < limits.parameters.new_points_per_day }
end

-- May the child complete one more test today?
function limits.complete_test(input)
  return { allowed = input.completed_today < limits.parameters.tests_per_day }
end

-- May this test be started once more today?
function limits.start_test(input)
  return { allowed = input.starts_today < limits.parameters.starts_per_day }
end

-- May the parent add one more child?
function limits.add_child(input)
  return { allowed = input.children < limits.parameters.children_per_parent }
end

-- One below the limit is allowed, at the limit there is no more.
function limits.examples()
  local new_points, tests = limits.parameters.new_points_per_day, limits.parameters.tests_per_day
  local starts, children = limits.parameters.starts_per_day, limits.parameters.children_per_parent
  return {
    { call = "begin_point", input = { begun_today = math.max(0, new_points - 1) }, expect = { allowed = new_points > 0 } },
    { call = "begin_point", input = { begun_today = new_points }, expect = { allowed = false } },
    { call = "complete_test", input = { completed_today = math.max(0, tests - 1) }, expect = { allowed = tests > 0 } },
    { call = "complete_test", input = { completed_today = tests }, expect = { allowed = false } },
    { call = "start_test", input = { starts_today = starts - 1 }, expect = { allowed = true } },
    { call = "start_test", input = { starts_today = starts }, expect = { allowed = false } },
    { call = "add_child", input = { children = math.max(0, children - 1) }, expect = { allowed = children > 0 } },
    { call = "add_child", input = { children = children }, expect = { allowed = false } },
  }
end

return limits
