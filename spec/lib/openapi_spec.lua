local modules = require "spec.support.modules"
local json = modules.json

describe("lib/openapi", function()
  local openapi = modules.load("lib.openapi", { http = {} })

  local thing = {
    name = "Thing", type = "object", required = { "id" },
    properties = { id = { type = "integer", minimum = 1 }, note = { type = "string", nullable = true } },
  }
  local problem = { name = "Problem", type = "object", properties = { code = { type = "string" } } }

  -- The one operation of a route with these members, and the document.
  local function describe_route(members)
    local route = { method = "POST", path = "/v1/things", name = "addThing", doc = "Add a thing.", returns = { 201, thing } }
    for name, value in pairs(members or {}) do
      route[name] = value
    end
    local document = openapi.describe({ route }, { info = {}, tags = {}, problem = problem, samples = { id = 7 } })
    local path, item = next(document.paths)
    return item[route.method:lower()], document, path
  end

  local function parameter(operation, name)
    for _, one in ipairs(operation.parameters) do
      if one.name == name then
        return one
      end
    end
  end

  it("asks for one role of those that may call, or for no token", function()
    local operation = describe_route { roles = { "parent", "staff" } }
    assert.are.same({ { bearer = { "parent" } }, { bearer = { "staff" } } }, operation.security)
    assert.are.same({}, describe_route().security)
    assert.is_true(json.is_array(describe_route().security))
  end)

  it("names every problem under its status", function()
    local responses = describe_route({ roles = { "staff" }, fails = { "daily_limit", "too_early" } }).responses
    assert.are.same({ "daily_limit", "too_early" }, responses["409"]["x-codes"])
    assert.are.same({ "unauthorized" }, responses["401"]["x-codes"])
    assert.are.equal("Unauthorized", responses["401"].content["application/problem+json"].example.title)
    assert.is_nil(describe_route().responses["401"])
  end)

  it("shows what is returned, with an example that fits", function()
    local operation, document = describe_route()
    local content = operation.responses["201"].content["application/json"]
    assert.are.equal("#/components/schemas/Thing", content.schema["$ref"])
    assert.are.same({ id = 7, note = "text" }, content.example)
    assert.are.same({ "string", "null" }, document.components.schemas.Thing.properties.note.type)
  end)

  it("tells a change that needs If-Match from one that heeds it", function()
    local needed = describe_route { match = true }
    assert.are.equal("#/components/parameters/IfMatch", needed.parameters[1]["$ref"])
    assert.are.same({ "precondition_required" }, needed.responses["428"]["x-codes"])
    local heeded, document = describe_route { match = "optional" }
    assert.are.equal("#/components/parameters/OptionalIfMatch", heeded.parameters[1]["$ref"])
    assert.is_false(document.components.parameters.OptionalIfMatch.required)
    assert.are.same({ "precondition_failed" }, heeded.responses["412"]["x-codes"])
    assert.is_nil(heeded.responses["428"])
  end)

  it("types the parameters of a path", function()
    local operation, _, path = describe_route { path = "/v1/children/{child_id:uuid}/things/{id:int}" }
    assert.are.equal("/v1/children/{child_id}/things/{id}", path)
    assert.are.equal("uuid", parameter(operation, "child_id").schema.format)
    assert.are.equal("integer", parameter(operation, "id").schema.type)
    assert.are.same({ "things" }, operation.tags)
  end)

  it("refuses members of a body that are not known", function()
    local _, document = describe_route { body = { type = "object", properties = { note = { type = "string" } } } }
    assert.is_false(document.components.schemas.AddThingBody.additionalProperties)
  end)

  it("says of numbers, texts and objects what clients are to make of them", function()
    local _, document = describe_route { body = { type = "object", properties = {
      age = { type = "integer", maximum = 25 }, points = { type = "integer" },
      password = { type = "string", minBytes = 9, maxBytes = 90 }, more = { type = "object" },
    } } }
    local properties = document.components.schemas.AddThingBody.properties
    assert.are.same({ "int32", "int64" }, { properties.age.format, properties.points.format })
    assert.are.same({ 3, 90 }, { properties.password.minLength, properties.password.maxLength })
    assert.is_true(properties.more.additionalProperties)
  end)

  it("names the route that lacks something", function()
    local ok, message = pcall(openapi.describe, { { method = "GET", path = "/v1/x", doc = "X." } }, { tags = {} })
    assert.is_false(ok)
    assert.are.equal("lua/app.lua: GET /v1/x needs name and returns", message)
  end)
end)
