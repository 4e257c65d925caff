-- Routes of what a child has learned and its tests.
local progress = require "api.progress"
local roles = require "routes.roles"
local schemas = require "api.schemas"
local verifications = require "api.verifications"

return {
  {
    method = "POST", path = "/v1/children/{child_id:uuid}/progress",
    doc = "Begin to learn a learning point, or begin one that failed again; its first test is due at once.",
    name = "beginLearning", returns = { 201, schemas.progress },
    fails = { "unknown_learning_point", "already_learning", "daily_limit" },
    roles = roles.FAMILY, once = "optional",
    body = progress.beginning,
    handle = progress.create,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/progress",
    doc = "What the child is learning and has learned; filtered by status, tier and learning point.",
    name = "listProgress", returns = { 200, schemas.page(schemas.progress) },
    roles = roles.FAMILY_AND_STAFF,
    query = progress.query,
    handle = progress.list,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/progress/{id:int}",
    doc = "How far the child is with one learning point.",
    name = "getProgress", returns = { 200, schemas.progress, tagged = true },
    roles = roles.FAMILY_AND_STAFF,
    handle = progress.get,
  },
  {
    method = "PATCH", path = "/v1/children/{child_id:uuid}/progress/{id:int}",
    doc = "Begin a point that failed again (status learning; the family), or fail a point (status failed; staff). " ..
      "With If-Match only what was seen, so that a late repetition does not hit the next attempt.",
    name = "updateProgress", returns = { 200, schemas.progress, tagged = true },
    fails = { "wrong_status", "already_learning", "daily_limit" },
    roles = roles.FAMILY_AND_STAFF, once = "optional", match = "optional",
    body = progress.change,
    handle = progress.update,
  },
  {
    method = "DELETE", path = "/v1/children/{child_id:uuid}/progress/{id:int}",
    doc = "Forget a point that was begun and never tested, with its test.",
    name = "deleteProgress", returns = { 204 },
    fails = { "progress_in_use" },
    roles = roles.FAMILY,
    handle = progress.delete,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/known-points",
    doc = "What the child knows: learning points whose last test was passed, each with the highest tier, by their ids.",
    name = "listKnownPoints", returns = { 200, schemas.page(schemas.known_point) },
    roles = roles.FAMILY_AND_STAFF,
    query = progress.known_query,
    handle = progress.known,
  },

  {
    method = "GET", path = "/v1/children/{child_id:uuid}/verifications",
    doc = "The child's tests in the order they fall due: those that can be taken, those to come, those of some days.",
    name = "listVerifications", returns = { 200, schemas.page(schemas.verification) },
    roles = roles.FAMILY_AND_STAFF,
    query = verifications.query,
    handle = verifications.list,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/verifications/{id:int}",
    doc = "One test; once it is answered with its questions, what is right and what was chosen.",
    name = "getVerification", returns = { 200, schemas.verification_detail },
    roles = roles.FAMILY_AND_STAFF,
    handle = verifications.get,
  },
  {
    method = "POST", path = "/v1/children/{child_id:uuid}/verifications/{id:int}/completion",
    doc = "Report the result of a test. The same result again gets the same answer, another one is a conflict.",
    name = "completeVerification", returns = { 200, schemas.outcome },
    fails = { "too_early", "daily_limit", "already_completed", "under_review" },
    roles = { "service" }, once = "optional",
    body = verifications.result,
    handle = verifications.complete,
  },
}
