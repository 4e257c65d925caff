local modules = require "spec.support.modules"

describe("lib/instant", function()
  local instant = modules.load("lib.instant", {})

  it("counts the microseconds since 1970", function()
    for text, microseconds in pairs {
      ["1970-01-01T00:00:00.000000Z"] = 0,
      ["1970-01-01T00:00:00.000001Z"] = 1,
      ["1969-12-31T23:59:59.999999Z"] = -1,
      ["2000-02-29T12:00:00.500000Z"] = 951825600500000,
      ["2026-11-22T14:39:00.123456Z"] = 1795358340123456,
      ["2100-03-01T00:00:00.000000Z"] = 4107542400000000,
    } do
      assert.are.equal(microseconds, instant.microseconds(text))
    end
  end)

  it("has a day after each day", function()
    local MICROSECONDS_PER_DAY = 86400000000
    local count, before = 0, instant.microseconds "1999-12-31T00:00:00.000000Z"
    for year = 2000, 2003 do
      local days = { 31, year % 4 == 0 and 29 or 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
      for month, last in ipairs(days) do
        for day = 1, last do
          local now = instant.microseconds(("%04d-%02d-%02dT00:00:00.000000Z"):format(year, month, day))
          assert.are.equal(before + MICROSECONDS_PER_DAY, now)
          before, count = now, count + 1
        end
      end
    end
    assert.are.equal(1461, count)
  end)

  it("refuses what is not a time of a row", function()
    for _, text in ipairs { "infinity", "2026-11-22", "2026-11-22T14:39:00Z", "" } do
      assert.has_error(function() instant.microseconds(text) end)
    end
  end)
end)
