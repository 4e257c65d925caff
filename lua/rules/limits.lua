-- How much is allowed: against gaming the points, and against learning too much at once.
local limits = {}

limits.parameters = {
  new_points_per_day = 20, -- learning points a child may begin in one day (the parent's local day)
  tests_per_day = 50,      -- tests a child may complete in one day
  children_per_parent = 6,
}

limits.shapes = {
  begin_point = {
    input = { begun_today = "integer 0..1000000" },
    result = { allowed = "boolean" },
  },
  complete_test = {
    input = { completed_today = "integer 0..1000000" },
    result = { allowed = "boolean" },
  },
  add_child = {
    input = { children = "integer 0..1000000" },
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

-- May the parent add one more child?
function limits.add_child(input)
  return { allowed = input.children < limits.parameters.children_per_parent }
end

function limits.examples()
  return {
    { call = "begin_point", input = { begun_today = 19 }, expect = { allowed = true } },
    { call = "begin_point", input = { begun_today = 20 }, expect = { allowed = false } },
    { call = "complete_test", input = { completed_today = 49 }, expect = { allowed = true } },
    { call = "complete_test", input = { completed_today = 50 }, expect = { allowed = false } },
    { call = "add_child", input = { children = 5 }, expect = { allowed = true } },
    { call = "add_child", input = { children = 6 }, expect = { allowed = false } },
  }
end

return limits
