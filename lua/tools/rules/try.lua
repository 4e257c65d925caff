-- rules try: what does a rule say to this input?
local compare = require "tools.lib.compare"
local json = require "json"
local text = require "tools.lib.text"
local versions = require "tools.lib.versions"

local try = {}

try.summary = "call one function with an input"
try.arguments = { { "FILE" }, { "FUNCTION" } }
try.options = { { "input", value = "JSON", help = [[what it is given, e.g. '{"tier": 2, "earned_before": 0}']] } }
try.help = [[
Calls FUNCTION of the rule FILE and shows the answer; nothing is written. FILE is a name such as points (of the project's
own lua/rules), or the path of a file in any folder of rule files. Without --input it shows what the function wants.

  lexicraft rules try points award --input '{"tier": 2, "earned_before": 0}']]

-- "draft/points.lua" → folder "draft", rule "points".
local function locate(file)
  local folder, name = file:match("^(.*)/([^/]+)$")
  local rule = (name or file):gsub("%.lua$", "")
  return folder or file:find("%.lua$") and "." or nil, rule
end

local function find_set(folder)
  if not folder then
    return versions.working()
  end
  return versions.folder(folder)
end

-- A shape in words: "integer 0..500", and "?" where it may be left out.
local function describe(shape)
  if type(shape) ~= "table" then
    return shape
  elseif shape.record then
    local fields = {}
    for index, key in ipairs(text.sorted_keys(shape.record)) do
      fields[index] = key .. ": " .. describe(shape.record[key])
    end
    return "{ " .. table.concat(fields, ", ") .. " }" .. (shape.optional and "?" or "")
  end
  return ("list of %s"):format(describe(shape.list)) .. (shape.optional and "?" or "")
end

local function functions_of(shapes)
  return table.concat(text.sorted_keys(shapes), ", ")
end

-- The shape of the function's input, or why there is none.
local function find_shape(candidate, rule, name)
  local shapes = candidate:shapes()
  if not shapes[rule] then
    return nil, ("there is no rule file %s; there are %s"):format(rule, functions_of(shapes))
  elseif not shapes[rule][name] then
    return nil, ("%s has no function %s; it has %s"):format(rule, name, functions_of(shapes[rule]))
  end
  return shapes[rule][name].input
end

local function wanted(shape)
  local lines = {}
  for _, key in ipairs(text.sorted_keys(shape)) do
    lines[#lines + 1] = ("  %s: %s"):format(key, describe(shape[key]))
  end
  return table.concat(lines, "\n")
end

local function read_input(given, shape, rule, name)
  if not given then
    return nil, ("%s.%s wants --input with\n%s"):format(rule, name, wanted(shape))
  end
  local input, err = json.decode(given)
  if type(input) ~= "table" then
    return nil, "--input is not a JSON object: " .. (err and err.message or given)
  end
  return input
end

function try.run(taken)
  local folder, rule = locate(taken.FILE)
  local set, fault = find_set(folder)
  if not set then
    return nil, fault
  end
  local candidate <close>, broken = versions.open(set)
  if not candidate then
    return nil, broken
  end
  local shape, unknown = find_shape(candidate, rule, taken.FUNCTION)
  if not shape then
    return nil, unknown
  end
  local input, unreadable = read_input(taken.input, shape, rule, taken.FUNCTION)
  if not input then
    return nil, unreadable
  end
  local ok, result = pcall(candidate.call, candidate, rule, taken.FUNCTION, input)
  if not ok then
    local message = type(result) == "table" and result.message or result
    return nil, ("%s\n%s.%s wants\n%s"):format(versions.placed(set, message), rule, taken.FUNCTION, wanted(shape))
  end
  return { rules = set.name, version = set.version, rule = rule .. "." .. taken.FUNCTION, input = input, result = result }
end

function try.show(report)
  local lines = { ("%s of %s"):format(report.rule, report.rules), "", "given" }
  text.append(lines, text.columns(compare.flatten(report.input)))
  text.append(lines, { "", "answers" })
  return text.append(lines, text.columns(compare.flatten(report.result)))
end

return try
