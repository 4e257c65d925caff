-- What a child has earned.
local children = require "store.children"
local points_accounts = require "store.points_accounts"
local points_transactions = require "store.points_transactions"
local problem = require "lib.problem"

local accounts = {}

---@return db.row? account
---@return problem? err
function accounts.find(child_id, parent_id)
  local account = points_accounts.find(child_id, parent_id)
  if not account then
    return nil, problem.not_found()
  end
  return account
end

---Newest first.
---@return db.row[]? rows
---@return problem? err
function accounts.transactions(child_id, parent_id, transaction_type, before_sequence, limit)
  local rows = points_transactions.list(child_id, parent_id, transaction_type, before_sequence, limit)
  if #rows == 0 and not children.find(child_id, parent_id) then
    return nil, problem.not_found()
  end
  return rows
end

return accounts
