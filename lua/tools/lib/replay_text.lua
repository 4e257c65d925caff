-- The report of a replay as staff read it: first the answer, then the numbers, then what is behind them.
local text = require "tools.lib.text"

local replay_text = {}

local CHANGES_SHOWN = 12 -- of one rule

local function headline(report)
  local awards, cost = report.awards, report.cost
  if report.calls.total == 0 then
    return "Nothing was recorded in this time."
  elseif report.calls.changed + report.calls.refused == 0 then
    return ("Nothing would have been different in %s."):format(text.count(report.calls.total, "decision"))
  elseif report.calls.refused > 0 then
    return ("Only part could be compared: these rules refuse %s of %s (see the end)."):format(
      text.number(report.calls.refused), text.count(report.calls.total, "decision"))
  end
  return ("%s of %s would have been different; cost %s points, %s NTD."):format(text.number(awards.changed),
    text.count(awards.total, "award"), text.signed(cost.points), text.signed(cost.ntd))
end

local function show_points(lines, report)
  local awards, failures, withdrawals = report.awards, report.failures, report.withdrawals
  local rows = {
    { "Awards", ("%s, %s would be more, %s less"):format(text.number(awards.total), text.number(awards.more),
      text.number(awards.less)) },
    { "Points awarded", ("%s → %s (%s)"):format(text.number(awards.points_before), text.number(awards.points_after),
      text.signed(awards.points_after - awards.points_before)) },
    { "Failures", ("%s fewer (%s points kept), %s more (%s points lost)"):format(text.number(failures.spared),
      text.number(failures.spared_points), text.number(failures.added), text.number(failures.lost_points)) },
    { "Unlocks", ("%s, %s would be different"):format(text.number(report.unlocks.total),
      text.number(report.unlocks.changed)) },
    { "Withdrawals", ("%s, %s would be refused, %s worth more, %s less (%s NTD)"):format(
      text.number(withdrawals.total), text.number(withdrawals.refused), text.number(withdrawals.worth_more),
      text.number(withdrawals.worth_less), text.signed(withdrawals.ntd_cents / 100)) },
    { "Cost", ("%s points, %s NTD at %s NTD a point"):format(text.signed(report.cost.points), text.signed(report.cost.ntd),
      text.number(report.cost.ntd_per_point)) },
  }
  return text.append(lines, text.columns(rows))
end

local function spread_row(title, summary)
  local row = { title, text.number(summary.children) }
  for _, name in ipairs { "least", "median", "most" } do
    row[#row + 1] = summary[name] and text.signed(summary[name]) or "-"
  end
  return row
end

local function show_children(lines, children)
  text.append(lines, { "", "Points per child, difference" })
  return text.append(lines, text.columns({
    { "", "children", "least", "median", "most" },
    spread_row("with any decision", children.all),
    spread_row("whose points change", children.changed),
  }, { right = { [2] = true, [3] = true, [4] = true, [5] = true } }))
end

local function show_losing(lines, losing, path)
  if losing.count == 0 then
    return text.append(lines, { "", "No child would have lost points." })
  end
  text.append(lines, { "", ("%s would have lost points"):format(text.count(losing.count, "child", "children")) })
  local rows = {}
  for index, each in ipairs(losing.most) do
    rows[index] = { each.child, text.signed(each.points) }
  end
  text.append(lines, text.columns(rows, { right = { [2] = true } }))
  if path then
    lines[#lines + 1] = "  all of them are in " .. path
  elseif losing.count > #losing.most then
    lines[#lines + 1] = ("  and %s more; --losing FILE writes all"):format(text.number(losing.count - #losing.most))
  end
end

-- How often each text occurs, the commonest first.
local function show_counts(lines, counts)
  local rows, rest = {}, 0
  for index, each in ipairs(counts) do
    if index <= CHANGES_SHOWN then
      rows[index] = { text.number(each.count) .. " ×", each.text }
    else
      rest = rest + each.count
    end
  end
  if rest > 0 then
    rows[#rows + 1] = { text.number(rest) .. " ×", "others" }
  end
  return text.append(lines, text.columns(rows, { indent = 4, right = { [1] = true } }))
end

local function show_functions(lines, functions)
  text.append(lines, { "", "Decisions, by rule" })
  for _, each in ipairs(functions) do
    lines[#lines + 1] = ("  %s: %s, %s different"):format(each.rule, text.number(each.calls), text.number(each.changed))
    show_counts(lines, each.changes)
  end
end

local function show_refused(lines, report)
  if report.calls.refused == 0 then
    return lines
  end
  text.append(lines, {
    "", ("NOT COMPARED: these rules cannot be asked %s, which are in no number above"):format(
      text.count(report.calls.refused, "recorded question")),
  })
  for _, each in ipairs(report.functions) do
    if each.refused > 0 then
      lines[#lines + 1] = ("  %s"):format(each.rule)
      show_counts(lines, each.refusals)
    end
  end
end

---@return string[] lines
function replay_text.lines(report)
  local lines = {
    headline(report), "",
    ("Every decision recorded since %s, made again by %s"):format(text.time(report.since), report.rules),
  }
  if report.calls.total == 0 then
    return lines
  end
  show_points(lines, report)
  show_children(lines, report.children)
  show_losing(lines, report.children.losing, report.losing_file)
  show_functions(lines, report.functions)
  show_refused(lines, report)
  return lines
end

return replay_text
