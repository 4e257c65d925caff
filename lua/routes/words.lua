-- Routes of what can be learned, how it is related, and what a child should learn next.
local learning_points = require "api.learning_points"
local relationships = require "api.relationships"
local roles = require "routes.roles"
local schemas = require "api.schemas"
local suggestions = require "api.suggestions"

return {
  {
    method = "GET", path = "/v1/learning-points",
    doc = "What can be learned, by word. Narrowed by any of: tier, type, difficulty, band, beginning and end of the word, " ..
      "affix.",
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
    method = "GET", path = "/v1/learning-points/{id:slug}/relationships",
    doc = "How a learning point is related to others, and in which direction; by type, then by the other's id.",
    name = "listRelationships", returns = { 200, schemas.page(schemas.relationship) },
    roles = roles.EVERYBODY,
    query = relationships.query,
    handle = relationships.list,
  },
  {
    method = "GET", path = "/v1/learning-points/{id:slug}/collocations",
    doc = "What a learning point is used together with.",
    name = "listCollocations", returns = { 200, schemas.page(schemas.relationship) },
    roles = roles.EVERYBODY,
    query = relationships.collocations_query,
    handle = relationships.collocations,
  },
  {
    method = "GET", path = "/v1/learning-points/{id:slug}/prerequisites",
    doc = "What has to be learned before a learning point, and before that: the nearest 200, the nearest first, then the " ..
      "most frequent.",
    name = "listPrerequisites", returns = { 200, schemas.list(schemas.related_point) },
    roles = roles.EVERYBODY,
    handle = relationships.prerequisites,
  },
  {
    method = "GET", path = "/v1/learning-points/{id:slug}/related",
    doc = "What is within so many steps of a learning point: the nearest first, then the most frequent. A step follows a " ..
      "relationship either way. Where a learning point has very many, a step follows some of them " ..
      "(limits.related_max); listRelationships has all.",
    name = "listRelatedPoints", returns = { 200, schemas.page(schemas.related_point) },
    roles = roles.EVERYBODY,
    query = relationships.related_query,
    handle = relationships.related,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/learning-points/{id:slug}/prerequisites",
    doc = "What has to be learned before a learning point, and how far the child is with it.",
    name = "listPrerequisitesOfChild", returns = { 200, schemas.list(schemas.prerequisite_of_child) },
    roles = roles.FAMILY_AND_STAFF,
    handle = relationships.prerequisites_of_child,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/learning-points/{id:slug}/known-relations",
    doc = "What the child knows already that is related to a learning point, and how: the nearest first, then the most " ..
      "frequent.",
    name = "listKnownRelations", returns = { 200, schemas.page(schemas.known_relation) },
    roles = roles.FAMILY_AND_STAFF,
    query = relationships.related_query,
    handle = relationships.known,
  },
  {
    method = "GET", path = "/v1/children/{child_id:uuid}/suggestions",
    doc = "What the child should learn next, best first, and why. Nothing that it knows or learns already.",
    name = "listSuggestions", returns = { 200, schemas.list(schemas.suggestion) },
    roles = roles.FAMILY_AND_STAFF,
    query = suggestions.query,
    handle = suggestions.list,
  },
}
