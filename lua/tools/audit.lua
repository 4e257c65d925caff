-- lexicraft audit: replays every child's ledger and checks every law of it. Prints what differs; exit 1 if anything does.
local arguments = require "tools.lib.arguments"
local audit = require "store.audit"
local clock = require "clock"
local db = require "db"
local json = require "json"
local progress = require "tools.lib.progress"
local text = require "tools.lib.text"

local DONE, FAILED, USAGE, UNAVAILABLE = 0, 1, 2, 69
local UNAVAILABLE_CODES = { unavailable = true, timeout = true, busy = true }

-- More are counted, but not kept: one fault of a program can spoil a million rows.
local LISTED_MAX = 1000

local COMMAND = {
  summary = "replay every child's ledger, and list what breaks a law of it",
  help = "Reads one snapshot of the database and changes nothing. Server and clients may go on meanwhile.\n"
    .. "Recomputes every balance from the ledger, moment by moment, and compares it with accounts, learning progress,\n"
    .. "tests, withdrawals, discoveries, bonuses and the rule versions recorded.",
}

---@class audit.report
---@field children integer
---@field transactions integer
---@field seconds number
---@field found integer
---@field is_complete boolean        false: there are more than were found
---@field findings audit.finding[]  at most LISTED_MAX of them

local function new_report()
  return { children = 0, transactions = 0, found = 0, is_complete = true, findings = json.array {} }
end

local function check_all(tx)
  local report, bar = new_report(), progress.start("audit")
  local total = audit.size(tx)
  local range
  repeat
    range = audit.check(tx, range and range["until"], function(finding)
      report.found = report.found + 1
      if report.found <= LISTED_MAX then
        report.findings[report.found] = finding
      end
    end)
    report.is_complete = report.is_complete and not range.is_cut
    report.children = report.children + range.children
    report.transactions = report.transactions + range.transactions
    bar:update((report.children + report.transactions) / math.max(1, total.children + total.transactions),
      text.count(report.transactions, "transaction"))
  until not range["until"]
  bar:finish()
  return report
end

-- The same for people.
local function show(report)
  for _, finding in ipairs(report.findings) do
    local what = finding.id and ("child %s, %s %d"):format(finding.child_id, finding.of, finding.id)
      or ("child %s"):format(finding.child_id)
    print(("%s: %s"):format(what, finding.detail))
  end
  if report.found > #report.findings then
    print(("… and %s more"):format(text.number(report.found - #report.findings)))
  end
  print(("%s of %s checked in %.1f s: %s"):format(text.count(report.transactions, "transaction"),
    text.count(report.children, "child", "children"), report.seconds,
    report.found == 0 and "everything adds up"
    or (report.is_complete and "" or "at least ") .. text.count(report.found, "difference")))
end

local function run(taken)
  local begun_us = clock.now_us()
  local ok, report = pcall(db.transaction, { isolation = "repeatable read", read_only = true }, check_all)
  if not ok and type(report) ~= "table" then
    error(report, 0)
  elseif not ok then
    io.stderr:write("lexicraft: ", report.message or "it failed", "\n")
    return UNAVAILABLE_CODES[report.code] and UNAVAILABLE or FAILED
  end
  report.seconds = (clock.now_us() - begun_us) / 1000000
  if taken.json then
    print(json.encode(report))
  else
    show(report)
  end
  return report.found == 0 and DONE or FAILED
end

local function main(argv)
  local taken, fault = arguments.parse(COMMAND, argv)
  if not taken then
    io.stderr:write("lexicraft: ", fault, "\nusage: lexicraft audit ", arguments.usage(COMMAND), "\n")
    return USAGE
  elseif taken.help then
    print(("usage: lexicraft audit %s\n\n%s\n\nOptions:"):format(arguments.usage(COMMAND), COMMAND.help))
    print(table.concat(text.columns(arguments.option_help(COMMAND)), "\n"))
    print("\nExit codes: 0 everything adds up, 1 something differs, 2 wrong usage, 69 database away.")
    return DONE
  end
  return run(taken)
end

os.exit(main(arg))
