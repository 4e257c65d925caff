-- rules replay: what would these rules have cost?
local clock = require "clock"
local db = require "db"
local progress = require "tools.lib.progress"
local recorded = require "tools.lib.recorded"
local rerun = require "tools.lib.rerun"
local rule_calls = require "store.rule_calls"
local show = require "tools.lib.replay_text"
local tally = require "tools.lib.tally"
local text = require "tools.lib.text"
local versions = require "tools.lib.versions"

local replay = {}

replay.summary = "what other rules would have changed, and what that costs"
replay.arguments = { { "DIR" } }
replay.options = {
  { "since", value = "TIME", default = "30d", help = "how far back: 30d, 12h, 4w, or a date such as 2030-01-31 (30d)" },
  { "losing", value = "FILE", help = "write every child that would have lost points to FILE, with the points" },
}
replay.help = [[
Takes every rule call recorded since TIME, asks the rules in DIR (a folder, a version, `live` or `.`) the same, and shows
what would have been different: how many awards change, points per child, who would have lost points, and the cost.
Each call is asked with what it was given then, so it is a comparison of decisions, not of all that would have followed;
what was decided without leaving a row (an award of 0) is not seen. Reads one snapshot of the database, writes nothing.]]

local SECONDS = { m = 60, h = 3600, d = 86400, w = 604800 }
local ROWS_PER_NOTE = 500

-- "30d" → a time.
local function since_time(given)
  local number, unit = given:match("^(%d+)([mhdw])$")
  if number and #number <= 6 then
    return os.date("!%Y-%m-%dT%H:%M:%SZ", clock.now_us() // 1000000 - math.tointeger(tonumber(number)) * SECONDS[unit])
  elseif given:find("^%d%d%d%d%-%d%d%-%d%d$") then
    return given .. "T00:00:00Z"
  end
  return nil, ("--since %s is neither a time such as 30d, 12h or 4w nor a date"):format(given)
end

-- Rules that compute for long must not let the transaction look forgotten; and the bar moves.
local function watch(tx, bar, counts)
  local last_s = os.time()
  return function(row)
    local now_s = os.time()
    if now_s ~= last_s then
      last_s = now_s
      rule_calls.keep_alive(tx)
    end
    if counts.calls.total % ROWS_PER_NOTE == 0 then
      bar:update(recorded.fraction(row.child_id), text.count(counts.calls.total, "call"))
    end
  end
end

local function replay_all(candidate, since, counts, bar)
  local ask = rerun.with(candidate)
  return db.transaction({ isolation = "repeatable read", read_only = true }, function(tx)
    local look = watch(tx, bar, counts)
    for row in recorded.rows(tx, since) do
      if row.rule_name then
        counts:add(row, ask(row))
        look(row)
      end
    end
    return true
  end)
end

-- What a point is worth in the candidate's withdrawals.
local function cents_per_point(candidate)
  local withdrawal = candidate:parameters().withdrawal
  return withdrawal and math.tointeger(withdrawal.ntd_cents_per_point) or 100
end

local function open_list(path)
  if not path then
    return nil
  end
  local file, why = io.open(path, "w")
  if not file then
    error({ code = "invalid", message = why })
  end
  return file
end

-- Why the candidate refuses something names its files.
local function place_refusals(set, functions)
  for _, each in ipairs(functions) do
    for _, refusal in ipairs(each.refusals) do
      refusal.text = versions.placed(set, refusal.text)
    end
  end
end

local function run(set, candidate, since, path)
  local list <close> = open_list(path)
  local counts = tally.new(list and function(child_id, points)
    list:write(child_id, ",", points, "\n")
  end)
  local bar = progress.start("replaying")
  local ok, err = pcall(replay_all, candidate, since, counts, bar)
  bar:finish()
  if not ok then
    error(err, 0)
  end
  local report = counts:finish(cents_per_point(candidate))
  place_refusals(set, report.functions)
  report.rules, report.version, report.since, report.losing_file = set.name, set.version, since, path
  return report
end

function replay.run(taken)
  local since, unreadable = since_time(taken.since)
  if not since then
    return nil, unreadable
  end
  local set, fault = versions.find(taken.DIR)
  if not set then
    return nil, fault
  end
  local candidate <close>, broken = versions.open(set)
  if not candidate then
    return nil, broken
  end
  return run(set, candidate, since, taken.losing)
end

replay.show = show.lines

return replay
