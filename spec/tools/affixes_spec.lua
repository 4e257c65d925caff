local affixes = require "tools.words.affixes"

describe("an affix", function()
  it("joins a base, whatever the spelling", function()
    for _, pair in ipairs {
      { "kind", "kindness", "-ness" }, { "happy", "happiness", "-ness" }, { "use", "usable", "-able" },
      { "run", "runner", "-er" }, { "gentle", "gently", "-ly" }, { "full", "fully", "-ly" }, { "basic", "basically", "-ly" },
      { "able", "ability", "-ity" }, { "apply", "application", "-ation" }, { "important", "importance", "-ance" },
      { "different", "difference", "-ence" }, { "happy", "unhappy", "un-" }, { "write", "rewrite", "re-" },
    } do
      assert.is_true(affixes.joins(pair[1], pair[2], pair[3]), pair[2])
    end
  end)

  it("does not join what only looks alike", function()
    for _, pair in ipairs {
      { "happy", "happiness", "-less" }, { "corn", "corner", "-or" }, { "on", "only", "-ally" }, { "happy", "unhappily", "un-" },
      { "s", "sly", "-ly" }, { "cat", "category", "-y" },
    } do
      assert.is_false(affixes.joins(pair[1], pair[2], pair[3]), pair[2])
    end
  end)

  it("is the longest that fits", function()
    local list = { { affix = "-y" }, { affix = "-ly" }, { affix = "-ion" }, { affix = "-ation" } }
    assert.equal("-ly", affixes.between(list, "gentle", "gently").affix)
    assert.equal("-ation", affixes.between(list, "inform", "information").affix)
    assert.equal("-ion", affixes.between(list, "create", "creation").affix)
    assert.is_nil(affixes.between(list, "create", "nation"))
  end)
end)
