-- Takes the arguments of a command apart. A command says what it takes:
--   arguments = { { "DIR", optional = true }, … }
--   options = { { "since", value = "TIME", default = "30d", help = "…" }, { "force", help = "…" }, … }
local arguments = {}

-- Every command has these.
local COMMON = {
  { "json", help = "print the same facts as JSON" },
  { "help", help = "this text" },
}

local function find_option(command, name)
  for _, options in ipairs { command.options or {}, COMMON } do
    for _, option in ipairs(options) do
      if option[1] == name then
        return option
      end
    end
  end
end

-- The option at argv[index]; returns the index of the last word it took.
local function take_option(command, argv, index, taken)
  local name, value = argv[index]:match("^%-%-([%w-]+)=(.*)$")
  name = name or argv[index]:match("^%-%-([%w-]+)$")
  local option = find_option(command, argv[index] == "-h" and "help" or name)
  if not option then
    return nil, ("there is no option %s"):format(argv[index])
  end
  if not option.value then
    if value then
      return nil, ("--%s takes no value"):format(name)
    end
    taken[option[1]] = true
    return index
  end
  if not value then
    index = index + 1
    value = argv[index]
  end
  if not value then
    return nil, ("--%s needs a value: --%s %s"):format(name, name, option.value)
  end
  taken[option[1]] = value
  return index
end

-- Words by the names of the arguments.
local function name_words(command, words, taken)
  local expected = command.arguments or {}
  for index, argument in ipairs(expected) do
    if not words[index] and not argument.optional then
      return nil, argument[1] .. " is missing"
    end
    taken[argument[1]] = words[index]
  end
  if #words > #expected then
    return nil, ("%q is one word too many"):format(words[#expected + 1])
  end
  return taken
end

---@param argv string[]
---@return table<string, string|true>? taken  by name: arguments in capitals, options in small letters
---@return string? fault
function arguments.parse(command, argv)
  local taken, words, index = {}, {}, 1
  for _, option in ipairs(command.options or {}) do
    taken[option[1]] = option.default
  end
  local only_words = false
  while index <= #argv do
    if not only_words and argv[index] == "--" then
      only_words = true
    elseif not only_words and argv[index]:find("^%-.") then
      local last, fault = take_option(command, argv, index, taken)
      if not last then
        return nil, fault
      end
      index = last
    else
      words[#words + 1] = argv[index]
    end
    index = index + 1
  end
  if taken.help then
    return taken
  end
  return name_words(command, words, taken)
end

---@return string  "DIR [--since TIME] [--json]"
function arguments.usage(command)
  local parts = {}
  for _, argument in ipairs(command.arguments or {}) do
    parts[#parts + 1] = argument.optional and "[" .. argument[1] .. "]" or argument[1]
  end
  for _, option in ipairs(command.options or {}) do
    local text = "--" .. option[1] .. (option.value and " " .. option.value or "")
    parts[#parts + 1] = option.required and text or "[" .. text .. "]"
  end
  parts[#parts + 1] = "[--json]"
  return table.concat(parts, " ")
end

---@return { [1]: string, [2]: string }[]  of "--since TIME" and its help
function arguments.option_help(command)
  local rows = {}
  for _, options in ipairs { command.options or {}, COMMON } do
    for _, option in ipairs(options) do
      rows[#rows + 1] = { "--" .. option[1] .. (option.value and " " .. option.value or ""), option.help }
    end
  end
  return rows
end

return arguments
