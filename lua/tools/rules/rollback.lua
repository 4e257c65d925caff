-- rules rollback: put the files of an earlier version back.
local json = require "json"
local rules = require "rules"
local server = require "tools.lib.server"
local store = require "store.rule_versions"
local text = require "tools.lib.text"
local versions = require "tools.lib.versions"

local rollback = {}

rollback.summary = "put the files of an earlier version back, and reload"
rollback.arguments = { { "VERSION" } }
rollback.options = { { "force", help = "even if lua/rules holds edits that were never live; they are lost" } }
rollback.help = [[
Writes the rule files of VERSION, given by its first digits, back to lua/rules, removes rule files it did not have, and
asks the running server to reload. Refused if the version would not pass today's checks, and, without --force, if
lua/rules holds edits that were never live: they are kept nowhere else.]]

local function read_file(path)
  local file = io.open(path, "rb")
  local bytes = file and file:read("a")
  if file then
    file:close()
  end
  return bytes
end

-- The paths of sources are relative; writing is safe only where those files are.
local function is_here()
  for path, source in pairs(rules.sources()) do
    if read_file(path) ~= source then
      return false
    end
  end
  return next(rules.sources()) ~= nil
end

-- Beside the file and hidden, so that nothing takes it for a rule file.
local function temporary(path)
  return (path:gsub("([^/]+)$", ".%1.tmp"))
end

local function remove_temporaries(paths)
  for _, path in ipairs(paths) do
    os.remove(temporary(path))
  end
end

local function write_file(path, bytes)
  local file, why = io.open(path, "wb")
  if not file then
    return nil, why
  end
  local written, fault = file:write(bytes)
  local closed, late = file:close()
  if not written or not closed then
    return nil, ("%s: %s"):format(path, fault or late)
  end
  return true
end

-- First everything is written beside the files, which may fail; then it is put in place, one rename after the other.
local function write_sources(sources, changed, gone)
  for _, path in ipairs(changed) do
    local ok, why = write_file(temporary(path), sources[path])
    if not ok then
      remove_temporaries(changed)
      return nil, why
    end
  end
  for _, path in ipairs(changed) do
    local ok, why = os.rename(temporary(path), path)
    if not ok then
      remove_temporaries(changed)
      return nil, why
    end
  end
  for _, path in ipairs(gone) do
    local ok, why = os.remove(path)
    if not ok then
      return nil, why
    end
  end
  return true
end

-- What has to be written and removed, in order.
local function plan(sources)
  local changed, gone, working = json.array {}, json.array {}, rules.sources()
  for _, path in ipairs(text.sorted_keys(sources)) do
    if working[path] ~= sources[path] then
      changed[#changed + 1] = path
    end
  end
  for _, path in ipairs(text.sorted_keys(working)) do
    if not sources[path] then
      gone[#gone + 1] = path
    end
  end
  return changed, gone
end

-- Would a reload take these files?
local function refusal(set)
  local candidate <close>, broken = versions.open(set)
  if not candidate then
    return ("%s cannot be used any more: %s"):format(set.name, broken)
  end
  local faults = candidate:check()
  if #faults > 0 then
    return ("%s does not pass today's checks:\n%s"):format(set.name, table.concat(faults, "\n"))
  end
end

-- Ask for a reload; what came of it.
local function reload()
  local answer, status = server.reload()
  if not answer then
    return { answered = false }
  end
  return {
    answered = true, is_live = status == 200, version = answer.rule_version, generation = answer.generation,
    faults = answer.faults,
  }
end

local function find_version(taken)
  local set, fault = versions.stored(taken.VERSION)
  if not set then
    return nil, fault
  end
  if not is_here() then
    return nil, "run this in the folder that holds config.lua and lua/rules"
  end
  if not taken.force and #store.beginning_with(rules.version()) == 0 then
    return nil, "lua/rules holds edits that were never live and would be lost (`lexicraft rules diff live .` shows them).\n"
      .. "Save them elsewhere and give --force."
  end
  return set, refusal(set)
end

function rollback.run(taken)
  local set, fault = find_version(taken)
  if not set or fault then
    return nil, fault
  end
  local changed, gone = plan(set.sources)
  local ok, why = write_sources(set.sources, changed, gone)
  if not ok then
    return nil, why
  end
  return { version = set.version, before = rules.version(), written = changed, removed = gone, reload = reload() }
end

function rollback.failed(report)
  return report.reload.answered and not report.reload.is_live
end

local function show_files(lines, title, paths)
  if #paths > 0 then
    lines[#lines + 1] = ("  %s %s"):format(title, table.concat(paths, ", "))
  end
end

function rollback.show(report)
  local lines = { ("lua/rules is version %s again"):format(text.version(report.version)) }
  show_files(lines, "written:", report.written)
  show_files(lines, "removed:", report.removed)
  if #report.written + #report.removed == 0 then
    lines[#lines + 1] = "  the files were those already"
  end
  if not report.reload.answered then
    lines[#lines + 1] = ("No server answers at %s; it will begin with this version."):format(server.address())
  elseif report.reload.is_live then
    lines[#lines + 1] = ("The server uses it now (generation %d)."):format(report.reload.generation)
  else
    lines[#lines + 1] = "The server did not take it and keeps its version:"
    text.append(lines, report.reload.faults or {})
  end
  return lines
end

return rollback
