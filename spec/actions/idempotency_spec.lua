local world = require "spec.support.world"
local clock = require "clock"
local db = require "db"
local json = require "json"

describe("actions/idempotency", function()
  local idempotency = require "actions.idempotency"
  local children = require "actions.children"
  local family, real

  before_each(function()
    world.begin()
    family = world.family()
    real = clock.real
  end)

  after_each(function()
    clock.real = real
    world.finish()
  end)

  local function call_with(key, hash)
    return {
      caller = { role = "parent", sub = family.parent_id, parent_id = family.parent_id },
      params = {},
      once = { caller = "parent:" .. family.parent_id, route = "POST /v1/children", key = key, hash = hash or "h" },
    }
  end

  local function add_child(call, name)
    return idempotency.transaction(call, function(tx)
      return children.add(tx, family.parent_id, { name = name })
    end, function(added)
      local child = added:one()
      return { status = 201, headers = { Location = "/v1/children/" .. child.id }, json = { name = child.name } }
    end)
  end

  it("runs once and gives the same answer again", function()
    local first = add_child(call_with("k"), "Mei")
    local again = add_child(call_with("k"), "Mei")
    assert.are.equal(first.status, again.status)
    assert.are.same(first.headers, again.headers)
    assert.are.equal(json.encode(first.json), again.body)
    assert.are.equal(2, #children.list(family.parent_id))
  end)

  it("runs each time without a key", function()
    for _ = 1, 2 do
      local call = call_with("k")
      call.once = nil
      assert.are.equal(201, add_child(call, "Mei").status)
    end
    assert.are.equal(3, #children.list(family.parent_id))
  end)

  it("refuses a key of another request", function()
    add_child(call_with("k"), "Mei")
    local response, err = add_child(call_with("k", "other"), "Mei")
    assert.is_nil(response)
    assert.are.equal("idempotency_key_reused", err.code)
  end)

  it("keeps no answer of a refused request", function()
    local call = call_with("k")
    local response, err = idempotency.transaction(call, function()
      return nil, { code = "daily_limit" }
    end, error)
    assert.is_nil(response)
    assert.are.equal("daily_limit", err.code)
    assert.are.equal(201, add_child(call, "Mei").status)
  end)

  it("keeps no answer when the effect is rolled back", function()
    local call = call_with("k")
    assert.has_error(function()
      idempotency.transaction(call, function(tx)
        return children.add(tx, family.parent_id, { name = "Mei" })
      end, function(added)
        added:one()
        error("lost on the way")
      end)
    end)
    assert.are.equal(1, #children.list(family.parent_id))
    assert.are.equal(201, add_child(call, "Mei").status)
  end)

  it("forgets a key after a day, and removes it", function()
    add_child(call_with("old"), "Mei")
    clock.real = function() return real() + 25 * 3600 end
    assert.are.equal(201, add_child(call_with("old"), "Mei").status)
    assert.are.equal(3, #children.list(family.parent_id))
    clock.real = function() return real() + 50 * 3600 end
    add_child(call_with("new"), "Mei")
    local left = db.query("select key from idempotency_keys where user_id = $1", family.parent_id)
    assert.are.same({ { key = "new" } }, left)
  end)
end)
