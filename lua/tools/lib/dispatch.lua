-- A command of commands, such as `lexicraft rules`: each is a module of its own,
--   summary, arguments, options, help    what --help tells, and what lib/arguments takes apart
--   run(taken) → report | nil, fault      does it; a report is plain data, and all that --json prints
--   show(report) → lines                  the same for people
--   failed(report)                        optional: true if the exit code should be 1
local arguments = require "tools.lib.arguments"
local json = require "json"
local text = require "tools.lib.text"

local dispatch = {}

local DONE, FAILED, USAGE, UNAVAILABLE = 0, 1, 2, 69
local UNAVAILABLE_CODES = { unavailable = true, timeout = true, busy = true }

local function complain(...)
  io.stderr:write("lexicraft: ", table.concat({ ... }, "\n"), "\n")
end

local function find_command(group, name)
  for _, known in ipairs(group.commands) do
    if known == name then
      return require(("tools.%s.%s"):format(group.name, name))
    end
  end
end

local function overview(group)
  local rows = {}
  for index, name in ipairs(group.commands) do
    local command = find_command(group, name)
    rows[index] = { ("%s %s"):format(name, arguments.usage(command)), command.summary }
  end
  local lines = { ("usage: lexicraft %s COMMAND …"):format(group.name), "", "Commands:" }
  text.append(lines, text.columns(rows))
  return text.append(lines, { "", ("`lexicraft %s COMMAND --help` tells more. %s"):format(group.name, group.see) })
end

local function help_of(group, name, command)
  local usage = ("usage: lexicraft %s %s %s"):format(group.name, name, arguments.usage(command))
  local lines = { usage, "", command.help, "", "Options:" }
  text.append(lines, text.columns(arguments.option_help(command)))
  return text.append(lines, { "", "Exit codes: 0 done, 1 failed or found at fault, 2 wrong usage, 69 database or server away." })
end

local function print_lines(lines)
  print(table.concat(lines, "\n"))
end

-- Whatever is raised: a table from the bindings, or a text that is a fault of this program.
local function code_of(err)
  if type(err) ~= "table" then
    error(err, 0)
  end
  complain(err.message or "it failed")
  return UNAVAILABLE_CODES[err.code] and UNAVAILABLE or FAILED
end

local function run(command, taken)
  local ok, report, fault = pcall(command.run, taken)
  if not ok then
    return code_of(report)
  elseif not report then
    complain(fault)
    return FAILED
  end
  if taken.json then
    print(json.encode(report))
  else
    print_lines(command.show(report))
  end
  return command.failed and command.failed(report) and FAILED or DONE
end

---@param group { name: string, commands: string[], see: string }  commands are modules of tools/NAME/; see: where to read on
---@param argv string[]
---@return integer exit_code
function dispatch.main(group, argv)
  local name = argv[1]
  if name == "--help" or name == "-h" or name == "help" then
    print_lines(overview(group))
    return DONE
  end
  local command = name and find_command(group, name)
  if not command then
    local why = name and ("there is no command %s %s"):format(group.name, name) or group.name .. " needs a command"
    complain(why, table.unpack(overview(group)))
    return USAGE
  end
  local taken, fault = arguments.parse(command, table.move(argv, 2, #argv, 1, {}))
  if not taken then
    complain(fault, ("usage: lexicraft %s %s %s"):format(group.name, name, arguments.usage(command)))
    return USAGE
  elseif taken.help then
    print_lines(help_of(group, name, command))
    return DONE
  end
  return run(command, taken)
end

return dispatch
