-- rules check: do the examples and the properties hold?
local json = require "json"
local text = require "tools.lib.text"
local versions = require "tools.lib.versions"

local check = {}

check.summary = "run the examples and check what must always hold"
check.arguments = { { "DIR", optional = true } }
check.help = [[
Runs every example of the rule files in DIR (a folder of rule files, or a copy of the project; without it, the project's
own lua/rules) and checks the properties that must hold whatever the numbers are: shares add up, nothing is paid above
the cap, dates are in order. What does not hold is shown with file and line, expected and got. Changes nothing.]]

-- Long expectations are easier to compare one below the other.
local function split(fault)
  local where, expected, got = fault:match("^(.-): expected (.*), got (.*)$")
  if not where then
    return { text = fault }
  end
  return { text = where, expected = expected, got = got }
end

function check.run(taken)
  local set, fault
  if taken.DIR then
    set, fault = versions.folder(taken.DIR)
  else
    set = versions.working()
  end
  if not set then
    return nil, fault
  end
  local candidate <close>, broken = versions.open(set)
  if not candidate then
    return nil, broken
  end
  local found, examples, properties = candidate:check()
  local faults = json.array {}
  for index, each in ipairs(found) do
    faults[index] = split(versions.placed(set, each))
  end
  return {
    rules = set.name, version = set.version, faults = faults,
    examples = examples >= 0 and examples or nil, properties = properties >= 0 and properties or nil,
  }
end

function check.failed(report)
  return #report.faults > 0
end

function check.show(report)
  if #report.faults == 0 then
    local examples = text.count(report.examples, "example")
    local properties = text.count(report.properties, "property", "properties")
    return {
      ("%s: all is well"):format(report.rules),
      ("  %s and %s hold"):format(examples, properties),
      ("  as version %s"):format(text.version(report.version)),
    }
  end
  local lines = { ("%s: %s"):format(report.rules, text.count(#report.faults, "fault")), "" }
  for _, fault in ipairs(report.faults) do
    lines[#lines + 1] = fault.text
    if fault.expected then
      text.append(lines, { "  expected  " .. fault.expected, "  got       " .. fault.got })
    end
  end
  return text.append(lines, { "", "With these faults a reload is refused: the version before stays live." })
end

return check
