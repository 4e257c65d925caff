-- What follows when a child comes to know a learning point: what it is related to is discovered, and events are looked for
-- that earn a bonus. All of it is recorded; the rules say what is paid at once.
local bonuses = require "actions.bonuses"
local bonus_store = require "store.bonuses"
local discovery_store = require "store.relationship_discoveries"
local json = require "json"
local ledger = require "actions.ledger"
local points_transactions = require "store.points_transactions"
local rules = require "rules"

local mastery = {}

-- Where these are reached the rules are not asked again.
local TEST_LIMIT, DAILY_LIMIT = "test_limit", "daily_limit"

---@class mastery
---@field discoveries db.row[]
---@field bonuses db.row[]  as bonuses.list has them
---@field moves { bonus: db.row, move: ledger.move, sequence: integer, call: rules.call }[]

-- Discoveries have the last places: there may be many.
local function bonuses_of(events, discoveries)
  local found = events
  for _, discovery in ipairs(discoveries) do
    if discovery.bonus_id then
      found[#found + 1] = {
        id = discovery.bonus_id, bonus_type = "relationship_discovery", bonus_subject = discovery.bonus_subject,
        relationship_discovery_id = discovery.id,
      }
    end
  end
  return found
end

-- Ask the rules about one after another, each beside what the ones before it pay. `held` is what the child has before.
local function decide(reached, account, held, paid_at_most)
  local is_day_full = false
  for index, bonus in ipairs(reached.bonuses) do
    if index > paid_at_most then
      bonus.refusal = TEST_LIMIT
    elseif is_day_full then
      bonus.refusal = DAILY_LIMIT
    else
      local decided, call = rules.call("discovery", "bonus", {
        kind = bonus.bonus_type,
        is_known = true,
        earned_before = held.points,
        bonuses_today = held.bonuses_today,
        is_decided_by_staff = false,
      })
      bonus.refusal, bonus.points = decided.refusal, decided.points
      is_day_full = decided.refusal == DAILY_LIMIT
      if decided.points then
        local move = ledger.bonus(account, decided.points)
        account = ledger.apply(account, move)
        table.insert(reached.moves, { bonus = bonus, move = move, sequence = account.last_sequence, call = call })
        held.points, held.bonuses_today = held.points + decided.points, held.bonuses_today + 1
      end
    end
  end
  return account
end

-- As the rows will be.
local function complete_rows(reached, completion)
  for _, bonus in ipairs(reached.bonuses) do
    bonus.child_id, bonus.created_at = completion.progress.child_id, completion.now
    bonus.learning_point_id = completion.test.learning_point_id
  end
  local is_paid = {}
  for _, entry in ipairs(reached.moves) do
    is_paid[entry.bonus.id] = true
  end
  for _, discovery in ipairs(reached.discoveries) do
    discovery.bonus_awarded = discovery.bonus_awarded or is_paid[discovery.bonus_id] or false
  end
end

---Look what a point leads to that has become known, and decide what is paid.
---@param tx db.tx
---@param completion completion  its account becomes what it will be
---@return mastery
function mastery.reach(tx, completion)
  local test, now, child_id = completion.test, completion.now, completion.progress.child_id
  local cause = {
    child_id = child_id,
    learning_point_id = test.learning_point_id,
    learning_progress_id = test.progress_id,
    verification_schedule_id = test.id,
  }
  local wanted = rules.call("discovery", "events", { tier = test.tier })
  local events = bonus_store.add_events(tx, cause, wanted, now)
  local discovered = discovery_store.discover(tx, cause, now)
  local held = { points = test.earned_before, bonuses_today = bonus_store.paid_today(tx, child_id, now):one().count }
  for _, entry in ipairs(completion.moves) do
    held.points = held.points + entry.move.deltas.total_earned
  end
  local discoveries = discovered:rows()
  local reached = { discoveries = discoveries, bonuses = bonuses_of(events:rows(), discoveries), moves = {} }
  completion.account = decide(reached, completion.account, held, wanted.paid_at_most)
  completion.account.updated_at = now
  complete_rows(reached, completion)
  return reached
end

---Queue: the moves, and what was decided.
---@param tx db.tx
---@param reached mastery
---@param completion completion
---@return db.pending[] transactions  of one row each
function mastery.write(tx, reached, completion)
  local test, now, child_id = completion.test, completion.now, completion.progress.child_id
  local transactions, ids, refusals, paid = {}, {}, {}, {}
  for index, entry in ipairs(reached.moves) do
    local bonus = entry.bonus
    transactions[index] = points_transactions.add(tx, child_id, entry.sequence, entry.move, {
      learning_progress_id = test.progress_id,
      verification_schedule_id = test.id,
      bonus_type = bonus.bonus_type,
      bonus_subject = bonus.bonus_subject,
      relationship_discovery_id = bonus.relationship_discovery_id,
      description = bonuses.description(bonus.bonus_type, bonus.bonus_subject),
    }, entry.call, now)
    paid[#paid + 1] = bonus.relationship_discovery_id
  end
  for _, bonus in ipairs(reached.bonuses) do
    if bonus.refusal ~= TEST_LIMIT then -- that was recorded at once
      table.insert(ids, bonus.id)
      table.insert(refusals, bonus.refusal or json.null)
    end
  end
  if #ids > 0 then
    bonus_store.decide(tx, child_id, ids, refusals)
  end
  if #paid > 0 then
    discovery_store.mark_paid(tx, child_id, paid)
  end
  return transactions
end

return mastery
