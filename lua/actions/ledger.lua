-- The moves of the ledger: what each does to an account's five balances. Plain arithmetic; the database checks every row
-- again and refuses what breaks a law.
--
-- A debt (deficit) is paid back before anything becomes available again, and something taken back becomes a debt as far
-- as it is no longer available: `give` and `take` below are all there is to it.
local ledger = {}

---@class ledger.account
---@field child_id string
---@field total_earned integer
---@field available_points integer
---@field locked_points integer
---@field withdrawn_points integer
---@field deficit_points integer
---@field last_sequence integer
---@field updated_at string

---@class ledger.deltas
---@field total_earned integer
---@field available integer
---@field locked integer
---@field withdrawn integer
---@field deficit integer

---@class ledger.move
---@field transaction_type "earned"|"unlocked"|"bonus"|"withdrawn"|"deficit"|"adjusted"
---@field points integer
---@field deltas ledger.deltas

-- Points that become spendable pay the debt first: what is left of them, and what the debt changes by.
local function give(account, points)
  local repaid = math.min(points, account.deficit_points)
  return points - repaid, -repaid
end

-- Points that are taken back become a debt as far as they are not available any more: what both change by.
local function take(account, points)
  local taken = math.min(points, account.available_points)
  return -taken, points - taken
end

local function move(transaction_type, points, deltas)
  return { transaction_type = transaction_type, points = points, deltas = deltas }
end

local function check_positive(points)
  if math.type(points) ~= "integer" or points < 1 then
    error("a move is of at least 1 whole point", 3)
  end
end

---The first test of an attempt is passed.
---@return ledger.move
function ledger.earned(_, points)
  check_positive(points)
  return move("earned", points, { total_earned = points, available = 0, locked = points, withdrawn = 0, deficit = 0 })
end

---A test day with a share is passed.
---@param account ledger.account
---@return ledger.move
function ledger.unlocked(account, points)
  check_positive(points)
  local available, deficit = give(account, points)
  return move("unlocked", points,
    { total_earned = 0, available = available, locked = -points, withdrawn = 0, deficit = deficit })
end

-- Points on top of those of the learning points.
local function extra(transaction_type, account, points)
  local available, deficit = give(account, points)
  return move(transaction_type, points,
    { total_earned = points, available = available, locked = 0, withdrawn = 0, deficit = deficit })
end

---A bonus rule fires.
---@param account ledger.account
---@return ledger.move
function ledger.bonus(account, points)
  check_positive(points)
  return extra("bonus", account, points)
end

---A withdrawal is requested.
---@param account ledger.account
---@return ledger.move? move
---@return err? err  in debt, or not enough available
function ledger.withdrawn(account, points)
  check_positive(points)
  if account.deficit_points > 0 then
    return nil, { code = "in_deficit", message = "Points taken back must be earned again first." }
  end
  if account.available_points < points then
    return nil, { code = "insufficient_points", message = "So many points are not available." }
  end
  return move("withdrawn", points,
    { total_earned = 0, available = -points, locked = 0, withdrawn = points, deficit = 0 })
end

---A withdrawal fails or is cancelled: its points come back.
---@param account ledger.account
---@return ledger.move
function ledger.returned(account, points)
  check_positive(points)
  local available, deficit = give(account, points)
  return move("withdrawn", -points,
    { total_earned = 0, available = available, locked = 0, withdrawn = -points, deficit = deficit })
end

---A learning point fails for good, after its attempt had earned `points` and unlocked some of them.
---@param account ledger.account
---@param points integer
---@param unlocked integer
---@return ledger.move
function ledger.deficit(account, points, unlocked)
  check_positive(points)
  local available, deficit = take(account, unlocked)
  return move("deficit", points,
    { total_earned = -points, available = available, locked = -(points - unlocked), withdrawn = 0, deficit = deficit })
end

---Staff give points, with a reason.
---@param account ledger.account
---@return ledger.move
function ledger.adjusted(account, points)
  check_positive(points)
  return extra("adjusted", account, points)
end

---Staff take one earlier bonus or adjustment back.
---@param account ledger.account
---@return ledger.move
function ledger.reversed(account, points)
  check_positive(points)
  local available, deficit = take(account, points)
  return move("adjusted", -points,
    { total_earned = -points, available = available, locked = 0, withdrawn = 0, deficit = deficit })
end

---The account after a move; when it was changed is left to whoever makes it.
---@param account ledger.account
---@param made ledger.move
---@return ledger.account
function ledger.apply(account, made)
  local deltas = made.deltas
  return {
    child_id = account.child_id,
    total_earned = account.total_earned + deltas.total_earned,
    available_points = account.available_points + deltas.available,
    locked_points = account.locked_points + deltas.locked,
    withdrawn_points = account.withdrawn_points + deltas.withdrawn,
    deficit_points = account.deficit_points + deltas.deficit,
    last_sequence = account.last_sequence + 1,
    updated_at = account.updated_at,
  }
end

return ledger
