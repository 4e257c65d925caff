-- Sets of rule files by the names staff give them: a folder, "." (the project's own lua/rules), "live" (what the server
-- uses), or the first digits of a version that once was live.
local rule_versions = require "store.rule_versions"
local rules = require "rules"
local server = require "tools.lib.server"
local text = require "tools.lib.text"

local versions = {}

local DIGITS_MIN = 4

---@class versions.set
---@field name string        for a sentence: "version 3fa4c1d2e5b6", "the folder draft"
---@field version string
---@field sources table<string, string>
---@field place string?       where they lie, if not in lua/rules/
---@field live_since string?  when it was live for the first time
---@field known_from string?  of "live": how it is known to be that

local function is_folder(path)
  local found = io.open(path .. "/.")
  if found then
    found:close()
  end
  return found ~= nil
end

---The working files.
---@return versions.set
function versions.working()
  return { name = "lua/rules as it is now", version = rules.version(), sources = rules.sources() }
end

---@param digits string  all of a version, or enough of its beginning
---@return versions.set? set
---@return string? fault
function versions.stored(digits)
  if not digits:find("^%x+$") or #digits < DIGITS_MIN then
    return nil, ("%q is no version: at least %d of its digits 0-9 and a-f are needed"):format(digits, DIGITS_MIN)
  end
  local found = rule_versions.beginning_with(digits:lower())
  if #found == 0 then
    return nil, ("no version that begins with %s was ever live"):format(digits)
  elseif #found > 1 then
    return nil, ("several versions begin with %s; give more digits"):format(digits)
  end
  return {
    name = "version " .. text.version(found[1].version),
    version = found[1].version,
    sources = found[1].sources,
    live_since = found[1].created_at,
  }
end

---What the server uses now; if none answers, what became live last.
---@return versions.set? set
---@return string? fault
function versions.live()
  local answered = server.live()
  local newest = not answered and rule_versions.newest()
  if not answered and not newest then
    return nil, ("no server answers at %s, and no version was ever live"):format(server.address())
  end
  local set, fault = versions.stored((answered or newest).version)
  if not set then
    return nil, fault
  end
  set.name = "the live version " .. text.version(set.version)
  set.reloaded_at = answered and answered.reloaded_at
  set.known_from = answered and ("the server at %s uses it"):format(server.address())
    or ("no server answers at %s; it is the newest in the database"):format(server.address())
  return set
end

---A message names files as if they lay in lua/rules; name them where they are.
---@param set { place: string? }
---@param message string
function versions.placed(set, message)
  if not set.place then
    return message
  end
  return (message:gsub("lua/rules/", (set.place:gsub("%%", "%%%%"))))
end

---@param path string  of a folder of rule files, or of one that holds lua/rules
---@return versions.set? set
---@return string? fault
function versions.folder(path)
  if not is_folder(path) then
    return nil, ("there is no folder %s"):format(path)
  end
  path = path:match("^(.-)/*$")
  local set = { name = "the folder " .. path, place = path .. (is_folder(path .. "/lua/rules") and "/lua/rules/" or "/") }
  local candidate <close>, err = rules.open_directory(path)
  if not candidate then
    return nil, versions.placed(set, err.message)
  end
  set.version, set.sources = candidate:version(), candidate:sources()
  return set
end

---@param name string  "live", ".", a folder or the first digits of a version
---@return versions.set? set
---@return string? fault
function versions.find(name)
  if name == "live" then
    return versions.live()
  elseif name == "." then
    return versions.working()
  elseif is_folder(name) then
    return versions.folder(name)
  elseif name:find("^%x+$") then
    return versions.stored(name)
  end
  return nil, ("%s is neither a folder nor a version"):format(name)
end

---The rules of a set, ready to be called.
---@param set versions.set
---@return rules.candidate? candidate
---@return string? fault
function versions.open(set)
  if next(set.sources) == nil then
    return nil, set.name .. " has no rule files"
  end
  local candidate, err = rules.open(set.sources)
  if not candidate then
    return nil, versions.placed(set, err.message)
  end
  return candidate
end

return versions
