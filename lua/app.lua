-- The route table: every operation of the API, who may call it, what it takes, and one line that says what it is for.
local accounts = require "api.accounts"
local adjustments = require "api.adjustments"
local callers = require "api.callers"
local children = require "api.children"
local description = require "api.description"
local devices = require "api.devices"
local discoveries = require "api.discoveries"
local health = require "api.health"
local learning_points = require "api.learning_points"
local passwords = require "api.passwords"
local pipeline = require "lib.pipeline"
local progress = require "api.progress"
local schemas = require "api.schemas"
local sessions = require "api.sessions"
local users = require "api.users"
local verifications = require "api.verifications"
local withdrawals = require "api.withdrawals"

local EVERYBODY_KNOWN = { "parent", "child", "service", "staff", "operator" }
local ADULTS = { "parent", "service", "staff", "operator" }
local FAMILY = { "parent", "child", "service" }

return pipeline.routes(description.add {
  {
    method = "GET", path = "/v1/health",
    doc = "Is the program there, and by which rules does it work?",
    name = "getHealth", returns = { 200, schemas.health },
    handle = health.get,
  },

  {
    method = "POST", path = "/v1/users",
    doc = "Sign up as a parent.",
    name = "signUp", returns = { 201, schemas.user },
    fails = { "email_taken" },
    body = users.new_user,
    handle = users.create,
  },
  {
    method = "POST", path = "/v1/sessions",
    doc = "Log in with e-mail address and password: an access token, and a refresh token for the next one.",
    name = "logIn", returns = { 200, schemas.session },
    fails = { "invalid_credentials" },
    body = sessions.credentials,
    handle = sessions.log_in,
  },
  {
    method = "POST", path = "/v1/sessions/refresh",
    doc = "A new access token and a new refresh token for a refresh token, which is used up. One used before ends the session.",
    name = "refreshSession", returns = { 200, schemas.session },
    fails = { "invalid_credentials" },
    body = sessions.renewal,
    handle = sessions.refresh,
  },
  {
    method = "DELETE", path = "/v1/sessions",
    doc = "Log out: the refresh token of the session that this access token is of is worth nothing from now on.",
    name = "logOut", returns = { 204 },
    roles = { "parent" },
    handle = sessions.log_out,
  },
  {
    method = "POST", path = "/v1/password-resets/completion",
    doc = "Choose a new password with a token that `lexicraft users reset` has printed; it works once. Ends all sessions.",
    name = "completePasswordReset", returns = { 204 },
    fails = { "invalid_reset_token" },
    body = passwords.reset,
    handle = passwords.complete_reset,
  },
  {
    method = "GET", path = "/v1/users",
    doc = "Find the parent with an e-mail address.",
    name = "findUsers", returns = { 200, schemas.list(schemas.user) },
    roles = { "staff" },
    query = users.query,
    handle = users.search,
  },
  {
    method = "GET", path = "/v1/users/{user_id:uuid}",
    doc = "One parent.",
    name = "getUser", returns = { 200, schemas.user, tagged = true },
    roles = { "staff" },
    handle = users.get,
  },
  {
    method = "GET", path = "/v1/users/me",
    doc = "The parent whose token this is.",
    name = "getMe", returns = { 200, schemas.user, tagged = true },
    fails = { "not_found" },
    roles = { "parent" },
    handle = users.me,
  },
  {
    method = "PATCH", path = "/v1/users/me",
    doc = "Change what is known of the parent; null takes a value away. If-Match: the ETag it was read with.",
    name = "updateMe", returns = { 200, schemas.user, tagged = true },
    fails = { "not_found" },
    roles = { "parent" }, match = true,
    body = users.change,
    handle = users.update,
  },
  {
    method = "DELETE", path = "/v1/users/me",
    doc = "Erase the parent, the children and all that is theirs. Pending withdrawals are cancelled.",
    name = "eraseMe", returns = { 204 },
    fails = { "not_found", "withdrawal_processing" },
    roles = { "parent" },
    handle = users.delete,
  },
  {
    method = "PUT", path = "/v1/users/me/password",
    doc = "Choose another password. Ends all sessions.",
    name = "changePassword", returns = { 204 },
    fails = { "not_found", "wrong_password" },
    roles = { "parent" },
    body = passwords.change,
    handle = passwords.put,
  },

  {
    method = "POST", path = "/v1/children",
    doc = "Add a child.",
    name = "addChild", returns = { 201, schemas.child },
    fails = { "not_found", "too_many_children" },
    roles = { "parent" }, once = "optional",
    body = children.new_child,
    handle = children.create,
  },
  {
    method = "GET", path = "/v1/children",
    doc = "All children of the parent.",
    name = "listChildren", returns = { 200, schemas.list(schemas.child) },
    roles = { "parent" },
    handle = children.list,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}",
    doc = "One child.",
    name = "getChild", returns = { 200, schemas.child, tagged = true },
    roles = FAMILY,
    handle = children.get,
  },
  {
    method = "PATCH", path = "/v1/children/{child_id:uuid}",
    doc = "Change a child's name or age; null takes the age away. If-Match: the ETag it was read with.",
    name = "updateChild", returns = { 200, schemas.child, tagged = true },
    roles = { "parent" }, match = true,
    body = children.change,
    handle = children.update,
  },
  {
    method = "DELETE", path = "/v1/children/{child_id:uuid}",
    doc = "Erase a child and all that it has learned and earned. Pending withdrawals are cancelled.",
    name = "eraseChild", returns = { 204 },
    fails = { "withdrawal_processing" },
    roles = { "parent" },
    handle = children.delete,
  },

  {
    method = "POST", path = "/v1/children/{child_id:uuid}/devices",
    doc = "A token for a device of the child, shown this once. With it the child sees and learns what is its own.",
    name = "addDevice", returns = { 201, schemas.new_device },
    fails = { "too_many_devices" },
    roles = { "parent" },
    body = devices.new_device,
    handle = devices.create,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/devices",
    doc = "The child's devices whose tokens are valid.",
    name = "listDevices", returns = { 200, schemas.list(schemas.device) },
    roles = { "parent" },
    handle = devices.list,
  },
  {
    method = "DELETE", path = "/v1/children/{child_id:uuid}/devices/{device_id:uuid}",
    doc = "Revoke the token of a device, at once.",
    name = "revokeDevice", returns = { 204 },
    roles = { "parent" },
    handle = devices.revoke,
  },

  {
    method = "GET", path = "/v1/learning-points",
    doc = "What can be learned, by word; filtered by tier, type and beginning of the word.",
    name = "listLearningPoints", returns = { 200, schemas.page(schemas.learning_point) },
    roles = EVERYBODY_KNOWN,
    query = learning_points.query,
    handle = learning_points.list,
  },
  {
    method = "GET", path = "/v1/learning-points/{id:slug}",
    doc = "One learning point.",
    name = "getLearningPoint", returns = { 200, schemas.learning_point },
    roles = EVERYBODY_KNOWN,
    handle = learning_points.get,
  },

  {
    method = "POST", path = "/v1/children/{child_id:uuid}/progress",
    doc = "Begin to learn a learning point, or begin one that failed again; its first test is due at once.",
    name = "beginLearning", returns = { 201, schemas.progress },
    fails = { "unknown_learning_point", "already_learning", "daily_limit" },
    roles = FAMILY, once = "optional",
    body = progress.beginning,
    handle = progress.create,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/progress",
    doc = "What the child is learning and has learned.",
    name = "listProgress", returns = { 200, schemas.page(schemas.progress) },
    roles = FAMILY,
    query = progress.query,
    handle = progress.list,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/progress/{id:int}",
    doc = "How far the child is with one learning point.",
    name = "getProgress", returns = { 200, schemas.progress },
    roles = FAMILY,
    handle = progress.get,
  },
  {
    method = "PATCH", path = "/v1/children/{child_id:uuid}/progress/{id:int}",
    doc = "Begin a point that failed again (status learning; the family), or fail a point (status failed; staff).",
    name = "updateProgress", returns = { 200, schemas.progress },
    fails = { "wrong_status", "daily_limit" },
    roles = { "parent", "child", "service", "staff" }, once = "optional",
    body = progress.change,
    handle = progress.update,
  },

  {
    method = "GET", path = "/v1/children/{child_id:uuid}/verifications",
    doc = "The child's tests in the order they fall due; due=true: only those that can be taken now.",
    name = "listVerifications", returns = { 200, schemas.page(schemas.verification) },
    roles = FAMILY,
    query = verifications.query,
    handle = verifications.list,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/verifications/{id:int}",
    doc = "One test.",
    name = "getVerification", returns = { 200, schemas.verification },
    roles = FAMILY,
    handle = verifications.get,
  },
  {
    method = "POST", path = "/v1/children/{child_id:uuid}/verifications/{id:int}/completion",
    doc = "Report the result of a test. The same result again gets the same answer, another one is a conflict.",
    name = "completeVerification", returns = { 200, schemas.outcome },
    fails = { "too_early", "daily_limit", "already_completed" },
    roles = { "service" }, once = "optional",
    body = verifications.result,
    handle = verifications.complete,
  },

  {
    method = "GET", path = "/v1/children/{child_id:uuid}/account",
    doc = "The child's points.",
    name = "getAccount", returns = { 200, schemas.account },
    roles = EVERYBODY_KNOWN,
    handle = accounts.get,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/transactions",
    doc = "Every move of the child's points, newest first.",
    name = "listTransactions", returns = { 200, schemas.page(schemas.transaction) },
    roles = EVERYBODY_KNOWN,
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
    roles = ADULTS,
    query = withdrawals.query,
    handle = withdrawals.list,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/withdrawals/{id:int}",
    doc = "One withdrawal.",
    name = "getWithdrawal", returns = { 200, schemas.withdrawal },
    roles = ADULTS,
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
    method = "POST", path = "/v1/children/{child_id:uuid}/discoveries",
    doc = "Record that the child has found how two learning points are related.",
    name = "recordDiscovery", returns = { 201, schemas.discovery },
    fails = { "same_learning_point", "unknown_learning_point", "already_discovered" },
    roles = { "service" }, once = "optional",
    body = discoveries.pair,
    handle = discoveries.create,
  },
  {
    method = "POST", path = "/v1/children/{child_id:uuid}/discoveries/{id:int}/bonus",
    doc = "Pay the bonus of a discovery, once, if the child knows both. Staff may pay it beyond the daily limit.",
    name = "payDiscoveryBonus", returns = { 200, schemas.bonus },
    fails = { "already_awarded", "not_known", "daily_limit", "nothing_to_pay" },
    roles = { "service", "staff" }, once = "optional",
    handle = discoveries.pay,
  },
}, callers)
