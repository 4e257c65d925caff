local modules = require "spec.support.modules"
local json = modules.json

describe("lib/page", function()
  local page = modules.load("lib.page", {
    config = { limits = { page_default = 2, page_max = 5 } },
    http = {},
  })

  local function respond(rows, query)
    local call = { request = { path = "/v1/things" }, query = query or {} }
    return page.response(call, rows, 2, { "id" }, function(row) return { id = row.id } end)
  end

  it("takes a limit and a cursor besides the list's own parameters", function()
    local schema = page.query { tier = { type = "integer" } }
    assert.are.equal(5, schema.properties.limit.maximum)
    assert.is_table(schema.properties.tier)
  end)

  it("shows the last page without a cursor", function()
    local response = respond { { id = 1 }, { id = 2 } }
    assert.are.equal(2, #response.json.items)
    assert.are.equal(json.null, response.json.next_cursor)
    assert.is_nil(response.headers)
  end)

  it("shows an empty page as an empty array", function()
    assert.is_true(json.is_array(respond({}).json.items))
  end)

  it("leads on from the last item shown", function()
    local response = respond({ { id = 1 }, { id = 7 }, { id = 9 } }, { type = "a b&c", limit = 2, cursor = "old" })
    assert.are.equal(2, #response.json.items)
    local cursor = response.json.next_cursor
    assert.are.equal(('</v1/things?limit=2&type=a%%20b%%26c&cursor=%s>; rel="next"'):format(cursor),
      response.headers.Link)
    local limit, after = page.position({ cursor = cursor }, { "integer" }, { 0 })
    assert.are.equal(2, limit)
    assert.are.same({ 7 }, after)
  end)

  it("keeps values of every kind", function()
    local cursor = page.cursor { "beat around\nthe bush", "é", 12 }
    local _, after = page.position({ cursor = cursor, limit = 1 }, { "text", "text", "integer" }, {})
    assert.are.same({ "beat around\nthe bush", "é", 12 }, after)
    assert.is_nil(cursor:find("[^0-9a-f]"))
  end)

  it("begins at the beginning without a cursor", function()
    local limit, after = page.position({ limit = 3 }, { "integer" }, { 0 })
    assert.are.equal(3, limit)
    assert.are.same({ 0 }, after)
  end)

  it("refuses a cursor it did not make", function()
    for _, cursor in ipairs {
      "x", "abc", "zz", page.cursor { "a" }, page.cursor { 1, 2 }, page.cursor { -1 }, page.cursor { "1.5" },
      page.cursor { "99999999999999999999" }, "",
    } do
      local limit, err = page.position({ cursor = cursor }, { "integer" }, { 0 })
      assert.is_nil(limit)
      assert.are.equal("invalid_query", err.code)
      assert.are.equal("/cursor", err.members.errors[1].pointer)
    end
    assert.is_nil((page.position({ cursor = "ff" }, { "text" }, { "" })))
    assert.is_nil((page.position({ cursor = page.cursor { "9007199254740993" } }, { "microseconds" }, { 0 })))
  end)
end)
