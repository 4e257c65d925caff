-- A child or a whole family is erased, with everything learned and earned. What was paid stays as an amount without a person:
-- the database keeps it when the child's row goes.
local idempotency_keys = require "store.idempotency_keys"
local points_accounts = require "store.points_accounts"
local problem = require "lib.problem"
local requests = require "store.withdrawal_requests"
local store_children = require "store.children"
local store_users = require "store.users"
local withdrawals = require "actions.withdrawals"

local erasure = {}

-- With the accounts held, no withdrawal can begin or move: refuse if money is on its way, and call off what only waits.
local function end_withdrawals(tx, parent_id, child_id, actor)
  local under_way = requests.under_way(tx, parent_id, child_id):rows()
  for _, request in ipairs(under_way) do
    if request.status == "processing" then
      return problem.new("withdrawal_processing", "A withdrawal is being paid out. Try again when that is finished.")
    end
  end
  for _, request in ipairs(under_way) do
    assert(withdrawals.move(tx, request.child_id, parent_id, request.id, "cancelled", nil, actor))
  end
end

---@param tx db.tx
---@param parent_id string?  nil: whoever's it is
---@param actor string       sub of who erases it
---@return true? erased
---@return problem? err
function erasure.child(tx, parent_id, child_id, actor)
  if not parent_id then
    local child = store_children.read(tx, child_id):one()
    if not child then
      return nil, problem.not_found()
    end
    parent_id = child.parent_id
  end
  local accounts = points_accounts.lock_family(tx, parent_id, child_id)
  if not accounts:one() then
    return nil, problem.not_found()
  end
  local err = end_withdrawals(tx, parent_id, child_id, actor)
  if err then
    return nil, err
  end
  idempotency_keys.forget_child(tx, parent_id, child_id)
  store_children.remove(tx, child_id)
  return true
end

---@param tx db.tx
---@param actor string  sub of who erases them
---@return true? erased
---@return problem? err
function erasure.user(tx, user_id, actor)
  -- Nobody adds a child meanwhile.
  local user = store_users.lock(tx, user_id)
  points_accounts.lock_family(tx, user_id, nil)
  if not user:one() then
    return nil, problem.not_found()
  end
  local err = end_withdrawals(tx, user_id, nil, actor)
  if err then
    return nil, err
  end
  store_users.remove(tx, user_id)
  return true
end

return erasure
