local rules = require "rules"
local shape_types = require "tools.shape_types"

local function read(path)
  local file = io.open(path, "r")
  local text = file and file:read("a")
  if file then
    file:close()
  end
  return text
end

describe("tools/rule_types", function()
  local candidate <close> = assert(rules.open_directory("."))
  local sources = candidate:sources()

  for name, shapes in pairs(candidate:shapes()) do
    it("has kept lua/types/rules/" .. name .. ".lua in step (lexicraft lua lua/tools/rule_types.lua writes it)", function()
      local path = ("lua/rules/%s.lua"):format(name)
      assert.are.equal(shape_types.write(name, shapes, sources[path]), read(("lua/types/rules/%s.lua"):format(name)))
    end)
  end

  it("writes every kind of shape", function()
    local text = shape_types.write("x", {
      f = {
        input = {
          count = "integer 1..7?", part = "number 0..1", word = "text", yes = "boolean",
          steps = { list = { record = { day = "integer 1..9" } }, max = 3, optional = true },
        },
        result = {},
      },
    }, "x.shapes = {\n  f = {\n    input = {\n      count = 'integer 1..7?', -- of something\n")
    local wanted = {
      "---@class rules.x.f.input.steps\n---@field day integer  1..9\n",
      "---@field count? integer  1..7, of something\n",
      "---@field part number  0..1\n---@field steps? rules.x.f.input.steps[]  at most 3\n---@field word string\n" ..
        "---@field yes boolean\n",
      "---@class rules.x.f.result\n\n",
      "---@class rules.x\n---@field f fun(input: rules.x.f.input): rules.x.f.result\n",
      '---@field call fun(rule: "x", name: "f", input: rules.x.f.input): rules.x.f.result, rules.call\n',
    }
    for _, part in ipairs(wanted) do
      assert.is_truthy(text:find(part, 1, true), part .. " is not in:\n" .. text)
    end
  end)
end)
