local modules = require "spec.support.modules"

-- In plain Lua chance is only as good as math.random.
local function plain_auth()
  local digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
  return {
    random = function(bytes)
      return (("."):rep(bytes * 4 // 3):gsub(".", function()
        local at = math.random(#digits)
        return digits:sub(at, at)
      end))
    end,
  }
end

local found, auth = pcall(require, "auth")
local random = modules.load("lib.random", { auth = found and auth or plain_auth() })

describe("lib/random", function()
  it("gives every number the same chance", function()
    for _, n in ipairs { 1, 2, 6, 64, 65 } do
      local counts = {}
      for _ = 1, n * 200 do
        local value = random.up_to(n)
        assert.is_true(value >= 1 and value <= n)
        counts[value] = (counts[value] or 0) + 1
      end
      local chi_square = 0
      for value = 1, n do
        chi_square = chi_square + ((counts[value] or 0) - 200) ^ 2 / 200
      end
      -- Far beyond what n - 1 degrees of freedom give by chance.
      assert.is_true(chi_square < n + 12 * math.sqrt(2 * n), ("%d: %g"):format(n, chi_square))
    end
  end)

  it("goes beyond two characters", function()
    local most = 0
    for _ = 1, 2000 do
      most = math.max(most, random.up_to(10000))
    end
    assert.is_true(most > 9900 and most <= 10000)
  end)

  it("keeps what it shuffles", function()
    local seen = {}
    for _ = 1, 200 do
      local list = random.shuffle { 1, 2, 3 }
      seen[table.concat(list)] = true
      table.sort(list)
      assert.are.same({ 1, 2, 3 }, list)
    end
    local orders = 0
    for _ in pairs(seen) do
      orders = orders + 1
    end
    assert.are.equal(6, orders)
  end)

  it("makes ids that are never the same", function()
    assert.are_not.equal(random.id(), random.id())
    assert.is_truthy(random.id():find("^[%w_-]+$"))
  end)
end)
