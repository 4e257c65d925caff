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
