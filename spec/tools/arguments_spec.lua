local arguments = require "tools.lib.arguments"

local command = {
  arguments = { { "A" }, { "B", optional = true } },
  options = { { "since", value = "TIME", default = "30d", help = "how far back" }, { "force", help = "even so" } },
}

describe("arguments of a command", function()
  it("are words by name and options with defaults", function()
    assert.same({ A = "x", since = "30d" }, arguments.parse(command, { "x" }))
    assert.same({ A = "x", B = "y", since = "1h", force = true, json = true },
      arguments.parse(command, { "--json", "x", "--since", "1h", "y", "--force" }))
    assert.same({ A = "x", since = "a=b" }, arguments.parse(command, { "--since=a=b", "x" }))
    assert.same({ A = "--force", since = "30d" }, arguments.parse(command, { "--", "--force" }))
    assert.same({ A = "-", since = "30d" }, arguments.parse(command, { "-" }))
  end)

  it("need nothing when help is wanted", function()
    assert.is_true(arguments.parse(command, { "--help" }).help)
    assert.is_true(arguments.parse(command, { "-h" }).help)
  end)

  it("say what is wrong", function()
    for fault, argv in pairs {
      ["A is missing"] = {},
      ['"z" is one word too many'] = { "x", "y", "z" },
      ["there is no option --colour"] = { "x", "--colour" },
      ["there is no option -f"] = { "x", "-f" },
      ["--since needs a value: --since TIME"] = { "x", "--since" },
      ["--force takes no value"] = { "x", "--force=yes" },
    } do
      local taken, why = arguments.parse(command, argv)
      assert.is_nil(taken)
      assert.equal(fault, why)
    end
  end)

  it("show their usage", function()
    assert.equal("A [B] [--since TIME] [--force] [--json]", arguments.usage(command))
    assert.same({ "--since TIME", "how far back" }, arguments.option_help(command)[1])
  end)
end)
