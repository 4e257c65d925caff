-- How far a child is with its learning points, and the tests: as our life of a learning point wants them.
local values = require "tools.import.values"

local learning = {}

local STATUSES = { learning = true, pending = true, verified = true, failed = true }
local DAY_MAX = 3650
local YEARS_AHEAD_MAX = DAY_MAX // 365
local HIGHEST_SCORE = 100
local PASS_SCORE = 60 -- where only the score tells

---What transactions say of each learning point: earned and unlocked since it failed last.
---@param transactions db.row[]  in their order
---@return table<integer, { earned: integer, unlocked: integer }>  by the id of the progress
function learning.earnings(transactions)
  local found = {}
  for _, row in ipairs(transactions) do
    local id, kind = row.learning_progress_id, row.transaction_type
    if id and (kind == "earned" or kind == "unlocked" or kind == "deficit") then
      local sum = found[id] or { earned = 0, unlocked = 0 }
      found[id] = kind ~= "deficit" and sum or { earned = 0, unlocked = 0 }
      if kind ~= "deficit" then
        sum[kind] = sum[kind] + math.abs(row.points)
      end
    end
  end
  return found
end

-- A test with a result.
local function settle_result(test, row, notes, now)
  test.completed = true
  test.completed_at = values.time(notes, "time of completion", now, row.completed_at, row.updated_at, row.created_at)
  test.passed = row.passed
  local score = tonumber(row.score)
  if test.passed == nil then
    test.passed = score >= PASS_SCORE
    notes[#notes + 1] = "whether it was passed follows from the score"
  end
  if not score then
    score = test.passed and HIGHEST_SCORE or 0
    notes[#notes + 1] = "score was missing"
  elseif score < 0 or score > HIGHEST_SCORE then
    notes[#notes + 1] = ("score is not between 0 and 100 (%s)"):format(row.score)
    score = math.max(0, math.min(HIGHEST_SCORE, score))
  end
  test.score = score
  test.questions, test.answers = row.questions or "[]", row.answers or "[]"
end

---One test.
---@return table? test
---@return string[]|string notes_or_reason
function learning.test(row, now)
  if not values.within(row.test_day, 1, DAY_MAX) then
    return nil, ("the test day is none (%d)"):format(row.test_day)
  end
  local notes = {}
  local completed = row.completed
  if not completed and row.passed ~= nil then
    completed = true
    notes[#notes + 1] = "had a result and was not marked as completed"
  end
  if completed and row.passed == nil and not tonumber(row.score) then
    return nil, "it is completed and has no result"
  end
  local test = {
    child_id = row.child_id, id = row.id, learning_progress_id = row.learning_progress_id, test_day = row.test_day,
    scheduled_date = row.scheduled_date, completed = false, -- an open test gets questions of ours
  }
  if completed then
    settle_result(test, row, notes, now)
  end
  if not values.is_possible(row.scheduled_date, now, YEARS_AHEAD_MAX) then
    if not completed then
      return nil, ("its date is none (%s)"):format(row.scheduled_date)
    end
    notes[#notes + 1] = ("its date is none, now that of its completion (%s)"):format(row.scheduled_date)
    test.scheduled_date = test.completed_at:sub(1, #"2026-01-01")
  end
  test.created_at, test.updated_at = values.times(row, notes, now)
  return test, notes
end

-- Latest time and highest passed day of the results.
local function look_at(tests)
  local highest, tested_at, passed_at = 0, nil, nil
  for _, test in ipairs(tests) do
    if test.completed then
      tested_at = (not tested_at or test.completed_at > tested_at) and test.completed_at or tested_at
      if test.passed then
        highest = math.max(highest, test.test_day)
        passed_at = (not passed_at or test.completed_at > passed_at) and test.completed_at or passed_at
      end
    end
  end
  return highest, tested_at, passed_at
end

-- The status, and the highest day passed that goes with it.
local function settle_status(row, highest, earned, notes)
  local status = STATUSES[row.status] and row.status
  if not status then
    status = earned > 0 and "pending" or "learning"
    notes[#notes + 1] = ("status is unknown, now %s (%s)"):format(status, tostring(row.status))
  end
  if status == "learning" and earned > 0 then
    status = "pending"
    notes[#notes + 1] = "status was learning, but points were earned: now pending"
  elseif status == "learning" and highest > 0 then
    highest = 0
    notes[#notes + 1] = "a test was passed and nothing earned: the next one that is passed earns the points"
  end
  if status == "pending" and highest == 0 then
    highest = 1
    notes[#notes + 1] = "pending without a passed test: day 1 counts as passed"
  end
  return status, highest
end

---One learning point.
---@param row db.row
---@param tests table[]  of it, settled
---@param earning { earned: integer, unlocked: integer }?  nil: no transaction tells
---@param ladder import.ladder
---@return table? progress  with earned and unlocked, for balances.share_out
---@return string[]|string notes_or_reason
function learning.progress(row, tests, earning, ladder, now)
  if not values.within(row.tier, 1, 7) then
    return nil, ("the tier is none (%d)"):format(row.tier)
  end
  local notes, earned = {}, earning and earning.earned or 0
  local highest, tested_at, passed_at = look_at(tests)
  local status
  status, highest = settle_status(row, highest, earned, notes)
  local progress = {
    child_id = row.child_id, id = row.id, learning_point_id = row.learning_point_id, tier = row.tier, status = status,
    last_tested_at = tested_at, notes = notes, earned = 0, unlocked = 0,
  }
  progress.created_at, progress.updated_at = values.times(row, notes, now)
  progress.learned_at = values.time(notes, "time of learning", now, row.learned_at, row.created_at)
  progress.verified_at = status == "verified" and (passed_at or progress.updated_at) or nil
  progress.highest_day = status == "pending" and ladder.before_last(row.tier, highest) or highest
  if progress.highest_day ~= highest then
    notes[#notes + 1] = ("its last test day was passed and it was not verified: that day is tested again (%d)")
      :format(highest)
  end
  if earned > 0 and (status == "pending" or status == "verified") then
    progress.earned, progress.unlocked = earned, math.min(earning.unlocked, earned)
  elseif status == "pending" then
    progress.is_unexplained = true
  end
  return progress, notes
end

---Of the open tests of a point the one that our schedule would have: the first beyond what is passed.
---@param progress table
---@param tests table[]  of it, settled
---@return table? open
function learning.open_test(progress, tests)
  if progress.status ~= "learning" and progress.status ~= "pending" then
    return nil
  end
  local open
  for _, test in ipairs(tests) do
    if not test.completed and test.test_day > progress.highest_day and (not open or test.test_day < open.test_day) then
      open = test
    end
  end
  return open
end

return learning
