local description = require "api.description"

describe("the API's description of itself", function()
  local function table_with(route)
    return description.add { route }
  end

  it("refuses a route that it cannot describe when the table is loaded, not when somebody asks", function()
    local ok, message = pcall(table_with, { method = "GET", path = "/v1/x", doc = "X." })
    assert.is_false(ok)
    assert.are.equal("lua/app.lua: GET /v1/x needs name and returns", message)
  end)
end)
