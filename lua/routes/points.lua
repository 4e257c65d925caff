-- Routes of points and of the money that they become.
local accounts = require "api.accounts"
local adjustments = require "api.adjustments"
local roles = require "routes.roles"
local schemas = require "api.schemas"
local withdrawals = require "api.withdrawals"

return {
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/account",
    doc = "The child's points.",
    name = "getAccount", returns = { 200, schemas.account },
    roles = roles.EVERYBODY,
    handle = accounts.get,
  },

  {
    method = "GET", path = "/v1/children/{child_id:uuid}/transactions",
    doc = "Every move of the child's points, newest first; filtered by type, learning progress and days.",
    name = "listTransactions", returns = { 200, schemas.page(schemas.transaction) },
    roles = roles.EVERYBODY,
    query = accounts.transactions_query,
    handle = accounts.transactions,
  },

  {
    method = "POST", path = "/v1/children/{child_id:uuid}/adjustments",
    doc = "Give a child points, with a reason.",
    name = "adjustPoints", returns = { 201, schemas.adjustment },
    roles = { "staff" }, once = "optional",
    body = adjustments.gift,
    handle = adjustments.create,
  },

  {
    method = "POST", path = "/v1/children/{child_id:uuid}/transactions/{id:int}/reversal",
    doc = "Take one earlier bonus or adjustment back, whole and once, with a reason.",
    name = "reverseTransaction", returns = { 201, schemas.adjustment },
    fails = { "not_reversible", "already_reversed" },
    roles = { "staff" }, once = "optional",
    body = adjustments.reversal,
    handle = adjustments.reverse,
  },

  {
    method = "POST", path = "/v1/children/{child_id:uuid}/withdrawals",
    doc = "Ask for points to be paid out. They leave the balance now, and what they are worth is fixed now.",
    name = "requestWithdrawal", returns = { 201, schemas.withdrawal },
    fails = { "in_deficit", "insufficient_points", "tests_overdue", "below_minimum" },
    roles = { "parent" }, once = "required",
    body = withdrawals.request,
    handle = withdrawals.create,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/withdrawals",
    doc = "The child's withdrawals in the order of their requests.",
    name = "listWithdrawals", returns = { 200, schemas.page(schemas.withdrawal) },
    roles = roles.ADULTS,
    query = withdrawals.query,
    handle = withdrawals.list,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/withdrawals/{id:int}",
    doc = "One withdrawal.",
    name = "getWithdrawal", returns = { 200, schemas.withdrawal },
    roles = roles.ADULTS,
    handle = withdrawals.get,
  },
  {
    method = "POST", path = "/v1/children/{child_id:uuid}/withdrawals/{id:int}/status",
    doc = "Move a withdrawal on: pending to processing, processing to completed or failed. Points of a failed one come back.",
    name = "moveWithdrawal", returns = { 200, schemas.withdrawal },
    fails = { "wrong_status", "transaction_id_used" },
    roles = { "operator" }, once = "optional",
    body = withdrawals.move,
    handle = withdrawals.set_status,
  },
  {
    method = "POST", path = "/v1/children/{child_id:uuid}/withdrawals/{id:int}/cancellation",
    doc = "Call a pending withdrawal off; its points come back.",
    name = "cancelWithdrawal", returns = { 200, schemas.withdrawal },
    fails = { "wrong_status" },
    roles = { "parent" }, once = "optional",
    handle = withdrawals.cancel,
  },
  {
    method = "GET", path = "/v1/withdrawals",
    doc = "Withdrawals in the order of their requests: all of one's own children's, or everybody's for operators.",
    name = "listAllWithdrawals", returns = { 200, schemas.page(schemas.withdrawal) },
    roles = { "parent", "operator" },
    query = withdrawals.query,
    handle = withdrawals.list_all,
  },
  {
    method = "GET", path = "/v1/withdrawals/{id:int}",
    doc = "One withdrawal, by its id alone: of one's own children, or anybody's for operators.",
    name = "findWithdrawal", returns = { 200, schemas.withdrawal },
    roles = { "parent", "operator" },
    handle = withdrawals.get_any,
  },
}
