-- What a child has earned.
local children = require "store.children"
local points_accounts = require "store.points_accounts"
local points_transactions = require "store.points_transactions"
local problem = require "lib.problem"

local accounts = {}

---@param view json.view
---@return userdata? json
---@return problem? err
function accounts.show(child_id, parent_id, view)
  local account = points_accounts.show(child_id, parent_id, view)
  if not account then
    return nil, problem.not_found()
  end
  return account
end

---Newest first.
---@param filter { type: string?, learning_progress_id: integer?, from: string?, to: string? }  from, to: first and last day,
---where the parent lives
---@return db.rows? rows
---@return problem? err
function accounts.transactions(child_id, parent_id, filter, before_sequence, limit)
  local first = 0
  if filter.from or filter.to then
    local span = points_transactions.span(child_id, parent_id, filter.from, filter.to)
    if not span then
      return nil, problem.not_found()
    end
    first, before_sequence = span.first or first, math.min(before_sequence, span.next_after or before_sequence)
  end
  local rows = points_transactions.list(child_id, parent_id, filter, first, before_sequence, limit)
  if #rows == 0 and not children.find(child_id, parent_id) then
    return nil, problem.not_found()
  end
  return rows
end

return accounts
