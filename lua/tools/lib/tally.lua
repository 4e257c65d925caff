-- Adds up what other rules would have changed: in all, for each rule, and for each child. Rows must come child by child:
-- only the child at hand, and counts, are in memory.
local json = require "json"
local spread = require "tools.lib.spread"
local text = require "tools.lib.text"

local tally = {}
tally.__index = tally

local TEXTS_MAX = 100   -- different changes, and different refusals, counted for one rule
local LOSING_MAX = 20   -- children named

---@param on_losing? fun(child_id: string, points: integer)  told of every child that would have lost points
---@return tally
function tally.new(on_losing)
  return setmetatable({
    on_losing = on_losing,
    calls = { total = 0, changed = 0, refused = 0 },
    awards = { total = 0, changed = 0, more = 0, less = 0, points_before = 0, points_after = 0 },
    unlocks = { total = 0, changed = 0 },
    failures = { spared = 0, spared_points = 0, added = 0, lost_points = 0 },
    withdrawals = { total = 0, refused = 0, worth_more = 0, worth_less = 0, ntd_cents = 0 },
    functions = {},
    all = spread.new(),
    changed = spread.new(),
    losing = 0,
    most_losing = {},
  }, tally)
end

-- Count a text; once there are too many different ones, the rest together.
local function count_text(counts, what)
  if not counts.by_text[what] then
    if counts.different == TEXTS_MAX then
      what = "others"
    else
      counts.different = counts.different + 1
    end
  end
  counts.by_text[what] = (counts.by_text[what] or 0) + 1
end

local function function_of(self, name)
  local counts = self.functions[name]
  if not counts then
    counts = {
      calls = 0, changed = 0, refused = 0,
      changes = { by_text = {}, different = 0 }, refusals = { by_text = {}, different = 0 },
    }
    self.functions[name] = counts
  end
  return counts
end

-- What a changed answer would have meant for points; each returns the child's difference.
local effects = {}

function effects.award(self, row, outcome)
  local before, after = row.points, outcome.after.points or 0
  local awards = self.awards
  awards.total = awards.total + 1
  awards.points_before = awards.points_before + before
  awards.points_after = awards.points_after + after
  if after ~= before then
    local kind = after > before and "more" or "less"
    awards.changed = awards.changed + 1
    awards[kind] = awards[kind] + 1
  end
  return after - before
end

function effects.unlocked(self, _, outcome)
  self.unlocks.total = self.unlocks.total + 1
  if not outcome.is_same then
    self.unlocks.changed = self.unlocks.changed + 1
  end
  return 0
end

-- The point failed and was taken back; would it have been?
function effects.deficit(self, row, outcome)
  if outcome.after.is_failed ~= false then
    return 0
  end
  self.failures.spared = self.failures.spared + 1
  self.failures.spared_points = self.failures.spared_points + row.points
  return row.points
end

-- Points stay the child's whether they are withdrawn or not: only what they are worth can differ.
function effects.withdrawn(self, _, outcome)
  local before, after, withdrawals = outcome.before.ntd_cents, outcome.after.ntd_cents, self.withdrawals
  withdrawals.total = withdrawals.total + 1
  if not before or not after then
    withdrawals.refused = withdrawals.refused + (after and 0 or 1)
  elseif before ~= after then
    local kind = after > before and "worth_more" or "worth_less"
    withdrawals[kind] = withdrawals[kind] + 1
    withdrawals.ntd_cents = withdrawals.ntd_cents + (after - before)
  end
  return 0
end

effects.earned = effects.award
effects.bonus = effects.award

-- The test was repeated; would the point have failed instead? An attempt can be lost only once.
local function effect_on_schedule(self, row, outcome)
  if outcome.before.is_failed ~= false or outcome.after.is_failed ~= true then
    return 0
  end
  local attempt = ("%d %d"):format(row.learning_progress_id, row.attempt)
  if self.lost_attempts[attempt] then
    return 0
  end
  local points = row.points_at_stake or 0
  self.lost_attempts[attempt] = true
  self.failures.added = self.failures.added + 1
  self.failures.lost_points = self.failures.lost_points + points
  return -points
end

local function effect_of(self, row, outcome)
  if row.source == "schedule" then
    return effect_on_schedule(self, row, outcome)
  end
  local effect = effects[row.transaction_type]
  return effect and effect(self, row, outcome) or 0
end

-- Keep the children that lose most, the most first.
local function note_losing(self, child_id, points)
  local list = self.most_losing
  local at = #list + 1
  while at > 1 and list[at - 1].points > points do
    at = at - 1
  end
  if at <= LOSING_MAX then
    table.insert(list, at, { child = child_id, points = points })
    list[LOSING_MAX + 1] = nil
  end
end

local function finish_child(self)
  if not self.child_id then
    return
  end
  self.all:add(self.difference)
  if self.difference ~= 0 then
    self.changed:add(self.difference)
  end
  if self.difference < 0 then
    self.losing = self.losing + 1
    note_losing(self, self.child_id, self.difference)
    if self.on_losing then
      self.on_losing(self.child_id, self.difference)
    end
  end
end

---@param row db.row
---@param outcome rerun.outcome
function tally:add(row, outcome)
  if row.child_id ~= self.child_id then
    finish_child(self)
    self.child_id, self.difference, self.lost_attempts = row.child_id, 0, {}
  end
  local counts = function_of(self, row.rule_name)
  counts.calls = counts.calls + 1
  self.calls.total = self.calls.total + 1
  if outcome.refused then
    counts.refused = counts.refused + 1
    self.calls.refused = self.calls.refused + 1
    count_text(counts.refusals, outcome.refused)
    return
  end
  if not outcome.is_same then
    counts.changed = counts.changed + 1
    self.calls.changed = self.calls.changed + 1
    for _, change in ipairs(outcome.changes) do
      count_text(counts.changes, change)
    end
  end
  self.difference = self.difference + effect_of(self, row, outcome)
end

-- The commonest first.
local function sorted_counts(counts)
  local list = json.array {}
  for _, what in ipairs(text.sorted_keys(counts.by_text)) do
    list[#list + 1] = { text = what, count = counts.by_text[what] }
  end
  table.sort(list, function(a, b)
    if a.count ~= b.count then
      return a.count > b.count
    end
    return a.text < b.text
  end)
  return list
end

-- Whole dollars as whole numbers.
local function ntd_of(cents)
  return math.tointeger(cents / 100) or cents / 100
end

---@param cents_per_point integer  hundredths of NTD, when withdrawn
---@return table report  plain data
function tally:finish(cents_per_point)
  finish_child(self)
  self.child_id = nil
  local functions = json.array {}
  for index, name in ipairs(text.sorted_keys(self.functions)) do
    local counts = self.functions[name]
    functions[index] = {
      rule = name, calls = counts.calls, changed = counts.changed, refused = counts.refused,
      changes = sorted_counts(counts.changes), refusals = sorted_counts(counts.refusals),
    }
  end
  local points = self.awards.points_after - self.awards.points_before + self.failures.spared_points
    - self.failures.lost_points
  return {
    calls = self.calls, awards = self.awards, unlocks = self.unlocks, failures = self.failures,
    withdrawals = self.withdrawals, functions = functions,
    cost = {
      points = points, ntd = ntd_of(points * cents_per_point + self.withdrawals.ntd_cents),
      ntd_per_point = ntd_of(cents_per_point),
    },
    children = {
      all = self.all:summary(), changed = self.changed:summary(),
      losing = { count = self.losing, most = json.array(self.most_losing) },
    },
  }
end

return tally
