local word_list = require "tools.word_list"

describe("the word list", function()
  it("reads sections, lemmas and senses, and skips comments", function()
    local entries = assert(word_list.parse("# all\n[word A1]\nbank n 2 1 # money first\n\n[idiom B2]\nsee_eye_to_eye v\n"))
    assert.same({
      { line = 3, type = "word", level = "A1", lemma = "bank", part = "n", senses = { 2, 1 } },
      { line = 6, type = "idiom", level = "B2", lemma = "see_eye_to_eye", part = "v", senses = { 1 } },
    }, entries)
  end)

  it("names the line at fault", function()
    for text, line in pairs {
      ["bank n"] = 1, ["[word A1]\nbank x"] = 2, ["[word A1]\nBank n"] = 2, ["\n[word A3]"] = 2, ["[noun A1]"] = 1,
      ["[word A1]\nbank n one"] = 2,
    } do
      local entries, why = word_list.parse(text)
      assert.is_nil(entries)
      assert.equal(tostring(line), why:match("^%d+"))
    end
  end)
end)
