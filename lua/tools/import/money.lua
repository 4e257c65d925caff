-- Withdrawals, discoveries and the ledger of the original.
local values = require "tools.import.values"

local money = {}

local STATUSES = {
  pending = "pending", processing = "processing", completed = "completed", failed = "failed", cancelled = "cancelled",
  canceled = "cancelled",
}
local IS_OPEN = { pending = true, processing = true }

local RELATIONSHIPS = {
  PREREQUISITE_OF = true, COLLOCATES_WITH = true, RELATED_TO = true, PART_OF = true, OPPOSITE_OF = true,
  MORPHOLOGICAL = true, REGISTER_VARIANT = true, FREQUENCY_RANK = true,
}
local UNDIRECTED = { COLLOCATES_WITH = true, RELATED_TO = true, OPPOSITE_OF = true }

-- Bonuses whose subject follows from the learning point they were paid for.
local OF_POINT = {
  phrase_completion = true, idiom_unlock = true, context_mastery = true, pattern_recognition = true, pattern_mastery = true,
}

local POINTS_MAX = 1000000000

local function settle_transfer(row, status, twice, notes)
  local transfer = values.text(row.transaction_id)
  if transfer and status == "completed" and twice[transfer] then
    if twice[transfer] == true then
      twice[transfer] = row.id
    elseif twice[transfer] ~= row.id then
      notes[#notes + 1] = ("its transfer has paid another withdrawal, now none (%s)"):format(transfer)
      return nil
    end
  end
  return transfer
end

---One withdrawal, apart from whether its points can come back.
---@param child { id: string, parent_id: string }
---@param twice table<string, true|integer>  transfers that paid two; the first one keeps it
---@return table? withdrawal
---@return string[]|string notes_or_reason
function money.withdrawal(row, child, twice, now)
  local notes = {}
  local status = STATUSES[(row.status or "pending"):lower():match("^%s*(.-)%s*$")]
  if not status then
    return nil, ("the status is unknown (%s)"):format(row.status)
  elseif not values.within(row.points_amount, 1, POINTS_MAX) then
    return nil, ("so many points cannot be withdrawn (%d)"):format(row.points_amount)
  elseif not tonumber(row.amount_ntd) or row.amount_ntd == "NaN" or tonumber(row.amount_ntd) <= 0 then
    return nil, ("so much cannot be paid out (%s NTD)"):format(row.amount_ntd)
  end
  if row.status ~= status then
    notes[#notes + 1] = ("status written as ours, %s (%s)"):format(status, tostring(row.status))
  end
  if row.parent_id ~= child.parent_id then
    notes[#notes + 1] = "named another parent than the child's"
  end
  local account = values.text(row.bank_account)
  if not account then
    account = "not given"
    notes[#notes + 1] = "bank account was missing"
  end
  local withdrawal = {
    child_id = child.id, id = row.id, parent_id = child.parent_id, amount_ntd = row.amount_ntd,
    points_amount = row.points_amount, status = status, bank_account = values.cut(account, 100, notes, "bank account"),
    transaction_id = settle_transfer(row, status, twice, notes),
  }
  withdrawal.created_at, withdrawal.updated_at = values.times(row, notes, now)
  withdrawal.completed_at = values.past(notes, "time of completion", now, row.completed_at) or withdrawal.updated_at
  return withdrawal, notes
end

---Which of a child's withdrawals can move in: an open one only if its points have left the balance, so that they can come
---back to it.
---@param account ledger.account
---@param withdrawals table[]  settled
---@return table<table, string> refused  reasons
function money.uncovered(account, withdrawals)
  local left, refused = account.withdrawn_points, {}
  for _, withdrawal in ipairs(withdrawals) do
    if withdrawal.status == "completed" then
      left = left - withdrawal.points_amount
    end
  end
  for _, withdrawal in ipairs(withdrawals) do
    if IS_OPEN[withdrawal.status] then
      if withdrawal.points_amount <= left then
        left = left - withdrawal.points_amount
      else
        refused[withdrawal] = withdrawal.status == "pending"
            and "its points have not left the balance: they are still available, ask for it again"
          or "its points have not left the balance, and it was being paid: see whether the bank has paid it"
      end
    end
  end
  return refused
end

---@return table? discovery
---@return string[]|string notes_or_reason
function money.discovery(row, now)
  local notes, kind = {}, row.relationship_type:upper()
  if not RELATIONSHIPS[kind] then
    return nil, ("the relationship is unknown (%s)"):format(row.relationship_type)
  elseif row.source_learning_point_id == row.target_learning_point_id then
    return nil, "it is of one learning point and itself"
  end
  if kind ~= row.relationship_type then
    notes[#notes + 1] = "relationship written in capitals"
  end
  return {
    child_id = row.child_id, id = row.id, source_learning_point_id = row.source_learning_point_id,
    target_learning_point_id = row.target_learning_point_id, relationship_type = kind,
    discovered_at = values.time(notes, "time of discovery", now, row.discovered_at),
    bonus_awarded = row.bonus_awarded or false, bonus_type = "relationship_discovery",
  }, notes
end

---The same for both directions of a relationship that has none.
---@return string
function money.pair(discovery)
  local first, second = discovery.source_learning_point_id, discovery.target_learning_point_id
  if UNDIRECTED[discovery.relationship_type] and second < first then
    first, second = second, first
  end
  return table.concat({ first, discovery.relationship_type, second }, " ")
end

---A row of the ledger, to be read.
---@param learning_point_id string?  of the progress it names
---@return table transaction
---@return string[] notes
---@return table? bonus  paid there, not to be paid here
function money.transaction(row, learning_point_id, now)
  local notes = {}
  local transaction = {
    child_id = row.child_id, id = row.id, transaction_type = row.transaction_type, bonus_type = row.bonus_type,
    points = row.points, tier = row.tier, learning_point_id = learning_point_id, description = row.description,
    created_at = values.time(notes, "time of creation", now, row.created_at),
  }
  local bonus
  if row.transaction_type == "bonus" and OF_POINT[row.bonus_type] and learning_point_id then
    bonus = { child_id = row.child_id, bonus_type = row.bonus_type, learning_point_id = learning_point_id }
  end
  return transaction, notes, bonus
end

return money
