local likeness = require "lib.likeness"

describe("lib/likeness", function()
  it("counts the letters that differ, up to a limit", function()
    assert.are.equal(0, likeness.distance("form", "form", 2))
    assert.are.equal(1, likeness.distance("affect", "effect", 2))
    assert.are.equal(2, likeness.distance("form", "from", 2))
    assert.are.equal(3, likeness.distance("kitten", "sitting", 2))
    assert.are.equal(3, likeness.distance("a", "abcdefgh", 2))
    assert.are.equal(2, likeness.distance("", "ab", 2))
  end)

  it("knows words of one family", function()
    for _, pair in ipairs {
      { "happy", "happiness" }, { "happy", "happily" }, { "stop", "stopped" }, { "stop", "stopping" }, { "dog", "dogs" },
      { "dog", "hot dog" }, { "nation", "national" }, { "Look up", "look up" },
    } do
      assert.is_true(likeness.is_family(pair[1], pair[2]), table.concat(pair, ", "))
      assert.is_true(likeness.is_family(pair[2], pair[1]), table.concat(pair, ", "))
    end
    for _, pair in ipairs { { "dog", "dogma" }, { "look up", "look after" }, { "cat", "dog" }, { "in", "on" } } do
      assert.is_false(likeness.is_family(pair[1], pair[2]), table.concat(pair, ", "))
    end
  end)

  it("finds a word in a text, inflected too, but not within other words", function()
    local text = "Dogs bark at a hot dog; dogma does not."
    local found = likeness.occurrences(text, "dog")
    assert.are.same({ { first = 1, last = 4 }, { first = 20, last = 22 } }, found)
    assert.are.same({ { first = 16, last = 22 } }, likeness.occurrences(text, "hot dog"))
    assert.are.same({}, likeness.occurrences("", "dog"))
    assert.are.same({}, likeness.occurrences(text, "---"))
  end)

  it("finds words by which one text tells the other, empty words aside", function()
    for _, pair in ipairs {
      { "possess knowledge about", "know" }, { "an eared seal of the Pacific", "fur seal" }, { "a place for 'seals'", "seal" },
      { "a schedule of times", "timetable" }, { "a room for sleeping", "bedroom" }, { "active in politics", "politician" },
      { "the act of administering", "administration" }, { "not in use", "not" },
    } do
      assert.are.equal(1, #likeness.echoes(pair[1], pair[2]), pair[2])
    end
    for _, pair in ipairs {
      { "a large animal", "dog" }, { "an interval", "interest" }, { "from the sea", "from scratch" },
      { "an undertaking", "understand" }, { "a carpet", "car" },
    } do
      assert.are.same({}, likeness.echoes(pair[1], pair[2]), pair[2])
    end
    local place = likeness.echoes("They know: knowledge", "know")[2]
    assert.are.equal("knowledge", ("They know: knowledge"):sub(place.first, place.last))
  end)

  it("tells how much two definitions have in common, empty words aside", function()
    assert.are.equal(1, likeness.overlap("a large animal", "the large animals of a country"))
    assert.are.equal(0.5, likeness.overlap("a large animal", "a large stone of the river"))
    assert.are.equal(0, likeness.overlap("of the", "of the"))
  end)
end)
