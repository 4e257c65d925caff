local modules = require "spec.support.modules"
local json = modules.json

describe("lib/validate", function()
  local validate = modules.load("lib.validate")

  local schema = {
    type = "object",
    required = { "name", "score" },
    properties = {
      name = { type = "string", minLength = 1, maxLength = 5 },
      score = { type = "number", minimum = 0, maximum = 100, multipleOf = 0.01 },
      age = { type = "integer", minimum = 0, maximum = 25, nullable = true },
      kind = { type = "string", enum = { "word", "idiom" } },
      secret = { type = "string", minBytes = 3, maxBytes = 6 },
      email = { type = "string", format = "email" },
      ["a/b~c"] = { type = "boolean" },
      list = { type = "array", maxItems = 2, items = { type = "integer" } },
    },
  }

  -- pointer:code of every fault.
  local function faults(body)
    local value, found = validate.body(schema, body)
    assert.is_nil(value)
    local texts = {}
    for index, fault in ipairs(found) do
      assert.is_string(fault.detail)
      texts[index] = fault.pointer .. ":" .. fault.code
    end
    return texts
  end

  local function fault_of(member, value)
    return faults({ name = "x", score = 1, [member] = value })
  end

  it("lets a good body pass and drops what is null", function()
    local body = validate.body(schema, { name = "Mei", score = 99.5, age = json.null })
    assert.are.same({ name = "Mei", score = 99.5 }, body)
  end)

  it("names all faults at once, with escaped pointers", function()
    assert.are.same({ "/name:required", "/score:required", "/a~1b~0c:type", "/x~1y:unknown" },
      faults({ ["a/b~c"] = "yes", ["x/y"] = 1 }))
  end)

  it("refuses what is no object", function()
    for _, body in ipairs { "x", 1, true, json.null, json.array {} } do
      assert.are.same({ ":type" }, faults(body))
    end
  end)

  it("tells apart the types", function()
    assert.are.same({ "/age:type" }, fault_of("age", 1.5))
    assert.are.same({ "/age:type" }, fault_of("age", "1"))
    assert.are.same({ "/name:type" }, fault_of("name", json.null))
    assert.are.same({ "/list:type" }, fault_of("list", {}))
    assert.are.same({ "/list/1:type" }, fault_of("list", json.array { 1, "2" }))
  end)

  it("checks lengths in characters or in bytes", function()
    assert.are.same({ "/name:too_short" }, fault_of("name", ""))
    assert.are.same({ "/name:too_long" }, fault_of("name", "sechs!"))
    assert.is_table(validate.body(schema, { name = "äöüßé", score = 1 }))
    assert.are.same({ "/secret:too_long" }, fault_of("secret", "äöüß"))
    assert.are.same({ "/secret:too_short" }, fault_of("secret", "ab"))
  end)

  it("checks bounds, steps, enumerations, formats and counts", function()
    assert.are.same({ "/score:too_small" }, fault_of("score", -0.01))
    assert.are.same({ "/score:too_large" }, fault_of("score", 100.01))
    assert.are.same({ "/score:multiple" }, fault_of("score", 99.999))
    assert.are.same({ "/kind:enum" }, fault_of("kind", "verb"))
    assert.are.same({ "/email:format" }, fault_of("email", "nobody"))
    assert.are.same({ "/list:too_long" }, fault_of("list", json.array { 1, 2, 3 }))
  end)

  it("accepts every score with two decimals", function()
    for hundredths = 0, 10000 do
      assert.is_table(validate.body(schema, { name = "x", score = hundredths / 100 }))
    end
  end)

  it("stops listing faults at some point", function()
    local body = {}
    for index = 1, 1000 do
      body["unknown" .. index] = true
    end
    assert.is_true(#faults(body) <= 100)
  end)

  describe("query", function()
    local query = {
      type = "object",
      properties = {
        limit = { type = "integer", minimum = 1, maximum = 200 },
        due = { type = "boolean" },
        prefix = { type = "string", minLength = 1 },
      },
    }

    it("turns text into values", function()
      assert.are.same({ limit = 20, due = false, prefix = "a" },
        validate.query(query, { limit = "20", due = "false", prefix = "a" }))
    end)

    it("names what is wrong", function()
      for name, value in pairs { limit = "x", due = "yes", prefix = "", other = "1" } do
        local values, found = validate.query(query, { [name] = value })
        assert.is_nil(values)
        assert.are.equal("/" .. name, found[1].pointer)
      end
      assert.is_nil(validate.query(query, { limit = "0" }))
      assert.is_nil(validate.query(query, { limit = "1e2" }))
      assert.is_nil(validate.query(query, { limit = "99999999999999999999" }))
    end)
  end)

  it("names what could not be read beside all else", function()
    local query = { type = "object", required = { "email" }, properties = { email = { type = "string" } } }
    local _, found = validate.query(query, { a = "1" }, { a = "twice", email = "broken" })
    local texts = {}
    for index, fault in ipairs(found) do
      texts[index] = fault.pointer .. ":" .. fault.code
    end
    assert.are.same({ "/a:format", "/email:format", "/a:unknown" }, texts)
  end)

  it("keeps a null that clears", function()
    local changes = { type = "object", nullClears = true, properties = { age = { type = "integer", nullable = true } } }
    assert.are.same({ age = modules.json.null }, validate.body(changes, { age = modules.json.null }))
    assert.are.same({}, validate.body(changes, {}))
  end)

  it("asks for a required query parameter", function()
    local query = { type = "object", required = { "email" }, properties = { email = { type = "string" } } }
    assert.are.same({ email = "x" }, validate.query(query, { email = "x" }))
    local _, missing = validate.query(query, {})
    assert.are.same({ "/email", "required" }, { missing[1].pointer, missing[1].code })
  end)
end)
