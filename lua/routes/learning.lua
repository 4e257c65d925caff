-- Routes of what can be learned, what a child has learned, its tests and discoveries.
local discoveries = require "api.discoveries"
local learning_points = require "api.learning_points"
local progress = require "api.progress"
local roles = require "routes.roles"
local schemas = require "api.schemas"
local verifications = require "api.verifications"

return {
  {
    method = "GET", path = "/v1/learning-points",
    doc = "What can be learned, by word; filtered by tier, type and beginning of the word.",
    name = "listLearningPoints", returns = { 200, schemas.page(schemas.learning_point) },
    roles = roles.EVERYBODY,
    query = learning_points.query,
    handle = learning_points.list,
  },
  {
    method = "GET", path = "/v1/learning-points/{id:slug}",
    doc = "One learning point.",
    name = "getLearningPoint", returns = { 200, schemas.learning_point },
    roles = roles.EVERYBODY,
    handle = learning_points.get,
  },

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
    doc = "What the child is learning and has learned.",
    name = "listProgress", returns = { 200, schemas.page(schemas.progress) },
    roles = roles.FAMILY,
    query = progress.query,
    handle = progress.list,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/progress/{id:int}",
    doc = "How far the child is with one learning point.",
    name = "getProgress", returns = { 200, schemas.progress },
    roles = roles.FAMILY,
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
    roles = roles.FAMILY,
    query = verifications.query,
    handle = verifications.list,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/verifications/{id:int}",
    doc = "One test.",
    name = "getVerification", returns = { 200, schemas.verification },
    roles = roles.FAMILY,
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
}
