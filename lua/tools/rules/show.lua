-- rules show: which rules are live, since when, and with which numbers?
local compare = require "tools.lib.compare"
local text = require "tools.lib.text"
local versions = require "tools.lib.versions"

local show = {}

show.summary = "the live version and its parameters"
show.help = [[
Shows the version the server uses (or, if none answers, the newest in the database, and says so), since when it is known,
whether the files in lua/rules are the same, and its parameters as the files write them.]]

-- The lines of `NAME.parameters = { … }` as written, with their comments; nil if it is written otherwise.
local function parameter_lines(source)
  local block = source:match("\n%w[%w_]*%.parameters = (%b{})\n")
  if not block then
    return nil
  end
  local lines = {}
  for line in (block:match("^{\n?(.-)%s*}$") .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = line
  end
  return lines
end

-- JSON has lists and text keys only: { [1] = …, [3] = … } is neither.
local function with_text_keys(value)
  if type(value) ~= "table" then
    return value
  end
  local count, copy = 0, {}
  for _ in pairs(value) do
    count = count + 1
  end
  for key, item in pairs(value) do
    copy[count == #value and key or tostring(key)] = with_text_keys(item)
  end
  return copy
end

function show.run()
  local live, fault = versions.live()
  if not live then
    return nil, fault
  end
  local candidate <close>, broken = versions.open(live)
  if not candidate then
    return nil, broken
  end
  return {
    version = live.version,
    known_from = live.known_from,
    first_live = live.live_since,
    reloaded_at = live.reloaded_at and os.date("!%Y-%m-%dT%H:%M:%SZ", live.reloaded_at),
    is_working = live.version == versions.working().version,
    parameters = with_text_keys(candidate:parameters()),
    sources = live.sources,
  }
end

-- The parameters of one rule file, as written or else one by one.
local function show_parameters(lines, path, report)
  local parameters = report.parameters[path:match("([^/]+)%.lua$")]
  if parameters then
    text.append(lines, { "", path })
    text.append(lines, parameter_lines(report.sources[path]) or text.columns(compare.flatten(parameters)))
  end
end

function show.show(report)
  local rows = {
    { "Live version", report.version },
    { "Known because", report.known_from },
    { "First live", text.time(report.first_live) },
  }
  if report.reloaded_at then
    rows[#rows + 1] = { "Last reload", text.time(report.reloaded_at) }
  end
  rows[#rows + 1] = { "lua/rules", report.is_working and "the same"
    or "differs; `lexicraft rules diff live .` shows how" }
  local lines = text.columns(rows, { indent = 0 })
  for _, path in ipairs(text.sorted_keys(report.sources)) do
    show_parameters(lines, path, report)
  end
  return lines
end

return show
