local csv = require "tools.lib.csv"

local function fields(text)
  local records = assert(csv.read(text))
  for i, record in ipairs(records) do
    records[i] = record.fields
  end
  return records
end

describe("comma-separated values", function()
  it("are records of fields, with either end of line, and none after the last", function()
    assert.same({ { "a", "b" }, { "1", "" }, { "", "x y" } }, fields("a,b\r\n1,\n,x y"))
    assert.same({ { "a" } }, fields("a\n"))
    assert.same({}, fields(""))
  end)

  it("may be quoted, with commas, quotes and lines within", function()
    assert.same({ { "a,b", 'say "hi"', "", "two\nlines" }, { "next" } }, fields('"a,b","say ""hi""","","two\nlines"\nnext\n'))
  end)

  it("tell the line a record begins on", function()
    local records = assert(csv.read('a\n"b\nb"\nc\n'))
    assert.same({ 1, 2, 4 }, { records[1].line, records[2].line, records[3].line })
  end)

  it("are refused where quotes are wrong, by line and field", function()
    for text, expected in pairs {
      ['a,b"c\n'] = { 1, 2 }, ['x\n"a"b\n'] = { 2, 1 }, ['x\ny,"a\n\n'] = { 2, 2 }, ['"a\nb" ,c\n'] = { 2, 1 },
      ["a\rb\n"] = { 1, 1 },
    } do
      local records, fault = csv.read(text)
      assert.is_nil(records, text)
      assert.same(expected, { fault.line, fault.column }, text)
    end
  end)
end)
