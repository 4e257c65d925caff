-- What of one family moves in: pure decisions about rows that were read, written by import.lua in one transaction.
local balances = require "tools.import.balances"
local learning = require "tools.import.learning"
local money = require "tools.import.money"
local people = require "tools.import.people"
local reports = require "tools.import.report"

local family = {}

local LEARNING_POINT_ID = "^[a-z0-9][a-z0-9_.'-]*$"
local LEARNING_POINT_BYTES_MAX = 100

-- Tables of a child's rows, and what moved_children calls the highest number in each.
local OF_CHILD = {
  "learning_progress", "verification_schedule", "points_accounts", "points_transactions", "withdrawal_requests",
  "relationship_discoveries",
}
local LAST = {
  learning_progress = "last_progress_id", verification_schedule = "last_verification_id",
  points_transactions = "last_transaction_id", withdrawal_requests = "last_withdrawal_id",
  relationship_discoveries = "last_discovery_id",
}

---@class import.context
---@field now string
---@field ladder import.ladder
---@field creates_points boolean              learning points that are unknown here
---@field twice { email: table<string, true|string>, transfer: table<string, true|integer> }
---@field users_here table<string, db.row>
---@field email_owners table<string, db.row>
---@field children_here table<string, db.row>
---@field points_here table<string, any>
---@field rows_here fun(child_id: string): table<string, table<integer, true>>
---@field rows table<string, table<string, db.row[]>>  of all children of the batch, by table and child

---@class import.plan
---@field report import.report
---@field user table?       nil: here already, or refused
---@field rows moving_in.rows
---@field openings { child_id: string, move: ledger.move }[]
---@field next { progress: table, next: table, call: rules.call }[]  tests that our rules plan

local function rows_of(context, name, child_id)
  return context.rows[name][child_id] or {}
end

-- Everything of a child that is left out.
local function refuse_rows(context, report, child_id, reason)
  for _, name in ipairs(OF_CHILD) do
    for _, row in ipairs(rows_of(context, name, child_id)) do
      report:refused(name, row.id, reason)
    end
  end
end

-- A child that has moved in before: nothing more of it does.
local function recount(context, report, child_id, here)
  report:count("children", "there")
  local known = context.rows_here(child_id)
  for _, name in ipairs(OF_CHILD) do
    for _, row in ipairs(rows_of(context, name, child_id)) do
      if name == "points_accounts" or known[name] and known[name][row.id] then
        report:count(name, "there")
      elseif row.id > here[LAST[name]] then
        report:refused(name, row.id, "is newer than the child's move, which is not repeated")
      else
        report:refused(name, row.id, "was left out when its child moved in")
      end
    end
  end
end

-- Is it a learning point here, or can it become one?
local function knows(context, plan, id, tier)
  if context.points_here[id] then
    return true
  elseif not context.creates_points or not id:find(LEARNING_POINT_ID) or #id > LEARNING_POINT_BYTES_MAX then
    return false
  end
  table.insert(plan.rows.points, {
    id = id, word = id:gsub("_", " "), tier = tier, definition = "Not described yet.",
  })
  return true
end

-- Tests by their learning progress, settled.
local function read_tests(context, plan, child_id, progress_ids)
  local of_progress, notes_of = {}, {}
  for _, row in ipairs(rows_of(context, "verification_schedule", child_id)) do
    local test, notes = learning.test(row, context.now)
    if not progress_ids[row.learning_progress_id] then
      plan.report:refused("verification_schedule", row.id, "its learning progress is not the child's")
    elseif not test then
      plan.report:refused("verification_schedule", row.id, notes)
    else
      local list = of_progress[row.learning_progress_id] or {}
      of_progress[row.learning_progress_id] = list
      list[#list + 1] = test
      notes_of[test] = notes
    end
  end
  return of_progress, notes_of
end

-- The tests of a learning point: results, and of the open ones that which is next.
local function add_tests(context, plan, progress, tests, notes_of)
  local open = progress and learning.open_test(progress, tests)
  for _, test in ipairs(tests) do
    if not progress then
      plan.report:refused("verification_schedule", test.id, "its learning progress was not copied")
    elseif test.completed or test == open then
      table.insert(plan.rows.tests, test)
      plan.report:copied("verification_schedule", test.id, notes_of[test])
    else
      plan.report:refused("verification_schedule", test.id,
        "an open test that is not the next one: tests are planned one after the other")
    end
  end
  if progress and not open and progress.status ~= "failed" then
    local next, call = context.ladder.next(progress)
    if next then
      table.insert(plan.next, { progress = progress, next = next, call = call })
    end
  end
end

-- The learning points that move in, without points as yet, and what becomes of those that do not.
local function settle_progress(context, plan, child_id, earnings)
  local rows, ids, settled = rows_of(context, "learning_progress", child_id), {}, {}
  for _, row in ipairs(rows) do
    ids[row.id] = true
  end
  local tests, notes_of = read_tests(context, plan, child_id, ids)
  for _, row in ipairs(rows) do
    local of_it = tests[row.id] or {}
    local progress, reason = learning.progress(row, of_it, earnings[row.id], context.ladder, context.now)
    if progress and not knows(context, plan, row.learning_point_id, row.tier) then
      progress, reason = nil, ("the learning point is unknown here (%s)"):format(row.learning_point_id)
    end
    if progress then
      settled[#settled + 1] = progress
    else
      plan.report:refused("learning_progress", row.id, reason)
    end
    add_tests(context, plan, progress, of_it, notes_of)
  end
  return settled
end

local function add_progress(context, plan, child_id, account, earnings)
  local settled = settle_progress(context, plan, child_id, earnings)
  for _, progress in ipairs(settled) do
    if progress.is_unexplained then
      local worth = context.ladder.worth(progress.tier, progress.highest_day)
      progress.earned, progress.unlocked = worth.earned, worth.unlocked
    end
  end
  local left = balances.share_out(account, settled)
  for _, progress in ipairs(settled) do
    progress.unlocked = progress.opened
    plan.report:copied("learning_progress", progress.id, progress.notes)
    progress.notes = nil
    table.insert(plan.rows.progress, progress)
  end
  return left
end

local function add_withdrawals(context, plan, child, account)
  local settled, notes_of = {}, {}
  for _, row in ipairs(rows_of(context, "withdrawal_requests", child.id)) do
    local withdrawal, notes = money.withdrawal(row, child, context.twice.transfer, context.now)
    if withdrawal then
      settled[#settled + 1], notes_of[withdrawal] = withdrawal, notes
    else
      plan.report:refused("withdrawal_requests", row.id, notes)
    end
  end
  local uncovered = money.uncovered(account, settled)
  for _, withdrawal in ipairs(settled) do
    if uncovered[withdrawal] then
      plan.report:refused("withdrawal_requests", withdrawal.id, uncovered[withdrawal])
    else
      plan.report:copied("withdrawal_requests", withdrawal.id, notes_of[withdrawal])
      table.insert(plan.rows.withdrawals, withdrawal)
    end
  end
end

local function add_discovery(context, plan, row, seen)
  local discovery, notes = money.discovery(row, context.now)
  if not discovery then
    return plan.report:refused("relationship_discoveries", row.id, notes)
  end
  local pair = money.pair(discovery)
  if discovery.bonus_awarded then
    table.insert(plan.rows.bonuses, discovery) -- even if its words are unknown here as yet
  end
  if seen[pair] then
    return plan.report:refused("relationship_discoveries", row.id, "is the same as another one, the other way round")
  end
  for _, id in ipairs { discovery.source_learning_point_id, discovery.target_learning_point_id } do
    if not knows(context, plan, id, 1) then
      return plan.report:refused("relationship_discoveries", row.id,
        ("the learning point is unknown here (%s)"):format(id))
    end
  end
  seen[pair] = true
  plan.report:copied("relationship_discoveries", row.id, notes)
  table.insert(plan.rows.discoveries, discovery)
end

-- Those with a bonus first, so that of two that are the same the one that was paid stays.
local function add_discoveries(context, plan, child_id)
  local seen = {}
  for _, awarded in ipairs { true, false } do
    for _, row in ipairs(rows_of(context, "relationship_discoveries", child_id)) do
      if (row.bonus_awarded or false) == awarded then
        add_discovery(context, plan, row, seen)
      end
    end
  end
end

local function add_transactions(context, plan, child_id)
  local point_of = {}
  for _, row in ipairs(rows_of(context, "learning_progress", child_id)) do
    point_of[row.id] = row.learning_point_id
  end
  for _, row in ipairs(rows_of(context, "points_transactions", child_id)) do
    local transaction, notes, bonus = money.transaction(row, point_of[row.learning_progress_id], context.now)
    table.insert(plan.rows.transactions, transaction)
    table.insert(plan.rows.bonuses, bonus)
    plan.report:copied("points_transactions", row.id, notes)
  end
end

-- The highest numbers, by which rows that come later are known.
local function add_moved(context, plan, child_id)
  local moved = { id = child_id }
  for name in pairs(LAST) do
    local rows = rows_of(context, name, child_id)
    moved[name] = rows[#rows] and rows[#rows].id or 0
  end
  table.insert(plan.rows.moved, moved)
end

local function add_account(plan, child_id, row, account, notes, locked_left)
  local move = balances.opening(account)
  if move then
    table.insert(plan.openings, { child_id = child_id, move = move })
  end
  if row then
    plan.report:copied("points_accounts", row.id, notes)
  end
  if locked_left > 0 then
    plan.report:noted("points_accounts", row.id,
      ("locked points stay locked: no learning point under way has them (%d)"):format(locked_left))
  end
end

local function add_child(context, plan, row)
  local account_row = rows_of(context, "points_accounts", row.id)[1]
  local account, reason = balances.settle(account_row)
  if not account then
    plan.report:refused("children", row.id, reason)
    return refuse_rows(context, plan.report, row.id, "its child was not copied")
  end
  local child, notes = people.child(row, context.now)
  if not account_row then
    notes[#notes + 1] = "had no points account: begins without points"
  end
  table.insert(plan.rows.children, child)
  plan.report:copied("children", child.id, notes)
  add_moved(context, plan, child.id)
  local earnings = learning.earnings(rows_of(context, "points_transactions", child.id))
  local locked_left = add_progress(context, plan, child.id, account, earnings)
  add_account(plan, child.id, account_row, account, reason, locked_left)
  add_withdrawals(context, plan, child, account)
  add_discoveries(context, plan, child.id)
  add_transactions(context, plan, child.id)
end

-- The parent, if it is or will be here.
local function settle_user(context, plan, row)
  if context.users_here[row.id] then
    plan.report:count("users", "there")
    return true
  end
  local user, notes = people.user(row, context.now)
  local twice = context.twice.email
  local owner = user and (context.email_owners[user.email] or twice[user.email] and { id = twice[user.email] })
  if owner and owner.id ~= true and owner.id ~= row.id then
    user, notes = nil, ("another user has the e-mail address (%s, %s)"):format(row.email, owner.id)
  end
  if not user then
    plan.report:refused("users", row.id, notes)
    return false
  end
  if twice[user.email] then
    twice[user.email] = row.id
  end
  plan.user = user
  plan.report:copied("users", row.id, notes)
  return true
end

local function count_read(context, report, children)
  report:count("users", "read")
  report:count("children", "read", #children)
  for _, child in ipairs(children) do
    for _, name in ipairs(OF_CHILD) do
      report:count(name, "read", #rows_of(context, name, child.id))
    end
  end
end

---@param context import.context
---@param user db.row
---@param children db.row[]
---@return import.plan
function family.plan(context, user, children)
  local plan = {
    report = reports.new(), openings = {}, next = {},
    rows = {
      points = {}, children = {}, moved = {}, progress = {}, tests = {}, withdrawals = {}, bonuses = {}, discoveries = {},
      transactions = {},
    },
  }
  count_read(context, plan.report, children)
  local is_welcome = settle_user(context, plan, user)
  for _, child in ipairs(children) do
    local here = context.children_here[child.id]
    if here and here.last_progress_id then
      recount(context, plan.report, child.id, here)
    elseif not here and is_welcome then
      add_child(context, plan, child)
    else
      plan.report:refused("children", child.id,
        here and "a child with this id is here and did not move in" or "its parent was not copied")
      refuse_rows(context, plan.report, child.id, "its child was not copied")
    end
  end
  return plan
end

---The report of a family that could not be written.
---@param plan import.plan
---@return import.report
function family.failed(plan, user_id, reason)
  local report = reports.new()
  for name, counts in pairs(plan.report.counts) do
    report:count(name, "read", counts.read)
    report:count(name, "there", counts.there)
    report:count(name, "refused", counts.read - counts.there)
  end
  report:count("users", "refused", plan.user and -1 or 0)
  if plan.user then
    report:refused("users", user_id, "the family was not written: " .. reason)
  else
    report:noted("users", user_id, "new children of the family were not written: " .. reason)
  end
  return report
end

---@param plan import.plan
---@return boolean
function family.has_news(plan)
  return plan.user ~= nil or #plan.rows.children > 0
end

return family
