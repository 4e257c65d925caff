local line_diff = require "tools.lib.line_diff"

-- Apply what unified shows, without context, to see that it is complete.
local function patched(before, after)
  local left, joined = {}, {}
  for _, line in ipairs(line_diff.unified(before, after)) do
    if line:find("^[ +]") then
      joined[#joined + 1] = line:sub(2)
    end
    if line:find("^[ -]") then
      left[#left + 1] = line:sub(2)
    end
  end
  return table.concat(left, "\n"), table.concat(joined, "\n")
end

describe("a difference of lines", function()
  it("is nothing for equal texts", function()
    assert.same({}, line_diff.unified("a\nb\n", "a\nb\n"))
    assert.same({}, line_diff.unified("", ""))
  end)

  it("shows the changed line with three around it", function()
    local before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n"
    assert.same({ "@@ line 2 @@", " 2", " 3", " 4", "-5", "+five", " 6", " 7", " 8" },
      line_diff.unified(before, (before:gsub("5", "five"))))
  end)

  it("begins a new part after a long stretch without changes", function()
    local before = ("x\n"):rep(20)
    local shown = line_diff.unified("a\n" .. before .. "b\n", "A\n" .. before .. "B\n")
    assert.same({ "@@ line 1 @@", "-a", "+A", " x", " x", " x", "@@ line 19 @@", " x", " x", " x", "-b", "+B" }, shown)
  end)

  it("shows what is added to nothing and removed to nothing", function()
    assert.same({ "@@ line 1 @@", "+a", "+b" }, line_diff.unified("", "a\nb\n"))
    assert.same({ "@@ line 1 @@", "-a", "-b" }, line_diff.unified("a\nb\n", ""))
  end)

  it("is complete, whatever the texts are", function()
    math.randomseed(7)
    for _ = 1, 300 do
      local texts = {}
      for index = 1, 2 do
        local lines = {}
        for line = 1, math.random(1, 6) do -- so few that all are shown as context
          lines[line] = ("abc"):sub(math.random(3)):sub(1, 1)
        end
        texts[index] = table.concat(lines, "\n")
      end
      if texts[1] ~= texts[2] then
        local left, right = patched(texts[1] .. "\n", texts[2] .. "\n")
        -- Lines far from any change are left out; what is shown must be part of both.
        assert.is_truthy(("\n" .. texts[1] .. "\n"):find("\n" .. left .. "\n", 1, true) or left == "")
        assert.is_truthy(("\n" .. texts[2] .. "\n"):find("\n" .. right .. "\n", 1, true) or right == "")
      end
    end
  end)
end)
