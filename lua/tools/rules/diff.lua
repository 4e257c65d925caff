-- rules diff: what differs between two sets of rules?
local compare = require "tools.lib.compare"
local json = require "json"
local line_diff = require "tools.lib.line_diff"
local text = require "tools.lib.text"
local versions = require "tools.lib.versions"

local diff = {}

diff.summary = "what changed between two versions or folders"
diff.arguments = { { "A" }, { "B" } }
diff.help = [[
Shows what differs from A to B: first every parameter in plain words, then the lines of the files. A and B are each the
first digits of a version, a folder of rule files, `live` for what the server uses, or `.` for lua/rules as it is now.

  lexicraft rules diff live .        what saving has changed, or would change]]

-- Parameters of a version whose files the program no longer understands are unknown; its lines can still be shown.
local function parameters_of(set)
  local candidate <close>, fault = versions.open(set)
  if not candidate then
    return nil, fault
  end
  return candidate:parameters()
end

local function parameter_changes(a, b)
  local before, fault_a = parameters_of(a)
  local after, fault_b = parameters_of(b)
  if not before or not after then
    return nil, fault_a or fault_b
  end
  local changes = json.array {}
  for index, change in ipairs(compare.changes(before, after)) do
    change.text = compare.describe(change)
    changes[index] = change
  end
  return changes
end

local function file_changes(a, b)
  local paths, files = {}, json.array {}
  for _, set in ipairs { a, b } do
    for path in pairs(set.sources) do
      paths[path] = true
    end
  end
  for _, path in ipairs(text.sorted_keys(paths)) do
    local before, after = a.sources[path], b.sources[path]
    if before ~= after then
      files[#files + 1] = {
        path = path,
        change = not before and "added" or not after and "removed" or "changed",
        lines = json.array(line_diff.unified(before or "", after or "")),
      }
    end
  end
  return files
end

function diff.run(taken)
  local a, fault_a = versions.find(taken.A)
  if not a then
    return nil, fault_a
  end
  local b, fault_b = versions.find(taken.B)
  if not b then
    return nil, fault_b
  end
  local parameters, unknown = parameter_changes(a, b)
  return {
    from = { rules = a.name, version = a.version },
    to = { rules = b.name, version = b.version },
    parameters = parameters,
    parameters_unknown = unknown,
    files = file_changes(a, b),
  }
end

local function show_parameters(lines, report)
  if not report.parameters then
    return text.append(lines, { "", "Parameters cannot be compared: " .. report.parameters_unknown })
  elseif #report.parameters == 0 then
    return text.append(lines, { "", "No parameter differs." })
  end
  text.append(lines, { "", "Parameters" })
  for _, change in ipairs(report.parameters) do
    lines[#lines + 1] = "  " .. change.text
  end
end

function diff.show(report)
  local lines = { ("From %s"):format(report.from.rules), ("to   %s"):format(report.to.rules) }
  if #report.files == 0 then
    return text.append(lines, { "", "They are the same, byte by byte." })
  end
  show_parameters(lines, report)
  for _, file in ipairs(report.files) do
    text.append(lines, { "", ("%s: %s"):format(file.path, file.change) })
    text.append(lines, file.lines)
  end
  return lines
end

return diff
