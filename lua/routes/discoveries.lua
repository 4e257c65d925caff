-- Routes of what a child finds out on the way: discoveries, events that earn a bonus; and of how it is doing.
local bonuses = require "api.bonuses"
local discoveries = require "api.discoveries"
local roles = require "routes.roles"
local schemas = require "api.schemas"
local summaries = require "api.summaries"

return {
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
    method = "GET", path = "/v1/children/{child_id:uuid}/discoveries",
    doc = "What the child has discovered; with source and target whether it has discovered this pair.",
    name = "listDiscoveries", returns = { 200, schemas.page(schemas.discovery) },
    roles = roles.FAMILY_AND_STAFF,
    query = discoveries.query,
    handle = discoveries.list,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/discoveries/{id:int}",
    doc = "One discovery, and whether its bonus was paid.",
    name = "getDiscovery", returns = { 200, schemas.discovery },
    roles = roles.FAMILY_AND_STAFF,
    handle = discoveries.get,
  },
  {
    method = "POST", path = "/v1/children/{child_id:uuid}/discoveries/{id:int}/bonus",
    doc = "Pay the bonus of a discovery, once, if the child knows both. Staff may pay it beyond the daily limit.",
    name = "payDiscoveryBonus", returns = { 200, schemas.discovery_bonus },
    fails = { "already_awarded", "not_known", "daily_limit", "nothing_to_pay" },
    roles = { "service", "staff" }, once = "optional",
    handle = discoveries.pay,
  },

  {
    method = "GET", path = "/v1/children/{child_id:uuid}/bonuses",
    doc = "Events that earn a bonus, paid or held back by a limit, in the order in which they happened.",
    name = "listBonuses", returns = { 200, schemas.page(schemas.bonus) },
    roles = roles.FAMILY_AND_STAFF,
    query = bonuses.query,
    handle = bonuses.list,
  },
  {
    method = "POST", path = "/v1/children/{child_id:uuid}/bonuses/{id:int}/payment",
    doc = "Pay a bonus that was held back, beyond the limits of a day and a test.",
    name = "payBonus", returns = { 200, schemas.paid_bonus },
    fails = { "already_awarded", "nothing_to_pay" },
    roles = { "staff" }, once = "optional",
    handle = bonuses.pay,
  },

  {
    method = "GET", path = "/v1/children/{child_id:uuid}/summary",
    doc = "How the child is doing: what it learns and knows, what is due, its streak, its points day by day.",
    name = "getSummary", returns = { 200, schemas.summary },
    roles = roles.FAMILY_AND_STAFF,
    query = summaries.query,
    handle = summaries.get,
  },
}
