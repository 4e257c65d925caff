-- The five balances of a child, and what of them belongs to the learning points under way.
local balances = {}

local POINTS_MAX = 1000000000

local function describe(account)
  return ("earned %d, available %d, locked %d, withdrawn %d, deficit %d"):format(account.total_earned,
    account.available_points, account.locked_points, account.withdrawn_points, account.deficit_points)
end

-- What is neither available nor owed comes to the same when both are made smaller.
local function net(account, notes)
  local before = describe(account)
  if account.available_points < 0 then
    account.deficit_points = account.deficit_points - account.available_points
    account.available_points = 0
  end
  local both = math.min(account.available_points, account.deficit_points)
  if both > 0 then
    account.available_points = account.available_points - both
    account.deficit_points = account.deficit_points - both
  end
  local total = account.available_points + account.locked_points + account.withdrawn_points - account.deficit_points
  if total ~= account.total_earned then
    account.total_earned = total
  end
  local after = describe(account)
  if after ~= before then
    notes[#notes + 1] = ("balances did not add up (%s; now %s)"):format(before, after)
  end
end

---Balances that keep the laws of the ledger. Lawful ones stay as they are.
---@param row db.row?  nil: the child has no account
---@return ledger.account? account
---@return string[]|string notes_or_reason
function balances.settle(row)
  row = row or {}
  local account, notes = {}, {}
  for _, name in ipairs { "total_earned", "available_points", "locked_points", "withdrawn_points", "deficit_points" } do
    account[name] = row[name] or 0
    if row.child_id and not row[name] then
      notes[#notes + 1] = "a balance was missing, now 0"
    end
  end
  if account.locked_points < 0 or account.withdrawn_points < 0 or account.deficit_points < 0 then
    return nil, ("balances are negative (%s)"):format(describe(account))
  end
  net(account, notes)
  if account.total_earned < 0 then
    return nil, ("more is owed than was ever earned (%s)"):format(describe(account))
  end
  for _, points in pairs(account) do
    if points > POINTS_MAX then
      return nil, ("balances are too large (%s)"):format(describe(account))
    end
  end
  return account, notes
end

---Give each learning point what it has earned and unlocked, as far as the account covers that: what is still locked, and
---the points in all. So whatever becomes of them later, no balance can fall below zero. Points that no transaction tells of
---come last, and get all or nothing.
---@param account ledger.account
---@param points { earned: integer, unlocked: integer, is_unexplained: boolean?, notes: string[], points: integer?,
---opened: integer? }[]
---@return integer left  locked points of no learning point
function balances.share_out(account, points)
  local locked_left, earned_left = account.locked_points, account.total_earned
  local function give(point)
    local unlocked = math.min(point.unlocked, point.earned)
    local locked = math.min(point.earned - unlocked, locked_left, earned_left)
    unlocked = math.min(unlocked, earned_left - locked)
    if point.is_unexplained and locked + unlocked < point.earned then
      locked, unlocked = 0, 0
    end
    point.points, point.opened = locked + unlocked, unlocked
    locked_left, earned_left = locked_left - locked, earned_left - point.points
    if point.points < point.earned then
      point.notes[#point.notes + 1] = ("the account covers only part of its points (%d of %d)"):format(point.points,
        point.earned)
    elseif point.is_unexplained and point.points > 0 then
      point.notes[#point.notes + 1] = ("no transaction tells its points: those of its tier (%d)"):format(point.points)
    end
  end
  for _, last in ipairs { false, true } do
    for _, point in ipairs(points) do
      if (point.is_unexplained or false) == last then
        give(point)
      end
    end
  end
  return locked_left
end

---The move that opens a ledger with these balances.
---@param account ledger.account
---@return table? move  a ledger.move; nil: there is nothing to move
function balances.opening(account)
  local deltas = {
    total_earned = account.total_earned, available = account.available_points, locked = account.locked_points,
    withdrawn = account.withdrawn_points, deficit = account.deficit_points,
  }
  for _, delta in pairs(deltas) do
    if delta ~= 0 then
      return { transaction_type = "opening", points = account.total_earned, deltas = deltas }
    end
  end
end

return balances
