-- Routes of parents, their children, and how they come in.
local children = require "api.children"
local devices = require "api.devices"
local passwords = require "api.passwords"
local roles = require "routes.roles"
local schemas = require "api.schemas"
local sessions = require "api.sessions"
local users = require "api.users"

return {
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
    method = "POST", path = "/v1/users/me",
    doc = "The parent whose token this is; one who comes with a token of Supabase for the first time is signed up.",
    name = "joinMe", returns = { 200, schemas.user, tagged = true },
    fails = { "not_found", "email_taken", "email_missing" },
    roles = { "parent" },
    body = users.newcomer,
    handle = users.join,
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
    roles = roles.FAMILY,
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
}
