-- The route table: every operation of the API, who may call it, what it takes, and one line that says what it is for.
-- It is written down in routes/, one file for each part of the story.
local callers = require "api.callers"
local description = require "api.description"
local health = require "api.health"
local pipeline = require "lib.pipeline"
local schemas = require "api.schemas"

local PARTS = {
  require "routes.people", require "routes.learning", require "routes.discoveries", require "routes.points",
  require "routes.tests", require "routes.words",
}

local routes = {
  {
    method = "GET", path = "/v1/health",
    doc = "Is the program there, and by which rules does it work?",
    name = "getHealth", returns = { 200, schemas.health },
    handle = health.get,
  },
}

for _, part in ipairs(PARTS) do
  table.move(part, 1, #part, #routes + 1, routes)
end

return pipeline.routes(description.add(routes), callers)
