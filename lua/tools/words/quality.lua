-- words quality: which questions tell little about who answers them?
local json = require "json"
local statistics = require "store.question_statistics"
local text = require "tools.lib.text"

local quality = {}

-- Of all answers: more right than this is too easy, fewer too hard; an option chosen less often misleads nobody.
local TOO_EASY, TOO_HARD, NOBODY = 0.95, 0.30, 0.05

local LEAST = 30
local PAGE = 500

-- What stands for "I don't know", which is no option to mislead anybody.
local NO_POINT = "?"

local FAULTS = { too_easy = "too easy", too_hard = "too hard", unused_options = "options nobody picks" }

quality.summary = "list questions that are too easy or too hard, or have options nobody picks"
quality.arguments = {}
quality.options = {
  { "least", value = "N", default = tostring(LEAST), help = "judge what was shown at least N times" },
}
quality.help = ([[
A question is a learning point and a type of question; its counts are those of all children together. Too easy: more than
%d %% of the answers are right. Too hard: fewer than %d %%. An option nobody picks: chosen in fewer than %d %% of the times it
was shown. Changes nothing.]]):format(TOO_EASY * 100, TOO_HARD * 100, NOBODY * 100)

local function share(part, whole)
  return whole > 0 and math.floor(part / whole * 1000 + 0.5) / 1000 or 0
end

-- The wrong options that were shown often enough and hardly ever chosen.
local function unused_options(row, least)
  local unused = json.array {}
  for _, option in ipairs(row.options) do
    if not option.is_right and option.option_id ~= NO_POINT and option.shown >= least
      and option.chosen < NOBODY * option.shown then
      unused[#unused + 1] = { option_id = option.option_id, shown = option.shown, chosen = option.chosen }
    end
  end
  return unused
end

-- What is wrong with a question, nil: nothing.
local function judge(row, least)
  local unused = unused_options(row, least)
  local faults = json.array {}
  if row.shown >= least and row.right > TOO_EASY * row.shown then
    faults[#faults + 1] = "too_easy"
  elseif row.shown >= least and row.right < TOO_HARD * row.shown then
    faults[#faults + 1] = "too_hard"
  end
  if #unused > 0 then
    faults[#faults + 1] = "unused_options"
  end
  return #faults > 0 and {
    learning_point_id = row.learning_point_id, word = row.word, question_type = row.question_type, shown = row.shown,
    right = row.right, right_share = share(row.right, row.shown), faults = faults, unused_options = unused,
  } or nil
end

function quality.run(taken)
  local least = taken.least and math.tointeger(tonumber(taken.least)) or not taken.least and LEAST
  if not least or least < 1 then
    return nil, ("--least must be a whole number above 0, not %s"):format(taken.least)
  end
  local report = { least = least, questions = 0, judged = 0, found = json.array {} }
  local after = { "", "" }
  repeat
    local rows = statistics.list(after, PAGE)
    for _, row in ipairs(rows) do
      report.questions = report.questions + 1
      report.judged = report.judged + (row.shown >= least and 1 or 0)
      report.found[#report.found + 1] = judge(row, least)
      after = { row.learning_point_id, row.question_type }
    end
  until #rows < PAGE
  return report
end

local function describe(found)
  local names, options = {}, {}
  for index, fault in ipairs(found.faults) do
    names[index] = FAULTS[fault]
  end
  for index, option in ipairs(found.unused_options) do
    options[index] = ("%s (%d of %d)"):format(option.option_id, option.chosen, option.shown)
  end
  return table.concat(names, ", ") .. (#options > 0 and ": " .. table.concat(options, ", ") or "")
end

function quality.show(report)
  local rows = {}
  for index, found in ipairs(report.found) do
    rows[index] = {
      ("%s %s"):format(found.learning_point_id, found.question_type),
      ("%5.1f %% of %s right  %s"):format(found.right_share * 100, text.number(found.shown), describe(found)),
    }
  end
  local lines = #rows > 0 and text.columns(rows) or {}
  return text.append(lines, {
    ("%s of %s shown at least %d times: %s"):format(text.count(report.judged, "question"),
      text.number(report.questions), report.least,
      #rows == 0 and "nothing to mend" or text.count(#rows, "question") .. " to look at"),
  })
end

return quality
