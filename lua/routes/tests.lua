-- Routes of tests that the server makes, and of those that staff have to look at.
local reviews = require "api.reviews"
local roles = require "routes.roles"
local schemas = require "api.schemas"
local tests = require "api.tests"

return {
  {
    method = "POST", path = "/v1/children/{child_id:uuid}/verifications/{id:int}/start",
    doc = "Start a test: its questions, to be answered until it expires. Started again before that it shows the same ones.",
    name = "startVerification", returns = { 200, schemas.started_test },
    fails = { "too_early", "daily_limit", "already_completed", "under_review", "too_many_starts", "no_questions" },
    roles = roles.FAMILY, once = "optional",
    handle = tests.start,
  },
  {
    method = "POST", path = "/v1/children/{child_id:uuid}/verifications/{id:int}/answers",
    doc = "Answer every question of a started test, once; shows which were right, and what follows. Answers that came too "
      .. "fast are reviewed by staff first.",
    name = "answerVerification", returns = { 200, schemas.answered_test },
    fails = { "not_started", "test_expired", "too_early", "daily_limit", "already_completed", "invalid_answers" },
    roles = roles.FAMILY, once = "optional",
    body = tests.answers,
    handle = tests.answer,
  },

  {
    method = "GET", path = "/v1/flagged-verifications",
    doc = "Tests that were answered too fast, in the order of their answers: staff accept or reject them.",
    name = "listFlaggedVerifications", returns = { 200, schemas.page(schemas.flagged_test) },
    roles = { "staff" },
    query = reviews.query,
    handle = reviews.list,
  },
  {
    method = "POST", path = "/v1/children/{child_id:uuid}/verifications/{id:int}/review",
    doc = "Accept the answers of a flagged test, which then counts like any other; or reject them: it is given again.",
    name = "reviewVerification", returns = { 200, schemas.reviewed_test },
    fails = { "not_under_review" },
    roles = { "staff" }, once = "optional",
    body = reviews.decision,
    handle = reviews.decide,
  },
}
