local modules = require "spec.support.modules"

local CASES = {
  uuid = {
    good = { "00000000-0000-0000-0000-0000000000c1" },
    bad = { "", "00000000-0000-0000-0000-0000000000c", "x0000000-0000-0000-0000-0000000000c1" },
  },
  slug = {
    good = { "beat_around_the_bush", "a", "9.n.1", "o'clock", ("a"):rep(100) },
    bad = { "", "A", "-a", "a b", "é", ("a"):rep(101), "a/b" },
  },
  email = {
    good = { "a@b", "parent+1@example.org" },
    bad = { "", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\n", ("a"):rep(250) .. "@b.tw" },
  },
  country = { good = { "TW" }, bad = { "tw", "TWN", "T", "" } },
  ["time-zone"] = {
    good = { "UTC", "Asia/Taipei", "America/Argentina/Buenos_Aires", "America/Port-au-Prince" },
    bad = {
      "", "Taipei", "Foo/Bar3", "/etc/passwd", "../x", "Asia/", "Asia//Taipei", "UTC+8",
      "right/Asia/Taipei", "Right/UTC", "posix/Asia/Taipei",
      ("a"):rep(40) .. "/" .. ("b"):rep(40),
    },
  },
  date = {
    good = { "2026-03-02", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31" },
    bad = {
      "", "2026-02-29", "1900-02-29", "2026-13-01", "2026-00-01", "2026-01-00", "2026-04-31", "0000-01-01", "26-01-01",
      "2026-1-1", "2026-01-01T00:00:00Z", " 2026-01-01", "2026-01-01\n", "today", "infinity",
    },
  },
  line = { good = { "Mei", "Łucja 小美", "O'Neil" }, bad = { "", " ", "a\nb", "\t", "\127" } },
}

describe("lib/format", function()
  local format = modules.load("lib.format")
  for name, cases in pairs(CASES) do
    it("knows a " .. name .. ", and says what is wanted", function()
      assert.is_string(format.DETAILS[name])
      for _, text in ipairs(cases.good) do
        assert.is_true(format[name](text), text)
      end
      for _, text in ipairs(cases.bad) do
        assert.is_false(format[name](text), text)
      end
    end)
  end
end)
