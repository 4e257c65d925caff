local questions = require "actions.questions"

local function point(word, definition, more)
  local made = {
    id = word .. ".n.1", word = word, type = "word", definition = definition, part_of_speech = "noun", frequency_rank = 100,
    contexts = { "animal" }, synset = word .. "-n", word_synsets = { word .. "-n" }, antonyms = {},
  }
  for name, value in pairs(more or {}) do
    made[name] = value
  end
  return made
end

local DOG = point("dog", "an animal that barks and guards the house")
local OTHERS = {
  point("cat", "a small animal that purrs and catches mice"),
  point("table", "a flat board on four legs for eating"),
  point("river", "water that flows from hills to the sea"),
  point("cloud", "many drops of water high above the ground"),
  point("window", "an opening in a wall, made of glass"),
}

local function options_of(made, role)
  local found = {}
  for _, question in ipairs(made) do
    for _, option in ipairs(question.options) do
      if not role or option.role == role then
        found[option.point or "?"] = option
      end
    end
  end
  return found
end

-- Is this one ever offered, in many tests?
local function is_offered(about, candidate, kind)
  local candidates = { candidate, table.unpack(OTHERS) }
  for _ = 1, 30 do
    for _, question in ipairs(questions.make(about, candidates, 1, {})) do
      if (not kind or question.type == kind) and options_of({ question })[candidate.id] then
        return true
      end
    end
  end
  return false
end

describe("actions/questions", function()
  it("makes six options, one of them right, one for not knowing", function()
    local made = questions.make(DOG, OTHERS, 3, {})
    assert.are.equal(3, #made)
    for _, question in ipairs(made) do
      assert.are.equal(6, #question.options)
      local roles = {}
      for _, option in ipairs(question.options) do
        roles[option.role] = option
      end
      assert.are.equal(question.right, roles.correct.id)
      assert.are.equal("dog.n.1", roles.correct.point)
      assert.are.equal("I don't know", roles.unknown.text)
      assert.is_nil(roles.unknown.point)
    end
  end)

  it("offers nothing that could be right as well", function()
    assert.is_true(is_offered(DOG, point("horse", "a tall runner with a mane and hooves")))
    for why, candidate in pairs {
      ["shares a meaning"] = point("hound", "a thing to ride on", { word_synsets = { "hound-n", "dog-n" } }),
      ["is a synonym"] = point("mutt", "a thing to ride on", { synonyms = { "Dog" } }),
      ["is near"] = point("pet", "a thing to ride on", { is_near = true }),
      ["is of the family"] = point("doggy", "a thing to ride on"),
      ["is derived"] = point("cur", "a thing to ride on", { relations = { "MORPHOLOGICAL" } }),
      ["is defined alike"] = point("cur", "an animal that guards the house"),
      ["is another sense"] = point("dog", "a thing to ride on", { id = "dog.n.2", synset = "x-n", word_synsets = { "x-n" } }),
    } do
      assert.is_false(is_offered(DOG, candidate), why)
    end
  end)

  it("never mixes what asks by the word with what asks for it", function()
    local about = point("dog", DOG.definition, { example = "We took the dog to the beach." })
    for _ = 1, 20 do
      local types = {}
      for _, question in ipairs(questions.make(about, OTHERS, 3, {})) do
        types[question.type] = true
      end
      assert.is_false((types.meaning or types.opposite or false) and (types.word or types.gap or false))
    end
  end)

  it("asks for the opposite, and leaves other opposites out", function()
    local cold = point("cold", "of low warmth", { is_own = true })
    local icy = point("icy", "frozen all over, like winter", { word_synsets = { "icy-n", "frosty-n" } })
    local hot = point("hot", "of great warmth", { antonyms = { cold, icy } })
    local seen
    for _ = 1, 40 do
      for _, question in ipairs(questions.make(hot, { icy, point("frosty", "x y z"), table.unpack(OTHERS) }, 1, {})) do
        if question.type == "opposite" then
          seen = true
          assert.are.equal("hot", question.prompt)
          assert.are.equal("cold", options_of({ question }, "correct")["cold.n.1"].text)
          assert.is_nil(options_of({ question })["icy.n.1"])
        end
      end
    end
    assert.is_true(seen)
  end)

  it("leaves a gap only where the word stands once, as it is, and tells nothing of its first letter", function()
    local kinds = {}
    for example, prompt in pairs {
      ["He ate an apple under the tree."] = "He ate a(n) _____ under the tree.",
      ["He ate an apple there."] = false,
      ["Two apples fell from the tree."] = false,
      ["An apple is an apple after all."] = false,
      ["An apple."] = false,
    } do
      local about = point("apple", "it grows on trees and is red", { example = example })
      for _ = 1, 40 do
        for _, question in ipairs(questions.make(about, OTHERS, 1, {})) do
          if question.type == "gap" then
            kinds[example] = true
            assert.are.equal(prompt, question.prompt)
          end
        end
      end
      assert.are.equal(prompt and true or nil, kinds[example], example)
    end
  end)

  it("does not ask by the word where its definition has it, and hides it where it asks for it", function()
    local about = point("dog", "a dog of any kind; man's friend.")
    for _ = 1, 10 do
      local made = questions.make(about, OTHERS, 1, {})
      assert.are.equal("word", made[1].type)
      assert.are.equal("A _____ of any kind; man's friend", made[1].prompt)
    end
  end)

  it("does not ask by a word that looks like one of its definition", function()
    local about = point("politician", "a person active in politics")
    for _ = 1, 10 do
      local made = questions.make(about, OTHERS, 1, {})
      assert.are.equal("word", made[1].type)
      assert.are.equal("A person active in _____", made[1].prompt)
    end
  end)

  it("asks the same again with new ids, so that nothing can be compared", function()
    local made = questions.make(DOG, OTHERS, 3, {})
    local again = questions.again(made)
    local function content(given)
      local texts = {}
      for _, question in ipairs(given) do
        local right
        for _, option in ipairs(question.options) do
          texts[#texts + 1] = ("%s %s %s %s"):format(question.type, question.prompt, option.role, option.text)
          right = option.id == question.right and option.role or right
        end
        assert.are.equal("correct", right)
      end
      table.sort(texts)
      return texts
    end
    assert.are.same(content(made), content(again))
    local ids = {}
    for _, given in ipairs { made, again } do
      for _, question in ipairs(given) do
        for _, each in ipairs { question, table.unpack(question.options) } do
          assert.is_nil(ids[each.id])
          ids[each.id] = true
        end
      end
    end
  end)

  it("leaves no gap for what means nearly the same", function()
    local view = point("view", "watch it carefully at home daily", { example = "They wanted to view a show on television." })
    local observe = point("observe", "watch carefully from afar and long")
    assert.is_false(is_offered(view, observe, "gap"))
    assert.is_true(is_offered(view, observe, "word"))
  end)

  it("asks something else than the last time", function()
    for _ = 1, 20 do
      local first = questions.make(DOG, OTHERS, 1, {})
      local second = questions.make(DOG, OTHERS, 1, { first })
      assert.are_not.equal(first[1].type, second[1].type)
    end
  end)

  it("makes do with one wrong answer, and not without", function()
    assert.are.equal(3, #questions.make(DOG, { OTHERS[1] }, 1, {})[1].options)
    assert.is_nil(questions.make(DOG, {}, 1, {}))
    assert.is_nil(questions.make(DOG, { DOG }, 3, {}))
  end)

  it("looks for words around any word", function()
    for _, word in ipairs { "I", "ox", "été", "beat around the bush" } do
      local near = questions.surroundings(point(word, "x"))
      assert.is_truthy(utf8.len(near.spelling))
      assert.is_true(near.rank >= 1)
    end
    assert.is_nil(questions.surroundings({ word = "x" }).rank)
  end)
end)
