-- rules explain: why this many points, why this day?
local compare = require "tools.lib.compare"
local json = require "json"
local rule_calls = require "store.rule_calls"
local text = require "tools.lib.text"
local versions = require "tools.lib.versions"

local explain = {}

explain.summary = "why a transaction or a test is what it is"
explain.arguments = { { "CHILD" }, { "TRANSACTION", optional = true } }
explain.options = { { "verification", value = "ID", help = "explain when this test was planned for, instead of a transaction" } }
explain.help = [[
Shows what a transaction of a child was decided by: the rule, its version, what it was given and what it answered; then
asks the same again, under that version and under the live one. CHILD and TRANSACTION are the ids the API shows.
Exit code 1 means that the stored version no longer gives the answer that was recorded.]]

local UUID = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"

-- What happened, in a sentence.
local SENTENCES = {
  opening = "%s earned before the child moved in",
  earned = "%s earned",
  unlocked = "%s unlocked",
  bonus = "%s as a bonus",
  withdrawn = "%s withdrawn",
  deficit = "%s taken back, because the learning point failed",
  adjusted = "%s adjusted by staff",
}

local function describe_transaction(row)
  local points = text.count(math.abs(row.points), "point")
  local sentence = SENTENCES[row.transaction_type]:format(points)
  if row.points < 0 then
    sentence = row.transaction_type == "withdrawn" and points .. " came back from a withdrawal"
      or points .. " taken back by staff"
  end
  local parts = { sentence }
  if row.learning_point_id then
    parts[#parts + 1] = ("for %s (tier %d, attempt %d, test day %d)"):format(row.learning_point_id, row.tier or 0,
      row.attempt or 0, row.test_day or 0)
  elseif row.bonus_type then
    parts[#parts + 1] = ("for %s of %s"):format(row.bonus_type:gsub("_", " "), row.bonus_subject)
  end
  return table.concat(parts, " ")
end

local function describe_verification(row)
  local state = "open"
  if row.completed and row.passed == nil then
    state = "cancelled"
  elseif row.completed then
    state = row.passed and "passed" or "failed"
  end
  return ("test of day %d for %s, attempt %d, planned for %s: %s"):format(row.test_day, row.learning_point_id, row.attempt,
    row.scheduled_date, state)
end

-- Ask a set of rules what was asked then.
local function ask_again(set, fault, row)
  if not set then
    return { fault = fault }
  end
  local candidate <close>, broken = versions.open(set)
  if not candidate then
    return { version = set.version, fault = broken }
  end
  local rule, name = row.rule_name:match("^(.*)%.([^.]*)$")
  local ok, result = pcall(candidate.call, candidate, rule, name, row.rule_input)
  if not ok then
    return { version = set.version, fault = type(result) == "table" and result.message or tostring(result) }
  end
  local changes = json.array {}
  for index, change in ipairs(compare.changes(row.rule_result, result)) do
    changes[index] = compare.describe(change)
  end
  return { version = set.version, result = result, is_equal = #changes == 0, changes = changes }
end

local function report_on(row, kind, sentence)
  local report = {
    kind = kind, id = row.id, happened = sentence, at = row.created_at, actor = row.actor, description = row.description,
    version = row.rule_version, first_live = row.live_since, rule = row.rule_name, input = row.rule_input,
    result = row.rule_result,
  }
  if not row.rule_name then
    return report -- a person's decision
  end
  local stored, fault = versions.stored(row.rule_version)
  report.stored = ask_again(stored, fault, row)
  local live, unknown = versions.live()
  if live and live.version == row.rule_version then
    report.is_live = true
  else
    report.live = ask_again(live, unknown, row)
  end
  return report
end

local function find_row(taken)
  local child = taken.CHILD
  if not child:find(UUID) then
    return nil, ("%q is no child's id"):format(child)
  end
  if (taken.TRANSACTION == nil) == (taken.verification == nil) then
    return nil, "give either a transaction or --verification ID"
  end
  local id = math.tointeger(tonumber(taken.TRANSACTION or taken.verification))
  if not id then
    return nil, ("%q is no id"):format(taken.TRANSACTION or taken.verification)
  end
  local kind = taken.TRANSACTION and "transaction" or "verification"
  local find = taken.TRANSACTION and rule_calls.of_transaction or rule_calls.of_verification
  local row = find(child, id)
  if not row then
    return nil, ("child %s has no %s %d"):format(child, kind, id)
  end
  return row, kind
end

function explain.run(taken)
  local row, kind = find_row(taken)
  if not row then
    return nil, kind
  end
  return report_on(row, kind, kind == "transaction" and describe_transaction(row) or describe_verification(row))
end

function explain.failed(report)
  return report.stored ~= nil and not report.stored.is_equal
end

local function show_again(lines, title, again)
  if again.fault then
    return text.append(lines, { "", title, "  cannot be asked: " .. again.fault })
  elseif again.is_equal then
    return text.append(lines, { "", title, "  the same" })
  end
  text.append(lines, { "", title })
  for _, change in ipairs(again.changes) do
    lines[#lines + 1] = "  different, " .. change
  end
end

local function show_rule(lines, report)
  text.append(lines, {
    "", ("Decided by %s of version %s, live since %s"):format(report.rule, text.version(report.version),
      text.time(report.first_live)), "", "It was given",
  })
  text.append(lines, text.columns(compare.flatten(report.input)))
  text.append(lines, { "", "and answered" })
  text.append(lines, text.columns(compare.flatten(report.result)))
  show_again(lines, "Asked again now, that version answers", report.stored)
  if report.is_live then
    text.append(lines, { "", "That version is still live." })
  else
    show_again(lines, ("The live version %s would answer"):format(text.version(report.live.version or "?")), report.live)
  end
end

function explain.show(report)
  local lines = {
    ("%s %d: %s"):format(report.kind == "transaction" and "Transaction" or "Test", report.id, report.happened),
    "on " .. text.time(report.at),
  }
  if report.rule then
    show_rule(lines, report)
  else
    text.append(lines, {
      "", ("Decided by a person, %s, not by a rule."):format(report.actor or "unknown"),
      "Reason: " .. (report.description or "none given"),
    })
  end
  return lines
end

return explain
