-- The recorded rule calls of every child, one child after the other, in batches: whatever there is, only two batches are
-- in memory.
local rule_calls = require "store.rule_calls"

local recorded = {}

local BATCH_ROWS = 2000
local BEFORE_ALL = "00000000-0000-0000-0000-000000000000"

-- One table, row after row.
local function reader(fetch, tx, since, source)
  local rows, at, after, is_over = {}, 0, { child_id = BEFORE_ALL, id = 0 }, false
  local self = {}

  local function next_batch()
    rows, at = fetch(tx, after, since, BATCH_ROWS), 1
    is_over = #rows == 0
    after = rows[#rows] or after
  end

  ---The row at hand, nil at the end.
  function self.row()
    while not is_over do
      if at == 0 or at > #rows then
        next_batch()
      elseif not rows[at].is_asked_for then
        at = at + 1
      else
        rows[at].source = source
        return rows[at]
      end
    end
  end

  function self.step()
    at = at + 1
  end
  return self
end

---Iterate over the rows of ledger and schedule since a time, in the order of their children.
---@param tx db.tx
---@param since string  timestamptz
---@return fun(): db.row?  with source "ledger" or "schedule"
function recorded.rows(tx, since)
  local ledger = reader(rule_calls.transactions_after, tx, since, "ledger")
  local schedule = reader(rule_calls.verifications_after, tx, since, "schedule")
  return function()
    local a, b = ledger.row(), schedule.row()
    local first = (not b or a and a.child_id <= b.child_id) and ledger or schedule
    local row = first.row()
    first.step()
    return row
  end
end

---How far a child is in that order, 0 to 1: ids are random, so they are spread evenly.
---@param child_id string
---@return number
function recorded.fraction(child_id)
  return tonumber(child_id:sub(1, 8), 16) / 0x100000000
end

return recorded
