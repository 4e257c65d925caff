-- Relationships that follow from what a word or phrase is made of: senses of one word, words of one phrase.
local structure = {}

-- One sense after the other; the main one before the first of every other part of speech.
local function add_senses(graph, word)
  for _, chain in pairs(word.chains) do
    if chain[1] ~= word.main then
      graph:add("PREREQUISITE_OF", word.main, chain[1], "senses")
    end
    for i = 2, #chain do
      graph:add("PREREQUISITE_OF", chain[i - 1], chain[i], "senses")
    end
  end
end

local function add_parts(graph, phrase)
  for i, part in ipairs(phrase.parts) do
    graph:add("PART_OF", part, phrase.main, "components", "component")
    graph:add("PREREQUISITE_OF", part, phrase.main, "components")
    for j = i + 1, phrase.type == "phrase" and #phrase.parts or i do
      graph:add("COLLOCATES_WITH", part, phrase.parts[j], "phrase:" .. phrase.lemma)
    end
  end
end

---@param graph table
---@param chosen words.selection  with ranks
function structure.add_edges(graph, chosen)
  for _, word in ipairs(chosen.order) do
    add_senses(graph, word)
    add_parts(graph, word)
  end
end

return structure
