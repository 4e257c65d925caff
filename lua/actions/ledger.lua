-- The moves of the ledger: what each does to an account's five balances. Plain arithmetic; the database checks every row
-- again and refuses what breaks a law.
--
-- A debt (deficit) is paid back before anything becomes available again, and something taken back becomes a debt as far
-- as it is no longer available: `give` and `take` below are all there is to it.
local ledger = {}

---@class ledger.account
---@field total_earned integer
---@field available_points integer
---@field locked_points integer
---@field withdrawn_points integer
---@field deficit_points integer
---@field last_sequence integer

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

-- Points that become spendable: they pay the debt first.
local function give(account, points)
  local repaid = math.min(points, account.deficit_points)
  return { available = points - repaid, deficit = -repaid }
end

-- Points that are taken back: what is not available any more becomes a debt.
local function take(account, points)
  local taken = math.min(points, account.available_points)
  return { available = -taken, deficit = points - taken }
end

local function move(transaction_type, points, deltas)
  return {
    transaction_type = transaction_type,
    points = points,
    deltas = {
      total_earned = deltas.total_earned or 0,
      available = deltas.available or 0,
      locked = deltas.locked or 0,
      withdrawn = deltas.withdrawn or 0,
      deficit = deltas.deficit or 0,
    },
  }
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
  return move("earned", points, { total_earned = points, locked = points })
end

---A test day with a share is passed.
---@param account ledger.account
---@return ledger.move
function ledger.unlocked(account, points)
  check_positive(points)
  local given = give(account, points)
  return move("unlocked", points, { locked = -points, available = given.available, deficit = given.deficit })
end

---A bonus rule fires.
---@param account ledger.account
---@return ledger.move
function ledger.bonus(account, points)
  check_positive(points)
  local given = give(account, points)
  return move("bonus", points, { total_earned = points, available = given.available, deficit = given.deficit })
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
  return move("withdrawn", points, { available = -points, withdrawn = points })
end

---A withdrawal fails or is cancelled: its points come back.
---@param account ledger.account
---@return ledger.move
function ledger.returned(account, points)
  check_positive(points)
  local given = give(account, points)
  return move("withdrawn", -points, { withdrawn = -points, available = given.available, deficit = given.deficit })
end

---A learning point fails for good, after its attempt had earned `points` and unlocked some of them.
---@param account ledger.account
---@param points integer
---@param unlocked integer
---@return ledger.move
function ledger.deficit(account, points, unlocked)
  check_positive(points)
  local taken = take(account, unlocked)
  return move("deficit", points, {
    total_earned = -points,
    locked = -(points - unlocked),
    available = taken.available,
    deficit = taken.deficit,
  })
end

---Staff give points, with a reason.
---@param account ledger.account
---@return ledger.move
function ledger.adjusted(account, points)
  check_positive(points)
  local given = give(account, points)
  return move("adjusted", points, { total_earned = points, available = given.available, deficit = given.deficit })
end

---Staff take one earlier bonus or adjustment back.
---@param account ledger.account
---@return ledger.move
function ledger.reversed(account, points)
  check_positive(points)
  local taken = take(account, points)
  return move("adjusted", -points, { total_earned = -points, available = taken.available, deficit = taken.deficit })
end

---The account after a move; whatever else it holds is kept.
---@param account ledger.account
---@param made ledger.move
---@return ledger.account
function ledger.apply(account, made)
  local after = {}
  for name, value in pairs(account) do
    after[name] = value
  end
  after.total_earned = account.total_earned + made.deltas.total_earned
  after.available_points = account.available_points + made.deltas.available
  after.locked_points = account.locked_points + made.deltas.locked
  after.withdrawn_points = account.withdrawn_points + made.deltas.withdrawn
  after.deficit_points = account.deficit_points + made.deltas.deficit
  after.last_sequence = account.last_sequence + 1
  return after
end

return ledger
