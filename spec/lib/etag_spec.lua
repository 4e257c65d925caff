local modules = require "spec.support.modules"

describe("lib/etag", function()
  local etag

  local function load()
    return modules.load("lib.etag", {
      auth = { sha256 = function(text) return (text:gsub("%W", "_") .. ("0"):rep(64)):sub(1, 64) end },
      http = {},
    })
  end

  local SHOWN = { name = "Mei" }

  local function refusal(if_match)
    return etag.refusal({ header = function() return if_match end }, SHOWN)
  end

  before_each(function()
    etag = load()
  end)

  it("tells one state from another", function()
    assert.are.equal(etag.of { name = "Mei" }, etag.of(SHOWN))
    assert.are_not.equal(etag.of { name = "Lin" }, etag.of(SHOWN))
    assert.is_truthy(etag.of(SHOWN):find('^"[^"]+"$'))
    assert.are.equal(etag.of(SHOWN), etag.response(SHOWN).headers.ETag)
  end)

  it("lets a change pass that knows what it changes", function()
    assert.is_nil(refusal(etag.of(SHOWN)))
    assert.is_nil(refusal('"other", ' .. etag.of(SHOWN)))
    assert.is_nil(refusal(" * "))
  end)

  it("lets a change pass without it where that is optional", function()
    local function optional(if_match)
      return etag.refusal({ header = function() return if_match end }, SHOWN, "optional")
    end
    assert.is_nil(optional(nil))
    assert.is_nil(optional(etag.of(SHOWN)))
    assert.are.equal("precondition_failed", optional('"other"').code)
  end)

  it("refuses any other", function()
    assert.are.equal("precondition_required", refusal(nil).code)
    for _, given in ipairs { '"other"', "W/" .. etag.of(SHOWN), etag.of(SHOWN):sub(2, -2), "", "**" } do
      assert.are.equal("precondition_failed", refusal(given).code, given)
    end
  end)
end)
