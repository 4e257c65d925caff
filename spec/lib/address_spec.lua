local modules = require "spec.support.modules"

describe("lib/address", function()
  local address = modules.load("lib.address", {})

  it("counts IPv4 addresses one by one", function()
    for _, text in ipairs { "192.0.2.1", "::ffff:192.0.2.1" } do
      assert.are.equal(text, address.network(text))
    end
  end)

  it("counts IPv6 addresses by their first 64 bits", function()
    for text, network in pairs {
      ["2001:db8::1"] = "2001:db8:0:0::/64",
      ["2001:db8::ffff:1:2:3"] = "2001:db8:0:0::/64",
      ["2001:db8:0:1::1"] = "2001:db8:0:1::/64",
      ["2001:db8:0:1:2:3:4:5"] = "2001:db8:0:1::/64",
      ["2001:db8::1:2:3:4:5"] = "2001:db8:0:1::/64",
      ["fe80::1%eth0"] = "fe80:0:0:0::/64",
      ["1:2:3:4:5:6:7::"] = "1:2:3:4::/64",
      ["::1"] = "0:0:0:0::/64",
      ["::"] = "0:0:0:0::/64",
    } do
      assert.are.equal(network, address.network(text), text)
    end
  end)
end)
