-- Loads modules of lua/ with stand-ins for what they require, so that specs of plain logic run without the program
-- (`lua5.4 /usr/bin/busted spec/rules spec/lib spec/actions/ledger_spec.lua`) as well as within it.
local modules = {}

if not package.path:find("lua/?.lua", 1, true) then
  package.path = "lua/?.lua;" .. package.path
end

-- Enough of the json module for plain Lua; within the program the real one is used.
local function plain_json()
  local json = { null = coroutine.create(function() end) } -- a value that equals nothing else and is no table
  local array = {}
  function json.array(list)
    return setmetatable(list, array)
  end
  function json.is_array(value)
    return type(value) == "table" and getmetatable(value) == array
  end
  function json.encode(value)
    if type(value) ~= "table" or value == json.null then
      return type(value) == "string" and ("%q"):format(value) or tostring(value)
    end
    local parts, keys = {}, {}
    for key in pairs(value) do
      keys[#keys + 1] = key
    end
    table.sort(keys)
    for index, key in ipairs(keys) do
      parts[index] = tostring(key) .. ":" .. json.encode(value[key])
    end
    return "{" .. table.concat(parts, ",") .. "}"
  end
  return json
end

local found, json = pcall(require, "json")
modules.json = found and json or plain_json()

---Load a module anew with these modules in place of the real ones; modules of lua/ it requires are loaded anew as well.
---@param name string
---@param replaced? table<string, any>
function modules.load(name, replaced)
  local kept = {}
  local function set(key, value)
    kept[key] = kept[key] or { package.loaded[key] }
    package.loaded[key] = value
  end
  for key in pairs(package.loaded) do
    if key:find("^lib%.") then
      set(key, nil)
    end
  end
  set("json", modules.json)
  set(name, nil)
  for key, value in pairs(replaced or {}) do
    set(key, value)
  end
  local ok, module = pcall(require, name)
  for key in pairs(package.loaded) do
    if key:find("^lib%.") and not kept[key] then
      set(key, nil)
    end
  end
  for key, before in pairs(kept) do
    package.loaded[key] = before[1]
  end
  assert(ok, module)
  return module
end

---A rule file's table, run anew, as are the rule files it requires but those given.
---@param name string
---@param given? table<string, table>  rule files by name
function modules.rule(name, given)
  local environment = setmetatable({
    require = function(other)
      return given and given[other] or modules.rule(other, given)
    end,
  }, { __index = _G })
  return assert(loadfile("lua/rules/" .. name .. ".lua", "t", environment))()
end

return modules
