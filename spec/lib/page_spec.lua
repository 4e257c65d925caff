local modules = require "spec.support.modules"
local json = modules.json

-- Enough of a hash to tell lists apart.
local function digest(text)
  local sum = 7
  for index = 1, #text do
    sum = sum * 31 + text:byte(index)
  end
  return ("%016x"):rep(4):format(sum, sum, sum, sum)
end

describe("lib/page", function()
  local page = modules.load("lib.page", {
    auth = { sha256 = digest },
    config = { limits = { page_default = 2, page_max = 5 } },
    http = {},
  })

  local function call_for(query, path)
    return { request = { path = path or "/v1/things" }, query = query or {} }
  end

  local BY_ID = { { field = "id", kind = "integer" } }
  local BY_WORD = { { field = "word", kind = "text" }, { field = "sense", kind = "text" }, { field = "id", kind = "integer" } }
  local BY_TIME = { { field = "due_at", kind = "time" }, { field = "id", kind = "integer" } }

  local function respond(rows, query)
    return page.response(call_for(query), rows, 2, BY_ID, function(row) return { id = row.id } end)
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
    local query = { type = "a b&c", limit = 2, cursor = "old" }
    local response = respond({ { id = 1 }, { id = 7 }, { id = 9 } }, query)
    assert.are.equal(2, #response.json.items)
    local cursor = response.json.next_cursor
    assert.are.equal(('</v1/things?limit=2&type=a%%20b%%26c&cursor=%s>; rel="next"'):format(cursor),
      response.headers.Link)
    local limit, after = page.position(call_for { cursor = cursor, type = "a b&c" }, BY_ID, { 0 })
    assert.are.equal(2, limit)
    assert.are.same({ 7 }, after)
  end)

  it("keeps values of every kind", function()
    local cursor = page.cursor(call_for(), { "beat around\nthe bush", "é", 12 })
    local _, after = page.position(call_for { cursor = cursor, limit = 1 }, BY_WORD, {})
    assert.are.same({ "beat around\nthe bush", "é", 12 }, after)
    assert.is_nil(cursor:find("[^0-9a-f]"))
  end)

  it("leads on from a time to the microsecond", function()
    local row = { due_at = "2026-11-22T14:39:00.123456Z", id = 7 }
    local response = page.response(call_for(), { row, row }, 1, BY_TIME, function() return {} end)
    local _, after = page.position(call_for { cursor = response.json.next_cursor }, BY_TIME, { 0, 0 })
    assert.are.same({ 1795358340123456, 7 }, after)
  end)

  it("begins at the beginning without a cursor", function()
    local limit, after = page.position(call_for { limit = 3 }, BY_ID, { 0 })
    assert.are.equal(3, limit)
    assert.are.same({ 0 }, after)
  end)

  it("refuses a cursor it did not make", function()
    local function made_of(...)
      return page.cursor(call_for(), { ... })
    end
    local function read(cursor, kind)
      return page.position(call_for { cursor = cursor }, { { field = "value", kind = kind } }, { 0 })
    end
    assert.are.equal(2, (read(made_of(1), "integer")))
    for _, cursor in ipairs {
      "x", "abc", "zz", "", ("0"):rep(15), made_of("a"), made_of(1, 2), made_of(-1), made_of("1.5"), made_of(),
      made_of("99999999999999999999"), made_of(1) .. "0", made_of(1) .. "zz", made_of(1):sub(3),
    } do
      local limit, err = read(cursor, "integer")
      assert.is_nil(limit)
      assert.are.equal("invalid_query", err.code)
      assert.are.equal("/cursor", err.members.errors[1].pointer)
    end
    assert.is_nil((read(made_of("\xff"), "text")))
    assert.is_nil((read(made_of("9007199254740993"), "time")))
  end)

  it("refuses a cursor of another list, or of this one filtered otherwise", function()
    local cursor = page.cursor(call_for { tier = 4 }, { 7 })
    local function is_good(query, path)
      query.cursor = cursor
      return page.position(call_for(query, path), BY_ID, { 0 }) ~= nil
    end
    assert.is_true(is_good { tier = 4 })
    assert.is_true(is_good { tier = 4, limit = 1 })
    assert.is_false(is_good { tier = 5 })
    assert.is_false(is_good {})
    assert.is_false(is_good { tier = 4, status = "verified" })
    assert.is_false(is_good({ tier = 4 }, "/v1/others"))
  end)
end)
