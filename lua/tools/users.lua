-- lexicraft users: what an operator does for a parent by hand. reset EMAIL prints a token to choose a new password with.
local arguments = require "tools.lib.arguments"
local auth = require "auth"
local clock = require "clock"
local config = require "config"
local json = require "json"
local resets = require "store.password_resets"
local text = require "tools.lib.text"

local DONE, FAILED, USAGE, UNAVAILABLE = 0, 1, 2, 69
local UNAVAILABLE_CODES = { unavailable = true, timeout = true, busy = true }
local SECRET_BYTES = 32

local RESET = {
  arguments = { { "EMAIL" } },
  help = "Prints a token with which the parent with this e-mail address can choose a new password, once and soon:\n"
    .. "POST /v1/password-resets/completion takes it. A token printed earlier is good for nothing any more. Who asks must\n"
    .. "be known to be the parent: whoever has the token has the account.",
}

local function complain(...)
  io.stderr:write("lexicraft: ", table.concat({ ... }, "\n"), "\n")
end

local function usage()
  return "usage: lexicraft users reset " .. arguments.usage(RESET)
end

local function reset(taken)
  local token, now_s = auth.random(SECRET_BYTES), clock.real()
  local expires_s = now_s + config.auth.reset_token_s
  local ok, user_id = pcall(resets.put, taken.EMAIL, auth.sha256(token), now_s, expires_s)
  if not ok and type(user_id) ~= "table" then
    error(user_id, 0)
  elseif not ok then
    complain(user_id.message or "it failed")
    return UNAVAILABLE_CODES[user_id.code] and UNAVAILABLE or FAILED
  elseif not user_id then
    complain("nobody has this e-mail address")
    return FAILED
  end
  if taken.json then
    print(json.encode { token = token, user_id = user_id, expires_at = os.date("!%Y-%m-%dT%H:%M:%SZ", expires_s) })
  else
    print(token)
  end
  return DONE
end

local function print_help()
  print(("%s\n\n%s\n\nOptions:"):format(usage(), RESET.help))
  print(table.concat(text.columns(arguments.option_help(RESET)), "\n"))
  print("\nExit codes: 0 done, 1 nobody has this address, 2 wrong usage, 69 database away.")
  return DONE
end

local function main(argv)
  local name = argv[1]
  if name == "--help" or name == "-h" or name == "help" then
    return print_help()
  elseif name ~= "reset" then
    complain(name and ("there is no command users %s"):format(name) or "users needs a command", usage())
    return USAGE
  end
  local taken, fault = arguments.parse(RESET, table.move(argv, 2, #argv, 1, {}))
  if not taken then
    complain(fault, usage())
    return USAGE
  end
  return taken.help and print_help() or reset(taken)
end

os.exit(main(arg))
