local modules = require "spec.support.modules"

describe("api/views", function()
  local views = modules.load("api.views")

  it("shows four characters of a bank account, where that is not most of it", function()
    assert.are.equal("****9012", views.masked("012-345-6789012"))
    assert.are.equal("****5678", views.masked("12345678"))
    for _, account in ipairs { "1234567", "1", "" } do
      assert.are.equal("****", views.masked(account))
    end
    assert.are.equal("****三四五六", views.masked("七八九十三四五六"))
    assert.are.equal("****", views.masked("123456789\xff"))
  end)
end)
